"""One file a family: how its objects are taken apart, and put together from values that were checked."""
