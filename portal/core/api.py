"""What every REST endpoint shares: scoped querysets, one page shape, one error shape."""

from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from rest_framework import exceptions, serializers, viewsets
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.core.errors import ApplicationError


class ScopedViewSet(viewsets.GenericViewSet):
    """A viewset over a scoped model. Subclasses add DRF's mixins or methods that call services.

    `view_permission` serves safe methods, `change_permission` all others. What a user may not see is 404; what they
    may see and not change is 403.
    """

    view_permission: str
    change_permission: str

    def get_queryset(self) -> Any:
        """Return the rows the user holds the permission on."""
        queryset: Any = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        return queryset.visible_to(self.request.user, self.view_permission)

    def get_object(self) -> Any:
        """Return the row of the address, checked for what the method is going to do."""
        instance = super().get_object()
        if self.request.method not in ("GET", "HEAD", "OPTIONS"):
            self.check_change(type(instance).objects.filter(pk=instance.pk))
        return instance

    def check_change(self, queryset: Any) -> None:
        """Raise 403 unless the user may change the rows of this one-row queryset."""
        if not queryset.visible_to(self.request.user, self.change_permission).exists():
            raise exceptions.PermissionDenied(f"Your role does not include {self.change_permission}.")


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
        return Response({"code": error.code, "message": error.message, "fields": fields}, status=error.status)
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
