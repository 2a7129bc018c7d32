"""What the loaders of formats that are no pickles may import besides: one list a loader, for its files alone."""
