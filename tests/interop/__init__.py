"""The real programs that others verify and sign with."""
