"""A directory without a server: it knows some people and notes what it is asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from gateway_runtime.directories.ldap import DirectoryError, Finding, LdapSettings


class FakeLdap:
    """Makes questions that answer out of `people`. With `fails` they raise, with `holds` they wait to be let go."""

    def __init__(self, people: dict[str, str] | None = None) -> None:
        self.people = {"ada": "sesame"} if people is None else people
        self.asked: list[str] = []
        self.addresses: list[Sequence[str]] = []
        self.fails = ""
        self.holds: threading.Event | None = None

    def __call__(self, settings: LdapSettings, name: str, password: bytes) -> FakeQuestion:
        return FakeQuestion(self, name, password)


class FakeQuestion:
    def __init__(self, ldap: FakeLdap, name: str, password: bytes) -> None:
        self._ldap = ldap
        self._name = name
        self._password = password
        self.dn = ""

    def ask(self, addresses: Sequence[str]) -> Finding:
        ldap = self._ldap
        ldap.asked.append(self._name)
        ldap.addresses.append(addresses)
        if ldap.holds is not None:
            ldap.holds.wait(10)
        if ldap.fails:
            raise DirectoryError(ldap.fails)
        if self._name == "twins":
            return Finding.AMBIGUOUS
        self.dn = f"uid={self._name},ou=people,dc=example,dc=com"
        right = ldap.people.get(self._name) == self._password.decode()
        return Finding.VERIFIED if right else Finding.UNKNOWN

    def give_up(self) -> None:
        pass
