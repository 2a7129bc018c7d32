"""The escape battery: what a hostile model would try from inside a worker, and what stops each attempt."""
