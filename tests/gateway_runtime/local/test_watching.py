"""Files as a source: when a revision is offered, and what happens to broken ones. No process, no waiting for polls."""

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateway_runtime.configuration.source import Offer, OfferRefused
from gateway_runtime.local import watching
from gateway_runtime.local.watching import FilesSource
from gateway_runtime.log import log
from gateway_runtime.schema.document import decode
from tests.gateway_runtime.local.kit import instance, resource


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.001)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.001)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(log, "_stream", stream)
    monkeypatch.setattr(log, "level", "info")
    return stream


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Case:
    """A folder with one file, and a source on it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "api.yaml"
        self.saves = 0
        self.save(instance())
        self.source = FilesSource(folder, {})

    def save(self, text: str) -> None:
        self.file.write_text(text)
        # Two saves in one tick of the clock have different times for a person, too.
        self.saves += 1
        os.utime(self.file, ns=(self.saves, self.saves))

    def fetch(self, newer_than: int = 0) -> Offer | None:
        return asyncio.run(self.source.fetch(newer_than))

    def refused(self) -> OfferRefused:
        with pytest.raises(OfferRefused) as caught:
            self.fetch()
        return caught.value


@pytest.fixture
def case(tmp_path: Path, lines: io.StringIO) -> Case:
    return Case(tmp_path)


def test_numbers_count_up_with_each_content(case: Case) -> None:
    first = case.fetch()
    assert first is not None
    assert (first.revision, decode(first.document).apis[0].name, first.envelope) == (1, "museum", None)
    assert case.fetch(1) is None
    case.save(instance("other"))
    second = case.fetch(1)
    assert second is not None
    assert second.revision == 2


def test_what_means_the_same_is_no_new_revision(case: Case) -> None:
    case.fetch()
    case.save("# a comment\n" + instance())
    assert case.fetch(1) is None


def test_a_broken_file_is_refused_for_as_long_as_it_is_broken(case: Case, lines: io.StringIO) -> None:
    case.fetch()
    case.save(instance().replace("address", "adress"))
    refused = case.refused()
    assert (refused.revision, refused.code, refused.path) == (2, "unknown_setting", "api.yaml:6: spec.adress")
    assert str(refused) == "api.yaml:6: spec.adress: There is no setting “adress”. Did you mean “address”?"
    assert case.refused() is refused
    (told,) = [event for event in events(lines) if event["event"] == "configuration_fault"]
    assert (told["file"], told["line"], told["key"], told["log.level"]) == ("api.yaml", 6, "spec.adress", "error")
    case.save(instance())
    assert case.fetch(1) is None
    assert events(lines)[-1]["event"] != "configuration_fault"
    assert "configuration_mended" in [event["event"] for event in events(lines)]
    case.save(instance("other"))
    offer = case.fetch(1)
    assert offer is not None
    assert offer.revision == 2


def test_another_fault_is_another_refusal(case: Case) -> None:
    case.save(instance().replace("address", "adress"))
    first = case.refused()
    case.save(instance().replace("name:", "nmae:"))
    assert case.refused().digest != first.digest


def test_content_that_was_offered_before_the_last_gets_a_new_number(case: Case) -> None:
    case.fetch()
    case.save(instance("other"))
    case.fetch(1)
    case.save(instance())
    offer = case.fetch(2)
    assert offer is not None
    assert offer.revision == 3


def test_a_folder_that_goes_away_takes_nothing_with_it(case: Case) -> None:
    case.fetch()
    case.file.unlink()
    assert case.refused().code == "files_missing"
    case.file.parent.rmdir()
    assert case.refused().code == "files_missing"
    case.file.parent.mkdir()
    case.save(instance())
    assert case.fetch(1) is None


def test_files_are_read_when_they_have_stopped_changing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.fetch()
    case.save("apiVersion: half")
    looks = 0
    stamps = watching.stamps

    def saving(root: Path) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            case.save(instance("whole"))
        return stamps(root)

    monkeypatch.setattr(watching, "stamps", saving)
    offer = case.fetch(1)
    assert offer is not None
    assert decode(offer.document).apis[0].name == "whole"
    assert looks == 3


def test_notes_are_told_as_warnings_and_the_log_level_is_taken(case: Case, lines: io.StringIO) -> None:
    case.save(instance() + "---\n" + resource("Configuration", "c", "platformConnection: {mode: online}"))
    case.fetch()
    told = [(event["log.level"], event["event"], event["key"]) for event in events(lines)]
    assert told == [
        ("warning", "configuration_note", "spec.platformConnection"),
        ("warning", "configuration_note", "spec"),
    ]
    case.save(instance("other") + "---\n" + resource("Configuration", "c", "logging: {runtimeLogs: {logLevel: error}}"))
    case.fetch()
    assert log.level == "error"


def test_waiting_ends_by_itself(case: Case) -> None:
    assert asyncio.run(asyncio.wait_for(case.source.changed(), 5)) is None
    assert asyncio.run(case.source.close()) is None
