"""What the messages of Envoy's services have in common (`envoy.config.core.v3`)."""

from __future__ import annotations

from gateway_runtime.fetching.header_changes import Action, Change
from gateway_runtime.grpc.wire import Message, WireError


def header_change(option: Message) -> Change:
    """Return what one `HeaderValueOption` says: it is set, unless it says otherwise in the old way or the new one."""
    header = option.message(1)
    if 2 in option:
        action = Action.APPEND if option.message(2).number(1) else Action.SET
    else:
        said = option.number(3)
        if said > Action.SET_IF_PRESENT:
            raise WireError("nothing is known to do with a header like this")
        action = Action(said) if said else Action.SET
    return Change(action, header.text(1), header.text(3) or header.text(2))
