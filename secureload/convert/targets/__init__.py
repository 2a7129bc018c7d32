"""One file a target: ``encode(model, own_names, limits, options)`` → the bytes, in pieces. They run in the worker."""
