"""Class B: policies, routes and the service must see one path and one host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from tests.attacks.client import Answer
from tests.attacks.upstream import Seen
from tests.attacks.variants import GOOD, HOST, SMUGGLED, TOKEN, Case, Outcome, Variant, case, head, refused, spellings

_DOTS = (
    b"..", b"%2e%2e", b"%2E%2E", b".%2e", b"%2e.", b".%2E", b"%2E.", b"..;", b"..;x=1", b"%2e%2e;", b".;", b"%2e;a",
    b"..%3b", b"..%3Bx", b".%3b", b"%2e%2e%3b", b"..%20", b"..%09", b"..%00", b"..%0d%0a", b"..%5c", b"..\\",
    b"..%c0%af",
    b"%c0%ae%c0%ae", b"%c0%2e%c0%2e", b"%e0%80%ae%e0%80%ae", b"%f0%80%80%ae%f0%80%80%ae", b"%u002e%u002e",
    b"%%32e%%32e",
    b"%2e%2", b"..%2f", b"..%2F", b"%2e%2e%2f", b"%2e%2e/%2e%2e", b"../..", b".", b"%2e", b"./..", b"....//..",
)  # fmt: skip
_NEITHER = Outcome(statuses=(frozenset({400, 401, 404}),), closed=None)


def _request(target: bytes, *lines: bytes, method: bytes = b"GET", host: bytes = HOST) -> bytes:
    return head(host, *lines, method=method, target=target)


def _each(label: str, *targets: bytes, method: bytes = b"GET") -> Iterator[Variant]:
    for index, target in enumerate(targets):
        data = _request(target, method=method)
        yield Variant(f"{label} {target!r}", (data,))
        if index % 3 == 0 and method == b"GET":
            # With the same headers as the request before it.
            yield Variant(f"{label} {target!r}, repeated", (GOOD + data,), before=1)


def _climbing() -> Iterator[Variant]:
    """Out of the open API into the locked one."""
    for dots in _DOTS:
        targets = [
            b"/public/" + dots + b"/secret/" + TOKEN, b"/public/x/" + dots + b"/" + dots + b"/secret/" + TOKEN,
            b"/public/" + TOKEN + b"/" + dots + b"/" + dots + b"/secret/x", b"/" + dots + b"/secret/" + TOKEN,
            b"/public/" + TOKEN + b"/" + dots, b"/public/" + TOKEN + b"/" + dots + b"?q=1",
            b"/public/" + dots + b"/" + TOKEN,
        ]  # fmt: skip
        yield from _each("climbing", *targets)
        yield from _each("climbing", targets[0], method=b"POST")
        yield Variant(f"climbing in absolute form {dots!r}", (_request(b"http://gateway.test" + targets[0]),))


def _empty_segments() -> Iterator[Variant]:
    yield from _each(
        "empty segment", *[
            target.replace(b"T", TOKEN) for target in (
                b"//secret/T", b"///secret/T", b"/secret//T", b"/public//../secret/T", b"/public//T", b"//public/T",
                b"/public/T//", b"/public/T///x", b"/;/secret/T", b"/;x/secret/T", b"/public/;/T", b"/%3b/secret/T",
                b"/%3B/secret/T", b"/public/%3bx/T", b"/%2f/secret/T", b"/public/%2f/T", b"//gateway.test/secret/T",
                b"//T", b"/public/T//..", b"/secret/T//", b"/public/T/;", b"/public/T/;x=1",
            )
        ],
    )  # fmt: skip


def _slashes() -> Iterator[Variant]:
    for slash in (b"\\", b"%5c", b"%5C", b"%2f", b"%2F", b"%c0%af", b"%e0%80%af", b"%c1%9c", b"%252", b"\x2f\x5c"):
        for target in (
            slash + b"secret/" + TOKEN, b"/public/" + slash + b"..\\secret/" + TOKEN,
            b"/public" + slash + b"secret/" + TOKEN,
            b"/public/" + TOKEN + slash + b"x", b"/secret" + slash + TOKEN, b"/" + slash + b"secret/" + TOKEN,
            b"/public/x" + slash + b".." + slash + b"secret/" + TOKEN,
        ):  # fmt: skip
            if slash == b"%252":
                target = target.replace(b"%252", b"%252%")
            yield from _each("slash", target)


def _refused_bytes() -> Iterator[Variant]:
    for byte in [*range(33), 127, 128, 0x85, 0xA0, 0xC3, 0xE9, 0xFF]:
        escape = b"%%%02x" % byte
        for target in (b"/secret%b.json?" + TOKEN, b"/public/" + TOKEN + b"/a%bb", b"/public/" + TOKEN + b"%b"):
            if byte != 32:  # an escaped space is an ordinary character
                yield from _each("escaped byte", target.replace(b"%b", escape), target.replace(b"%b", escape.upper()))
            if byte != 32:
                yield from _each("raw byte", target.replace(b"%b", bytes([byte])))
    for bad in (b"\xc3\xa9", b'"', b"<", b">", b"^", b"`", b"{", b"|", b"}", b"[", b"]", b"%", b"%4", b"%zz", b"%-1",
                b"% 1",
                b"%4\xc3", b"%u0041", b"%\x00", b"%ed%a0%80", b"%f4%90%80%80", b"%fe", b"%c3", b"%61", b"%41", b"%7e",
                b"%30",
                b"%2d", b"%5f"):  # fmt: skip
        yield from _each(
            "byte", b"/public/" + TOKEN + b"/" + bad, b"/public/" + bad + b"/" + TOKEN, b"/secret" + bad + b"?" + TOKEN
        )


def _twice_encoded() -> Iterator[Variant]:
    for dots in (b"%252e%252e", b"%252E%252e", b".%252e", b"%252e.", b"%25252e%25252e", b"%252e%252e%252f",
                 b"%255c..", b"..%255c",
                 b"%25%32%65", b"%252f..%252f", b"..%253b"):  # fmt: skip
        for target in (
            b"/public/" + dots + b"/secret/" + TOKEN,
            b"/public/" + TOKEN + b"/" + dots + b"/" + dots + b"/secret",
        ):
            if b"%32" not in target:
                yield Variant(f"twice encoded {target!r}", (_request(target),))


def _as_it_came(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert b"%25" in request.path
    # Decoded as often as servers decode, it must not name the locked API.
    assert not re.search(rb"(^|/)\.\.?(/|$)", unquote_to_bytes(request.path))


def _boundaries() -> Iterator[Variant]:
    for prefix in (b"public", b"secret"):
        for more in (b"..", b"X", b"x", b"-", b".", b"..x", b"%20", b"_", b"~", b"!", b"1", b"%E9%82%AA", b".json",
                     b"..;",
                     b";", b";x=1", b"%3b", b"%3Bx", b":", b"@", b"%40", b"$", b"...", b"&", b"+", b"=", b",",
                     b"'"):  # fmt: skip
            yield from _each(
                "boundary", b"/" + prefix + more + b"/secret/" + TOKEN, b"/" + prefix + more + b"?" + TOKEN
            )
    yield from _each("case", *[b"/" + name + b"/" + TOKEN for name in spellings(b"secret") if name != b"secret"])
    yield from _each(
        "outside", b"/" + TOKEN, b"/?" + TOKEN, b"/secre/" + TOKEN, b"/ecret/" + TOKEN, b"/x/secret/" + TOKEN
    )


def _params() -> Iterator[Variant]:
    """What falls to the API for everything else must not be what a service takes for the locked one."""
    for more in (b";", b";x", b";x=1", b";a;b", b";jsessionid=1", b"%3b", b"%3B", b"%3bx=1", b";.", b";..", b";%41"):
        for rest in (b"", b"/", b"/" + TOKEN, b"/x;y/" + TOKEN):
            yield from _each("parameters", b"/secret" + more + rest + b"?" + TOKEN)
    yield from _each("parameters", b"/;x/secret/" + TOKEN, b"/./secret/" + TOKEN, b"//secret/" + TOKEN,
                     b"/%2e/secret/" + TOKEN,
                     b"/public/..;/secret/" + TOKEN, b"/x/..;x/secret/" + TOKEN, b"/x/%2e%2e;/secret/" + TOKEN,
                     b"/secret%2f" + TOKEN, b"/%73ecret/" + TOKEN, b"/secre%74/" + TOKEN,
                     b"/%73%65%63%72%65%74/" + TOKEN,
                     b"/secret\\" + TOKEN, b"\\secret\\" + TOKEN, b"/secret%5c" + TOKEN, b"/secret%00/" + TOKEN,
                     b"/secret%20/" + TOKEN + b"/../", b"/secret#/" + TOKEN)  # fmt: skip


def _conditional() -> Iterator[Variant]:
    """A policy that holds for `/admin` alone holds for every path that a service may take for it."""
    for path in (b"/admin", b"/admin/", b"/admin/x", b"/admin;x", b"/admin;x/y", b"/admin;", b"/admin%3bx",
                 b"/admin%3B/y",
                 b"/./admin", b"//admin", b"/x/../admin", b"/admin/..;/admin", b"/%61dmin", b"/adm%69n/x",
                 b"/admin%2fx", b"/admin\\x",
                 b"/admin%00", b"/admin/%0a", b"/admin#x", b"/admin/x;y/z", b"/admin/%E2%80%A8", b"/;/admin",
                 b"/x;/../admin"):  # fmt: skip
        for method in (b"GET", b"POST", b"HEAD", b"OPTIONS", b"DELETE"):
            yield from _each(f"{method!r}", b"/partly" + path + b"?" + TOKEN, method=method)


def _fragments() -> Iterator[Variant]:
    for base in (b"/secret", b"/public"):
        for more in (b"#x", b"?x#y", b"/#", b"/x#/../..", b"#/../secret", b"?#", b"#?", b"##"):
            yield from _each("fragment", base + more.replace(b"x", TOKEN) + TOKEN)


def _queries() -> Iterator[Variant]:
    for byte in b"\0\x01\t\x0b\x0c\x1f\x7f\x80\x85\xff":
        yield from _each("query byte", b"/public/" + TOKEN + b"?a=" + bytes([byte]) + b"b")


def _absolute() -> Iterator[Variant]:
    other = (b"other.test", b"gateway.test.evil", b"evil-gateway.test", b"gateway.tes", b"gateway.test:81",
             b"gateway.test@evil",
             b"evil@gateway.test", b"gateway.test:80@evil", b"", b":80", b"gateway.test%00", b"[::1]", b"127.0.0.1",
             b"gateway.test:",
             b"gateway.test:080", b"gateway.test\\evil", b"gateway.test:99999", b"evil, gateway.test",
             b"gateway%2etest")  # fmt: skip
    for scheme in (b"http", b"HTTP", b"hTTp"):
        for authority in other:
            for path in (b"/public/" + TOKEN, b"/secret/" + TOKEN, b"?" + TOKEN, b""):
                target = scheme + b"://" + authority + path
                yield Variant(f"absolute {target!r}", (_request(target, b"X-T: " + TOKEN) + SMUGGLED,))
    for scheme in (
        b"https",
        b"ftp",
        b"file",
        b"ws",
        b"javascript",
        b"http:",
        b"",
        b"httpx",
        b" http",
        b"gopher",
        b"h2c",
    ):
        target = scheme + b"://gateway.test/public/" + TOKEN
        yield Variant(f"scheme {scheme!r}", (_request(target) + SMUGGLED,))
    for target in (b"*", b"gateway.test:80", b"public/" + TOKEN, b"http:/public/" + TOKEN, b"http:public/" + TOKEN,
                   b"?" + TOKEN,
                   b"@gateway.test/public", b":80/public", b"http:///public/" + TOKEN, b"http://", b"data:,",
                   b"about:blank", b"~",
                   b"http://gateway.test/public/" + TOKEN + b"#x", b"http://gateway.test\\public"):  # fmt: skip
        yield Variant(f"form {target!r}", (_request(target, b"X-T: " + TOKEN) + SMUGGLED,))


def _hosts() -> Iterator[Variant]:
    values = [
        b"", b" ", b"a, b", b"a,b", b"public@secret", b"public:99999", b"public:0", b"public:-1", b"public:+80",
        b"public:8_0", b"public:",
        b"public:http", b"public:80:80", b"public:065", b"a\x00.b", b"a b", b"a\tb", b"a/b", b"a\\b", b"a?b", b"a#b",
        b"a%00b", b"a%2eb",
        b"http://a", b"a..b", b".a", b"-a", b"a_\xc3\xa9", b"\xc3\xa9.test", b"[::1", b"::1", b"[::1]x", b"[g::1]",
        b"[::1]:99999", b"[]", b"[::1%25eth0]",
        b"a;b", b"a'b", b'"a"', b"<a>", b"a|b", b"a^b", b"{a}", b"a" * 400, b"a:80 b", b"a:\xef\xbc\x98", b"\xa0a",
        b"a\x85", b"*", b"a@", b"@a", b"a&b", b"a=b", b"a+b",
    ]  # fmt: skip
    for value in values:
        for name in spellings(b"Host")[:3]:
            yield Variant(f"{name!r} {value!r}", (head(name + b": " + value) + SMUGGLED,))
    for first in spellings(b"Host"):
        for second in (b"gateway.test", b"other.test", b""):
            yield Variant(f"two hosts {first!r} {second!r}", (head(HOST, first + b": " + second) + SMUGGLED,))
            yield Variant(
                f"two hosts {second!r} {first!r}", (head(first + b": " + second, b"X-A: 1", HOST) + SMUGGLED,)
            )
    yield Variant("no host", (head() + SMUGGLED,))
    yield Variant(
        "no host but others", (head(b"X-Host: a", b"X-Forwarded-Host: a", b"Hos: a", b"Hostx: a") + SMUGGLED,)
    )
    yield Variant("host only in the target", (head(target=b"http://gateway.test/public/" + TOKEN) + SMUGGLED,))


def _locked_spellings() -> Iterator[Variant]:
    yield from _each("locked", b"/secret?" + TOKEN, b"/secret/?" + TOKEN, b"/secret/" + TOKEN + b"/",
                     b"/secret/x/y/z?" + TOKEN,
                     b"/secret/" + TOKEN + b";x", b"/secret/;x?" + TOKEN, b"/secret/./" + TOKEN,
                     b"/secret/" + TOKEN + b"/.", b"/secret/.",
                     b"http://gateway.test/secret/" + TOKEN, b"/secret/..;/public/" + TOKEN,
                     b"/secret/%E2%82%AC" + TOKEN)  # fmt: skip
    for method in (b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PURGE", b"PROPFIND", b"QUERY", b"X"):
        yield from _each(f"{method!r}", b"/secret/" + TOKEN, method=method)
    for lines in ((b"Origin: https://a.test",), (b"Origin: https://a.test", b"Access-Control-Request-Method: GET"),
                  (b"Origin: null", b"Access-Control-Request-Method: DELETE",
                   b"Access-Control-Request-Headers: authorization")):  # fmt: skip
        yield Variant(f"preflight {lines}", (_request(b"/secret/" + TOKEN, *lines, method=b"OPTIONS"),))


def _patterns() -> Iterator[Variant]:
    """A route takes whole paths, one method and one host, in linear time."""
    for target in (b"/reading/xitem/" + TOKEN, b"/reading/item" + TOKEN, b"/reading/ITEM/" + TOKEN,
                   b"/reading/item%2f" + TOKEN,
                   b"/reading/x/item/" + TOKEN, b"/reading/item;/" + TOKEN, b"/reading/item/" + TOKEN + b"%0a",
                   b"/reading/item/%0d%0a" + TOKEN,
                   b"/reading/" + b"item/" * 800 + b"../" + TOKEN, b"/reading/" + b"a" * 4000 + b"!" + TOKEN,
                   b"/reading/itemX?" + TOKEN):  # fmt: skip
        yield from _each("pattern", target)
    for method in (b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"GETX", b"GE", b"HEAD-", b"PURGE"):
        yield from _each(f"{method!r}", b"/reading/item/" + TOKEN, method=method)
    for override in (b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override", b"X_HTTP_Method_Override"):
        for spelling in spellings(override):
            yield Variant(
                f"{spelling!r}", (_request(b"/reading/item/" + TOKEN, spelling + b": GET", method=b"DELETE"),)
            )
    for host in (
        b"gatewayXtest",
        b"gateway.test.evil",
        b"xgateway.test",
        b"gateway.testx",
        b"gateway-test",
        b"gateway.test..",
    ):
        yield Variant(f"host {host!r}", (_request(b"/reading/item/" + TOKEN, host=b"Host: " + host),))
    for value in (b"\x80", b"\xff\xfe", b"a\xa0", b"abc\xe9", b"A", b"a1", b"", b"a, b"):
        yield Variant(f"header {value!r}", (_request(b"/chosen/" + TOKEN, b"X-Mode: " + value),))
    yield Variant("header twice", (_request(b"/chosen/" + TOKEN, b"X-Mode: a", b"X-Mode: b"),))
    yield Variant("header with underscore", (_request(b"/chosen/" + TOKEN, b"X_Mode: a"),))


def _taken() -> Iterator[Variant]:
    yield from _each("taken", b"/reading/item/" + TOKEN, b"http://gateway.test/reading/item/" + TOKEN)
    for override in (
        b"X-HTTP-Method-Override",
        b"X-HTTP-Method",
        b"X-Method-Override",
        b"X_HTTP_Method_Override",
        b"x.http.method.override",
    ):
        for spelling in spellings(override):
            yield Variant(f"{spelling!r}", (_request(b"/reading/item/" + TOKEN, spelling + b": DELETE"),))
    for host in (b"gateway.test", b"GATEWAY.test", b"gateway.test:80", b"gateway.test:8080"):
        yield Variant(f"host {host!r}", (_request(b"/reading/item/" + TOKEN, host=b"Host: " + host),))
    for name in (
        b"X-Original-URL",
        b"X-Rewrite-URL",
        b"X-Original-URI",
        b"X-Envoy-Original-Path",
        b"X-Forwarded-Prefix",
        b"X-Forwarded-Uri",
    ):
        yield Variant(f"{name!r}", (_request(b"/reading/item/" + TOKEN, name + b": /secret/evil"),))


def _nothing_overridden(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert request.line.startswith(b"GET /item/t")
    assert not [name for name in request.names if b"override" in name or b"method" in name]
    assert b"evil" not in request.head


CASES: tuple[Case, ...] = (
    case("B1", "climbing", _NEITHER, _climbing()),
    case("B1", "climbing beside an API for everything", _NEITHER, _climbing(), listener="default"),
    case(
        "B4",
        "twice encoded",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_as_it_came),
        _twice_encoded(),
    ),
    case("B5", "empty segments", refused(), _empty_segments()),
    case("B5", "empty segments beside an API for everything", refused(), _empty_segments(), listener="default"),
    case("B7", "segment boundaries", _NEITHER, _boundaries()),
    case("B9", "path parameters", _NEITHER, _params(), listener="default"),
    case("B10", "slashes", refused(), _slashes()),
    case("B11", "bytes that are in no path", refused(), _refused_bytes(), _queries()),
    case("B13", "absolute form", refused(), _absolute()),
    case("B14", "hosts", refused(), _hosts()),
    case("B17", "fragments", refused(), _fragments()),
    case(
        "B19",
        "spellings of a locked path",
        Outcome(statuses=(frozenset({400, 401}),), closed=None),
        _locked_spellings(),
    ),
    case("B20", "patterns", _NEITHER, _patterns()),
    case("B21", "conditions of policies", _NEITHER, _conditional()),
    case(
        "B22",
        "overrides",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_nothing_overridden),
        _taken(),
    ),
)
