"""What a locked-down worker does: trace a payload, or serve a model."""
