"""What every REST endpoint shares: scoped querysets, one page shape, one error shape."""

import json
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import transaction
from django.http import HttpResponseBase
from rest_framework import exceptions, serializers, viewsets
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.core.errors import ApplicationError
from portal.core.etags import changed_meanwhile, etag_of, names_state
from portal.core.locks import row_lock
from portal.core.meanwhile import ChangedMeanwhile

CHANGING = ("PUT", "PATCH", "DELETE")


class ScopedViewSet(viewsets.GenericViewSet):
    """A viewset over a scoped model. Subclasses add DRF's mixins or methods that call services.

    `view_permission` serves safe methods, `change_permission` all others. What a user may not see is 404; what they
    may see and not change is 403.
    """

    view_permission: str
    change_permission: str
    # Fields that change by themselves, or with other objects: the ETag does not stand for them.
    unversioned_fields: ClassVar[tuple[str, ...]] = ()

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Change in one transaction: what `get_object` found under its lock is still so when the service writes."""
        handler = getattr(self, name := request.method.lower(), None)
        if request.method in CHANGING and handler is not None and not hasattr(handler, "own_transaction"):
            setattr(self, name, transaction.atomic(handler))
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        """Return the rows the user holds the permission on."""
        queryset: Any = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        return queryset.visible_to(self.request.user, self.view_permission)

    def find_object(self) -> Any:
        """Return the row of the address, checked for what the method is going to do."""
        instance = super().get_object()
        if self.request.method not in ("GET", "HEAD", "OPTIONS"):
            self.check_change(type(instance).objects.filter(pk=instance.pk))
        return instance

    def get_object(self) -> Any:
        """Return the row of the address. A method that changes it holds it from here on, unless it was changed."""
        instance = self.find_object()
        if self.request.method in CHANGING:
            row_lock(instance)
            instance = super().get_object()
            self.check_unchanged(instance)
        return instance

    def check_change(self, queryset: Any) -> None:
        """Raise 403 unless the user may change the rows of this one-row queryset."""
        if not queryset.visible_to(self.request.user, self.change_permission).exists():
            raise exceptions.PermissionDenied(f"Your role does not include {self.change_permission}.")

    def check_unchanged(self, instance: Any) -> None:
        """Raise 409 with the difference where the caller's `If-Match` names another state."""
        if_match = self.request.headers.get("If-Match", "")
        shown = self.shown(instance) if if_match else {}
        if if_match and not names_state(if_match, etag_of(shown)):
            sent = self.shown_request(instance) if self.request.method != "DELETE" else {}
            raise changed_meanwhile(if_match, shown, sent, instance)

    def shown(self, instance: Any) -> dict[str, Any]:
        """Return what the ETag of an object stands for: its fields as REST shows them."""
        serializer: Any = self.serializer_class
        return self._versioned(serializer(instance, context=self.get_serializer_context()).data)

    def _versioned(self, shown: Any) -> dict[str, Any]:
        fields = json.loads(JSONRenderer().render(shown))
        return {name: value for name, value in fields.items() if name not in self.unversioned_fields}

    def shown_request(self, instance: Any) -> Any:
        """Return what was sent as it may be said back: without secrets."""
        return self.request.data

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Give the answer about a single object that can be changed its ETag."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code != 200 or not any(hasattr(self, name) for name in ("partial_update", "destroy")):
            return response
        if self.action == "retrieve":
            response["ETag"] = etag_of(self._versioned(response.data))
        elif self.action == "partial_update" and (found := self.get_queryset().filter(pk=self.kwargs["pk"]).first()):
            response["ETag"] = etag_of(self.shown(found))
        return response


def own_transaction(handler: Any) -> Any:
    """Mark a method of a viewset that begins its transaction itself, after work that takes long."""
    handler.own_transaction = True
    return handler


class ScopedRelatedField(serializers.PrimaryKeyRelatedField):
    """A reference to a row by id, limited to what the user holds `permission` on."""

    def __init__(self, *, permission: str, **kwargs: Any) -> None:
        self.permission = permission
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        """Return the rows that may be named."""
        queryset: Any = super().get_queryset()
        return queryset.visible_to(self.context["request"].user, self.permission) if queryset is not None else None


class ErrorSerializer(serializers.Serializer):
    """The one shape of every error."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields_ = serializers.DictField(child=serializers.CharField())

    def get_fields(self) -> Any:
        """Name the last field `fields`, which DRF keeps for itself."""
        fields = super().get_fields()
        fields["fields"] = fields.pop("fields_")
        return fields


def _flat(detail: Any, path: str = "") -> dict[str, str]:
    """Return DRF's nested messages as {pointer: sentence}, with pointers like `/services/0/url` (RFC 6901)."""
    if isinstance(detail, dict):
        parts = [_flat(value, f"{path}/{key}") for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict) for item in detail):
        parts = [_flat(value, f"{path}/{index}") for index, value in enumerate(detail)]
    else:
        return {path: " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)}
    return {pointer: text for part in parts for pointer, text in part.items()}


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer any error as `{"code", "message", "fields"}`."""
    if isinstance(error, ApplicationError):
        fields = {f"/{name.replace('.', '/')}": text for name, text in error.fields.items()}
        more = error.body if isinstance(error, ChangedMeanwhile) else {}
        headers = {"ETag": error.etag} if isinstance(error, ChangedMeanwhile) else {}
        body = {"code": error.code, "message": error.message, "fields": fields, **more}
        return Response(body, status=error.status, headers=headers)
    if isinstance(error, ModelValidationError):
        error = exceptions.ValidationError(getattr(error, "message_dict", error.messages))
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        body = {"code": "invalid", "message": "Some fields need another value.", "fields": _flat(error.detail)}
    else:
        detail = getattr(error, "detail", None)
        code = getattr(detail, "code", None) or getattr(error, "default_code", "not_found")
        body = {"code": str(code), "message": str(detail or "There is nothing here."), "fields": {}}
    response.data = body
    return response
