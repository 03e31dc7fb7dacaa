"""What people and programs see when something is wrong."""

import re

from django.test import Client, override_settings

from tests.portal.base import PortalTestCase


@override_settings(ROOT_URLCONF="tests.portal.core.sample_pages")
class ErrorPageTests(PortalTestCase):
    def test_missing_page_says_so_and_leads_on(self) -> None:
        response = self.client.get("/no/such/page/")
        assert response.status_code == 404
        self.assertContains(response, "There is nothing here", status_code=404)

    def test_missing_rest_address_answers_in_the_error_shape(self) -> None:
        response = self.client.get("/api/v1/no-such-thing/")
        assert response.status_code == 404
        assert response.json() == {"code": "not_found", "message": "There is nothing here.", "fields": {}}

    def test_unexpected_failure_names_the_request_without_a_query(self) -> None:
        client = Client(raise_request_exception=False)
        with self.assertNumQueries(0):
            response = client.get("/broken/", headers={"X-Request-Id": "abc-123"})
        assert response.status_code == 500
        self.assertContains(response, "abc-123", status_code=500)
        assert b"unexpected" not in response.content

    def test_unexpected_failure_of_rest_answers_in_the_error_shape(self) -> None:
        response = Client(raise_request_exception=False).get("/api/broken/")
        assert response.json()["code"] == "internal_error"

    def test_database_that_is_away_is_said_without_a_query(self) -> None:
        client = Client(raise_request_exception=False)
        with self.assertNumQueries(0):
            response = client.get("/without-database/")
        assert response.headers["Retry-After"] == "5"
        self.assertContains(response, "The database does not answer", status_code=503)

    def test_database_that_is_away_answers_rest_in_the_error_shape(self) -> None:
        response = Client(raise_request_exception=False).get("/api/without-database/")
        assert response.status_code == 503
        assert response.json()["code"] == "database_unavailable"

    def test_refusal_of_a_service_outside_of_a_form_is_a_page_with_its_status(self) -> None:
        response = self.client.get("/refused/")
        self.assertContains(response, "Try again tomorrow.", status_code=409)

    def test_pages_have_no_inline_script_style_or_handler(self) -> None:
        for path in ("/no/such/page/", "/refused/"):
            html = self.client.get(path).content.decode()
            assert not re.search(r"<script(?![^>]*\bsrc=)", html)
            assert "<style" not in html
            assert not re.search(r"\s(style|on[a-z]+)=", html)
