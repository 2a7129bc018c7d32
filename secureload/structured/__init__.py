"""Structured safetensors: fitted scikit-learn models as arrays and JSON, written and read without running code."""
