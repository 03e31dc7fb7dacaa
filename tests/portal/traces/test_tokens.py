"""Tokens that ask a gateway to trace."""

import pytest
from django.utils import timezone

from gateway_runtime.schema.trace_token import TraceTokens
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.traces.services import trace_token_create
from tests.portal.base import World, client_of

pytestmark = pytest.mark.django_db


def test_a_token_is_what_the_gateway_reads_and_only_for_its_api_and_time(world: World) -> None:
    made = trace_token_create(actor=world.ada, instance=world.instance, minutes=5)
    at = timezone.now().timestamp()
    tokens = TraceTokens(str(world.gateway.pk), world.gateway.verify_key, now=lambda: at)
    grant = tokens.read(made.token.encode(), str(world.instance.pk))
    assert grant is not None
    assert grant.id == made.id
    assert 298 <= grant.until - at <= 301
    assert tokens.read(made.token.encode(), "another") is None
    late = TraceTokens(str(world.gateway.pk), world.gateway.verify_key, now=lambda: at + 301)
    assert late.read(made.token.encode(), str(world.instance.pk)) is None
    other = TraceTokens(str(world.other_gateway.pk), world.other_gateway.verify_key, now=lambda: at)
    assert other.read(made.token.encode(), str(world.instance.pk)) is None


def test_made_up_tokens_are_checked_only_so_often(world: World) -> None:
    at = timezone.now().timestamp()
    tokens = TraceTokens(str(world.gateway.pk), world.gateway.verify_key, now=lambda: at)
    good = trace_token_create(actor=world.ada, instance=world.instance).token.encode()
    for _ in range(50):
        tokens.read(good[:-4] + b"AAAA", str(world.instance.pk))
    assert tokens.read(good, str(world.instance.pk)) is None
    at += 1
    assert tokens.read(good, str(world.instance.pk)) is not None


def test_making_one_is_recorded_without_the_token(world: World) -> None:
    made = trace_token_create(actor=world.erik, instance=world.instance, minutes=15)
    event = AuditEvent.objects.get(action="trace_token.create")
    assert (event.actor_name, event.target_id) == (str(world.erik), str(world.instance.pk))
    assert event.after["minutes"] == 15
    assert made.token not in str(event.after)


@pytest.mark.parametrize("minutes", [0, -1, 61])
def test_it_ends_within_the_hour(world: World, minutes: int) -> None:
    with pytest.raises(ApplicationError):
        trace_token_create(actor=world.ada, instance=world.instance, minutes=minutes)


def test_the_interface_makes_one_for_those_who_may(world: World) -> None:
    body = {"instance": str(world.instance.pk), "minutes": 5}
    made = client_of(world.erik).post("/api/v1/trace-tokens/", body, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["header"] == "X-Portico-Trace"
    assert made.json()["token"] in made.json()["curl"]
    assert client_of(world.ben).post("/api/v1/trace-tokens/", body, content_type="application/json").status_code == 403
    for stranger in (world.cora, world.olaf):
        refused = client_of(stranger).post("/api/v1/trace-tokens/", body, content_type="application/json")
        assert refused.status_code == 400
        assert "/instance" in refused.json()["fields"]
    long = {**body, "minutes": 61}
    assert client_of(world.ada).post("/api/v1/trace-tokens/", long, content_type="application/json").status_code == 400
