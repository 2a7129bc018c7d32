"""Tests of secureload.scan.allow."""
