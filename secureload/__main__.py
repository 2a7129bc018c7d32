"""``python -m secureload``."""

from __future__ import annotations

from secureload.cli import program

if __name__ == "__main__":
    program()
