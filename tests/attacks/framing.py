"""Class A: two readings of where a message ends."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks.client import Answer
from tests.attacks.upstream import Seen
from tests.attacks.variants import (
    CHUNKED,
    HOST,
    OPEN,
    SMUGGLED,
    TOKEN,
    Case,
    Outcome,
    Variant,
    case,
    cut,
    head,
    in_head,
    plain,
    refused,
    spellings,
    surrounded,
)

_LENGTH = b"Content-Length: 5"
_END = b"0\r\n\r\n"
# In the head and in the body alike the same length: what one reader takes as body, the other takes as a request.
_HIDDEN = _END + SMUGGLED


def _both_framings() -> Iterator[Variant]:
    for length in spellings(b"Content-Length"):
        for coding in spellings(b"Transfer-Encoding"):
            yield Variant(
                f"{length!r} and {coding!r}",
                (head(HOST, length + b": 5", coding + b": chunked", method=b"POST") + _HIDDEN,),
            )
    for value in (b"0", b"4", b"5", b"%d" % len(_HIDDEN)):
        for lines in ((b"Content-Length: " + value, CHUNKED), (CHUNKED, b"Content-Length: " + value)):
            yield from in_head(f"{lines}", *lines, body=_HIDDEN)


def _lengths() -> Iterator[Variant]:
    values = [
        b"+5", b"-5", b"1_0", b"0x10", "５".encode(), "٥".encode(), "²".encode(), b"5 5", b"5,5", b"5, 5", b"5;", b"05",
        b"005", b"00", b"5.0", b"5e0", b"0b101", b"0o5", b"5\x0b", b"5\x0c", b"\x0b5", b"5\xa0", b"\xa05", b"5\x85",
        b"'5'",
        b'"5"', b"5\0", b"\x005", b"five", b"NaN", b"(5)", b"5\t5", b"-0", b"+0", b"5L", b"\xef\xbb\xbf5",
    ]  # fmt: skip
    for value in values:
        for index, name in enumerate(spellings(b"Content-Length")):
            data = head(HOST, name + b": " + value, method=b"POST") + b"hello"
            if index:
                yield Variant(f"{name!r} {value!r}", (data + SMUGGLED,))
            else:
                yield from surrounded(f"length {value!r}", data)


def _two_lengths() -> Iterator[Variant]:
    pairs = [
        (b"5", b"6"),
        (b"5", b"5"),
        (b"0", b"5"),
        (b"5", b"0"),
        (b"", b"5"),
        (b"5", b""),
        (b"5", b"+5"),
        (b"5", b"x"),
    ]
    for first, second in pairs:
        for name in spellings(b"Content-Length"):
            lines = (b"Content-Length: " + first, name + b": " + second)
            yield from in_head(f"lengths {lines}", *lines, body=b"hello")
    for count in (3, 50):
        yield plain(f"{count} equal lengths", head(HOST, *[_LENGTH] * count, method=b"POST") + b"hello" + SMUGGLED)


def _names_with_space() -> Iterator[Variant]:
    for name in (b"Content-Length", b"Transfer-Encoding", b"Host", b"X-A", b"Authorization"):
        value = b"chunked" if name == b"Transfer-Encoding" else b"5"
        for space in (
            b" ",
            b"\t",
            b"  ",
            b"\x0b",
            b"\x0c",
            b"\x85",
            b"\xa0",
            b"\0",
            b"\r",
            b"\xc2\xa0",
            b"\x1f",
            b"\x7f",
        ):
            yield plain(f"{name!r}{space!r}:", head(HOST, name + space + b": " + value, method=b"POST") + SMUGGLED)
            yield plain(f"{space!r}{name!r}", head(HOST, space + name + b": " + value, method=b"POST") + SMUGGLED)
            yield plain(f"{space!r}{name!r} first", head(space + name + b": " + value, HOST, method=b"POST") + SMUGGLED)
    yield from in_head("space before colon", b"Content-Length : 5", body=b"hello")


def _huge_lengths() -> Iterator[Variant]:
    for value in (2**63, 2**63 + 5, 2**64, 2**64 + 5, 10**19, 10**30, 10**200):
        yield from surrounded(f"{value}", head(HOST, b"Content-Length: %d" % value, method=b"POST") + b"hello")


def _codings() -> Iterator[Variant]:
    values = [
        b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"identity", b"chunked, identity",
        b"identity, chunked",
        b"xchunked", b"chunkedx", b'"chunked"', b"chunked;q=1", b"chunked;a", b", chunked", b"chunked,", b"",
        b"chunke d",
        b"chunked\x0b", b"\x0bchunked", b"\x0cchunked", b"chunked\0", b"\xa0chunked", b"chunked\xa0",
        b"c\xc5\xbfhunked",
        "ｃhunked".encode(), "chun\u212aed".encode(), b"cow", b"chunked\x85", b"[chunked]", b"chunked=1", b"deflate",
    ]  # fmt: skip
    for value in values:
        for index, name in enumerate(spellings(b"Transfer-Encoding")):
            data = head(HOST, name + b": " + value, method=b"POST") + b"5\r\nhello\r\n" + _END
            if index:
                yield Variant(f"{name!r} {value!r}", (data + SMUGGLED,))
            else:
                yield from surrounded(f"coding {value!r}", data)


def _two_codings() -> Iterator[Variant]:
    for second in (b"chunked", b"identity", b"gzip", b"", b"x"):
        for index, name in enumerate(spellings(b"Transfer-Encoding")):
            for lines in ((CHUNKED, name + b": " + second), (name + b": " + second, CHUNKED)):
                if index:
                    yield Variant(f"{lines}", (head(HOST, *lines, method=b"POST") + _END + SMUGGLED,))
                else:
                    yield from in_head(f"{lines}", *lines, body=_END)


def _chunked_in_http10() -> Iterator[Variant]:
    for name in spellings(b"Transfer-Encoding"):
        for more in ((), (b"Connection: keep-alive",), (b"Content-Length: 5",)):
            data = head(HOST, name + b": chunked", *more, method=b"POST", version=b"HTTP/1.0")
            yield from surrounded(f"{name!r} {more} in 1.0", data + _END)


def _bad_chunks() -> Iterator[Variant]:
    bodies = {
        "bare CR before an extension": b"2\r\r;a\r\nhi\r\n0\r\n\r\n",
        "bare CR in an extension": b"2;a\rb\r\nhi\r\n0\r\n\r\n",
        "bare LF after the size": b"2\nhi\r\n0\r\n\r\n", "bare LF in an extension": b"2;a\nhi\r\n0\r\n\r\n",
        "bare LF after the data": b"2\r\nhi\n0\r\n\r\n", "no line end after the data": b"2\r\nhi0\r\n\r\n",
        "other bytes after the data": b"2\r\nhiXX0\r\n\r\n", "LF CR after the data": b"2\r\nhi\n\r0\r\n\r\n",
        "CR CR after the data": b"2\r\nhi\r\r0\r\n\r\n", "sign": b"+2\r\nhi\r\n0\r\n\r\n",
        "minus": b"-2\r\nhi\r\n0\r\n\r\n",
        "0x": b"0x2\r\nhi\r\n0\r\n\r\n", "underscore": b"0_2\r\nhi\r\n0\r\n\r\n",
        "space before": b" 2\r\nhi\r\n0\r\n\r\n",
        "tab before": b"\t2\r\nhi\r\n0\r\n\r\n", "space after": b"2 \r\nhi\r\n0\r\n\r\n",
        "empty size": b"\r\nhi\r\n0\r\n\r\n",
        "only an extension": b";a=b\r\nhi\r\n0\r\n\r\n", "17 digits": b"f" * 17 + b"\r\nhi",
        "overflow": b"1" + b"0" * 16 + b"2\r\nhi",
        "fullwidth digit": "２\r\nhi\r\n0\r\n\r\n".encode(), "no digit": b"g\r\nhi\r\n0\r\n\r\n",
        "NUL in an extension": b"2;\0\r\nhi\r\n0\r\n\r\n",
        "long extension": b"2;" + b"a" * 5000 + b"\r\nhi\r\n0\r\n\r\n",
        "many zeros": b"0" * 300 + b"2\r\nhi\r\n0\r\n\r\n",
        "bare LF at the end": b"0\n\n", "bare LF after the trailers": b"0\r\nX-A: 1\n\r\n",
        "bare CR in a trailer": b"0\r\nX-A: 1\r2\r\n\r\n",
        "folded trailer": b"0\r\nX-A: 1\r\n 2\r\n\r\n", "trailer without a colon": b"0\r\nX-A\r\n\r\n",
        "trailer name with space": b"0\r\nX A: 1\r\n\r\n",
        "space before a trailer's colon": b"0\r\nX-A : 1\r\n\r\n", "NUL in a trailer": b"0\r\nX-A: \0\r\n\r\n",
        "request as trailer": b"0\r\n" + SMUGGLED,
        "endless trailers": b"0\r\n" + b"X-A: 1\r\n" * 2000 + b"\r\n", "too short a size": b"1\r\nhi\r\n0\r\n\r\n",
        "comma": b"2,2\r\nhi\r\n0\r\n\r\n",
        "vertical tab": b"2\x0b\r\nhi\r\n0\r\n\r\n", "two sizes": b"2 2\r\nhi\r\n0\r\n\r\n",
    }  # fmt: skip
    for label, body in bodies.items():
        data = head(HOST, CHUNKED, method=b"POST") + body
        yield from surrounded(label, data, cuts=(40,))
        yield Variant(f"{label}, after the head", (head(HOST, CHUNKED, method=b"POST"), body + SMUGGLED))
        yield Variant(
            f"{label}, second chunk", (head(HOST, CHUNKED, method=b"POST") + b"3\r\nabc\r\n" + body + SMUGGLED,)
        )


def _line_ends() -> Iterator[Variant]:
    lines = [b"POST " + OPEN + b" HTTP/1.1", HOST, b"X-A: 1", b"Content-Length: 0"]
    for bad in (
        b"\n",
        b"\r",
        b"\r\r\n",
        b"\n\r",
        b"\r\n\n",
        b"\n\n",
        b"\r\r",
        b"\x0b\r\n\n",
        b"\r\0\n",
        b"\x85\n",
        b"\n\r\n",
    ):
        for at in range(len(lines)):
            data = b"".join(line + (bad if index == at else b"\r\n") for index, line in enumerate(lines)) + b"\r\n"
            yield plain(f"{bad!r} after line {at}", data + SMUGGLED)
            yield from cut(plain(f"{bad!r} after line {at}", data + SMUGGLED), 29)
    for fold in (b" ", b"\t", b"   ", b" \t"):
        for name in (b"X-A", b"Transfer-Encoding", b"Content-Length"):
            yield from in_head(f"fold {name!r} {fold!r}", name + b": 1\r\n" + fold + b"2")
            yield from in_head(f"fold at once {name!r} {fold!r}", name + b":\r\n" + fold + b"2")
    for first in (b"\r\n", b"\n", b" ", b"\r\n\r\n", b"\0", b"\t", b"\xef\xbb\xbf", b"\r"):
        yield plain(f"{first!r} before the request", first + head(HOST) + SMUGGLED)


def _header_names() -> Iterator[Variant]:
    for byte in b'()<>@,;:\\"/[]?={} \t' + bytes(range(32)) + b"\x7f\x80\x85\xa0\xad\xc2\xe9\xff":
        bad = bytes([byte])
        if bad == b":":
            continue  # a colon ends the name
        yield plain(f"{bad!r} amid a name", head(HOST, b"X" + bad + b"Y: 1") + SMUGGLED)
        yield plain(f"{bad!r} at the beginning of a name", head(HOST, bad + b"XY: 1") + SMUGGLED)
        yield plain(f"{bad!r} at the end of a name", head(HOST, b"XY" + bad + b": 1") + SMUGGLED)
    for line in (
        b": x",
        b":",
        b": ",
        b"::",
        b" : x",
        b"X-A",
        b"X-A 1",
        b"Content-Length 5",
        b"GET / HTTP/1.1",
        b"\xff",
        b"X",
    ):
        yield from in_head(f"line {line!r}", line)
    for byte in b"\0\x01\x08\x0b\x0c\x0e\x1b\x1f\x7f":
        for value in (b"a%cb", b"%cab", b"ab%c"):
            yield plain(f"value {value % byte!r}", head(HOST, b"X-A: " + value % byte) + SMUGGLED)


def _methods() -> Iterator[Variant]:
    odd = [b"G" + bytes([byte]) + b"T" for byte in b'()<>@,;:\\"/[]?={}\0\x01\x1f\x7f\x80\xff'] + [
        b"", b"get", b"Get", b"G\xc9T", b"X" * 1000, b"X" * 60000, b"GET\t", b"\tGET", b"GET GET", b"1", b"G_T", b"G.T",
        b"G|T", b"G'T", b"-", b"-GET", b"%47ET", b"GET\xa0", b"\xa0GET", b"G3T",
    ]  # fmt: skip
    for method in odd:
        yield Variant(f"method {method[:20]!r}", (head(HOST, method=method) + SMUGGLED,))


def _first_lines() -> Iterator[Variant]:
    target = OPEN
    for line in (
        b"GET  %b HTTP/1.1", b"GET %b  HTTP/1.1", b"GET %b HTTP/1.1 ", b" GET %b HTTP/1.1", b"GET\t%b HTTP/1.1",
        b"GET %b\tHTTP/1.1", b"GET %b", b"GET %b ", b"GET %b HTTP/1.1 x", b"GET %b x HTTP/1.1", b"GET %b HTTP/0.9",
        b"GET %b HTTP/1.2", b"GET %b HTTP/1.10", b"GET %b HTTP/01.1", b"GET %b HTTP/1.01", b"GET %b HTTP/2.0",
        b"GET %b HTTP/3", b"GET %b HTTP/1", b"GET %b HTTP/1.", b"GET %b http/1.1", b"GET %b Http/1.1",
        b"GET %b HTTPS/1.1",
        b"GET %b HTTP/1,1", b"GET %b HTTP /1.1", b"GET %b HTTP/ 1.1", b"GET %b HTTP/1 .1", b"GET %b HTTP/-1.1",
        b"GET %b HTTP/+1.1", b"GET %b HTTP/1.1\x0b", b"GET\x0b%b HTTP/1.1", b"GET\xa0%b HTTP/1.1",
        b"GET %b\xa0HTTP/1.1",
        b"GET%b HTTP/1.1", b"GET %bHTTP/1.1", b"%b", b"HTTP/1.1 200 OK %b", b"GET %b RTSP/1.0", b"GET %b ICE/1.0",
        "GET %b HTTP/１.1".encode(), b"GET %b\0 HTTP/1.1",
    ):  # fmt: skip
        data = line.replace(b"%b", target) + b"\r\n" + HOST + b"\r\n\r\n"
        yield from surrounded(f"first line {line!r}", data)


def _no_request_at_all() -> Iterator[Variant]:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 32
    for first in (
        hello,
        b"\x80\x2e\x01\x03\x01",
        b"\x05\x01\x00",
        b"\0" * 40,
        b"\xff\xfe",
        b"(",
        b"\x16",
        b"{}",
        b"\r",
    ):
        yield plain(f"{first[:8]!r}", first)
        yield plain(f"{first[:8]!r}, then a request", first, SMUGGLED)


def _trailers() -> Iterator[Variant]:
    names = (b"Content-Length", b"Authorization", b"X-Consumer-Id", b"Host", b"Transfer-Encoding", b"Connection",
             b"Cookie",
             b"X-Forwarded-For", b"client_id")  # fmt: skip
    for name in names:
        for spelling in spellings(name)[:3]:
            for announced in ((), (b"Trailer: " + spelling,)):
                data = (
                    head(HOST, CHUNKED, *announced, method=b"POST")
                    + b"2\r\nhi\r\n0\r\n"
                    + spelling
                    + b": evil-1\r\n\r\n"
                )
                label = f"trailer {spelling!r} {'announced' if announced else ''}"
                yield Variant(label, (data,))
                yield from cut(Variant(label, (data,)), 11)


def _no_trailer_passed(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert request.body == b"hi"
    assert b"evil-1" not in request.head
    assert b"trailer" not in request.names


def _two_with_bodies() -> Iterator[Variant]:
    second = head(HOST, target=OPEN + b"/second")
    for method in (b"GET", b"DELETE", b"OPTIONS", b"HEAD", b"POST", b"PUT", b"PATCH"):
        if method == b"HEAD":
            continue
        body = SMUGGLED.replace(TOKEN, b"somebodyelse")
        for label, data in (
            ("length", head(HOST, b"Content-Length: %d" % len(body), method=method) + body),
            ("chunks", head(HOST, CHUNKED, method=method) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
            ("two chunks", head(HOST, CHUNKED, method=method) + b"9;x=y\r\n%b\r\n%x\r\n%b\r\n0\r\nX: y\r\n\r\n"
             % (body[:9], len(body) - 9, body[9:])),
        ):  # fmt: skip
            variant = Variant(f"{method!r} {label}", (data + second,))
            yield variant
            yield from cut(variant, 5, 47)
            yield Variant(f"{variant.label}, request by request", (data, second))


def _both_right(seen: list[Seen], answers: list[Answer]) -> None:
    assert [request.path for request in seen] == [b"/" + seen[0].path[1:13], b"/" + seen[0].path[1:13] + b"/second"]
    assert seen[0].body == SMUGGLED.replace(TOKEN, b"somebodyelse")
    assert seen[1].body == b""
    assert len(seen[0].values(b"content-length")) + len(seen[0].values(b"transfer-encoding")) == 1


TWO = Outcome(statuses=(frozenset({200}),) * 2, upstream=2, closed=False, look=_both_right)

CASES: tuple[Case, ...] = (
    case("A1", "length and chunked", refused(), _both_framings()),
    case("A2", "two lengths", refused(), _two_lengths()),
    case("A4", "lengths that are no number", refused(), _lengths()),
    case(
        "A5",
        "empty length",
        refused(),
        in_head("empty", b"Content-Length:", body=b"hello"),
        in_head("blank", b"Content-Length: \t ", body=b"hello"),
        in_head("empty, then valid", b"Content-Length:", _LENGTH, body=b"hello"),
    ),
    case("A7", "space around names", refused(), _names_with_space()),
    case("A8", "length beyond 63 bits", refused(400, 413), _huge_lengths()),
    case("A10", "chunked in HTTP 1.0", refused(), _chunked_in_http10()),
    case("A11", "two codings", refused(), _two_codings()),
    case("A12", "other codings", refused(400, 501), _codings()),
    case("A13", "bad chunks", refused(partly=True), _bad_chunks()),
    case(
        "A16",
        "trailers",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_no_trailer_passed),
        _trailers(),
    ),
    case("A17", "line ends and folds", refused(), _line_ends()),
    case("A19", "header names and lines", refused(), _header_names()),
    case("A21", "first lines", refused(400, 505), _first_lines()),
    case("I4", "other protocols", refused(), _no_request_at_all()),
    case("A22", "methods", refused(400, 414, 501), _methods()),
    case("A23", "body before a second request", TWO, _two_with_bodies()),
)
