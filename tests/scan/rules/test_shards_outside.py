from __future__ import annotations

from secureload.formats.readers import json_file
from secureload.scan.finding import Severity
from secureload.scan.rules import shards_outside as rule

from .observing import findings


def test_a_shard_outside_the_folder_is_dangerous() -> None:
    (finding,) = findings(rule, json_file, b'{"weight_map": {"a": "../../x.bin"}}')
    assert finding.severity is Severity.DANGEROUS
    assert finding.detail == "../../x.bin"


def test_shards_beside_the_index_are_silent() -> None:
    assert findings(rule, json_file, b'{"weight_map": {"a": "model-00001-of-00002.safetensors"}}') == []
