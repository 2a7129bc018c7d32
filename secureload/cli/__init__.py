"""The command line: parse arguments, render, exit; nothing else."""

from __future__ import annotations

from secureload.cli.entry import main, program

__all__ = ["main", "program"]
