from __future__ import annotations

import pytest

from secureload.formats.outside import why_outside


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("weights\0.bin", "NUL"),
        ("/etc/passwd", "absolute"),
        ("\\\\server\\share", "absolute"),
        ("C:\\secret", "absolute"),
        ("c:secret", "absolute"),
        ("../weights.bin", "up"),
        ("a/../../b", "up"),
        ("a\\..\\..\\b", "up"),
        ("..", "up"),
        ("file:///etc/passwd", "address"),
        ("https://example.org/w", "address"),
        ("~/.ssh/id_rsa", "home"),
    ],
)
def test_what_leads_out_of_the_folder_says_why(path: str, reason: str) -> None:
    assert reason in why_outside(path)


@pytest.mark.parametrize(
    "path", ["weights.bin", "a/b/c.data", "a..b", "...", "model.onnx.data", "a:b", "./w"]
)
def test_a_plain_relative_path_stays_inside(path: str) -> None:
    assert why_outside(path) == ("it is absolute" if path == "a:b" else "")
