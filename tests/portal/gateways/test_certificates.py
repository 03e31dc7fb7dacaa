"""Certificates in the console and over REST."""

from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.gateways.certificate_services import certificate_delete, certificate_update
from portal.gateways.models import Certificate, ListenerCertificate
from portal.publishing.models import PublishRequest
from tests.certificates import sealed
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases, ObjectPageCases
from tests.portal.gateways.certificates import BANK, SHOP, chain_of, make_certificate

PATH = "/api/v1/certificates/"


class CertificatePageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "certificates:list", "certificates:detail"
    create_page, edit_page = "certificates:create", "certificates:edit"
    create_form = {"name": "Bank", "chain": chain_of(BANK), "key": BANK.key}
    edit_form = {"name": "Renamed"}
    actions = ("certificates:delete",)

    def get_target(self):
        found = Certificate.objects.filter(environment=self.world.production).first()
        return found or make_certificate(self.world.production)

    def get_other_target(self):
        return make_certificate(self.world.other_environment)

    def page(self, name, *args, **query):
        return self.owner_client().get(console_url(self.world.production, name, *args), query).content.decode()

    def test_certificate_comes_as_files(self):
        files = {
            "chain_file": SimpleUploadedFile("fullchain.pem", chain_of(BANK).encode()),
            "key_file": SimpleUploadedFile("privkey.pem", BANK.key.encode()),
        }
        self.owner_client().post(console_url(self.world.production, "certificates:create"), files)
        assert Certificate.objects.get().name == "bank.example"

    def test_file_that_is_no_text_is_refused_beside_it(self):
        form = {"chain_file": SimpleUploadedFile("shop.der", SHOP.der), "key": SHOP.key}
        answer = self.owner_client().post(console_url(self.world.production, "certificates:create"), form)
        assert answer.status_code == 422
        assert "Turn it into PEM first" in answer.context["form"].errors["chain_file"][0]

    def test_key_that_was_typed_is_not_shown_again(self):
        form = {"chain": chain_of(SHOP), "key": BANK.key, "passphrase": "june and july"}
        answer = self.owner_client().post(console_url(self.world.production, "certificates:create"), form)
        assert answer.status_code == 422
        assert "does not belong" in answer.context["form"].errors["key"][0]
        assert "PRIVATE KEY-----\r\n" not in answer.content.decode()
        assert BANK.key.splitlines()[1] not in answer.content.decode()
        assert "june and july" not in answer.content.decode()

    def test_command_that_does_the_same_has_no_key(self):
        form = {"chain": chain_of(BANK), "key": sealed(BANK.key, "june and july"), "passphrase": "june and july"}
        address = console_url(self.world.production, "certificates:create")
        page = self.owner_client().post(f"{address}?_command=1", form).content.decode()
        assert "YOUR_KEY" in page
        assert "ENCRYPTED" not in page
        assert "june and july" not in page
        assert not Certificate.objects.exists()

    def test_list_warns_of_those_that_end_soon(self):
        certificate = make_certificate(self.world.production)
        for left, words in ((3, "Expires within 7 days"), (20, "Expires within 30 days"), (-1, "Expired")):
            with self.subTest(left=left):
                certificate.not_after = timezone.now() + timedelta(days=left)
                certificate.save()
                assert words in self.page("certificates:list").partition("<tbody>")[2]
                assert "Certificates to renew" in self.page("console_home")
        certificate.not_after = timezone.now() + timedelta(days=90)
        certificate.save()
        assert "Valid" in self.page("certificates:list").partition("<tbody>")[2]
        assert "Certificates to renew" not in self.page("console_home")

    def test_list_is_narrowed_by_end_and_by_host(self):
        certificate = make_certificate(self.world.production)
        for query, found in (
            ({"expiry": "expired"}, False), ({"expiry": "expiring"}, True), ({"q": "www.shop"}, True),
            ({"q": "bank"}, False),
        ):  # fmt: skip
            with self.subTest(query=query):
                page = self.page("certificates:list", **query)
                assert (certificate.get_absolute_url() in page) is found

    def test_page_says_who_uses_it(self):
        certificate = make_certificate(self.world.production)
        assert "No listener uses it" in self.page("certificates:detail", certificate.pk)
        ListenerCertificate.objects.create(listener=self.world.listener, certificate=certificate, position=0)
        assert self.world.gateway.get_absolute_url() in self.page("certificates:detail", certificate.pk)


class CertificateApiTests(ObjectApiCases, PortalTestCase):
    path = PATH
    change = {"name": "Renamed"}
    deletes = True
    create = {"name": "Bank"}

    def get_create(self):
        return {
            "environment": self.world.production.pk, "name": "Bank", "chain": chain_of(BANK),
            "key": sealed(BANK.key, "june"), "passphrase": "june",
        }  # fmt: skip

    def get_target(self):
        found = Certificate.objects.filter(environment=self.world.production).first()
        return found or make_certificate(self.world.production)

    def get_other_target(self):
        return make_certificate(self.world.other_environment)

    def test_key_is_never_returned(self):
        certificate = make_certificate(self.world.production)
        body = self.owner_client().get(f"{PATH}{certificate.pk}/")
        assert "PRIVATE KEY" not in body.content.decode()
        assert {"key", "passphrase", "private_key"}.isdisjoint(body.json())
        assert body.json()["names"] == ["shop.example", "www.shop.example"]

    def test_same_words_as_in_the_form(self):
        body = {"environment": str(self.world.production.pk), "chain": chain_of(SHOP), "key": BANK.key}
        answer = self.owner_client().post(PATH, body, content_type="application/json")
        assert answer.status_code == 400
        form = self.owner_client().post(
            console_url(self.world.production, "certificates:create"), {"chain": chain_of(SHOP), "key": BANK.key}
        )
        assert answer.json()["fields"] == {"/key": form.context["form"].errors["key"][0]}

    def test_environment_of_another_organization_is_not_found(self):
        body = {**self.get_create(), "environment": str(self.world.other_environment.pk)}
        answer = self.owner_client().post(PATH, body, content_type="application/json")
        assert answer.status_code == 400
        assert list(answer.json()["fields"]) == ["/environment"]


class CertificateServiceTests(PortalTestCase):
    def setUp(self):
        self.certificate = make_certificate(self.world.production)

    def use(self):
        ListenerCertificate.objects.create(listener=self.world.listener, certificate=self.certificate, position=0)

    def requests(self):
        return sum(PublishRequest.objects.values_list("requested", flat=True))

    def test_key_is_encrypted_at_rest(self):
        with connection.cursor() as cursor:
            cursor.execute("select private_key from gateways_certificate")
            [(stored,)] = cursor.fetchall()
        assert "PRIVATE KEY" not in stored
        assert "PRIVATE KEY" in self.certificate.private_key

    def test_renewing_keeps_the_users_and_publishes_to_them(self):
        self.use()
        before = self.requests()
        renewed = certificate_update(
            actor=self.world.ada, certificate=self.certificate, chain=chain_of(BANK), key=BANK.key
        )
        assert renewed.pk == self.certificate.pk
        assert renewed.names == ["bank.example"]
        assert self.world.listener.certificates.get().certificate_id == renewed.pk
        assert self.requests() == before + 1

    def test_renewing_without_a_new_key_needs_a_certificate_of_the_present_one(self):
        with self.assertRaises(ApplicationError) as caught:
            certificate_update(actor=self.world.ada, certificate=self.certificate, chain=chain_of(BANK))
        assert "does not belong" in caught.exception.fields["key"]

    def test_renaming_publishes_nothing(self):
        self.use()
        before = self.requests()
        certificate_update(actor=self.world.ada, certificate=self.certificate, name="Harbour")
        assert self.requests() == before

    def test_change_log_has_no_key(self):
        certificate_update(actor=self.world.ada, certificate=self.certificate, chain=chain_of(BANK), key=BANK.key)
        text = str(list(AuditEvent.objects.values("before", "after", "message")))
        assert "PRIVATE KEY" not in text
        assert "'private_key': 'new'" in text

    def test_used_certificate_is_not_removed(self):
        self.use()
        with self.assertRaises(ApplicationError) as caught:
            certificate_delete(actor=self.world.ada, certificate=self.certificate)
        assert caught.exception.status == 409
        assert "listener public of Edge" in caught.exception.message

    def test_taken_name_is_refused(self):
        with self.assertRaises(ApplicationError) as caught:
            make_certificate(self.world.production, BANK, "SHOP")
        assert list(caught.exception.fields) == ["name"]
