"""Applications and their secrets."""

from datetime import timedelta
from hashlib import sha256
from unittest.mock import patch

import pytest
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.contracts.models import ClientApplication, Contract, Credential
from portal.contracts.selectors import applications_of
from portal.contracts.services import (
    application_create,
    application_delete,
    application_update,
    credential_rotate,
    credentials_expire,
)
from portal.core.errors import ApplicationError
from tests.portal.contracts.factories import ContractTestCase, make_application


class ApplicationTests(ContractTestCase):
    def test_only_the_digest_and_the_end_of_the_secret_are_kept(self) -> None:
        issued = application_create(actor=self.world.cora, name="Reports")
        credential = issued.application.credentials.get()
        assert len(issued.secret) >= 43
        assert credential.digest == sha256(issued.secret.encode()).hexdigest()
        assert credential.hint == issued.secret[-4:]
        assert credential.expires_at is None
        assert issued.secret not in str(AuditEvent.objects.values_list("before", "after"))

    def test_client_id_is_thirty_two_hex_digits_and_never_repeats(self) -> None:
        ids = {make_application(self.world.cora, f"App {n}").client_id for n in range(5)}
        assert len(ids) == 5
        assert all(len(i) == 32 and int(i, 16) >= 0 for i in ids)

    def test_name_is_once_per_owner_and_the_error_is_beside_it(self) -> None:
        with pytest.raises(ApplicationError) as raised:
            application_create(actor=self.world.cora, name="Shop app")
        assert "name" in raised.value.fields
        assert make_application(self.world.ben, "Shop app").owner == self.world.ben

    def test_an_owner_of_the_api_does_not_see_a_developer_s_application(self) -> None:
        assert list(applications_of(self.world.cora)) == [self.application]
        assert list(applications_of(self.world.ada)) == []

    def test_renaming_reaches_the_gateways_that_serve_it(self) -> None:
        self.request_access()
        with self.published() as gateways:
            application_update(actor=self.world.cora, application=self.application, name="Shop 2")
        assert gateways == [self.world.gateway]

    def test_a_new_description_publishes_nothing(self) -> None:
        self.request_access()
        with self.published() as gateways:
            application_update(
                actor=self.world.cora, application=self.application, name="Shop app", description="For phones"
            )
        assert gateways == []

    def test_deleting_takes_contracts_along_and_reaches_the_gateway(self) -> None:
        self.request_access()
        with self.published() as gateways:
            application_delete(actor=self.world.cora, application=self.application)
        assert gateways == [self.world.gateway]
        assert not Contract.objects.exists()
        assert not ClientApplication.objects.filter(name="Shop app").exists()


class RotationTests(ContractTestCase):
    def test_old_secret_stays_valid_for_a_day(self) -> None:
        old = self.application.credentials.get()
        issued = credential_rotate(actor=self.world.cora, application=self.application)
        old.refresh_from_db()
        assert timedelta(hours=23) < old.expires_at - timezone.now() <= timedelta(hours=24)
        assert issued.credential.expires_at is None
        assert self.application.credentials.count() == 2

    def test_the_overlap_is_chosen(self) -> None:
        old = self.application.credentials.get()
        credential_rotate(actor=self.world.cora, application=self.application, overlap_hours=1)
        old.refresh_from_db()
        assert timedelta(minutes=59) < old.expires_at - timezone.now() <= timedelta(hours=1)

    def test_without_overlap_only_the_new_secret_is_left(self) -> None:
        issued = credential_rotate(actor=self.world.cora, application=self.application, overlap_hours=0)
        assert self.application.credentials.get() == issued.credential

    def test_an_overlap_has_its_bounds(self) -> None:
        for hours in (-1, 169, 10**9):
            with self.assertRaises(ApplicationError) as refused:
                credential_rotate(actor=self.world.cora, application=self.application, overlap_hours=hours)
            assert list(refused.exception.fields) == ["overlap_hours"]
        assert self.application.credentials.count() == 1

    def test_a_second_rotation_ends_the_oldest_secret_at_once(self) -> None:
        first = self.application.credentials.get()
        credential_rotate(actor=self.world.cora, application=self.application)
        credential_rotate(actor=self.world.cora, application=self.application)
        assert not Credential.objects.filter(pk=first.pk).exists()
        assert self.application.credentials.filter(expires_at=None).count() == 1
        assert self.application.credentials.count() == 2

    def test_rotation_and_expiry_reach_the_gateway(self) -> None:
        self.request_access()
        with self.published() as gateways:
            credential_rotate(actor=self.world.cora, application=self.application)
            assert gateways == [self.world.gateway]
            assert credentials_expire() == 0
            with patch("portal.contracts.services.applications.timezone.now") as now:
                now.return_value = self.application.credentials.order_by("created_at")[0].expires_at
                assert credentials_expire() == 1
            assert gateways == [self.world.gateway] * 2
        assert self.application.credentials.get().expires_at is None
