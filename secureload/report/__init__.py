"""Reports: what was found, what was looked at and what follows from it, as text and as JSON."""
