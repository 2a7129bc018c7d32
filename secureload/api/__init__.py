"""The one place where the stages meet: sign, verify, check and safe_load."""
