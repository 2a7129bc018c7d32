"""Judgement about traces: what is admitted by name, what is dangerous, what is unknown."""
