from base64 import b64encode
from pathlib import Path

import msgspec
import pytest

from gateway_runtime.configuration.registration import RegistrationError, encode_registration, read_registration
from gateway_runtime.schema.replica import Registration

KEY = b64encode(b"k" * 32).decode()
GOOD = Registration(gateway="g1", name="edge", redis_url="redis://:hush@127.0.0.1:1/0", verify_key=KEY, encrypt_key=KEY)


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    file = path / "registration.yaml"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_good_file_is_read(tmp_path: Path) -> None:
    assert read_registration(written(tmp_path, encode_registration(GOOD))) == GOOD


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(RegistrationError, match=r"can be read by others\. Run: chmod 600"):
        read_registration(written(tmp_path, encode_registration(GOOD), mode))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"gateway: [", "not valid YAML"),
        (b"- 1", "not complete"),
        (b"gateway: g1", "not complete at “name”"),
        (encode_registration(msgspec.structs.replace(GOOD, verify_key="abc")), "“verify_key” .* is not a key"),
        (encode_registration(msgspec.structs.replace(GOOD, encrypt_key="hush é")), "“encrypt_key” .* is not a key"),
        (
            encode_registration(msgspec.structs.replace(GOOD, previous_encrypt_keys=[KEY, "hush"])),
            "“previous_encrypt_keys” .* is not a key",
        ),
        (encode_registration(msgspec.structs.replace(GOOD, gateway="")), "“gateway” .* is empty"),
        (encode_registration(msgspec.structs.replace(GOOD, redis_url="http://x/hush")), "must begin with redis://"),
    ],
)
def test_an_unusable_file_is_refused_without_quoting_it(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(RegistrationError, match=words) as caught:
        read_registration(written(tmp_path, content))
    assert "hush" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistrationError, match=r"none\.yaml cannot be read: No such file"):
        read_registration(tmp_path / "none.yaml")
