import asyncio
from pathlib import Path

import pytest

from gateway_runtime.configuration.client import RETRY_SECONDS, ConfigurationClient
from gateway_runtime.configuration.last_good import LastGood
from gateway_runtime.configuration.source import Offer, OfferRefused, SourceUnavailable
from gateway_runtime.control import ApiFault
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.replica import Acknowledgement, ApplyState
from gateway_runtime.testing import FakeClock


class Source:
    """Offers what a test puts into it."""

    def __init__(self) -> None:
        self.offer: Offer | Exception | None = None
        self.asked: list[int] = []

    async def fetch(self, newer_than: int) -> Offer | None:
        self.asked.append(newer_than)
        if isinstance(self.offer, Exception):
            raise self.offer
        if self.offer is not None and self.offer.revision <= newer_than:
            return None
        return self.offer

    async def changed(self) -> None:
        raise AssertionError("not asked in these tests")

    async def close(self) -> None:
        pass


class Workers:
    """Takes or refuses revisions as told."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.fault: ConfigFault | None = None
        self.fenced: list[ApiFault] = []

    async def apply(self, offer: Offer) -> list[ApiFault]:
        if self.fault is not None:
            raise self.fault
        self.taken.append(offer.revision)
        return self.fenced


class Case:
    def __init__(self, folder: Path) -> None:
        self.source, self.workers, self.clock = Source(), Workers(), FakeClock()
        self.answers: list[Acknowledgement] = []
        self.last_good = LastGood(folder)
        self.client = ConfigurationClient(
            self.source,
            replica="r1",
            apply=self.workers.apply,
            acknowledge=self.answers.append,
            last_good=self.last_good,
            clock=self.clock,
            now=lambda: 7.0,
        )

    def offered(self, offer: Offer | Exception | None) -> None:
        """Let the client ask a source that offers this."""
        self.source.offer = offer
        asyncio.run(self.client.check())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def offer(number: int) -> Offer:
    return Offer(number, f"digest-{number}", b"{}", b"sealed-%d" % number)


def test_a_revision_is_applied_answered_and_kept(case: Case) -> None:
    case.offered(offer(3))
    (answer,) = case.answers
    assert (answer.replica, answer.revision, answer.digest, answer.state) == ("r1", 3, "digest-3", ApplyState.APPLIED)
    assert case.client.running.revision == 3
    assert case.last_good.load() == b"sealed-3"


def test_the_source_is_asked_for_newer_revisions_only(case: Case) -> None:
    case.offered(offer(3))
    case.offered(offer(3))
    case.offered(offer(2))
    assert case.source.asked == [0, 3, 3]
    assert case.workers.taken == [3]


def test_a_refused_revision_leaves_the_old_one_running_and_kept(case: Case) -> None:
    case.offered(offer(3))
    case.workers.fault = ConfigFault("apis", "base_path_in_use", "Taken.")
    case.offered(offer(4))
    answer = case.answers[-1]
    assert (answer.revision, answer.state, answer.error_code, answer.error_path, answer.message) == (
        4,
        ApplyState.REJECTED,
        "base_path_in_use",
        "apis",
        "Taken.",
    )
    running = case.client.running
    assert (running.revision, running.state, running.failures) == (3, ApplyState.REJECTED, 1)
    assert case.last_good.load() == b"sealed-3"
    case.offered(offer(4))
    assert len(case.answers) == 2


def test_a_port_in_use_is_tried_again_after_a_while(case: Case) -> None:
    case.workers.fault = ConfigFault("listeners[0].port", "listener_port_in_use", "Taken.")
    case.offered(offer(1))
    case.workers.fault = None
    case.offered(offer(1))
    assert case.workers.taken == []
    case.clock.advance(RETRY_SECONDS)
    case.offered(offer(1))
    assert case.workers.taken == [1]
    assert [answer.state for answer in case.answers] == [ApplyState.REJECTED, ApplyState.APPLIED]


def test_a_newer_revision_ends_the_attempts_at_the_old_one(case: Case) -> None:
    case.workers.fault = ConfigFault("listeners[0].port", "listener_port_in_use", "Taken.")
    case.offered(offer(1))
    case.workers.fault = None
    case.offered(offer(2))
    case.clock.advance(RETRY_SECONDS)
    case.offered(None)
    assert case.workers.taken == [2]


def test_a_forged_offer_is_reported_once_and_does_not_shut_out_the_genuine(case: Case) -> None:
    case.offered(offer(3))
    forged = OfferRefused(900, "abc", "envelope_bad_signature", "Not signed.")
    case.offered(forged)
    case.offered(forged)
    assert [(answer.revision, answer.error_code) for answer in case.answers[1:]] == [(900, "envelope_bad_signature")]
    case.offered(offer(4))
    assert case.workers.taken == [3, 4]
    assert case.client.running.state == ApplyState.APPLIED


def test_a_forged_offer_that_is_taken_back_is_no_longer_reported(case: Case) -> None:
    case.offered(offer(3))
    case.offered(OfferRefused(4, "abc", "envelope_bad_signature", "Not signed."))
    assert case.client.running.state == ApplyState.REJECTED
    case.offered(offer(3))
    assert (case.client.running.state, case.client.running.message) == (ApplyState.APPLIED, "")


def test_an_unavailable_source_changes_nothing(case: Case) -> None:
    case.offered(offer(3))
    case.offered(SourceUnavailable("away"))
    assert case.client.running.state == ApplyState.APPLIED
    assert len(case.answers) == 1


def test_fenced_apis_are_named_in_the_answer(case: Case) -> None:
    case.workers.fenced = [ApiFault(api="a", name="Orders", code="required", path="apis[0]", message="Missing.")]
    case.offered(offer(1))
    (answer,) = case.answers
    assert (answer.state, answer.error_code, answer.error_path) == (ApplyState.APPLIED, "api_quarantined", "apis[0]")
    assert answer.message == "Orders: Missing."


def test_a_full_disk_does_not_stop_a_revision(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(envelope: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(case.last_good, "save", full)
    case.offered(offer(1))
    assert case.client.running.revision == 1


def test_the_place_of_a_fault_is_told_with_it(case: Case) -> None:
    case.offered(OfferRefused(1, "abc", "unknown_setting", "There is no setting.", "api.yaml:6: spec.adress"))
    assert case.client.running.error_path == "api.yaml:6: spec.adress"
    assert case.answers[0].error_path == "api.yaml:6: spec.adress"


def test_a_revision_that_needs_older_certificates_is_not_kept(case: Case) -> None:
    case.offered(offer(1))
    fault = ApiFault(
        api="", name="Listener l", code="listener_tls_invalid", path="p", message="m", listener="l", kept=True
    )
    case.workers.fenced = [fault]
    case.offered(offer(2))
    assert case.answers[-1].error_code == "listener_tls_invalid"
    assert case.last_good.load() == b"sealed-1"


def test_a_revision_that_is_served_with_its_own_certificates_is_kept_also_with_expired_ones(case: Case) -> None:
    fault = ApiFault(api="", name="Listener l", code="listener_tls_invalid", path="p", message="m", listener="l")
    case.workers.fenced = [fault]
    case.offered(offer(1))
    assert case.last_good.load() == b"sealed-1"


WITH_CANDIDATE = b'{"candidate": {"revision": 3, "stable": 2, "percent": 10}}'


def test_candidate_known_from_the_disk_only_is_asked_for_once_more(case: Case) -> None:
    kept = offer(3)._replace(document=WITH_CANDIDATE, accepted=True)
    asyncio.run(case.client.start_from(kept))
    case.offered(kept._replace(accepted=False))
    case.offered(kept._replace(accepted=False))
    assert case.source.asked == [2, 3]
    assert case.workers.taken == [3, 3]


def test_older_revision_than_a_kept_candidate_is_not_taken(case: Case) -> None:
    asyncio.run(case.client.start_from(offer(3)._replace(document=WITH_CANDIDATE, accepted=True)))
    case.offered(offer(2))
    assert case.workers.taken == [3]


def test_candidate_that_cannot_be_compiled_is_told_by_a_code_of_its_own(case: Case) -> None:
    case.workers.fenced = [ApiFault(api="a", name="A", code="c", path="p", message="Broken.", candidate=True)]
    case.offered(offer(3))
    (answer,) = case.answers
    assert (answer.state, answer.error_code) == (ApplyState.APPLIED, "candidate_refused")


def test_present_revision_is_answered_for_again_when_less_of_it_is_served(case: Case) -> None:
    case.offered(offer(3))
    case.workers.fenced = [
        ApiFault(api="", name="The candidate", code="c", path="", message="Ended.", kept=True, candidate=True)
    ]
    asyncio.run(case.client.again())
    assert case.workers.taken == [3, 3]
    assert [(each.revision, each.error_code) for each in case.answers] == [(3, ""), (3, "candidate_refused")]
    assert case.client.running.error_code == "candidate_refused"


def test_nothing_is_applied_again_before_there_was_anything(case: Case) -> None:
    asyncio.run(case.client.again())
    assert (case.workers.taken, case.answers) == ([], [])
