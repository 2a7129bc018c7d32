"""What other systems hear of secureload, each by an extra of its own."""
