"""The settings of a listener as one type: form, REST and the stored row are made from it."""

from typing import Annotated, Any, Literal

import msgspec

from gateway_runtime.schema.document import Tls
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import setting
from gateway_runtime.schema.written import unwritten_fields, written
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path, outline
from portal.core.setting_forms.values import differing

_HTTPS = "protocol=https"

# All that the document says about a listener's TLS, but for its certificates, in the words of declarative files.
TlsTerms: Any = written(Tls, without=("certificates",))


class ChosenCertificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One certificate of a listener, by its id."""

    certificate: Annotated[
        str, setting("Certificate", "The first one is for callers that name no host, or one that no other has.")
    ]
    names: Annotated[
        list[str],
        setting("Only for these hosts", "Empty: for those that the certificate names. *.example.com is allowed."),
    ] = []


class ListenerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be said about a listener."""

    name: Annotated[str, setting("Name", "How you call it, for example public.", max_length=80)] = ""
    port: Annotated[int, setting("Port", "Every replica opens it within seconds.", ge=1, le=65535)]
    host: Annotated[
        str,
        setting("Address", "The address of the machine to listen on. 0.0.0.0 is all of IPv4, :: all of IPv6."),
    ] = "0.0.0.0"  # noqa: S104 - a gateway is there to be reached
    proxy_protocol: Annotated[
        bool,
        setting(
            "Behind a load balancer that sends the PROXY protocol",
            "Every connection begins with a PROXY header, version 1 or 2, or it is closed.",
        ),
    ] = False
    protocol: Annotated[
        Literal["http", "https"], setting("Protocol", "HTTPS needs a certificate. It speaks HTTP/2 too.")
    ] = "http"
    certificates: Annotated[
        list[ChosenCertificate],
        setting("Certificates", "Which one a caller is shown depends on the host it names.", only_with=_HTTPS),
    ] = []
    tls: Annotated[TlsTerms, setting("TLS", "", only_with=_HTTPS)] = TlsTerms()


OUTLINE = outline(ListenerSettings)


def terms_checked(given: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the default. Raises `ApplicationError` beside the setting of `tls` that is wrong."""
    try:
        return differing(convert(given, TlsTerms))
    except ConfigFault as fault:
        place = f"tls.{field_path(fault.path)}" if fault.path else "tls"
        raise ApplicationError(fault.code, fault.message, fields={place: fault.message}) from fault


def terms_part(stored: dict[str, Any]) -> dict[str, Any]:
    """Return stored terms as fields of the document's. Raises `ConfigFault`."""
    return unwritten_fields(convert(stored, TlsTerms))
