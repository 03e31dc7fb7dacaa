"""Listeners in the console and over REST: address, port, and how TLS is spoken."""

from unittest.mock import patch

from portal.apis.selectors import endpoint_url, instance_url
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.setting_forms.posted import as_posted
from portal.gateways.listener_forms import ListenerForm, shown_listener
from portal.gateways.listener_services import CertificateUse, listener_create, listener_update
from portal.gateways.listener_settings import OUTLINE
from portal.gateways.models import Certificate, Listener, Protocol
from portal.publishing.models import PublishRequest
from tests.certificates import Authority
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases, ObjectPageCases
from tests.portal.gateways.certificates import BANK, ROOT, make_certificate

PATH = "/api/v1/listeners/"


def typed(**settings):
    """Return a listener as a browser posts it."""
    return as_posted(OUTLINE, {"port": 8443, "name": "secure", **settings})


class ListenerPageTests(ObjectPageCases, PortalTestCase):
    edit_page = "gateways:listener_edit"
    actions = ("gateways:listener_delete",)
    target = "listener"
    form = typed(port=8095)

    def get_other_target(self):
        return self.world.other_gateway.listeners.get()

    def edit(self, form):
        return self.owner_client().post(
            console_url(self.world.production, "gateways:listener_edit", self.world.listener.pk), form
        )

    def test_listener_is_made_to_speak_https(self):
        shop = make_certificate(self.world.production)
        bank = make_certificate(self.world.production, BANK, "Bank")
        chosen = [
            {"certificate": str(shop.pk)}, {"certificate": str(bank.pk), "names": ["bank.example", "pay.example"]}
        ]  # fmt: skip
        answer = self.edit(typed(protocol="https", certificates=chosen, tls={"minversion": "1.3"}, proxy_protocol=True))
        assert answer.status_code == 302, answer.context["form"].errors
        listener = Listener.objects.get(pk=self.world.listener.pk)
        assert (listener.port, listener.protocol, listener.proxy_protocol) == (8443, "https", True)
        assert listener.tls == {"minversion": "1.3"}
        assert [(use.certificate, use.names) for use in listener.certificates.all()] == [
            (shop, []), (bank, ["bank.example", "pay.example"]),
        ]  # fmt: skip

    def test_https_without_a_certificate_is_refused_in_its_place(self):
        make_certificate(self.world.production)
        answer = self.edit(typed(protocol="https"))
        assert answer.status_code == 422
        assert "Choose a certificate: nobody can be served HTTPS without one." in answer.content.decode()

    def test_fault_of_a_setting_is_told_beside_it(self):
        shop = make_certificate(self.world.production)
        answer = self.edit(
            typed(protocol="https", certificates=[{"certificate": str(shop.pk)}], tls={"ciphers": ["TLS_NO"]})
        )
        assert answer.context["form"].errors["tls.ciphers"] == [
            "Line 1: “TLS_NO” is not a cipher suite that is known here."
        ]

    def test_certificates_of_another_environment_cannot_be_chosen(self):
        make_certificate(self.world.sandbox)
        certificate = make_certificate(self.world.other_environment)
        form = ListenerForm(
            certificates=Certificate.objects.visible_to(self.world.ada, "gateway.view").filter(
                environment=self.world.production
            )
        )
        assert not form.certificates
        answer = self.edit(typed(protocol="https", certificates=[{"certificate": str(certificate.pk)}]))
        assert answer.status_code == 422
        assert self.world.listener.certificates.count() == 0

    def test_row_is_added_without_script(self):
        make_certificate(self.world.production)
        answer = self.edit({**typed(), "_add_row": "certificates"})
        assert answer.status_code == 200
        assert "certificates.0.certificate" in answer.context["form"].fields

    def test_consumers_are_thought_of_when_the_port_changes(self):
        answer = self.owner_client().post(
            console_url(self.world.production, "gateways:listener_edit", self.world.listener.pk), typed(), follow=True
        )
        assert "Consumers now call HTTP on port 8443" in answer.content.decode()

    def test_form_shows_what_is_stored(self):
        listener = make_https(self.world)
        form = ListenerForm(certificates=Certificate.objects.all(), settings=shown_listener(listener))
        assert form["protocol"].value() == "https"
        assert form["certificates.0.certificate"].value() == str(listener.certificates.get().certificate_id)
        assert form["tls.minversion"].value() == "1.2"


def make_https(world, **settings):
    """Let the listener of the world speak TLS."""
    certificate = Certificate.objects.filter(environment=world.production).first() or make_certificate(world.production)
    return listener_update(
        actor=world.ada,
        listener=world.listener,
        protocol="https",
        certificates=[CertificateUse(certificate)],
        **settings,
    )


class ListenerApiTests(ObjectApiCases, PortalTestCase):
    path = PATH
    target = "listener"
    create = {"port": 8095}
    change = {"name": "Renamed", "port": 8099}

    def get_create(self):
        return {"gateway": self.world.gateway.pk, "port": 8095}

    def get_other_target(self):
        return self.world.other_gateway.listeners.get()

    def patch(self, **body):
        address = f"{PATH}{self.world.listener.pk}/"
        return self.owner_client().patch(address, body, content_type="application/json")

    def test_port_of_the_portal_is_refused_beside_the_field(self):
        body = {"gateway": str(self.world.gateway.pk), "port": 9998}
        response = self.owner_client().post(self.path, body, content_type="application/json")
        assert response.status_code == 400
        assert "admin port" in response.json()["fields"]["/port"]

    def test_https_over_rest_and_back(self):
        shop = make_certificate(self.world.production)
        chosen = [{"certificate": str(shop.pk), "names": ["shop.example"]}]
        answer = self.patch(protocol="https", certificates=chosen, tls={"alpn": ["http/1.1"]})
        assert answer.status_code == 200, answer.json()
        assert answer.json()["certificates"] == chosen
        assert answer.json()["tls"] == {"alpn": ["http/1.1"]}
        assert self.patch(protocol="http").json()["protocol"] == "http"

    def test_same_words_as_in_the_form(self):
        shop = make_certificate(self.world.production)
        for settings, place in (
            ({"tls": {"requireClientCertificate": True}}, "tls.trustedCA"),
            ({"tls": {"minversion": "1.3", "maxversion": "1.2"}}, "tls.minversion"),
            ({"tls": {"minversion": "1.1"}}, "tls.ciphers"),
            ({"tls": {"trustedCA": "hello"}}, "tls.trustedCA"),
        ):
            with self.subTest(settings=settings):
                both = {"protocol": "https", "certificates": [{"certificate": str(shop.pk)}], **settings}
                form = self.owner_client().post(
                    console_url(self.world.production, "gateways:listener_edit", self.world.listener.pk), typed(**both)
                )
                [sentence] = form.context["form"].errors[place]
                assert self.patch(**both).json()["fields"] == {f"/{place.replace('.', '/')}": sentence}

    def test_unknown_setting_is_refused_with_the_nearest_one(self):
        answer = self.patch(tls={"minversoin": "1.3"})
        assert answer.status_code == 400
        assert answer.json()["fields"] == {
            "/tls/minversoin": "There is no setting “minversoin”. Did you mean “minversion”?"
        }

    def test_certificate_of_another_organization_is_not_found(self):
        other = make_certificate(self.world.other_environment)
        answer = self.patch(protocol="https", certificates=[{"certificate": str(other.pk)}])
        assert answer.status_code == 400
        assert list(answer.json()["fields"]) == ["/certificates/0/certificate"]

    def test_certificate_of_another_environment_is_refused(self):
        other = make_certificate(self.world.sandbox)
        answer = self.patch(protocol="https", certificates=[{"certificate": str(other.pk)}])
        assert answer.json()["fields"] == {"/certificates/0/certificate": "Choose a certificate of this environment."}


class ListenerServiceTests(PortalTestCase):
    def requests(self):
        return sum(PublishRequest.objects.values_list("requested", flat=True))

    def test_port_changes_with_all_that_uses_it(self):
        before = self.requests()
        listener = listener_update(actor=self.world.ada, listener=self.world.listener, port=8181)
        assert self.world.instance.listener_id == listener.pk
        assert self.requests() == before + 1
        assert AuditEvent.objects.get(action="listener.update").after["port"] == 8181

    def test_port_of_another_listener_is_refused(self):
        listener_create(actor=self.world.ada, gateway=self.world.gateway, port=8090)
        with self.assertRaises(ApplicationError) as caught:
            listener_update(actor=self.world.ada, listener=self.world.listener, port=8090)
        assert caught.exception.fields["port"].startswith("Port 8090 is already used by listener http-8090.")

    def test_port_that_stays_is_not_looked_at(self):
        """A running gateway holds it."""
        with patch("portal.gateways.listener_services.port_check", side_effect=AssertionError):
            listener_update(actor=self.world.ada, listener=self.world.listener, port=8080, name="renamed")

    def test_nothing_changed_publishes_nothing(self):
        before = self.requests()
        listener_update(actor=self.world.ada, listener=self.world.listener, name="public", tls={"minversion": "1.2"})
        assert self.requests() == before
        assert Listener.objects.get(pk=self.world.listener.pk).tls == {}

    def test_same_name_on_two_certificates_is_refused_where_it_is_written(self):
        uses = [
            CertificateUse(make_certificate(self.world.production), ["pay.example"]),
            CertificateUse(make_certificate(self.world.production, BANK, "Bank"), ["pay.example"]),
        ]
        with self.assertRaises(ApplicationError) as caught:
            listener_update(actor=None, listener=self.world.listener, protocol="https", certificates=uses)
        assert list(caught.exception.fields) == ["certificates.1.names.0"]

    def test_client_certificates_are_asked_for_by_their_authority(self):
        listener = make_https(
            self.world, tls={"trustedCA": Authority("Partners").pem, "requireClientCertificate": True}
        )
        assert set(listener.tls) == {"trustedCA", "requireClientCertificate"}

    def test_change_log_names_certificates_and_holds_no_key(self):
        make_https(self.world)
        event = AuditEvent.objects.get(action="listener.update")
        assert event.after["certificates"] == [{"certificate": "Shop"}]
        assert "PRIVATE KEY" not in str([event.before, event.after])

    def test_expired_certificate_is_refused_for_a_listener(self):
        certificate = make_certificate(self.world.production)
        old = ROOT.issue("shop.example", days=-1)
        certificate.chain, certificate.private_key = old.certificate + ROOT.pem, old.key
        with self.assertRaises(ApplicationError) as caught:
            listener_update(
                actor=None, listener=self.world.listener, protocol="https", certificates=[CertificateUse(certificate)]
            )
        assert "expired on" in caught.exception.fields["certificates.0.certificate"]


class ListenerAddressTests(PortalTestCase):
    def test_consumers_are_given_https_where_the_listener_speaks_it(self):
        make_https(self.world)
        self.world.instance.refresh_from_db()
        assert instance_url(self.world.instance).startswith("https://")
        assert endpoint_url(self.world.gateway, self.world.listener.port, "/orders").startswith("https://")
        assert endpoint_url(self.world.gateway, 9999, "/orders").startswith("http://")

    def test_usual_port_is_not_written(self):
        self.world.gateway.public_host = "shop.example"
        self.world.gateway.save()
        Listener.objects.filter(pk=self.world.listener.pk).update(port=443, protocol=Protocol.HTTPS)
        self.world.instance.refresh_from_db()
        assert instance_url(self.world.instance) == "https://shop.example/orders"


def test_every_setting_has_a_title_and_help():
    for name, field in ListenerForm(certificates=[]).fields.items():
        assert field.label, name
        assert field.help_text, name
