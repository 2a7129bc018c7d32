"""``python -m secureload``."""

from __future__ import annotations

import sys

from secureload.cli import main

if __name__ == "__main__":
    sys.exit(main())
