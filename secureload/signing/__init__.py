"""Manifests, statements, envelopes, bundles, keys and trust stores: what is signed, as pure values."""
