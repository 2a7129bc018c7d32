"""The layers of the confinement, one file each; each says as a value what it really enforced."""
