from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from secureload.errors import UsageError
from secureload.trust.folders import default_config_folder, default_trust_folder


def test_the_trust_store_is_where_the_environment_says() -> None:
    environment = {"SECURELOAD_TRUST_STORE": "/srv/keys", "XDG_CONFIG_HOME": "/x", "HOME": "/h"}
    assert default_trust_folder(environment) == Path("/srv/keys")
    assert default_config_folder(environment) == Path("/x/secureload")


def test_otherwise_it_is_in_the_configuration_folder() -> None:
    assert default_trust_folder({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/secureload/trust")
    assert default_trust_folder({"HOME": "/h"}) == Path("/h/.config/secureload/trust")


@pytest.mark.parametrize("value", ["", "keys", "./keys", "../keys", "~/keys"])
def test_a_relative_trust_store_is_refused_because_it_would_be_the_working_directorys(value: str) -> None:
    with pytest.raises(UsageError, match="not an absolute path"):
        default_trust_folder({"SECURELOAD_TRUST_STORE": value, "HOME": "/h"})


@pytest.mark.parametrize("value", ["", "config", "."])
def test_a_relative_configuration_folder_is_ignored(value: str) -> None:
    assert default_config_folder({"XDG_CONFIG_HOME": value, "HOME": "/h"}) == Path("/h/.config/secureload")


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_home_in_the_environment_the_user_database_knows_it(environment: dict[str, str]) -> None:
    home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    assert default_config_folder(environment) == home / ".config" / "secureload"


def test_a_user_without_any_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 987_654_321)
    with pytest.raises(UsageError, match="no home folder") as caught:
        default_config_folder({})
    assert "SECURELOAD_TRUST_STORE" in caught.value.hint


def test_the_working_directory_is_never_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trust.toml").write_text("version = 1\n")
    monkeypatch.chdir(tmp_path)
    for name in ("SECURELOAD_TRUST_STORE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert default_trust_folder().is_absolute()
    assert tmp_path not in [default_trust_folder(), *default_trust_folder().parents]
