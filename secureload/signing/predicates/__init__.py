"""What an attestation says about a model: one module a predicate, each strict in both directions."""
