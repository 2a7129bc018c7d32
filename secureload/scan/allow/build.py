"""Build the allow-list from evidence: ``python -m secureload.scan.allow.build``.

Two steps, because the evidence comes from several releases and each needs an environment of its own::

    python -m secureload.scan.allow.build collect evidence/1.9.1.json  # once in each environment
    python -m secureload.scan.allow.build merge evidence/*.json        # rewrites the TOML files here

*collect* fits every scikit-learn estimator with every named option, makes the containers of numpy, scipy,
pandas and the standard library that are saved beside models, saves them with pickle protocols 0 to 5 and with
joblib, and records which globals are imported, called and instantiated. *merge* joins the files and applies
``review.toml``: a callable enters only with a rule for its arguments, and nothing that the review refuses
enters at all. What still needs a decision is printed and left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from secureload.scan.allow.collect import collect
from secureload.scan.allow.merge import merge

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run one step; return the exit code: 0, or 2 for arguments that are not understood."""
    match arguments:
        case ["collect", target]:
            Path(target).write_text(json.dumps(collect(), indent=1, sort_keys=True))
        case ["merge", *sources] if sources:
            evidence = [json.loads(Path(source).read_text()) for source in sources]
            files, undecided = merge(evidence, Path(__file__).with_name("review.toml").read_text())
            for name, text in files.items():
                Path(__file__).with_name(name).write_text(text)
            print("\n".join(undecided))
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
