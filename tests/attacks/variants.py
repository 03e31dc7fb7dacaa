"""From one attack many: spelling, position, what comes before and after, and where the bytes are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tests.attacks.client import Answer
from tests.attacks.upstream import Seen

# Stands for the variant's own name and is as long, so that lengths stay true.
TOKEN = b"t00000000000"
HOST = b"Host: gateway.test"
OPEN = b"/public/" + TOKEN
LOCKED = b"/secret/" + TOKEN
CHUNKED = b"Transfer-Encoding: chunked"


@dataclass(frozen=True)
class Variant:
    """Bytes in pieces. `before` counts the good requests at their beginning."""

    label: str
    pieces: tuple[bytes, ...]
    before: int = 0


Look = Callable[[list[Seen], list[Answer]], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has to happen: allowed statuses for each answer, whole requests at the service, the connection closed?

    `upstream` None and `closed` None leave it open. `partly` allows the service to have seen the beginning of a
    request that then was cut. `look` judges the rest.
    """

    statuses: tuple[frozenset[int], ...]
    upstream: int | None = 0
    closed: bool | None = True
    partly: bool = False
    look: Look | None = None


@dataclass(frozen=True)
class Case:
    """One row of the catalogue: its number, what it is about, its variants, and what has to happen to each."""

    number: str
    about: str
    variants: tuple[Variant, ...]
    outcome: Outcome
    listener: str = "usual"

    @property
    def name(self) -> str:
        """Return how the case is called in a test report."""
        return f"{self.number}-{self.about.replace(' ', '-')}"


def case(
    number: str, about: str, outcome: Outcome, *variants: Iterable[Variant] | Variant, listener: str = "usual"
) -> Case:
    """Return a case of single variants and of generated ones."""
    every = [v for given in variants for v in ((given,) if isinstance(given, Variant) else given)]
    return Case(number, about, tuple(every), outcome, listener)


def refused(*statuses: int, partly: bool = False) -> Outcome:
    """One refusal, the connection closed, nothing at the service."""
    return Outcome(statuses=(frozenset(statuses or (400,)),), partly=partly)


def answered(*statuses: int, upstream: int = 0, closed: bool | None = False, look: Look | None = None) -> Outcome:
    """Answers one after the other on a connection that can be used further."""
    return Outcome(statuses=tuple(frozenset({s}) for s in statuses), upstream=upstream, closed=closed, look=look)


def head(*lines: bytes, method: bytes = b"GET", target: bytes = OPEN, version: bytes = b"HTTP/1.1") -> bytes:
    """Return a request head with exactly these lines."""
    return b"\r\n".join([method + b" " + target + b" " + version, *lines, b"", b""])


# Would be seen by the service if what comes before it were read in another way than it should.
SMUGGLED = head(HOST, target=OPEN + b"/smuggled")
GOOD = head(HOST, target=OPEN + b"/before")


def spellings(name: bytes) -> list[bytes]:
    """Return a name in upper, lower, title and mixed case."""
    mixed = bytes(b ^ 0x20 if i % 2 and chr(b).isalpha() else b for i, b in enumerate(name.lower()))
    return list(dict.fromkeys((name, name.lower(), name.upper(), name.title(), mixed)))


def positions(lines: Sequence[bytes], attack: Sequence[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Return the attack's lines before, amid and after the others."""
    middle = len(lines) // 2 or 1
    yield "last", [*lines, *attack]
    yield "first", [*attack, *lines]
    if middle < len(lines):
        yield "amid", [*lines[:middle], *attack, *lines[middle:]]


def cut(variant: Variant, *sizes: int) -> Iterator[Variant]:
    """Return the variant in pieces of each size, and cut in two amid its line ends."""
    data = b"".join(variant.pieces)
    for size in sizes:
        pieces = tuple(data[start : start + size] for start in range(0, len(data), size))
        yield replace(variant, label=f"{variant.label}, in pieces of {size}", pieces=pieces)


def cut_at(variant: Variant, *marks: bytes) -> Iterator[Variant]:
    """Return the variant in two pieces, cut after each first occurrence of a mark."""
    data = b"".join(variant.pieces)
    for mark in marks:
        at = data.find(mark)
        if at >= 0 and at + len(mark) < len(data):
            at += len(mark)
            yield replace(variant, label=f"{variant.label}, cut after {mark!r}", pieces=(data[:at], data[at:]))


def surrounded(label: str, data: bytes, *, cuts: Iterable[int] = (), after: bytes = SMUGGLED) -> Iterator[Variant]:
    """Return the attack alone, followed by a request, after a good one, and in pieces."""
    yield Variant(label, (data,))
    yield Variant(f"{label}, followed", (data + after,))
    yield Variant(f"{label}, after a good request", (GOOD + data + after,), before=1)
    yield Variant(f"{label}, on a used connection", (GOOD, data + after), before=1)
    yield from cut(Variant(label, (data + after,)), *cuts)
    yield from cut_at(Variant(label, (data + after,)), b"\r", b"\r\n\r", b"\r\n\r\n")


def in_head(
    label: str, *attack: bytes, body: bytes = b"", method: bytes = b"POST", others: Sequence[bytes] = (HOST, b"X-A: 1")
) -> Iterator[Variant]:
    """Return variants of header lines that make a request an attack."""
    for where, lines in positions(others, attack):
        data = head(*lines, method=method) + body
        if where == "last":
            yield from surrounded(f"{label} {where}", data, cuts=(7, 61))
        else:
            yield Variant(f"{label} {where}", (data + SMUGGLED,))


def plain(label: str, *pieces: bytes) -> Variant:
    """Return one variant as it is."""
    return Variant(label, pieces)
