import errno

import msgspec
import pytest

from gateway_runtime.configuration import ports
from gateway_runtime.configuration.ports import port_fault, probe_listeners, shifted
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import Candidate, Document, Listener, Surroundings
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.probe import Probe

PUBLIC = Listener(id="p", name="public", port=8443)


def document(*listeners: Listener) -> bytes:
    return msgspec.json.encode({"listeners": listeners, "apis": []})


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []

    def probe(host: str, port: int) -> None:
        seen.append(port)
        if port == 81:
            raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(ports, "try_port", probe)
    return seen


def test_only_new_ports_are_tried(probed: list[int]) -> None:
    other = Listener(id="o", name="other", port=82)
    assert probe_listeners(document(PUBLIC, other), [PUBLIC]) == [PUBLIC, other]
    assert probed == [82]


def test_a_port_in_use_is_named_with_its_place(probed: list[int]) -> None:
    with pytest.raises(ConfigFault) as caught:
        probe_listeners(document(PUBLIC, Listener(id="o", name="other", port=81)), [])
    assert (caught.value.path, caught.value.code) == ("listeners[1].port", "listener_port_in_use")
    assert caught.value.message == (
        "Port 81 of listener “other” is already in use. Choose another port or free this one."
    )


def test_an_unreadable_document_is_left_to_the_compiler(probed: list[int]) -> None:
    assert probe_listeners(b"{", [PUBLIC]) == []
    assert probed == []


def test_another_reason_is_said_as_it_is() -> None:
    fault = port_fault(PUBLIC, 0, OSError(errno.EACCES, "Permission denied"))
    assert "cannot be opened (Permission denied)" in fault.message


def test_offset_moves_every_port_that_a_document_opens() -> None:
    around = Surroundings(gateway="g", name="edge", listeners=[PUBLIC], probe=Probe(port=9000))
    tried = Candidate(revision=2, stable=1, percent=10, surroundings=around)
    made = Document(gateway="g", name="edge", listeners=[PUBLIC], probe=Probe(port=9000), candidate=tried)
    there = documents.decode(shifted(documents.encode(made), 100))
    assert there.candidate is not None
    assert there.candidate.surroundings is not None
    for part in (there, there.candidate.surroundings):
        assert part.probe is not None
        assert ([each.port for each in part.listeners], part.probe.port) == ([8543], 9100)


def test_without_an_offset_nothing_is_read() -> None:
    assert shifted(b"no document", 0) == b"no document"


def test_what_is_no_document_is_left_to_the_compiler() -> None:
    assert shifted(b"no document", 100) == b"no document"


def test_port_beyond_the_last_one_is_refused() -> None:
    with pytest.raises(ConfigFault, match="Port 8443 of listener “public” with the offset 60000 is none") as caught:
        shifted(documents.encode(Document(gateway="g", name="edge", listeners=[PUBLIC])), 60_000)
    assert caught.value.path == "listeners[0].port"
