"""Directories as policies use them: who is asked at which address, how many wait, what is said in the log."""

import asyncio
import json
import threading
from typing import Any

import pytest

from gateway_runtime.directories import directory as module
from gateway_runtime.directories.directory import Directories
from gateway_runtime.directories.ldap import LdapSettings
from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.testing import FakeClock
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.platform import Platform
from gateway_runtime.upstream.resolving import Resolver

from .fakes import FakeLdap


def settings(**more: Any) -> LdapSettings:
    given = {
        "host": "directory.example", "port": 389, "tls": False, "trusted_ca": "", "manager_dn": "cn=m",
        "manager_password": "secret", "base": "dc=x", "filter": "(uid={0})", "subtree": True, "seconds": 5.0,
        "remember_seconds": 30.0,
    }  # fmt: skip
    return LdapSettings(**(given | more))


async def look_up(host: str) -> tuple[list[str], float]:
    return {"directory.example": ["198.51.100.7", "10.0.0.7"], "inside.example": ["10.0.0.8"]}[host], 60.0


def directories(ldap: FakeLdap, clock: FakeClock | None = None, **around: Any) -> Directories:
    surroundings = Surroundings(Resolver(look_up), **around)
    return Directories(surroundings, clock or FakeClock(), ldap)  # type: ignore[arg-type]


def ask(found: Any, name: str = "ada", password: bytes = b"sesame") -> Any:
    return found.ask(found.digest(name.encode() + password), name, password)


@pytest.mark.parametrize(
    ("host", "around", "expected"),
    [
        ("directory.example", {}, []),
        ("directory.example", {"allow_private": True}, [["198.51.100.7", "10.0.0.7"]]),
        ("inside.example", {}, []),
        ("inside.example", {"allow_private": True}, [["10.0.0.8"]]),
        ("8.8.8.8", {}, [["8.8.8.8"]]),
        ("127.0.0.1", {}, []),
        ("127.1", {}, []),
        ("169.254.169.254", {}, []),
    ],
)
def test_addresses_are_judged_like_those_of_services(host: str, around: dict[str, Any], expected: Any) -> None:
    ldap = FakeLdap()
    answer = asyncio.run(ask(directories(ldap, **around).get(settings(host=host))))
    assert ldap.addresses == expected
    assert (answer is None) is (not expected)


def test_the_platform_is_never_asked() -> None:
    ldap = FakeLdap()
    around = {"allow_private": True, "platform": Platform([PlatformAddress(host="10.0.0.8", port=389)])}
    found = directories(ldap, **around).get(settings(host="inside.example"))
    assert asyncio.run(ask(found)) is None
    assert ldap.asked == []


def test_the_same_settings_mean_the_same_directory_as_long_as_somebody_has_it() -> None:
    every = directories(FakeLdap())
    first = every.get(settings())
    assert every.get(settings()) is first
    assert every.get(settings(manager_password="other")) is not first


def test_whoever_asks_while_many_wait_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 2)
    ldap = FakeLdap()
    ldap.holds = threading.Event()

    async def run() -> list[Any]:
        found = directories(ldap, allow_private=True).get(settings())
        asking = [asyncio.ensure_future(ask(found, f"u{number}")) for number in range(module.THREADS + 2)]  # noqa: TID251
        await asyncio.sleep(0)
        late = await ask(found, "late")
        assert late is None
        assert not any(each.done() for each in asking)
        ldap.holds.set()
        return await asyncio.gather(*asking)

    answers = asyncio.run(run())
    assert all(answer is not None for answer in answers)
    assert "late" not in ldap.asked


def test_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    ldap = FakeLdap()
    ldap.holds = threading.Event()

    async def run() -> Any:
        found = directories(ldap, allow_private=True).get(settings())
        first, second = (asyncio.ensure_future(ask(found)) for _ in range(2))  # noqa: TID251
        await asyncio.sleep(0)
        first.cancel()
        ldap.holds.set()
        return await second

    assert asyncio.run(run()).principal == b"ada"
    assert ldap.asked == ["ada"]


def test_a_question_that_takes_too_long_has_no_answer() -> None:
    ldap = FakeLdap()
    ldap.holds = threading.Event()

    async def run() -> Any:
        found = directories(ldap, allow_private=True).get(settings(seconds=0.05))
        answer = await ask(found)
        ldap.holds.set()
        return answer

    assert asyncio.run(run()) is None


def test_no_more_is_remembered_than_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    found = directories(FakeLdap(), allow_private=True).get(settings())

    async def run() -> None:
        for number in range(10):
            await ask(found, f"u{number}")

    asyncio.run(run())
    assert len(found.known) == 3
    assert found.digest(b"u9sesame") in found.known


def test_a_failing_directory_is_in_the_log_once_a_minute(capfd: pytest.CaptureFixture[str]) -> None:
    ldap, clock = FakeLdap(), FakeClock()
    ldap.fails = "refused"
    found = directories(ldap, clock, allow_private=True).get(settings())

    async def run() -> None:
        for _ in range(5):
            assert await ask(found) is None
        clock.advance(60)
        assert await ask(found) is None
        ldap.fails = ""
        assert await ask(found) is not None

    asyncio.run(run())
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["directory_failed", "directory_failed", "directory_back"]
    assert (lines[0]["host"], lines[0]["code"]) == ("directory.example", "refused")


def test_settings_do_not_show_their_password() -> None:
    assert "secret" not in repr(settings())
