"""The parts of the sandbox's benchmark: what is measured, and what must be reached."""
