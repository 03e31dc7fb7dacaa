"""The console's pages about certificates."""

from typing import Any

import django_filters
from django.utils import timezone

from portal.core.commands import Rest, placeholder
from portal.core.filters import ConsoleFilterSet
from portal.core.tables import Column, Table
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage, ObjectView
from portal.gateways.certificate_forms import CertificateEditForm, CertificateForm
from portal.gateways.certificate_selectors import (
    Expiry,
    certificate_expiry,
    certificate_listeners,
    certificates_by_expiry,
)
from portal.gateways.certificate_services import certificate_create, certificate_delete, certificate_update
from portal.gateways.models import Certificate

# What is typed and never shown.
SECRET = ("key", "passphrase")
CERTIFICATES = Certificate.objects.select_related("environment__organization").defer("private_key")


class CertificateTable(Table):
    """Certificates, those that end first at the top."""

    caption = "Certificates"
    default_sort = ("not_after",)
    columns = (
        Column("name", "Name", link=True, sort="name"),
        Column("names", "Hosts", template="certificates/cell_names.html", text=lambda row: ", ".join(row.names)),
        Column("issuer", "Issued by", sort="issuer"),
        Column(
            "expiry",
            "Status",
            template="gateways/cell_state.html",
            render=lambda row: {"state": _expiry(row)},
            text=lambda row: _expiry(row).label,
        ),
        Column("not_after", "Expires", sort="not_after"),
        Column("uses", "Listeners", render=lambda row: len(row.uses.all()), numeric=True),
    )


def _expiry(certificate: Certificate) -> Expiry:
    return certificate_expiry(certificate, timezone.now())


class CertificateFilter(ConsoleFilterSet):
    """By how near the end is."""

    expiry = django_filters.ChoiceFilter(
        label="Status",
        empty_label="Any status",
        choices=[(each.value, each.label) for each in Expiry],
        method=lambda queryset, name, value: certificates_by_expiry(queryset, value, timezone.now()),
    )

    class Meta:
        model = Certificate
        fields: list[str] = []


class CertificateList(ListPage):
    """All certificates of the environment."""

    queryset = CERTIFICATES.prefetch_related("uses")
    permission = "gateway.view"
    title = "Certificates"
    subtitle = "Listeners of this environment serve HTTPS with them. Private keys are encrypted and never shown."
    table = CertificateTable
    filters = CertificateFilter
    search_fields = ("name", "subject", "issuer", "names", "fingerprint")
    actions = (
        Action(label="Add certificate", url_name="certificates:create", permission="gateway.change", icon="plus"),
    )
    empty = Empty(
        title="No certificate yet",
        text="Add one with its key, then choose it for a listener: its APIs are served over HTTPS.",
        icon="certificate",
        docs="/docs/guides/serve-tls/",
    )


class CertificatePage(ObjectView):
    """What the pages below a certificate share."""

    queryset = CERTIFICATES
    permission = "gateway.view"
    view_permission = "gateway.view"
    parents = (("Certificates", "certificates:list"),)


class CertificateDetail(CertificatePage, DetailPage):
    """One certificate: what is in it, when it ends, who uses it."""

    template_name = "certificates/detail.html"
    place = "certificate"
    actions = (
        Action(
            label="Renew or rename", url_name="certificates:edit", permission="gateway.change", with_object=True,
            icon="refresh",
        ),
    )  # fmt: skip

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the listeners, and how near the end is."""
        return super().get_context(listeners=certificate_listeners(self.object), expiry=_expiry(self.object), **context)


class CertificateFormPage(EditPage):
    """What adding and renewing share."""

    def command_values(self) -> dict[str, Any]:
        """Return what the service gets, with a placeholder for the key and its passphrase."""
        values = {**self.service_arguments(), **self.form.cleaned_data}
        return {name: placeholder(name) if name in SECRET and value else value for name, value in values.items()}


class CertificateCreate(CertificateFormPage):
    """Upload a certificate."""

    queryset = CERTIFICATES
    permission = "gateway.change"
    title = "Add certificate"
    parents = (("Certificates", "certificates:list"),)
    form_class = CertificateForm
    rest = Rest("POST", "/certificates/")
    service = certificate_create
    submit_label = "Add certificate"
    message = "The certificate is stored. Choose it for a listener to serve it."
    cancel_url_name = "certificates:list"

    def service_arguments(self) -> dict[str, Any]:
        """Store it in the environment of the address."""
        return {"environment": self.environment}


class CertificateEdit(CertificatePage, CertificateFormPage):
    """Renew a certificate for all who use it, or rename it."""

    template_name = "certificates/edit.html"
    permission = "gateway.change"
    form_class = CertificateEditForm
    rest = Rest("PATCH", "/certificates/{object.pk}/")
    service = certificate_update

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present name."""
        return {"initial": {"name": self.object.name}}


class CertificateDelete(CertificatePage, ActionView):
    """Remove a certificate that nothing uses."""

    permission = "gateway.change"
    rest = Rest("DELETE", "/certificates/{object.pk}/")
    service = certificate_delete
    message = "Certificate {object} is removed."
    success_url_name = "certificates:list"
