from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secureload.api.sign import sign
from secureload.api.verify import verify
from secureload.errors import SecureloadError, SignatureFormatError, UsageError
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustStore
from secureload.trust.store import add_trusted_key


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04].")
    return path


def test_signing_writes_a_sidecar_and_nothing_else(model: Path, alice: SigningKey) -> None:
    before = model.read_bytes()
    signed = sign(model, key=alice, version="1.2")
    assert signed.sidecar == model.with_name("model.pkl.sig")
    assert (signed.name, signed.kept, signed.dropped) == ("model.pkl", 0, 0)
    assert signed.fingerprint == alice.public.fingerprint
    assert sorted(path.name for path in model.parent.iterdir() if not path.name.startswith(".")) == [
        "model.pkl",
        "model.pkl.sig",
    ]
    assert model.read_bytes() == before


def test_a_second_signer_adds_to_the_first_and_signing_again_replaces_ones_own(
    model: Path, alice: SigningKey, tmp_path: Path
) -> None:
    bob = SigningKey.generate("bob")
    sign(model, key=alice)
    assert (sign(model, key=bob).kept, sign(model, key=bob).dropped) == (1, 1)
    for key, name in ((alice, "alice"), (bob, "bob")):
        add_trusted_key(tmp_path / "both", key.public, name=name, roles=["signer"])
    assert len(verify(model, trust_store=tmp_path / "both", threshold=2).verification.signers) == 2


def test_signatures_about_other_bytes_are_dropped_when_the_new_bytes_are_signed(
    model: Path, alice: SigningKey
) -> None:
    sign(model, key=SigningKey.generate("bob"))
    model.write_bytes(b"\x80\x04}.")
    signed = sign(model, key=alice)
    assert (signed.kept, signed.dropped) == (0, 1)


def test_a_folder_is_signed_with_every_member(tmp_path: Path, alice: SigningKey, store: TrustStore) -> None:
    folder = tmp_path / "bundle"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.pkl").write_bytes(b"N.")
    (folder / "sub" / "data.bin").write_bytes(b"123")
    assert sign(folder, key=alice).sidecar == folder / "model.sig"
    assert verify(folder, trust_store=store).verification.signers
    (folder / "extra.bin").write_bytes(b"")
    with pytest.raises(SecureloadError, match=r"extra\.bin"):
        verify(folder, trust_store=store)


@pytest.mark.parametrize(
    "expires", [timedelta(0), timedelta(days=-1), datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1)]
)
def test_an_expiry_that_is_past_or_has_no_zone_is_a_usage_error(
    model: Path, alice: SigningKey, expires: timedelta | datetime
) -> None:
    with pytest.raises(UsageError):
        sign(model, key=alice, expires=expires)
    assert not Path(f"{model}.sig").exists()


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[2J", "x" * 5_000])
def test_a_name_that_cannot_be_signed_is_a_usage_error(model: Path, alice: SigningKey, name: str) -> None:
    with pytest.raises(UsageError):
        sign(model, key=alice, name=name)


def test_a_file_that_is_no_sidecar_is_not_overwritten(model: Path, alice: SigningKey) -> None:
    sidecar = Path(f"{model}.sig")
    sidecar.write_bytes(b"my notes")
    with pytest.raises(SignatureFormatError):
        sign(model, key=alice)
    assert sidecar.read_bytes() == b"my notes"


def test_a_missing_file_and_a_missing_key_are_usage_errors(
    tmp_path: Path, model: Path, alice: SigningKey
) -> None:
    with pytest.raises(UsageError):
        sign(tmp_path / "missing.pkl", key=alice)
    with pytest.raises(UsageError):
        sign(model, key=tmp_path / "missing-key")
