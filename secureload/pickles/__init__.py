"""Reading pickles without running them: the inert VM, the trace, the distilled pickle."""
