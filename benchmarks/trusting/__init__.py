"""The tools that sign and verify files, each behind the same few methods, for benchmarks/trust_attacks.py."""
