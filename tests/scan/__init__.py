"""Tests of secureload.scan."""
