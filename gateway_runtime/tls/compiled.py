"""The TLS of all listeners of a revision, made beside what is running; what has not changed is taken over."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from gateway_runtime.schema.document import Listener, Tls
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.context import INVALID, build_context, load_certificate
from gateway_runtime.tls.handshake import ServerHandshake
from gateway_runtime.tls.names import NameTable, plain_name


class ListenerTls:
    """What one listener speaks TLS with. Never changed after it is made.

    Only the certificate depends on the name that a caller asks for. Versions, suites and above all the client
    certificate that must be shown are those of the listener, so no name leads around them.
    """

    __slots__ = ("context", "definition", "listener", "terms")

    def __init__(self, listener: str, definition: Tls, context: ssl.SSLContext) -> None:
        self.listener = listener
        self.definition = definition
        self.context = context
        # What was agreed with a client, whichever certificate it was shown.
        self.terms = terms_of(definition)


class ListenerFault(NamedTuple):
    """A listener that goes on with the certificates it had, or has one whose dates are wrong and nothing better."""

    listener: Listener
    fault: ConfigFault
    kept: bool = True


Compiling = Generator[None, None, tuple[dict[int, ListenerTls], list[ListenerFault]]]


def terms_of(definition: Tls) -> Tls:
    """Return the settings without the certificates."""
    return msgspec.structs.replace(definition, certificates=[])


def compile_listeners(
    listeners: Iterable[Listener], running: Mapping[int, ListenerTls], accepted: Iterable[Listener], now: datetime
) -> Compiling:
    """Compile, with a pause after each listener. Raises `ConfigFault`.

    `accepted` are definitions that have been good before: a certificate in them may have expired since, and that is no
    reason not to start. A certificate that cannot be used leaves the listener with those that it had. Anything else
    about it that has changed cannot wait for that: then the revision is refused. It is not where only the dates are
    wrong: to a replica that starts with nothing, all other APIs matter more than what its clients will say of one.
    """
    made = {tls.listener: tls for tls in running.values()}
    good = {listener.id: listener.tls for listener in accepted}
    found: dict[int, ListenerTls] = {}
    faults: list[ListenerFault] = []
    for index, listener in enumerate(listeners):
        if listener.tls is None:
            continue
        path = f"listeners[{index}].tls"
        known = made.get(listener.id)
        if known is not None and known.definition == listener.tls:
            found[listener.port] = known
            continue
        before = good.get(listener.id)
        try:
            tls = compile_tls(listener.id, listener.tls, path, None if listener.tls == before else now)
        except ConfigFault as fault:
            if known is None and before is not None:
                known = compile_tls(listener.id, before, path, None)
            kept = known is not None and known.terms == terms_of(listener.tls)
            if known is not None and kept:
                tls = known
            else:
                try:
                    tls = compile_tls(listener.id, listener.tls, path, None)
                except ConfigFault:
                    raise fault from None
            faults.append(ListenerFault(listener, fault, kept))
        found[listener.port] = tls
        yield
    return found, faults


def compile_tls(listener: str, definition: Tls, path: str, now: datetime | None) -> ListenerTls:
    """Make the contexts of one listener. Raises `ConfigFault`. Without `now` no dates are looked at."""
    if not definition.certificates:
        raise ConfigFault(f"{path}.certificates", INVALID, "TLS needs a certificate.")
    from gateway_runtime.tls.certificates import check_certificate

    contexts: list[ssl.SSLContext] = []
    named: NameTable[int] = NameTable()
    own: list[tuple[str, int]] = []
    for index, given in enumerate(definition.certificates):
        here = f"{path}.certificates[{index}]"
        checked = check_certificate(given, here, now)
        context = build_context(definition, path)
        load_certificate(context, checked.pem, here)
        contexts.append(context)
        for place, name in enumerate(given.names):
            plain = plain_name(name)
            if plain is None:
                raise ConfigFault(f"{here}.names[{place}]", INVALID, f"“{name}” is not a host name.")
            if not named.add(plain, index):
                text = f"The name “{name}” is there twice. Leave it with one of the certificates."
                raise ConfigFault(f"{here}.names[{place}]", INVALID, text)
        if not given.names:
            own += [(plain, index) for name in checked.names if (plain := plain_name(name))]
    # What somebody has written comes before what a certificate happens to have.
    for name, index in own:
        named.add(name, index)
    default = contexts[0]
    default.sslobject_class = ServerHandshake
    if len(contexts) > 1:
        default.sni_callback = _chooser(named, contexts)
    return ListenerTls(listener, definition, default)


def _chooser(named: NameTable[int], contexts: list[ssl.SSLContext]) -> Callable[[Any, str | None, Any], None]:
    """Return what is called with the name a client asks for. The first context stays where no other one fits."""
    # The first one holds this function: pointing back to it would leave the circle to the garbage collector.
    others = (None, *contexts[1:])

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        context = others[named.find(name) or 0] if name is not None else None
        if context is not None:
            connection.context = context

    return choose
