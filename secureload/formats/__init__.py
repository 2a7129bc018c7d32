"""What the bytes of an artifact are: formats told apart by content, compressed streams read under limits."""
