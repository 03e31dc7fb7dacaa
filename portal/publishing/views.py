"""Revisions of a gateway, and the fragment that shows a change going out."""

from typing import Any, ClassVar

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import cached_property

from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.tables import Column, Table
from portal.core.views import ActionView, ConsoleView, Empty, ListPage, ObjectView
from portal.gateways.models import Gateway
from portal.publishing import services
from portal.publishing.models import Hold, Revision
from portal.publishing.panels import deployment_context
from portal.publishing.selectors import changes_between, changes_of, revision_progress

# So many of the newest revisions are offered for comparing; any other can be given in the address.
COMPARED = 200
REVISIONS = Revision.objects.defer("envelope").select_related("gateway__environment__organization")


def _state(revision: Any) -> str:
    said = "Published" if revision.published_at else "Not published"
    return f"{said}, quarantined" if revision.quarantined else said


def _taken(revision: Any) -> str:
    rejected = f"{revision.rejected_by} rejected, " if revision.rejected_by else ""
    return f"{rejected}{revision.applied_by} applied"


class RevisionTable(Table):
    """Revisions, newest first."""

    caption = "Revisions"
    default_sort = ("-number",)
    columns = (
        Column(
            "number",
            "Number",
            sort="number",
            render=lambda row: f"Revision {row.number}",
            link=True,
        ),
        Column("created_at", "When", sort="created_at"),
        Column("actor_name", "Who", sort="actor_name"),
        Column("message", "Change"),
        Column("published_at", "Published", sort="published_at", extra=True),
        Column("digest", "Digest", extra=True),
        Column("state", "State", template="publishing/state.html", text=_state),
        Column("replicas", "Replicas", template="publishing/taken.html", text=_taken),
    )


class OfGateway(ConsoleView):
    """What belongs to the gateway of the address."""

    queryset: ClassVar[Any] = REVISIONS
    permission = "revision.view"

    @cached_property
    def gateway(self) -> Gateway:
        """Return the gateway; 404 when the user may not see its revisions."""
        visible = Gateway.objects.visible_to(self.request.user, "revision.view").filter(environment=self.environment)
        found = visible.select_related("environment__organization").filter(pk=self.kwargs["gateway_pk"]).first()
        if found is None:
            raise Http404("There is no such gateway, or you may not see it.")
        return found

    def get_queryset(self, permission: str = "") -> Any:
        """Return the revisions of the gateway of the address."""
        return super().get_queryset(permission).filter(gateway_id=self.kwargs["gateway_pk"])

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the way to the gateway."""
        above = [
            ("Gateways", console_url(self.request, "gateways:list")),
            (str(self.gateway), console_url(self.request, "gateways:detail", self.gateway.pk)),
        ]
        if self.object is not None:
            above.append(("Revisions", console_url(self.request, "publishing:list", self.gateway.pk)))
        return above


class RevisionList(OfGateway, ListPage):
    """The revisions of a gateway."""

    template_name = "publishing/list.html"
    permission = "revision.view"
    title = "Revisions"
    table = RevisionTable
    search_fields = ("message", "actor_name")
    empty = Empty(
        title="No revision yet",
        text="A revision is the whole configuration of a gateway under a number. Each change makes the next one.",
        icon="history",
    )

    def get_queryset(self, permission: str = "") -> Any:
        """Add how many replicas took each."""
        applied = Count("acknowledgements", filter=Q(acknowledgements__state="applied"))
        rejected = Count("acknowledgements", filter=Q(acknowledgements__state="rejected"))
        return super().get_queryset(permission).annotate(applied_by=applied, rejected_by=rejected)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the gateway, whose tabs are shown."""
        return super().get_context(gateway=self.gateway, **context)


class RevisionDetail(OfGateway, ObjectView):
    """One revision: who, when, why, what changed, and how replicas took it."""

    template_name = "publishing/detail.html"
    permission = "revision.view"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the revision."""
        self.object = self.get_object()
        siblings = Revision.objects.filter(gateway=self.gateway)
        before = siblings.filter(number__lt=self.object.number).order_by("-number")
        return self.page(
            changes=changes_of(self.object, request.user),
            previous=before.values_list("number", flat=True).first(),
            numbers=siblings.exclude(pk=self.object.pk).values_list("number", flat=True)[:COMPARED],
            latest=not siblings.filter(number__gt=self.object.number).exists(),
            replicas=revision_progress(self.object),
            quarantined=list(self.object.quarantined.values()),
        )

    def page_title(self) -> str:
        """Return its number."""
        return f"Revision {self.object.number}"


class RevisionCompare(OfGateway):
    """What one revision has otherwise than another: `?base=3&number=7`. Without numbers, the last two."""

    template_name = "publishing/compare.html"
    title = "Compare revisions"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the changes between the two, or say which of them there is not."""
        rows = Revision.objects.filter(gateway=self.gateway).defer("envelope")
        numbers = list(rows.values_list("number", flat=True)[:COMPARED])
        asked = [request.GET.get("base", ""), request.GET.get("number", "")]
        wanted = [int(text) if text.isdigit() else None for text in asked]
        if not any(asked) and len(numbers) > 1:
            wanted = [numbers[1], numbers[0]]
        base, revision = (rows.filter(number=number).first() if number is not None else None for number in wanted)
        missing = [text for text, found in zip(asked, (base, revision), strict=True) if text and found is None]
        changes = changes_between(base, revision, user=request.user) if base and revision else []
        return self.page(
            numbers=sorted({*numbers, *(row.number for row in (base, revision) if row)}, reverse=True),
            base=base,
            revision=revision,
            missing=missing,
            changes=changes,
            gateway=self.gateway,
        )

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the way to the revisions."""
        return [*super().breadcrumbs(), ("Revisions", console_url(self.request, "publishing:list", self.gateway.pk))]


class RevisionRestore(OfGateway, ActionView):
    """Publish an older revision again under a new number."""

    rest = Rest("POST", "/revisions/{object.pk}/restore/", body=False)
    permission = "gateway.publish"
    view_permission = "revision.view"
    service = services.revision_restore
    message = "Restored. The new revision is going out, and the gateway is held on it."


class HoldPublish(OfGateway, ActionView):
    """Publish what waits on a held gateway."""

    queryset = Hold.objects.select_related("gateway__environment__organization", "revision")
    permission = "gateway.publish"
    view_permission = "revision.view"
    rest = Rest("POST", "/holds/{object.pk}/publish/", body=False)
    service = services.hold_release
    message = "The hold is ended. What waited is going out."

    def get_object(self) -> Any:
        """Return the hold of the gateway of the address."""
        found = self.get_queryset(self.permission).first()
        if found is not None:
            return found
        if not self.held_here(self.permission):
            raise Denied(self.permission, "Publish what waits")
        raise ApplicationError("hold_ended", f"{self.gateway} is not held any more. Nothing waits.", status=409)


class DeploymentFragment(OfGateway):
    """The deployment panel by itself, asked for until every replica has answered."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show how far the last change is; `?instance=` adds what concerns one API instance."""
        instance = None
        if asked := request.GET.get("instance"):
            instances = ApiInstance.objects.visible_to(request.user, "instance.view").filter(gateway=self.gateway)
            instance = next((i for i in instances.filter(pk=asked)), None) if _is_uuid(asked) else None
        return render(request, "publishing/deployment.html", deployment_context(request, self.gateway, instance))


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and all(c in "0123456789abcdef-" for c in text)
