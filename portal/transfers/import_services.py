"""Taking declarative files into an environment: told first, then done as one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from gateway_runtime.declarative import FileFault, Reference
from portal.apis.models import ApiInstance
from portal.core.bulk import State
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.transfers.applying import incoming_apply
from portal.transfers.file_reading import Files, files_read, variables_named
from portal.transfers.incoming import Incoming
from portal.transfers.instance_state import NOTHING, Difference, instance_state
from portal.transfers.kept_secrets import kept_secrets
from portal.transfers.listener_tls import tls_notes
from portal.transfers.matching import target_of

MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one instance."""

    name: str
    is_new: bool
    state: State
    differences: tuple[Difference, ...] = ()
    instance: ApiInstance | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A variable of the files that nobody has given, and where it is named."""

    name: str
    where: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import does, or did. With faults or missing variables it does nothing."""

    changes: tuple[Change, ...] = ()
    faults: tuple[FileFault, ...] = ()
    missing: tuple[Missing, ...] = ()
    notes: tuple[FileFault, ...] = ()
    done: bool = False

    @property
    def possible(self) -> bool:
        """Tell whether nothing is in the way."""
        return not self.faults and not self.missing and all(each.state is not State.REFUSED for each in self.changes)

    @property
    def changing(self) -> int:
        """Return how many instances become something else."""
        return sum(each.state is State.CHANGED for each in self.changes)


def files_import(
    *,
    actor: Any,
    gateway: Gateway,
    files: Files,
    variables: Mapping[str, str] | None = None,
    dry_run: bool = False,
    may_create_apis: bool = True,
) -> Imported:
    """Make the instances of files what the files say, on a gateway: all of them, or none.

    Secrets that are named as variables come from `variables`, else from the policy that is there already.
    """
    size_check(files)
    known = {**kept_secrets(gateway, files), **(variables or {})}
    missing = [each for each in variables_named(files) if each.name not in known]
    if missing:
        # What is wrong elsewhere is told at once.
        read = files_read(files, {**{each.name: "" for each in missing}, **known})
        elsewhere = tuple(fault for fault in read.faults if not _around_missing(fault, missing))
        return Imported(missing=tuple(map(_missing, missing)), faults=elsewhere, notes=tuple(read.notes))
    read = files_read(files, known)
    if read.faults:
        return Imported(faults=tuple(read.faults), notes=tuple(read.notes))
    faults = tuple(_unknown_apis(read.instances, gateway)) if not may_create_apis else ()
    if faults:
        return Imported(faults=faults, notes=tuple(read.notes))
    # As it was before: a port that is opened now speaks HTTP.
    notes = (*read.notes, *tls_notes(read.instances, gateway))
    changes, faults = incoming_run(actor=actor, incoming=read.instances, gateway=gateway, dry_run=dry_run)
    return Imported(changes=changes, faults=faults, notes=notes, done=not dry_run and not faults)


def incoming_run(
    *, actor: Any, incoming: Sequence[Incoming], gateway: Gateway, dry_run: bool
) -> tuple[tuple[Change, ...], tuple[FileFault, ...]]:
    """Make instances what they should be in one transaction. With a fault, or as a rehearsal, nothing stays."""
    changes: list[Change] = []
    faults: list[FileFault] = []
    with transaction.atomic():
        for each in incoming:
            try:
                changes.append(_run(actor, each, gateway))
            except FileFault as fault:
                faults.append(fault)
            except ApplicationError as error:
                text = "; ".join(error.fields.values()) or error.message
                changes.append(Change(name=each.name, is_new=False, state=State.REFUSED, text=text))
        if faults or dry_run or any(each.state is State.REFUSED for each in changes):
            transaction.set_rollback(True)
    return tuple(changes), tuple(faults)


def _run(actor: Any, incoming: Incoming, gateway: Gateway) -> Change:
    target = incoming.target or target_of(incoming, gateway)
    before = instance_state(target) if target is not None else NOTHING
    # Where nothing is another afterwards, nothing was done: no audit event, no revision.
    with transaction.atomic():
        instance = incoming_apply(actor=actor, incoming=incoming, gateway=gateway, target=target)
        differences = before.differences(instance_state(ApiInstance.objects.get(pk=instance.pk)))
        if not differences:
            transaction.set_rollback(True)
    return Change(
        name=str(instance),
        is_new=target is None,
        state=State.CHANGED if differences else State.UNCHANGED,
        differences=tuple(differences),
        instance=instance,
    )


def size_check(files: Files) -> None:
    """Raise `ApplicationError` for files that are larger than anybody writes."""
    if sum(len(content) for _, content in files) > MOST_BYTES:
        sentence = f"Files have at most {MOST_BYTES // 1024**2} MB together."
        raise ApplicationError("files_too_large", sentence, fields={"files": sentence}, status=413)


def _missing(reference: Reference) -> Missing:
    on = reference.api or reference.service
    about = f"{reference.setting} of {reference.policy} on {on}" if on and reference.setting else ""
    return Missing(name=reference.name, where=f"{reference.place.shown}: {reference.place.key}", about=about)


def _around_missing(fault: FileFault, references: Iterable[Reference]) -> bool:
    """Tell whether a fault is that of a value which is missing, or of something around it."""
    for each in references:
        lines = each.place.lines.values()
        here = fault.file == each.place.file and min(lines) <= fault.line <= max(lines)
        if here and each.place.key.startswith(fault.key):
            return True
    return False


def _unknown_apis(instances: Iterable[Incoming], gateway: Gateway) -> Iterable[FileFault]:
    """Yield a fault for each instance whose version is not in the catalog."""
    organization = gateway.environment.organization
    for each in instances:
        api = organization.apis.filter(name__iexact=each.api).first()
        if (api is None or not api.versions.filter(version__iexact=each.version).exists()) and each.place is not None:
            sentence = f"{each.api} {each.version} is not in the catalog, and your role does not include api.change."
            yield each.place.fault(sentence, "permission_denied")
