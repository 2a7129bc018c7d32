"""What is judged: verifications of signatures, policies and verdicts, as pure functions."""
