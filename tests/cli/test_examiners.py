"""Each thread has an examiner of its own, and they all end with the run."""

from __future__ import annotations

import threading

from secureload.api.check import allow_list
from secureload.api.examiner import Examiner
from secureload.cli.examiners import Examiners
from secureload.limits import DEFAULT_LIMITS


def test_a_thread_keeps_its_examiner_and_no_other_thread_has_it() -> None:
    found: list[Examiner] = []
    with Examiners(allow_list(()), DEFAULT_LIMITS) as examiners:
        assert examiners.mine() is examiners.mine()
        thread = threading.Thread(target=lambda: found.append(examiners.mine()))
        thread.start()
        thread.join()
        assert found[0] is not examiners.mine()
