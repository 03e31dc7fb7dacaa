"""What is told of each replica, which are asked for, and when they are forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import ApplyState, ReplicaStatus
from portal.core.links import console_url
from portal.gateways.models import Gateway, Replica
from portal.gateways.registration import credential_create
from portal.gateways.replica_selectors import (
    ReplicaDetail,
    gateways_in_state,
    replica_details,
    replicas_with_lag,
    span_text,
)
from portal.gateways.selectors import ConnectionState, gateway_status
from portal.gateways.services import gateway_create, replica_report
from portal.publishing.models import Revision
from portal.publishing.reports import reports_collect
from tests.portal.base import World, client_of

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


def replica(gateway: Gateway, name: str = "r1", **fields: Any) -> Replica:
    """Store a connected replica that runs revision 1."""
    values = {
        "replica_id": name, "host": "edge-1", "pid": 7, "version": "0.1.0", "workers": 2,
        "started_at": NOW - timedelta(hours=26), "seen_at": NOW, "revision": 1, "state": "applied",
    }  # fmt: skip
    return Replica.objects.create(gateway=gateway, **values | fields)


def revision(gateway: Gateway, number: int, *, ago: float | None) -> Revision:
    """Store a revision that was published so many seconds ago, or not yet."""
    published = None if ago is None else NOW - timedelta(seconds=ago)
    return Revision.objects.create(
        gateway=gateway, number=number, digest=str(number), envelope=b"x", requested_at=NOW, published_at=published
    )


def detail(gateway: Gateway) -> ReplicaDetail:
    """Return the only replica with what is to be said of it."""
    (found,) = replica_details(gateway, replicas_with_lag(Replica.objects.filter(gateway=gateway)), NOW)
    return found


class TestLag:
    def test_one_with_the_newest_revision_is_up_to_date(self, world: World) -> None:
        revision(world.gateway, 1, ago=50)
        replica(world.gateway)
        assert (detail(world.gateway).behind, detail(world.gateway).behind_seconds) == (0, 0.0)

    def test_it_counts_revisions_and_seconds_since_the_first_that_is_missing(self, world: World) -> None:
        for number, ago in ((1, 90), (2, 75), (3, 10)):
            revision(world.gateway, number, ago=ago)
        revision(world.other_gateway, 9, ago=1000)
        replica(world.gateway)
        found = detail(world.gateway)
        assert (found.behind, found.behind_seconds) == (2, 75.0)
        assert found.behind_text.replace("\u00a0", " ") == "2 behind, 1 min 15 s"

    def test_a_revision_on_its_way_to_redis_is_nobody_s_lag(self, world: World) -> None:
        revision(world.gateway, 2, ago=None)
        replica(world.gateway)
        assert detail(world.gateway).behind == 0

    def test_one_that_is_gone_is_not_behind(self, world: World) -> None:
        revision(world.gateway, 2, ago=50)
        replica(world.gateway, seen_at=NOW - timedelta(minutes=5))
        assert detail(world.gateway).behind == 0


class TestDetail:
    def test_it_has_been_up_since_it_started_and_of_one_that_is_gone_until_it_was_heard_last(
        self, world: World
    ) -> None:
        replica(world.gateway)
        assert detail(world.gateway).up_text == "1\u00a0d\u00a02\u00a0h"
        Replica.objects.update(seen_at=NOW - timedelta(hours=25))
        assert detail(world.gateway).up_text == "1\u00a0h\u00a00\u00a0min"

    @pytest.mark.parametrize(("skew", "wrong"), [(None, False), (0.9, False), (-0.9, False), (1.2, True), (-3.0, True)])
    def test_a_clock_that_is_off_by_more_than_a_second_is_wrong(
        self, world: World, skew: float | None, wrong: bool
    ) -> None:
        replica(world.gateway, clock_skew_seconds=skew)
        assert detail(world.gateway).clock_wrong is wrong

    @pytest.mark.parametrize(("days", "soon"), [(-1, True), (29, True), (31, False)])
    def test_a_certificate_is_told_of_a_month_before_it_expires(self, world: World, days: int, soon: bool) -> None:
        replica(world.gateway, certificate_expires_at=NOW + timedelta(days=days))
        assert detail(world.gateway).certificate_expires_soon is soon

    def test_one_from_before_the_last_renewal_is_marked(self, world: World) -> None:
        replica(world.gateway, registration=1)
        credential_create(gateway=world.gateway)
        assert not detail(world.gateway).old_registration
        credential_create(gateway=world.gateway)
        assert detail(world.gateway).old_registration

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_605, "1 h 0 min"), (90_000, "1 d 1 h")],
    )
    def test_spans_are_written_by_their_two_largest_units(self, seconds: float, text: str) -> None:
        assert span_text(seconds).replace("\u00a0", " ") == text


class TestStates:
    @pytest.fixture
    def gateways(self, world: World) -> dict[str, Gateway]:
        """One gateway in each state."""
        found = {"connected": world.gateway}
        for number, name in enumerate(("disconnected", "never_seen", "revoked")):
            found[name] = gateway_create(
                actor=None, environment=world.production, name=name.replace("_", " "), port=8100 + number
            )
        replica(found["connected"])
        replica(found["disconnected"], seen_at=NOW - timedelta(minutes=1))
        replica(found["revoked"])
        Gateway.objects.filter(pk=found["revoked"].pk).update(revoked_at=NOW)
        return found

    @pytest.mark.parametrize("state", [state.value for state in ConnectionState])
    def test_a_filter_finds_what_the_status_says(self, world: World, gateways: dict[str, Gateway], state: str) -> None:
        everything = Gateway.objects.filter(environment=world.production)
        found = set(gateways_in_state(everything, state, NOW))
        assert found == {each for each in everything if gateway_status(each, NOW).state.value == state}
        assert found == {gateways[state]}

    def test_list_and_interface_are_filtered_by_it(self, world: World, gateways: dict[str, Gateway]) -> None:
        client = client_of(world.ada)
        rows = client.get("/api/v1/gateways/?state=revoked").json()["results"]
        assert [row["id"] for row in rows] == [str(gateways["revoked"].pk)]
        page = client.get(console_url(world.production, "gateways:list") + "?state=revoked").content.decode()
        assert str(gateways["revoked"].pk) in page
        assert str(gateways["never_seen"].pk) not in page


class TestInterface:
    path = "/api/v1/replicas/"

    def test_replicas_tell_everything(self, world: World) -> None:
        now = timezone.now()
        Revision.objects.create(
            gateway=world.gateway, number=2, digest="d", envelope=b"x", requested_at=now, published_at=now
        )
        replica(
            world.gateway, started_at=now - timedelta(hours=1), seen_at=now, clock_skew_seconds=1.5, registration=2,
            certificate_expires_at=NOW,
        )  # fmt: skip
        (row,) = client_of(world.ben).get(self.path).json()["results"]
        assert row["connection"] == "connected"
        assert row["up_seconds"] >= 3600
        assert (row["behind"], row["clock_skew_seconds"], row["registration"]) == (1, 1.5, 2)
        assert row["certificate_expires_at"] == "2030-05-01T12:00:00Z"

    def test_they_are_filtered_by_gateway_state_and_lag(self, world: World) -> None:
        now = timezone.now()
        replica(world.gateway, "here", seen_at=now, revision=2)
        replica(world.gateway, "late", seen_at=now)
        replica(world.gateway, "gone", seen_at=now - timedelta(minutes=1))
        Revision.objects.create(
            gateway=world.gateway, number=2, digest="d", envelope=b"x", requested_at=now, published_at=now
        )
        client = client_of(world.ada)

        def asked(query: str) -> set[str]:
            return {row["replica_id"] for row in client.get(f"{self.path}?{query}").json()["results"]}

        assert asked(f"gateway={world.gateway.pk}") == {"here", "late", "gone"}
        assert asked("state=connected") == {"here", "late"}
        assert asked("state=disconnected") == {"gone"}
        assert asked("behind=true") == {"late"}
        assert asked("behind=false") == {"here"}
        assert asked("host=edge-2") == set()

    def test_those_of_others_are_not_there(self, world: World) -> None:
        theirs = replica(world.other_gateway)
        client = client_of(world.ada)
        assert client.get(self.path).json()["results"] == []
        assert client.get(f"{self.path}{theirs.pk}/").status_code == 404
        assert client_of(None).get(self.path).status_code == 401


class FakeRedis:
    """The hashes that replicas report into."""

    def __init__(self, gateway: Gateway, *statuses: ReplicaStatus) -> None:
        self.name = keys.replicas(str(gateway.pk))
        self.hash = {status.replica: msgspec.json.encode(status) for status in statuses}
        self._names: list[str] = []

    def pipeline(self, transaction: bool) -> "FakeRedis":
        return self

    def __enter__(self) -> "FakeRedis":
        self._names = []
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def hvals(self, name: str) -> None:
        self._names.append(name)

    def execute(self) -> list[list[bytes]]:
        return [list(self.hash.values()) if name == self.name else [] for name in self._names]

    def hdel(self, name: str, *fields: str) -> None:
        assert name == self.name
        for field in fields:
            del self.hash[field]


def told(name: str, seen_at: datetime, **fields: Any) -> ReplicaStatus:
    """Return what a replica said of itself at a time."""
    return ReplicaStatus(
        replica=name, host="edge-1", pid=7, version="0.1.0", workers=2, started_at=1.0, seen_at=seen_at.timestamp(),
        revision=1, state=ApplyState.APPLIED, **fields,
    )  # fmt: skip


class TestForgetting:
    def test_a_replica_that_is_silent_for_seven_days_is_forgotten_and_does_not_come_back(self, world: World) -> None:
        server: Any = FakeRedis(world.gateway, told("gone", NOW), told("here", NOW + timedelta(days=7)))
        reports_collect(client=server, now=NOW + timedelta(days=7))
        assert set(Replica.objects.values_list("replica_id", flat=True)) == {"gone", "here"}
        for _ in range(2):
            reports_collect(client=server, now=NOW + timedelta(days=7, seconds=1))
            assert set(Replica.objects.values_list("replica_id", flat=True)) == {"here"}
        assert list(server.hash) == ["here"]

    def test_one_of_which_redis_knows_nothing_any_more_is_forgotten_too(self, world: World) -> None:
        replica(world.gateway)
        reports_collect(client=FakeRedis(world.gateway), now=NOW + timedelta(days=8))  # type: ignore[arg-type]
        assert not Replica.objects.exists()

    def test_a_wrong_clock_makes_nobody_seem_away(self, world: World) -> None:
        late = told("r1", NOW - timedelta(seconds=30), clock_skew_seconds=-30.0)
        replica_report(gateway=world.gateway, statuses=[late])
        assert Replica.objects.get().seen_at == NOW
        assert gateway_status(world.gateway, NOW).state is ConnectionState.CONNECTED

    def test_what_it_reports_is_kept(self, world: World) -> None:
        told_now = told("r1", NOW, clock_skew_seconds=0.25, certificate_expires_at=NOW.timestamp(), registration=3)
        (row,) = replica_report(gateway=world.gateway, statuses=[told_now])
        assert (row.clock_skew_seconds, row.certificate_expires_at, row.registration) == (0.25, NOW, 3)
