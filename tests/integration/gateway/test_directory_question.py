"""A question to a directory that is given up while its connection is being made."""

import socket
from typing import Any

import pytest
from ldap3.strategy.sync import SyncStrategy

from gateway_runtime.directories.ldap import DirectoryError, LdapSettings
from gateway_runtime.directories.question import Question

pytestmark = pytest.mark.integration


def test_a_question_that_is_given_up_while_it_connects_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = LdapSettings(
            host="127.0.0.1", port=server.getsockname()[1], tls=False, trusted_ca="", manager_dn="cn=a",
            manager_password="sesame", base="dc=a", filter="(uid={0})", subtree=True, seconds=1, remember_seconds=0,
        )  # fmt: skip
        question = Question(settings, "ada", b"sesame")
        connect = SyncStrategy.open

        def late(strategy: Any, **more: Any) -> None:
            question.give_up()
            connect(strategy, **more)

        monkeypatch.setattr(SyncStrategy, "open", late)
        with pytest.raises(DirectoryError):
            question.ask(["127.0.0.1"])
        with server.accept()[0] as asked:
            assert asked.recv(100) == b""
