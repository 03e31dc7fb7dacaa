"""Class D, as far as there are policies for it: credentials that are nearly right are wrong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from tests.attacks.client import Answer
from tests.attacks.headers import MEMBERS
from tests.attacks.upstream import Seen
from tests.attacks.variants import HOST, LOCKED, TOKEN, Case, Outcome, Variant, case, head, spellings

_RIGHT = b64encode(b"ada:sesame")


def _basic(value: bytes, label: str = "", name: bytes = b"Authorization") -> Variant:
    return Variant(f"{label} {value!r}", (head(HOST, name + b": " + value, target=LOCKED),))


def _wrong_passwords() -> Iterator[Variant]:
    pairs = [
        b"ada:", b":sesame", b":", b"", b"ada", b"sesame", b"ada:sesame ", b" ada:sesame", b"ada:Sesame",
        b"Ada:sesame", b"ADA:SESAME", b"ada:sesam",
        b"ada:sesamee", b"ada:sesame\0", b"ada\0:sesame", b"ada:sesame\n", b"ada:sesame\r\n", b"ada::sesame",
        b"ada:sesame:", b"ada: sesame", b"ad:asesame",
        b"bob:", b"bob:sesame", b"root:", b"admin:admin", b"ada;sesame", b"ada=sesame", b"ada%3Asesame",
        b"\xefada:sesame", "ａda:sesame".encode(),
        "ada：sesame".encode(), b"ada:" + b"x" * 5000, b"ada:\xe9", "ada:sésame".encode(),
        "ada:sésame".encode("latin-1"), b"null:null", b"ada:None",
        b"ada:sesame" * 2, b"a" * 4000 + b":sesame", b"' or 1=1--:x", b"*:*", b"ada:*",
    ]  # fmt: skip
    for pair in pairs:
        yield _basic(b"Basic " + b64encode(pair), f"{pair[:30]!r}")
        yield _basic(b"basic " + b64encode(pair), f"{pair[:30]!r}")


def _bad_coding() -> Iterator[Variant]:
    for encoded in (
        b"", b"=", b"====", _RIGHT[:-1], _RIGHT[:-2], _RIGHT[:-3], _RIGHT + b"=", _RIGHT + b"A", b"!" + _RIGHT,
        _RIGHT[:4] + b" " + _RIGHT[4:],
        _RIGHT[:4] + b"\t" + _RIGHT[4:], _RIGHT[:4] + b"-" + _RIGHT[4:], _RIGHT.lower(), _RIGHT.upper(),
        b'"' + _RIGHT + b'"', _RIGHT + b"," + _RIGHT,
        _RIGHT + b", Basic " + _RIGHT, _RIGHT + b";", b"ada:sesame", b"\xff\xfe", _RIGHT + b"\x80", b"=" + _RIGHT,
        _RIGHT + b" x",
        b64encode(_RIGHT), b"A" * 9000, _RIGHT.rstrip(b"=") + b"\xc2\xa0==", b"_-_-",
    ):  # fmt: skip
        yield _basic(b"Basic " + encoded, "coding")
    for scheme in (
        b"Bearer",
        b"Digest",
        b"Negotiate",
        b"Basic,",
        b"Basic:",
        b"Basi",
        b"Basicc",
        b"",
        b"Basic\t",
        b"Basic=",
        b'"Basic"',
        "ＢASIC".encode(),
        b"B a s i c",
    ):
        yield _basic(scheme + b" " + _RIGHT, "scheme")
    yield _basic(b"Basic" + _RIGHT, "no space")
    yield _basic(_RIGHT, "no scheme")


def _other_places() -> Iterator[Variant]:
    """Where credentials do not count."""
    yield Variant("nothing", (head(HOST, target=LOCKED),))
    for name in (b"Proxy-Authorization", b"X-Authorization", b"Authorisation", b"Authorization2",
                 b"X-Forwarded-Authorization", b"Cookie",
                 b"WWW-Authenticate", b"Authentication", b"X-Forwarded-User", b"Remote-User",
                 b"X-Consumer-Id"):  # fmt: skip
        for spelling in spellings(name)[:3]:
            yield _basic(b"Basic " + _RIGHT, f"{spelling!r}", spelling)
            yield _basic(b"ada", f"{spelling!r}", spelling)
    for target in (
        b"?authorization=Basic%20" + _RIGHT,
        b"?access_token=sesame",
        b"?username=ada&password=sesame",
        b"?client_id=app&client_secret=secret",
    ):
        yield Variant(f"{target!r}", (head(HOST, target=LOCKED + target),))
    yield Variant("in a body", (head(HOST, b"Content-Length: 10", target=LOCKED, method=b"POST") + b"ada:sesame",))
    yield Variant("in a trailer", (head(HOST, b"Transfer-Encoding: chunked", target=LOCKED, method=b"POST")
                                   + b"0\r\nAuthorization: Basic " + _RIGHT + b"\r\n\r\n",))  # fmt: skip
    for user in (b"ada:sesame@", b"ada@", b"@"):
        yield Variant(
            f"in the target {user!r}", (head(HOST, target=b"http://" + user + b"gateway.test/secret/" + TOKEN),)
        )


def _right() -> Iterator[Variant]:
    for name in spellings(b"Authorization"):
        for scheme in spellings(b"Basic"):
            yield _basic(scheme + b" " + _RIGHT, f"{name!r}", name)
            yield _basic(scheme + b"  " + _RIGHT + b" ", f"{name!r}", name)


def _badge(client_id: bytes | None, secret: bytes | None, *more: bytes, target: bytes = MEMBERS) -> Variant:
    lines = [] if client_id is None else [b"client_id: " + client_id]
    lines += [] if secret is None else [b"client_secret: " + secret]
    return Variant(f"{client_id!r} {secret!r} {more}", (head(HOST, *lines, *more, target=target),))


def _wrong_badges() -> Iterator[Variant]:
    for client_id in (None, b"", b"a", b"ap", b"appx", b"App", b"APP", b"app x", b"app,app", b"app, stranger", b"'app'",
                      b'"app"', b"app%00", b"*", b"\xe9", "ａpp".encode(), b"app;", b"a" * 5000, b"app\xa0",
                      b"\x85app", b"app\x85"):  # fmt: skip
        for secret in (b"secret", None, b""):
            yield _badge(client_id, secret)
    digest = b"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    for secret in (None, b"", b"secre", b"secrett", b"Secret", b"SECRET", b"secret x", b"secret\xa0", b"'secret'",
                   digest, digest.upper(), b"x" * 5000, b"null", b"\xff",
                   b"secret,secret", b"secret;", "sｅcret".encode()):  # fmt: skip
        yield _badge(b"app", secret)
        yield _badge(b"app", None, *(() if secret is None else (b"client-secret: " + secret,)))
    for lines in ((b"client-id: app", b"client-secret: secret"), (b"clientid: app", b"clientsecret: secret"),
                  (b"x-client-id: app", b"x-client-secret: secret"),
                  (b"Authorization: Basic " + b64encode(b"app:secret"),),
                  (b"Cookie: client_id=app; client_secret=secret",)):  # fmt: skip
        yield _badge(None, None, *lines)
    yield _badge(None, None, target=MEMBERS + b"?client_id=app&client_secret=secret")


def _challenged(seen: list[Seen], answers: list[Answer]) -> None:
    (answer,) = answers
    assert answer.header(b"www-authenticate")
    assert b"sesame" not in answer.body
    assert b'secret"' not in answer.body


def _one_authorization(seen: list[Seen], answers: list[Answer]) -> None:
    assert len(seen[0].values(b"authorization")) == 1


_DENIED = Outcome(statuses=(frozenset({401}),), closed=None, look=_challenged)

CASES: tuple[Case, ...] = (
    case("D19", "wrong names and passwords", _DENIED, _wrong_passwords()),
    case("D20", "bad coding", _DENIED, _bad_coding()),
    case(
        "D20",
        "right in any spelling",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_one_authorization),
        _right(),
    ),
    case("D21", "in other places", Outcome(statuses=(frozenset({400, 401}),), closed=None), _other_places()),
    case("D16", "wrong client ids and secrets", _DENIED, _wrong_badges()),
    case(
        "D17",
        "application without a contract",
        Outcome(statuses=(frozenset({403}),), closed=False),
        _badge(b"stranger", b"secret"),
        *[_badge(b"stranger", b"secret", name + b": app") for name in spellings(b"client-id")],
    ),
)
