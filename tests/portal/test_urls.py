"""What every page costs in queries: no more with many things than with few, and no more than is written here."""

from collections.abc import Iterator
from unittest import mock

import pytest
import redis
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from portal.core.views import ActionView
from portal.urls import CONSOLE
from tests.benchmarks.large_portal import LargePortal, Sizes, fill
from tests.portal.base import client_of
from tests.portal.console_pages import NOT_WALKED, console_pages, hub_pages
from tests.portal.query_counts import QUERIES

FEW = Sizes(apis=2, applications=2, contracts=2, developers=1, gateways=1, audit_events=2, traces=2, days=0, busy=1)
MORE = Sizes(
    apis=24, applications=24, contracts=24, developers=12, gateways=4, audit_events=24, traces=24, days=0, busy=1
)


def queries(client: Client, pages: dict[str, str]) -> dict[str, int]:
    """Return how many queries each page makes, once it is warm."""
    found = {}
    for name, address in pages.items():
        client.get(address)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(address).status_code == 200, address
        found[name] = len(captured)
    return found


def counted(portal: LargePortal) -> dict[str, int]:
    """Return the queries of every page, as the owner and as a developer."""
    owner, developer = client_of(portal.owner), client_of(portal.developer)
    return queries(owner, console_pages(portal)) | queries(developer, hub_pages(portal))


# The queries of every page with few things, and with more: counted once, for it takes some seconds.
_asked: list[dict[str, int]] = []


@pytest.fixture
def asked(db: None) -> list[dict[str, int]]:
    """Return the queries of every page with few things, and with more. What was written for it is taken back.

    Without Redis pages say so; what they ask of the database is the same.
    """
    away = mock.Mock(side_effect=redis.ConnectionError("away"))
    with mock.patch("redis.connection.AbstractConnection.connect", away):
        for sizes in () if _asked else (FEW, MORE):
            with transaction.atomic():
                _asked.append(counted(fill(sizes)))
                transaction.set_rollback(True)
    return _asked


def test_no_page_asks_more_when_there_is_more(asked: list[dict[str, int]]) -> None:
    few, more = asked
    assert {name: (few[name], count) for name, count in more.items() if count > few[name]} == {}


def test_no_page_asks_more_than_is_written_down(asked: list[dict[str, int]]) -> None:
    over = {name: (count, QUERIES.get(name)) for name, count in asked[1].items() if count > QUERIES.get(name, 0)}
    assert over == {}, "Ask less. Or, if it has to be, write the new number into tests/portal/query_counts.py."


def test_every_page_of_the_console_is_walked() -> None:
    portal_pages = {name for name, _ in _console_views(get_resolver())}
    known = {*QUERIES, *NOT_WALKED}
    assert portal_pages - known == set()


def _console_views(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _console_views(each, route, f"{space}{each.namespace}:" if each.namespace else space)
        elif route.startswith(CONSOLE):
            view = getattr(each.callback, "view_class", None)
            if view is None or (hasattr(view, "get") and not issubclass(view, ActionView)):
                yield f"{space}{each.name}", each
