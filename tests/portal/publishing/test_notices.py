"""What policies say on replicas, on the pages of an API instance."""

import time
from typing import Any

import pytest

from gateway_runtime.schema.replica import Notice
from portal.core.links import console_url
from portal.publishing.notices import instance_notices
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.publishing.test_progress import report

pytestmark = pytest.mark.django_db


def notice(world: World, **fields: Any) -> Notice:
    given = {
        "api": str(world.instance.pk), "binding": "b", "policy": "health-check", "good": False,
        "text": "https://orders.example/ answers 503 instead of 200.", "since": time.time() - 120,
    }  # fmt: skip
    return Notice(**(given | fields))


def page(world: World, name: str = "apis:detail") -> str:
    return client_of(world.ada).get(console_url(world.production, name, world.instance.pk)).content.decode()


def test_a_notice_is_on_the_page_of_its_api_alone(world: World, fake_redis: FakeRedis) -> None:
    other = notice(world, api="another", text="Of another API.")
    report(world, fake_redis, notices=[notice(world), other])
    for name in ("apis:detail", "policies:list"):
        html = page(world, name)
        assert "https://orders.example/ answers 503 instead of 200." in html
        assert "Health check" in html
        assert "Of another API." not in html


def test_without_a_notice_there_is_no_card(world: World, fake_redis: FakeRedis) -> None:
    report(world, fake_redis)
    assert "policy-notices" not in page(world)


def test_replicas_that_say_the_same_are_one_row_and_the_bad_come_first(world: World, fake_redis: FakeRedis) -> None:
    good = notice(world, good=True, text="It answers 200.", since=time.time() - 10)
    report(world, fake_redis, notices=[good])
    report(world, fake_redis, replica="replica-2", host="edge-2", notices=[notice(world)])
    report(world, fake_redis, replica="replica-3", host="edge-3", notices=[notice(world, since=time.time() - 500)])
    bad, well = instance_notices(world.instance)
    assert (bad.good, bad.hosts) == (False, ("edge-2", "edge-3"))
    assert bad.since.timestamp() == pytest.approx(time.time() - 500, abs=5)
    assert (well.good, well.hosts) == (True, ("edge-1",))


def test_a_replica_that_has_gone_says_nothing_more(world: World, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, notices=[notice(world)], seen_at=time.time() - 60)
    report(world, fake_redis, replica="replica-2", notices=[notice(world)], stopping=True)
    assert instance_notices(world.instance) == ()


def test_without_redis_the_page_is_there_all_the_same(world: World, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, notices=[notice(world)])
    fake_redis.away = True
    assert instance_notices(world.instance) == ()
