"""Build the allow-list from evidence: ``python -m secureload.scan.allow.build``.

Four steps, because the evidence comes from several releases and each needs an environment of its own::

    python -m secureload.scan.allow.build collect evidence/1.9.1.json [LIBRARY …]  # once in each environment
    python -m secureload.scan.allow.build merge evidence/*.json                    # rewrites the TOML files here
    python -m secureload.scan.allow.build try [LIBRARY …]                          # in each environment again
    python -m secureload.scan.allow.build trace TARGET [LIBRARY …]                 # for the tests

*collect* fits the estimators of every library that is installed (or of those that are named), makes the values
that are saved beside models, saves all of it with pickle protocols 0 to 5, joblib, skops and torch, and records
which globals are imported, called and instantiated. It walks the modules of the libraries for the parts of
models that no case reaches, and looks at what restoring each class would run. *merge* joins the files to what
the lists hold already and applies ``review.toml``: a callable enters only with a rule for its arguments, a class
that runs code of its own only if a person has read it, and nothing that the review refuses enters at all. What
still needs a decision is printed and left out. *try* saves everything again and prints what the scanner would say.
*trace* keeps what was traced of it, one file a library, for tests to judge where the library is not installed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from secureload.scan.allow.collect import collect, release_of
from secureload.scan.allow.merge import merge
from secureload.scan.allow.recorded import as_text

__all__ = ["main"]

_FOLDER = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run one step; return the exit code: 0, 1 where *try* finds something, 2 for arguments not understood."""
    match arguments:
        case ["collect", target, *libraries]:
            Path(target).write_text(json.dumps(collect(libraries), indent=1, sort_keys=True))
        case ["merge", *sources] if sources:
            evidence = [json.loads(Path(source).read_text()) for source in sources]
            review = (_FOLDER / "review.toml").read_text()
            present = [
                path.read_text() for path in sorted(_FOLDER.glob("*.toml")) if path.name != "review.toml"
            ]
            files, undecided = merge(evidence, review, present)
            for name, text in files.items():
                (_FOLDER / name).write_text(text)
            print("\n".join(undecided))
        case ["try", *libraries]:
            from secureload.scan.allow.trial import trial

            found = 0
            for line in trial(libraries):
                print(line)
                found += 1
            return int(bool(found))
        case ["trace", folder, *libraries]:
            from secureload.scan.allow.trial import traced

            for library, trace in traced(libraries):
                Path(folder, f"{library}.jsonl").write_text(as_text(release_of(library), trace))
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
