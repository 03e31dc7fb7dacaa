import errno

import msgspec
import pytest

from gateway_runtime.configuration import ports
from gateway_runtime.configuration.ports import port_fault, probe_listeners
from gateway_runtime.schema.document import Listener
from gateway_runtime.schema.faults import ConfigFault

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
