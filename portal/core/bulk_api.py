"""REST: one action on many rows, as the console's pages do it."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.core.api import ErrorSerializer
from portal.core.bulk import MOST_ROWS, Chosen, State, action_of, actions_of, bulk_preview, bulk_run
from portal.core.errors import ApplicationError
from portal.core.permissions import scope_of


class BulkSerializer(serializers.Serializer[Any]):
    """What to do to which rows."""

    action = serializers.CharField(max_length=40)
    rows = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=MOST_ROWS)
    values = serializers.DictField(required=False, help_text="What the console's form asks, by the same names.")
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would happen.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """What becomes of one row."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(state) for state in State])
    text = serializers.CharField()


class BulkOutcomeSerializer(serializers.Serializer[Any]):
    """What becomes of all of them."""

    dry_run = serializers.BooleanField()
    results = OutcomeSerializer(many=True)


class BulkView(APIView):
    """One action on many rows. Subclasses say on which."""

    place: ClassVar[str]
    queryset: ClassVar[Any]
    view_permission: ClassVar[str]

    @extend_schema(
        request=BulkSerializer, responses={200: BulkOutcomeSerializer, 400: ErrorSerializer, 403: ErrorSerializer}
    )
    def post(self, request: Request) -> Response:
        """Do it to each row by itself and tell what became of each; all of them are one change of the gateway."""
        serializer = BulkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        action = action_of(self.place, asked["action"])
        if action is None or action.run is None:
            known = ", ".join(each.name for each in actions_of(self.place) if each.run is not None)
            sentence = f"There is no action {asked['action']}. Known are {known}."
            raise ApplicationError("action_unknown", sentence, fields={"action": sentence})
        scope = scope_of(request.user, action.permission)
        if not scope.organizations and not scope.environments:
            raise PermissionDenied(f"Your role does not include {action.permission}.")
        rows = list(self.queryset.all().visible_to(request.user, self.view_permission).filter(pk__in=asked["rows"]))
        if len(rows) != len(set(asked["rows"])):
            sentence = "One of them is not there, or you may not see it."
            raise ApplicationError("row_unknown", sentence, fields={"rows": sentence})
        values = self._values(action, Chosen(user=request.user, environment=None, rows=rows), asked.get("values") or {})
        changeable = self.queryset.all().visible_to(request.user, action.permission).filter(pk__in=asked["rows"])
        work = bulk_preview if asked["dry_run"] else bulk_run
        outcomes = work(
            actor=request.user, action=action, rows=rows, allowed={each.pk for each in changeable}, values=values
        )
        return Response(BulkOutcomeSerializer({"dry_run": asked["dry_run"], "results": outcomes}).data)

    def _values(self, action: Any, chosen: Chosen, given: dict[str, Any]) -> dict[str, Any]:
        """Return the values as the form reads them. Raises `ApplicationError` with its sentences."""
        if action.form is None:
            return {}
        form = action.form(given, chosen=chosen)
        if form.is_valid():
            return dict(form.cleaned_data)
        faults = {f"values.{name}": " ".join(texts) for name, texts in form.errors.items()}
        raise ApplicationError("invalid", "Some fields need another value.", fields=faults)
