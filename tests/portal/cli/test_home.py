"""The folder of one copy: private, locked, with secrets that stay."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from portal.cli.up.errors import StartError
from portal.cli.up.home import Home, make_encryption_key, make_password


def test_secret_is_made_once_and_only_for_us(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    secret = home.secret("secret_key")
    assert home.secret("secret_key") == secret
    assert len(secret) >= 50
    assert stat.S_IMODE((tmp_path / "home" / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "secrets" / "secret_key").stat().st_mode) == 0o600


def test_second_copy_in_the_same_home_is_refused(tmp_path: Path) -> None:
    first = Home(tmp_path / "home")
    with pytest.raises(StartError, match="Another Portico already runs"):
        Home(tmp_path / "home")
    first.close()
    Home(tmp_path / "home").close()


def test_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be written") as caught:
        Home(tmp_path / "file" / "home")
    assert "PORTICO_HOME" in str(caught.value)


def test_encryption_key_is_one_that_fernet_takes() -> None:
    key = make_encryption_key()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"


def test_passwords_differ_and_can_be_typed() -> None:
    passwords = {make_password() for _ in range(50)}
    assert len(passwords) == 50
    assert all(len(password) == 23 and not set(password) & set("0O1lI") for password in passwords)
