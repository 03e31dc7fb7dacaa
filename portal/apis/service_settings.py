"""How a service is asked, besides its URL: in the words of declarative files, made from the document's own part."""

import json
from typing import Annotated, Any, cast
from urllib.parse import SplitResult, urlsplit

import msgspec

from gateway_runtime.decide import check_service
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import setting
from gateway_runtime.schema.written import Written, unwritten_fields, written, written_path
from portal.apis.checks import implementation_url_fault
from portal.apis.models import Service
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path, outline
from portal.core.setting_forms.secrets import joined, masked, secret_paths, split, with_kept
from portal.organizations.models import Environment

Settings = dict[str, Any]

DEFAULT_PORTS = {"http": 80, "https": 443}
_WEIGHT = "Its share of the requests; 0: only where no other is left."


class Target(Written, frozen=True):
    """One more address that answers for the service."""

    address: Annotated[
        str,
        setting(
            "Address",
            "With the scheme of the URL above and without a path.",
            placeholder="http://orders-2.example.com:9001",
            min_length=1,
            max_length=500,
        ),
    ]
    weight: Annotated[int, setting("Weight", _WEIGHT, ge=0, le=10_000)] = 100


SETTINGS = written(
    schema.Service,
    without=("id", "name", "scheme", "targets"),
    further=(
        (
            "targets",
            Annotated[
                list[Target],
                setting("Further targets", "More addresses that answer for it. They share its path.", max_length=100),
            ],
            msgspec.field(default_factory=list),
        ),
        (
            "weight",
            Annotated[int, setting("Weight of the URL", f"Beside further targets: {_WEIGHT.lower()}", ge=0, le=10_000)],
            100,
        ),
    ),
)
OUTLINE = outline(SETTINGS)
SECRET = secret_paths(OUTLINE)


class UnusableService(Exception):
    """A stored service cannot be asked as it is; the sentence says why."""


def service_secrets(service: Service) -> dict[str, Any]:
    """Return the secret settings of a service, decrypted. Never for a page, an answer or the audit trail."""
    secrets: dict[str, Any] = json.loads(service.secrets) if service.secrets else {}
    return secrets


def masked_settings(service: Service) -> Settings:
    """Return the settings as they may be shown."""
    return masked(service.settings, service_secrets(service))


def service_set(service: Service, *, url: str, settings: Any = None) -> None:
    """Give a service this URL and these settings; None keeps those it has. Does not save.

    Secrets that are left empty stay. Raises `ApplicationError` beside the very field that is wrong.
    """
    url = url.strip().rstrip("/")
    environment = service.instance.environment
    if sentence := implementation_url_fault(url, environment):
        raise ApplicationError("service_url_invalid", sentence, fields={"url": sentence})
    settings = with_kept(service.settings if settings is None else settings, service_secrets(service), SECRET)
    _forget_key(settings)
    try:
        read = convert(settings, SETTINGS)
    except ConfigFault as fault:
        raise _refused(fault.path, fault.message, fault.code) from fault
    _check_targets(read, url, environment)
    if read.tls is not None and urlsplit(url).scheme != "https":
        raise _refused("tls", "The URL begins with http. Write https there to speak TLS to it.", "service_not_tls")
    _check_balance(read)
    try:
        check_service(_document("", "", read, urlsplit(url)))
    except ConfigFault as fault:
        path = written_path(schema.Service, fault.path.removeprefix("."))
        raise _refused(path, fault.message, fault.code) from fault
    service.url = url
    service.settings, secrets = split(settings, SECRET)
    service.secrets = json.dumps(secrets) if secrets else None


def _forget_key(settings: Any) -> None:
    """Leave out the key of a certificate that is not there any more."""
    tls = settings.get("tls") if isinstance(settings, dict) else None
    if isinstance(tls, dict) and not tls.get("certificate"):
        tls.pop("key", None)


def service_document(service: Service) -> tuple[schema.Service, str]:
    """Return a service as the gateway reads it, and the path its URL ends with. Raises `UnusableService`."""
    try:
        parts = urlsplit(service.url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        raise UnusableService(f"The implementation URL {service.url!r} cannot be used. Correct it.") from None
    try:
        read = convert(joined(service.settings, service_secrets(service)), SETTINGS)
    except ConfigFault as fault:
        raise UnusableService(f"The service “{service.name}” cannot be used ({fault.path}): {fault.message}") from fault
    return _document(str(service.pk), service.name, read, parts), parts.path.rstrip("/")


def _document(id: str, name: str, read: Any, parts: SplitResult) -> schema.Service:
    first = _target(parts, read.weight)
    return schema.Service(
        id=id,
        name=name,
        scheme=parts.scheme,
        targets=[first, *(_target(urlsplit(each.address), each.weight) for each in read.targets)],
        **unwritten_fields(cast(Written, read)),
    )


def _target(parts: SplitResult, weight: int) -> schema.Target:
    return schema.Target(host=parts.hostname or "", port=parts.port or DEFAULT_PORTS[parts.scheme], weight=weight)


def _check_targets(read: Any, url: str, environment: Environment) -> None:
    parts = urlsplit(url)
    seen = {_place(parts)}
    for index, target in enumerate(read.targets):
        path = f"targets.{index}.address"
        address = target.address.strip()
        if fault := implementation_url_fault(address, environment):
            raise _refused(path, fault, "service_url_invalid")
        own = urlsplit(address)
        if own.scheme != parts.scheme:
            sentence = f"The URL of this service begins with {parts.scheme}. Write {parts.scheme} here, too."
            raise _refused(path, sentence, "mixed_schemes")
        if own.path.rstrip("/"):
            raise _refused(path, "Leave the path out: all targets share that of the URL.", "service_url_invalid")
        if _place(own) in seen:
            sentence = f"{own.hostname}:{_place(own)[1]} is there twice. Give it a greater weight instead."
            raise _refused(path, sentence, "duplicate_target")
        seen.add(_place(own))


def _place(parts: SplitResult) -> tuple[str, int]:
    return (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS[parts.scheme]


def _check_balance(read: Any) -> None:
    balance = read.balance
    if balance.policy == "consistent_hash" and balance.hash_on == "header" and not balance.header:
        raise _refused("balance.header", "Say which header tells callers apart.", "required")


def _refused(path: str, sentence: str, code: str) -> ApplicationError:
    name = f"settings.{field_path(path)}" if path else "settings"
    return ApplicationError(code, sentence, fields={name: sentence})
