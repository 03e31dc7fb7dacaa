"""The admin pages are on a port of their own: row G23 of the catalogue."""

from collections.abc import Iterator

import pytest

from tests.attacks.arena import Arena
from tests.attacks.variants import Outcome, Variant, case, head

PAGES = (b"/metrics", b"/revision", b"/health", b"/healthz", b"/ready", b"/live", b"/status", b"/__admin",
         b"/__portico", b"/admin",
         b"/.well-known/portico", b"/debug", b"/config", b"/", b"/server-status", b"/stub_status")  # fmt: skip


def questions(admin: int) -> Iterator[Variant]:
    """Ask the traffic port for every page in the name of every host that could mean the gateway itself."""
    for page in PAGES:
        for host in (
            b"localhost",
            b"127.0.0.1:%d" % admin,
            b"gateway.test",
            b"[::1]",
            b"admin",
            b"portico",
            b"localhost:%d" % admin,
        ):
            for method in (b"GET", b"POST", b"HEAD"):
                yield Variant(f"{method!r} {page!r} at {host!r}", (head(b"Host: " + host, method=method, target=page),))
            yield Variant(f"{page!r} of {host!r}", (head(b"Host: " + host, target=b"http://" + host + page),))
        for line in (
            b"X-Forwarded-Host: localhost",
            b"X-Original-URL: " + page,
            b"X-Forwarded-For: 127.0.0.1",
            b"X-Real-IP: 127.0.0.1",
        ):
            yield Variant(f"{page!r} with {line!r}", (head(b"Host: localhost", line, target=page),))


def test_admin_pages_are_not_on_the_traffic_port(arena: Arena) -> None:
    nobody = Outcome(statuses=(frozenset({404}),), closed=False)
    arena.run(arena.judge(case("G23", "admin pages", nobody, questions(arena.gateway.admin))))


@pytest.mark.parametrize("page", ["/public/x", "/secret/x", "/members/x"])
def test_traffic_is_not_on_the_admin_port(page: str, arena: Arena) -> None:
    assert arena.gateway.page(page).status == 404


def test_the_admin_port_is_open_on_this_machine_alone(arena: Arena) -> None:
    (line,) = arena.gateway.events("admin_listening")
    assert line["host"] == "127.0.0.1"
