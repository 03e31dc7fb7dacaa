"""Ports are checked before anything starts, and kept where nobody chose them."""

import socket
from pathlib import Path

import pytest

from portal.cli.up.errors import StartError
from portal.cli.up.ports import OUTGOING, remembered_ports, require_free

pytestmark = pytest.mark.integration


def test_port_in_use_names_its_variable() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for host in ("127.0.0.1", ""):
            with pytest.raises(StartError, match=f"Port {port} .*PORTICO_PORTAL_PORT"):
                require_free(host, port, purpose="the portal", variable="PORTICO_PORTAL_PORT")


def test_ports_stay_the_same(tmp_path: Path) -> None:
    first = remembered_ports(tmp_path / "ports.json", ["a", "b"])
    assert len(set(first.values())) == 2
    assert remembered_ports(tmp_path / "ports.json", ["a", "b", "c"]).items() >= first.items()


def test_port_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    first = remembered_ports(tmp_path / "ports.json", ["a", "b"])
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["a"]))
        other.listen()
        second = remembered_ports(tmp_path / "ports.json", ["a", "b"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_broken_file_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert remembered_ports(tmp_path / "ports.json", ["a"])["a"] > 0


def test_no_port_is_one_that_an_outgoing_connection_may_be_given(tmp_path: Path) -> None:
    first_outgoing = int(OUTGOING.read_text().split()[0]) if OUTGOING.exists() else 32_768
    picked = remembered_ports(tmp_path / "ports.json", [f"service-{n}" for n in range(50)])
    assert len(set(picked.values())) == 50
    assert max(picked.values()) < first_outgoing
