"""Key files and trust-store folders: where keys are read from and written to."""
