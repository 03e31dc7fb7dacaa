"""Handshakes in memory: what a listener speaks TLS with, and a client, without a socket."""

from __future__ import annotations

import ssl
import warnings
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gateway_runtime.schema.document import Certificate, Tls
from gateway_runtime.tls.compiled import ListenerTls, compile_tls
from gateway_runtime.tls.handshake import SwitchedContext
from tests.certificates import Authority, Pair

AUTHORITY = Authority()
PARTNERS = Authority("Partners")
NOW = datetime.now(UTC)
SHOP = AUTHORITY.issue("shop.example")
BANK = AUTHORITY.issue("bank.example", "*.bank.example")


def certificate(pair: Pair, *names: str) -> Certificate:
    return Certificate(certificate=pair.certificate, key=pair.key, names=list(names))


def settings(*pairs: Pair, **more: Any) -> Tls:
    return Tls(certificates=[certificate(pair) for pair in pairs or (SHOP, BANK)], **more)


def compiled(definition: Tls, listener: str = "public") -> ListenerTls:
    return compile_tls(listener, definition, "tls", NOW)


def client(shown: Pair | None = None, folder: Any = None, **versions: str) -> ssl.SSLContext:
    """Return a client that trusts the authority. A certificate to show goes through a file in `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.pem)
    context.check_hostname = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for bound, version in versions.items():
            setattr(context, bound, ssl.TLSVersion[version])
    if shown is not None:
        path = folder / "client.pem"
        path.write_text(shown.certificate + shown.key)
        context.load_cert_chain(path)
    return context


class Meeting:
    """A client and a listener shake hands, and the client reads once: only then it knows it was let in."""

    def __init__(
        self, switch: SwitchedContext, caller: ssl.SSLContext, name: str | None = None, session: Any = None
    ) -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = caller.wrap_bio(to_client, to_server, server_hostname=name, session=session)
        self.server = switch.wrap_bio(to_server, to_client)
        self.pending = [self.client, self.server]

    def step(self, side: ssl.SSLObject) -> None:
        """Let one side do what it can."""
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
            self.pending.remove(side)

    def finish(self) -> ssl.SSLObject:
        """Shake hands, bring a byte to the client, and return its side. Raises `ssl.SSLError`."""
        for _ in range(5):
            for side in list(self.pending):
                self.step(side)
        assert not self.pending
        self.server.write(b"x")
        assert self.client.read(1) == b"x"
        return self.client


def switched(tls: ListenerTls) -> SwitchedContext:
    return SwitchedContext(tls, Counter())


def meet(definition: Tls, caller: ssl.SSLContext | None = None, name: str | None = None) -> ssl.SSLObject:
    """Shake hands with a listener of these settings."""
    return Meeting(switched(compiled(definition)), caller or client(), name).finish()


def names_shown(connection: ssl.SSLObject) -> list[str]:
    """Return the names in the certificate that a client was shown."""
    shown: Any = connection.getpeercert()
    return [name for _, name in shown["subjectAltName"]]
