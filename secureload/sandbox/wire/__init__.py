"""The wire between the caller's process and the worker: frames and values, without I/O."""
