"""Which instance of a gateway an incoming one is."""

from portal.apis.models import ApiInstance
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.transfers.incoming import Incoming


def target_of(incoming: Incoming, gateway: Gateway) -> ApiInstance | None:
    """Return the instance that an incoming one is: the same version and label on the gateway, and of several the same
    base path."""
    found = list(
        gateway.api_instances.select_related(
            "environment__organization", "api_version__api", "gateway__environment", "listener"
        ).filter(
            api_version__api__name__iexact=incoming.api,
            api_version__version__iexact=incoming.version,
            label__iexact=incoming.label,
        )
    )
    same = [each for each in found if (each.base_path, each.listener.port) == (incoming.base_path, incoming.port)]
    if same or len(found) <= 1:
        return next(iter(same or found), None)
    sentence = f"{gateway.name} has {len(found)} instances of {incoming.name}. Give them labels to tell them apart."
    if incoming.place is None:
        raise ApplicationError("instance_ambiguous", sentence, status=409)
    raise incoming.place.fault(sentence, "instance_ambiguous")
