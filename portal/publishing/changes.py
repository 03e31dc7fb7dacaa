"""What changed between two revisions, readable and without secrets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway_runtime.policies.registry import definition
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.secret import Hidden, without_secrets
from portal.gateways.settings import PARTS

MASK = "••••••"
# Named by their own groups, not as settings of an API.
_API_PARTS = frozenset({"id", "name", "policies"})
# What a gateway has besides its listeners and APIs, as far as people say it.
_GATEWAY_PARTS = ("name", "allow_private_targets", "format", "sampled_percent", *PARTS)
# A part that is not there says the same as one in which nothing is set.
_NOTHING: tuple[Any, ...] = (None, {}, [])
# Longer texts, such as specifications, are shown from a little before they differ.
LONGEST_TEXT = 200
_BEFORE = 60
# What a change concerns is told by the calls of so many days before it.
EFFECT_DAYS = 7


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting by its path, old and new as text; "" where there was or is none."""

    path: str
    old: str
    new: str

    @property
    def text(self) -> str:
        """Return it in one line."""
        return f"{self.path} {self.old or '—'} → {self.new or '—'}" if self.old else f"{self.path} {self.new}"


@dataclass(frozen=True, slots=True)
class Effect:
    """Whom a change of an API concerns. `calls` is None where nobody knows, or the reader may not."""

    applications: int
    calls: int | None = None

    @property
    def text(self) -> str:
        """Return it as half a sentence."""
        affects = f"affects {_counted(self.applications, 'application')}"
        return (
            affects
            if self.calls is None
            else f"{affects}, {_counted(self.calls, 'call')} in the last {EFFECT_DAYS} days"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was added, removed or changed. `where` is the API a policy belongs to, `api` the API's id."""

    action: str
    kind: str
    name: str
    where: str = ""
    settings: list[SettingChange] = field(default_factory=list)
    api: str = ""
    effect: Effect | None = None

    @property
    def whole(self) -> bool:
        """Tell whether it holds for whole replicas: no share of the requests can get it."""
        return self.kind in ("gateway", "listener")

    @property
    def sentence(self) -> str:
        """Return it as one sentence, without its effect."""
        subject = f"{self.kind[:1].upper()}{self.kind[1:]} “{self.name}”" + (
            f" on “{self.where}”" if self.where else ""
        )
        told = "; ".join(setting.text for setting in self.settings)
        if self.action == "changed" and told:
            return f"{subject}: {told}"
        return f"{subject} {self.action}" + (f": {told}" if told else "")


def revision_changes(old: schema.Document | None, new: schema.Document) -> list[Change]:
    """Return what a reader wants to know about `new` against `old`."""
    old = old or schema.Document(gateway=new.gateway, name=new.name)
    changes = list(_gateway(old, new))
    changes += _things("listener", old.listeners, new.listeners)
    changes += _apis(old, new)
    changes += _things("client application", old.consumers, new.consumers)
    changes += _things("SLA tier", old.tiers, new.tiers)
    changes += _contracts(old, new)
    return changes


def _gateway(old: schema.Document, new: schema.Document) -> Iterator[Change]:
    settings = _settings(_gateway_settings(old), _gateway_settings(new))
    if settings:
        yield Change("changed", "gateway", new.name, settings=settings)


def _gateway_settings(document: schema.Document) -> dict[str, Any]:
    """Return what people can say about a gateway, without secrets."""
    bare = msgspec.structs.replace(document, apis=[], listeners=[], consumers=[], contracts=[], tiers=[])
    plain = without_secrets(bare)
    return {name: plain[name] for name in _GATEWAY_PARTS if name in plain}


def _things(kind: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    before, after = {t.id: t for t in old}, {t.id: t for t in new}
    for key in [*before, *(k for k in after if k not in before)]:
        was, is_ = before.get(key), after.get(key)
        if was is None and is_ is not None:
            yield Change("added", kind, is_.name)
        elif is_ is None and was is not None:
            yield Change("removed", kind, was.name)
        elif was != is_ and is_ is not None:
            yield Change("changed", kind, is_.name, settings=_settings(_plain(was), _plain(is_)))


def _apis(old: schema.Document, new: schema.Document) -> Iterator[Change]:
    before, after = {a.id: _alone(a, old) for a in old.apis}, {a.id: _alone(a, new) for a in new.apis}
    for key in [*before, *(k for k in after if k not in before)]:
        was, is_ = before.get(key), after.get(key)
        if was is None and is_ is not None:
            yield Change("added", "API", is_.name, settings=_settings({}, _api_settings(is_, new)), api=key)
            yield from _policies(is_, [], is_.policies)
        elif is_ is None and was is not None:
            yield Change("removed", "API", was.name, api=key)
        elif was is not None and is_ is not None and was != is_:
            settings = _settings(_api_settings(was, old), _api_settings(is_, new))
            if settings:
                yield Change("changed", "API", is_.name, settings=settings, api=key)
            yield from _policies(is_, was.policies, is_.policies)


def _alone(api: schema.ApiInstance, document: schema.Document) -> schema.ApiInstance:
    """Return an API without what is said once for all of its gateway."""
    same = document.access_log is not None and api.access_log == document.access_log
    return msgspec.structs.replace(api, access_log=None) if same else api


def _policies(
    api: schema.ApiInstance, old: list[schema.PolicyBinding], new: list[schema.PolicyBinding]
) -> Iterator[Change]:
    before, after = {b.id: b for b in old}, {b.id: b for b in new}
    for key in [*before, *(k for k in after if k not in before)]:
        was, is_ = before.get(key), after.get(key)
        binding = is_ or was
        assert binding is not None
        if was == is_:
            continue
        settings = _settings(_policy_settings(was), _policy_settings(is_), secret=_secret_settings(binding.policy))
        action = "added" if was is None else "removed" if is_ is None else "changed"
        told = [] if is_ is None else settings
        yield Change(action, "policy", policy_title(binding.policy), api.name, told, api.id)


def _contracts(old: schema.Document, new: schema.Document) -> Iterator[Change]:
    apis = {a.id: a.name for a in [*old.apis, *new.apis]}
    clients = {c.id: c.name for c in [*old.consumers, *new.consumers]}
    before = {(c.api, c.consumer): c.tier for c in old.contracts}
    after = {(c.api, c.consumer): c.tier for c in new.contracts}
    for key in [*before, *(k for k in after if k not in before)]:
        if before.get(key) == after.get(key) and key in before and key in after:
            continue
        action = "added" if key not in before else "removed" if key not in after else "changed"
        yield Change(action, "contract", clients.get(key[1], key[1]), apis.get(key[0], key[0]))


def _counted(count: int, noun: str) -> str:
    """Return a count with its noun, large ones in short: “2.3 M calls”."""
    for least, unit in ((999_950_000, "G"), (999_950, "M"), (10_000, "k")):
        if count >= least:
            shown = f"{count / {'G': 1e9, 'M': 1e6, 'k': 1e3}[unit]:.1f}".removesuffix(".0")
            return f"{shown}\u00a0{unit} {noun}s"
    return f"{count} {noun}{'' if count == 1 else 's'}"


def policy_title(name: str) -> str:
    """Return a policy's title, or its name when there is no such policy any more."""
    try:
        return definition(name).title
    except ConfigFault:
        return name


def _secret_settings(name: str) -> tuple[str, ...]:
    try:
        return definition(name).secret_settings()
    except ConfigFault:
        return ("",)  # nobody knows which of its settings are secret: mask them all


def _policy_settings(binding: schema.PolicyBinding | None) -> dict[str, Any]:
    if binding is None:
        return {}
    rules = [{k: v for k, v in msgspec.to_builtins(rule).items() if v} for rule in binding.rules]
    return {**binding.config, "order": binding.order, "mode": str(binding.mode), "conditions": rules}


def _api_settings(api: schema.ApiInstance, document: schema.Document) -> dict[str, Any]:
    """Return what people can say about an API, with the names of its listener and services instead of their ids."""
    names = {service.id: service.name for service in api.services}
    names |= {each.id: f"{each.name} (port {each.port})" for each in document.listeners if each.id == api.listener}
    plain = {name: value for name, value in _plain(api).items() if name not in _API_PARTS}
    routes = plain.get("routes", [])
    for part in (plain, *routes, *(way for route in routes for way in route.get("destinations", []))):
        part |= {name: names.get(part[name], part[name]) for name in ("listener", "service") if name in part}
    for name in ("services", "routes"):
        plain[name] = {
            part["name"]: {k: v for k, v in part.items() if k not in ("id", "name")} for part in plain.get(name, [])
        }
    return plain


def _plain(part: Any) -> dict[str, Any]:
    plain: dict[str, Any] = without_secrets(part)
    plain.pop("id", None)
    if "secrets" in plain:  # digests say nothing to a reader
        plain["secrets"] = f"{len(plain['secrets'])} valid"
    return plain


def _settings(old: Any, new: Any, path: str = "", secret: tuple[str, ...] = ()) -> list[SettingChange]:
    """Return the leaves that differ, in a fixed order."""
    if old == new or (old in _NOTHING and new in _NOTHING):
        return []
    if isinstance(old or {}, dict) and isinstance(new or {}, dict) and (old or new):
        names = list(dict.fromkeys([*(old or {}), *(new or {})]))
        return [
            change
            for name in names
            for change in _child(old, new, name, f"{path}.{name}" if path else str(name), secret if not path else ())
        ]
    if isinstance(old or [], list) and isinstance(new or [], list) and (old or new):
        old, new = old or [], new or []
        return [
            change
            for index in range(max(len(old), len(new)))
            for change in _settings(
                old[index] if index < len(old) else None, new[index] if index < len(new) else None, f"{path}[{index}]"
            )
        ]
    was, is_ = _text(old), _text(new)
    if isinstance(new, Hidden):
        is_ = f"{is_} (new)"
    same = next((at for at, (a, b) in enumerate(zip(was, is_, strict=False)) if a != b), min(len(was), len(is_)))
    start = max(0, same - _BEFORE)
    return [SettingChange(path, _cut(was, start), _cut(is_, start))]


def _child(old: Any, new: Any, name: str, path: str, secret: tuple[str, ...]) -> list[SettingChange]:
    was, is_ = (old or {}).get(name), (new or {}).get(name)
    if name in secret or "" in secret:
        return [] if was == is_ else [SettingChange(path, MASK if was else "", f"{MASK} (new)" if is_ else "")]
    return _settings(was, is_, path)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Hidden):
        return MASK
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _cut(text: str, start: int) -> str:
    """Return a text, or the line of a long one that begins at `start`."""
    if len(text) <= LONGEST_TEXT:
        return text
    line = " ".join(text[start : start + LONGEST_TEXT].split())
    return f"{'…' if start else ''}{line}{'…' if start + LONGEST_TEXT < len(text) else ''}"
