"""Attacks on what was signed: bytes, members, names, links, and the time between verifying and loading."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from secureload.api.sign import sign
from secureload.artifact.artifact import open_artifact
from secureload.errors import (
    MalformedError,
    ManifestMismatchError,
    SignatureFormatError,
    UnsupportedError,
    UsageError,
)

from .parties import Parties


def test_tamper_one_bit(parties: Parties) -> None:
    path = parties.file()
    parties.verify(path)
    path.write_bytes(b"modem")
    with pytest.raises(ManifestMismatchError, match=r"changed: model\.bin"):
        parties.verify(path)


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (lambda folder: (folder / "evil.bin").write_bytes(b"x"), "added: evil.bin"),
        (lambda folder: (folder / "empty").touch(), "added: empty"),
        (lambda folder: ((folder / ".git").mkdir(), (folder / ".git/x").touch()), "added: .git/x"),
        (lambda folder: (folder / "b.bin").unlink(), "missing: b.bin"),
        (lambda folder: (folder / "b.bin").rename(folder / "d.bin"), "missing: b.bin; added: d.bin"),
        (lambda folder: (folder / "b.bin").write_bytes(b"other"), "changed: b.bin"),
    ],
    ids=["add", "add-empty", "add-under-git", "remove", "rename", "tamper"],
)
def test_a_folder_with_a_member_more_less_or_other(parties: Parties, attack: object, named: str) -> None:
    folder = parties.folder()
    parties.verify(folder)
    attack(folder)  # type: ignore[operator]
    with pytest.raises(ManifestMismatchError, match=named):
        parties.verify(folder)


def test_two_members_swapped_by_their_names(parties: Parties) -> None:
    folder = parties.folder()
    (folder / "a.bin").rename(folder / "t")
    (folder / "b.bin").rename(folder / "a.bin")
    (folder / "t").rename(folder / "b.bin")
    with pytest.raises(ManifestMismatchError, match=r"changed: a\.bin, b\.bin"):
        parties.verify(folder)


def test_a_symlinked_folder_and_a_symlinked_member(parties: Parties) -> None:
    folder = parties.folder()
    link = parties.root / "link"
    link.symlink_to(folder)
    with pytest.raises(UnsupportedError, match="symbolic link"):
        parties.verify(link)
    (folder / "b.bin").rename(parties.root / "elsewhere")
    (folder / "b.bin").symlink_to(parties.root / "elsewhere")
    with pytest.raises(UnsupportedError, match="symbolic link"):
        parties.verify(folder)
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to(parties.root)
    with pytest.raises(UnsupportedError):
        parties.verify(folder)


def test_a_hard_link_swapped_in_and_written_through(parties: Parties) -> None:
    folder = parties.folder()
    outside = parties.root / "outside"
    outside.write_bytes((folder / "b.bin").read_bytes())
    (folder / "b.bin").unlink()
    os.link(outside, folder / "b.bin")
    parties.verify(folder)  # the same bytes
    outside.write_bytes(b"evil")
    with pytest.raises(ManifestMismatchError, match=r"changed: b\.bin"):
        parties.verify(folder)


def test_a_special_file_is_refused_and_not_waited_for(parties: Parties) -> None:
    folder = parties.folder()
    os.mkfifo(folder / "pipe")
    with pytest.raises(UnsupportedError, match="named pipe"):
        parties.verify(folder)
    (folder / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "s"))
        with pytest.raises(UnsupportedError, match="socket"):
            parties.verify(folder)


def test_swapped_between_verify_and_load(parties: Parties) -> None:
    path = parties.file(b"verified")
    with open_artifact(path) as artifact:
        evil = parties.root / "evil"
        evil.write_bytes(b"evil....")
        evil.replace(path)
        assert os.pread(artifact.fileno(), 100, 0) == b"verified"
    with pytest.raises(ManifestMismatchError):
        parties.verify(path)


def test_a_member_swapped_between_verify_and_opening_it(parties: Parties) -> None:
    folder = parties.folder()
    with open_artifact(folder) as artifact:
        (folder / "b.bin").write_bytes(b"evil")
        with pytest.raises(ManifestMismatchError, match="changed"):
            artifact.open_member("b.bin")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "C:evil", "a\\b", "a\x00b", "a//b", "./a", "a/../../b", "e\u0301", "a\nb"],
    ids=["dotdot", "absolute", "drive", "backslash", "nul", "empty-part", "dot", "inner", "nfd", "newline"],
)
def test_a_name_that_leads_elsewhere(parties: Parties, name: str) -> None:
    folder = parties.folder()

    def change(statement: dict[str, object]) -> None:
        resources = statement["predicate"]["resources"]  # type: ignore[index]
        resources[0]["name"] = name
        resources.sort(key=lambda resource: resource["name"])

    parties.resigned(folder, change)
    with pytest.raises(SignatureFormatError):
        parties.verify(folder)
    with pytest.raises((MalformedError, UsageError)), open_artifact(folder) as artifact:
        artifact.open_member(name)


@pytest.mark.parametrize("pair", [("A.bin", "a.bin"), ("stra\u00dfe", "STRASSE"), ("a", "a/b")])
def test_names_that_collide_by_case_or_as_file_and_folder(parties: Parties, pair: tuple[str, str]) -> None:
    folder = parties.folder()

    def change(statement: dict[str, object]) -> None:
        predicate = statement["predicate"]
        first = predicate["resources"][0]  # type: ignore[index]
        predicate["resources"] = [{**first, "name": name} for name in sorted(pair)]  # type: ignore[index]

    parties.resigned(folder, change)
    with pytest.raises(SignatureFormatError):
        parties.verify(folder)


def test_two_normal_forms_of_one_name_in_a_folder(parties: Parties) -> None:
    folder = parties.folder()
    (folder / "e\u0301").write_bytes(b"x")
    with pytest.raises(MalformedError, match="normalization form C"):
        parties.verify(folder)
    with pytest.raises(MalformedError):
        sign(folder, key=parties.alice)


def test_mix_and_match_members_of_two_signed_versions(parties: Parties) -> None:
    old, new = parties.folder("old", version="1"), parties.folder("new", version="2")
    (new / "a.bin").write_bytes(b"newer")
    sign(new, key=parties.alice, name="old", version="2")
    shutil.copy(old / "a.bin", new / "a.bin")
    lines = [*parties.envelopes(new), *parties.envelopes(old)]
    parties.replace(new, *lines)
    # Old in all its members, it is the old version and says so; mixed, it is neither.
    assert [one.version for one in parties.verify(new).verification.statements] == ["1"]
    (new / "b.bin").write_bytes(b"mixed")
    with pytest.raises(ManifestMismatchError):
        parties.verify(new)


def test_what_the_signer_leaves_out_cannot_be_opened_and_is_named(parties: Parties) -> None:
    folder = parties.folder()
    (folder / ".git").mkdir()
    (folder / ".git" / "hook").symlink_to("/bin/sh")
    signed = sign(folder, key=parties.alice, ignore=[".git"])
    assert signed.ignored == (".git",)
    verified = parties.verify(folder)
    assert verified.verification.ignored == (".git",)
    with (
        open_artifact(folder, ignore=[".git"]) as artifact,
        pytest.raises(UsageError, match="left out by its signer"),
    ):
        artifact.open_member(".git/hook")
    (folder / "evil").touch()
    with pytest.raises(ManifestMismatchError, match="added: evil"):
        parties.verify(folder)


def test_ignoring_what_another_signer_listed_hides_nothing(parties: Parties) -> None:
    folder = parties.folder()
    theirs = parties.envelopes(folder)
    (folder / "b.bin").write_bytes(b"evil")
    sign(folder, key=parties.mallory, ignore=["b.bin"])
    parties.replace(folder, *theirs, *parties.envelopes(folder))
    with pytest.raises(ManifestMismatchError, match=r"changed: b\.bin"):
        parties.verify(folder)


def test_verifying_one_member_says_nothing_of_the_others_and_believes_no_other_bytes(
    parties: Parties,
) -> None:
    folder = parties.folder()
    (folder / "b.bin").write_bytes(b"evil")
    assert parties.verify(folder, only=["a.bin"]).partial
    for only, named in ((["b.bin"], "changed: b.bin"), (["a.bin", "b.bin"], "changed: b.bin")):
        with pytest.raises(ManifestMismatchError, match=named):
            parties.verify(folder, only=only)
    (folder / "added").touch()
    with pytest.raises(ManifestMismatchError, match="added: added"):
        parties.verify(folder, only=["added"])
    with pytest.raises(UsageError):
        parties.verify(folder, only=["../trust/trust.toml"])


def test_a_digest_cache_never_answers_for_the_verifier(parties: Parties) -> None:
    folder = parties.folder()
    sign(folder, key=parties.alice, incremental=True)
    before = (folder / "a.bin").stat()
    data = (folder / "a.bin").read_bytes()
    (folder / "a.bin").write_bytes(b"x" * len(data))
    os.utime(folder / "a.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ManifestMismatchError, match=r"changed: a\.bin"):
        parties.verify(folder)


def test_a_model_under_another_name(parties: Parties) -> None:
    path = parties.file()
    other = Path(f"{path}.other")
    shutil.copy(path, other)
    shutil.copy(parties.sidecar(path), parties.sidecar(other))
    with pytest.raises(ManifestMismatchError, match="signed this as"):
        parties.verify(other)


def test_a_signed_member_that_was_removed_is_a_mismatch_and_no_wrong_path(parties: Parties) -> None:
    folder = parties.folder()
    (folder / "b.bin").unlink()
    with pytest.raises(ManifestMismatchError, match="is not there"):
        parties.verify(folder, only=["b.bin"])


def test_a_member_that_was_left_out_is_asked_for_by_its_name(parties: Parties) -> None:
    folder = parties.folder()
    (folder / "evil.bin").write_bytes(b"evil")
    sign(folder, key=parties.alice, ignore=["evil.bin"])
    parties.verify(folder)
    with pytest.raises(ManifestMismatchError, match=r"added: evil\.bin"):
        parties.verify(folder, only=["evil.bin"])
    theirs = parties.envelopes(folder)
    sign(folder, key=parties.bob)  # whom nobody trusts as a signer
    parties.replace(folder, *theirs, *parties.envelopes(folder))
    with pytest.raises(ManifestMismatchError):
        parties.verify(folder, only=["a.bin", "evil.bin"])
