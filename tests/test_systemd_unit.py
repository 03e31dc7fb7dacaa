"""The unit file fits the gateway that it starts."""

import shlex
from collections import defaultdict
from pathlib import Path

from gateway_runtime.options import DRAIN_SECONDS, UPGRADE_SECONDS, read_options
from gateway_runtime.schema.revocation import EXIT_STATUS

UNIT = Path(__file__).parent.parent / "deploy" / "systemd" / "portico-gateway@.service"


def settings() -> dict[str, list[str]]:
    """Return the settings by “Section.Name”. A line that is none of section, setting and comment fails."""
    found, section = defaultdict(list), ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, line
            found[f"{section}.{name}"].append(value)
    return found


def test_it_starts_the_gateway_with_arguments_that_it_takes() -> None:
    (command,) = settings()["Service.ExecStart"]
    _python, *flags = shlex.split(command.replace("%i", "edge").replace("%S", "/var/lib"))
    assert flags[:3] == ["-P", "-m", "gateway_runtime"]
    options = read_options(flags[3:], {})
    assert options.registration == Path("/etc/portico/gateway/edge.yaml")
    assert options.state == Path("/var/lib/portico-gateway/edge")
    assert settings()["Service.StateDirectory"] == ["portico-gateway/%i"]


def test_its_times_leave_room_for_those_of_the_gateway() -> None:
    service = settings()
    assert float(service["Service.TimeoutStopSec"][0]) > DRAIN_SECONDS + 10
    assert float(service["Service.TimeoutStartSec"][0]) > UPGRADE_SECONDS


def test_a_reload_is_an_upgrade_that_systemd_follows() -> None:
    service = settings()
    assert service["Service.Type"] == ["notify"]
    assert service["Service.NotifyAccess"] == ["main"]
    assert service["Service.ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    # The successor and its workers are neither main process nor strangers: nothing but the end may kill them.
    assert service["Service.KillMode"] == ["mixed"]


def test_it_may_do_little() -> None:
    service = settings()
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictNamespaces"):
        assert service[f"Service.{name}"] == ["yes"]
    assert service["Service.ProtectSystem"] == ["strict"]
    assert service["Service.CapabilityBoundingSet"] == ["CAP_NET_BIND_SERVICE"]


def test_a_gateway_that_was_revoked_is_not_started_again() -> None:
    assert settings()["Service.RestartPreventExitStatus"] == [str(EXIT_STATUS)]
