"""Secrets of client applications: only their digests are kept, and nothing shows them."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from gateway_runtime.local.dump import dump_main
from gateway_runtime.local.kinds import Kind
from gateway_runtime.local.masking import MASK
from tests.gateway_runtime.local.kit import fault, instance, loaded, resource

SECRET, BEFORE = "s3cret-of-the-shop", "the-one-before-it"


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def shop(secrets: str) -> str:
    return resource("ClientApplication", "shop", f"clientId: shop-id\n{secrets}")


@pytest.mark.parametrize(
    ("secrets", "known"),
    [
        ("", []),
        (f"clientSecret: {SECRET}", [SECRET]),
        ("clientSecret: $SHOP_SECRET", [SECRET]),
        (f"clientSecret: [{SECRET}, {BEFORE}]", [SECRET, BEFORE]),
        (f"clientSecretSha256: {digest(SECRET)}", [SECRET]),
        (f"clientSecretSha256: {digest(SECRET).upper()}", [SECRET]),
        (f"clientSecretSha256: [{digest(SECRET)}, {digest(BEFORE)}]", [SECRET, BEFORE]),
        (f"clientSecret: {SECRET}\nclientSecretSha256: {digest(BEFORE)}", [SECRET, BEFORE]),
    ],
)
def test_secrets_become_digests(secrets: str, known: list[str]) -> None:
    (consumer,) = loaded(shop(secrets), SHOP_SECRET=SECRET).document.consumers
    assert consumer.secrets == [digest(secret) for secret in known]


@pytest.mark.parametrize(
    ("secrets", "place"),
    [
        ("clientSecret: [a, b, c]", "7: spec.clientSecret: An application has at most two secrets"),
        (
            f"clientSecret: [a, b]\nclientSecretSha256: {digest('c')}",
            "7: spec.clientSecret: An application has at most two secrets",
        ),
        ('clientSecret: ""', "7: spec.clientSecret: Expected “str” of length >= 1."),
        ("clientSecret: 12345", "7: spec.clientSecret: Expected “str | array | null”, got `int`."),
        (
            f"clientSecretSha256: [{digest(SECRET)}, {'g' * 64}]",
            "7: spec.clientSecretSha256[1]: Write the SHA-256 of the secret as 64 hexadecimal digits.",
        ),
        (f"clientSecretSha256: {SECRET}", "7: spec.clientSecretSha256: Expected “str” of length >= 64."),
        (f"clientSecrt: {SECRET}", "7: spec.clientSecrt: There is no setting “clientSecrt”. Did you mean “clientSe"),
        ("clientSecret: $NOT_SET", "7: spec.clientSecret: The environment variable NOT_SET is not set."),
    ],
)
def test_a_wrong_secret_is_refused_without_being_shown(secrets: str, place: str) -> None:
    found = fault(shop(secrets))
    assert found.startswith(f"api.yaml:{place}")
    assert SECRET not in found


def test_the_secret_is_nowhere_in_what_was_loaded() -> None:
    made = loaded(instance(), shop(f"clientSecret: {SECRET}"))
    assert SECRET not in repr(made)
    assert SECRET.encode() not in made.data
    (application,) = [each for each in made.resources if each.kind is Kind.CLIENT_APPLICATION]
    assert digest(SECRET) not in repr(application)


def test_dump_shows_applications_with_masked_secrets_and_tiers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = "limits: [{maximumRequests: 3, calendarPeriod: day}]"
    text = "---\n".join([
        instance(),
        resource("SlaTier", "gold", limits),
        shop(f"clientSecret: [$SHOP_SECRET]\nclientSecretSha256: {digest(BEFORE)}\ncontracts: [{{api: museum}}]"),
    ])  # fmt: skip
    (tmp_path / "a.yaml").write_text(text)
    assert dump_main(["--config", str(tmp_path)], {"SHOP_SECRET": SECRET}) == 0
    shown = capsys.readouterr().out
    assert SECRET not in shown
    assert digest(SECRET) not in shown
    assert digest(BEFORE) not in shown
    parts = json.loads(shown)
    assert [each["spec"] for each in parts["clientApplications"]] == [
        {
            "clientId": "shop-id",
            "clientSecret": [MASK],
            "clientSecretSha256": MASK,
            "contracts": [{"api": "museum"}],
        }
    ]
    assert parts["slaTiers"][0]["spec"] == {"limits": [{"maximumRequests": 3, "calendarPeriod": "day"}]}
