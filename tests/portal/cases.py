"""Who may do what, tested alike for every kind of object: a page or an endpoint needs about six lines.

    class GatewayPageTests(ObjectPageCases, PortalTestCase):
        list_page, detail_page = "gateways:list", "gateways:detail"
        create_page, edit_page = "gateways:create", "gateways:edit"
        target = "gateway"
        other_target = "other_gateway"
        form = {"name": "Renamed", "slug": "renamed"}

`target` and `other_target` name attributes of the world, or override `get_target` / `get_other_target`.
"""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import reverse

from portal.core.links import console_url
from tests.portal.base import World, client_of


class ObjectCases:
    """What pages and endpoints share: whose object it is."""

    world: ClassVar[World]
    target: ClassVar[str]
    other_target: ClassVar[str]

    def get_target(self) -> Any:
        """Return the object of Ada's organization."""
        return getattr(self.world, self.target)

    def get_other_target(self) -> Any:
        """Return the object of the other organization."""
        return getattr(self.world, self.other_target)

    def owner_client(self) -> Any:
        """Return the browser of the owner."""
        return client_of(self.world.ada)


class ObjectPageCases(ObjectCases):
    """Anonymous, no role, other organization, viewer and owner, on the pages of one kind of object.

    Pages that a class leaves empty are not tested. `form` is what the owner posts on the create and edit pages; put
    what differs into `create_form` and `edit_form`. `actions` are addresses that take only POST.
    """

    list_page: ClassVar[str] = ""
    detail_page: ClassVar[str] = ""
    create_page: ClassVar[str] = ""
    edit_page: ClassVar[str] = ""
    actions: ClassVar[tuple[str, ...]] = ()
    form: ClassVar[dict[str, Any]] = {}
    create_form: ClassVar[dict[str, Any]] = {}
    edit_form: ClassVar[dict[str, Any]] = {}

    def _address(self, name: str, target: Any) -> str:
        arguments = () if name in (self.list_page, self.create_page) else (target.pk,)
        return console_url(self.world.production, name, *arguments)

    def _reading(self) -> list[str]:
        return [name for name in (self.list_page, self.detail_page) if name]

    def _changing(self) -> list[str]:
        return [name for name in (self.create_page, self.edit_page) if name]

    def _addresses(self, names: Iterable[str], target: Any) -> list[tuple[str, str]]:
        return [(name, self._address(name, target)) for name in names]

    def _page(self, name: str) -> Any:
        """Say which page of the class failed, and go on with the next."""
        return self.subTest(page=name)  # type: ignore[attr-defined]

    def test_anonymous_is_sent_to_sign_in(self) -> None:
        client, sign_in = client_of(None), reverse("accounts:sign_in")
        for name, address in self._addresses([*self._reading(), *self._changing()], self.get_target()):
            with self._page(name):
                response = client.get(address)
                assert response.status_code == 302, response.status_code
                assert response["Location"].startswith(sign_in), response["Location"]
        for name, address in self._addresses(self.actions, self.get_target()):
            with self._page(name):
                assert client.post(address)["Location"].startswith(sign_in)

    def test_someone_without_a_role_finds_nothing(self) -> None:
        self._finds_nothing(client_of(self.world.cora), self.get_target())

    def test_owner_of_another_organization_finds_nothing(self) -> None:
        self._finds_nothing(client_of(self.world.olaf), self.get_target())

    def test_object_of_another_organization_is_not_found_at_an_address_of_one_s_own(self) -> None:
        self._finds_nothing(self.owner_client(), self.get_other_target(), without=(self.list_page, self.create_page))

    def _finds_nothing(self, client: Any, target: Any, without: tuple[str, ...] = ()) -> None:
        pages = [name for name in (*self._reading(), *self._changing()) if name not in without]
        for name, address in self._addresses(pages, target):
            with self._page(name):
                assert client.get(address).status_code == 404
        actions = [name for name in (*self._changing(), *self.actions) if name not in without]
        for name, address in self._addresses(actions, target):
            with self._page(name):
                assert client.post(address, self._form(name)).status_code == 404

    def test_viewer_reads(self) -> None:
        for name, address in self._addresses(self._reading(), self.get_target()):
            with self._page(name):
                assert client_of(self.world.ben).get(address).status_code == 200

    def test_viewer_cannot_change(self) -> None:
        client = client_of(self.world.ben)
        for name, address in self._addresses(self._changing(), self.get_target()):
            with self._page(name):
                assert client.get(address).status_code == 403
        for name, address in self._addresses([*self._changing(), *self.actions], self.get_target()):
            with self._page(name):
                assert client.post(address, self._form(name)).status_code == 403

    def test_owner_changes(self) -> None:
        client = self.owner_client()
        for name, address in self._addresses(self._changing(), self.get_target()):
            with self._page(name):
                assert client.get(address).status_code == 200
                self._assert_saved(client.post(address, self._form(name)))

    def _form(self, name: str) -> dict[str, Any]:
        return self.form | (self.create_form if name == self.create_page else self.edit_form)

    @staticmethod
    def _assert_saved(response: HttpResponse) -> None:
        context = getattr(response, "context", None) or {}
        errors = context["form"].errors if "form" in context else ""
        assert response.status_code == 302, f"{response.status_code} {errors}"


class ObjectApiCases(ObjectCases):
    """Anonymous, no role, other organization, viewer and owner, on one REST collection.

    `path` is the collection's address. `create` and `change` are bodies the owner sends (POST to the collection, PATCH
    to the object); `deletes` says that it can be deleted. What is left out is not tested.
    """

    path: ClassVar[str]
    create: ClassVar[dict[str, Any]] = {}
    change: ClassVar[dict[str, Any]] = {}
    deletes: ClassVar[bool] = False

    def get_create(self) -> dict[str, Any]:
        """Return the body that the owner posts."""
        return dict(self.create)

    def _object(self, target: Any) -> str:
        return f"{self.path.rstrip('/')}/{target.pk}{'/' if self.path.endswith('/') else ''}"

    def _send(self, client: Any, method: str, address: str, body: dict[str, Any]) -> Any:
        return client.generic(method, address, json.dumps(body, default=str), content_type="application/json")

    def _changes(self, target: Any) -> list[tuple[str, str, dict[str, Any]]]:
        changes = [("PATCH", self._object(target), self.change)] if self.change else []
        return changes + ([("DELETE", self._object(target), {})] if self.deletes else [])

    def test_anonymous_is_refused_by_the_interface(self) -> None:
        client = client_of(None)
        for address in (self.path, self._object(self.get_target())):
            response = client.get(address)
            assert response.status_code == 401, response.status_code
            assert response.json()["code"] == "not_authenticated"
            assert response["WWW-Authenticate"].startswith("Bearer")

    def test_someone_without_a_role_sees_nothing_in_the_interface(self) -> None:
        self._nobody_sees(client_of(self.world.cora))

    def test_owner_of_another_organization_sees_nothing_in_the_interface(self) -> None:
        self._nobody_sees(client_of(self.world.olaf))

    def _nobody_sees(self, client: Any) -> None:
        target = self.get_target()
        seen = client.get(self.path)
        assert seen.status_code == 200
        assert str(target.pk) not in {str(row["id"]) for row in seen.json()["results"]}
        assert client.get(self._object(target)).status_code == 404
        for method, address, body in self._changes(target):
            assert self._send(client, method, address, body).status_code == 404, method
        if self.create:
            # Naming what one may not see is an invalid reference; naming nothing at all is 403.
            assert self._send(client, "POST", self.path, self.get_create()).status_code in (400, 403, 404)

    def test_viewer_reads_the_interface(self) -> None:
        client, target = client_of(self.world.ben), self.get_target()
        rows = client.get(self.path).json()["results"]
        assert str(target.pk) in {str(row["id"]) for row in rows}
        assert client.get(self._object(target)).json()["id"] == str(target.pk)

    def test_viewer_cannot_change_by_the_interface(self) -> None:
        client = client_of(self.world.ben)
        for method, address, body in self._changes(self.get_target()):
            assert self._send(client, method, address, body).status_code == 403, method
        if self.create:
            assert self._send(client, "POST", self.path, self.get_create()).status_code in (400, 403)

    def test_owner_changes_by_the_interface(self) -> None:
        client, target = client_of(self.world.ada), self.get_target()
        if self.create:
            response = self._send(client, "POST", self.path, self.get_create())
            assert response.status_code == 201, response.content
        for method, address, body in self._changes(target):
            response = self._send(client, method, address, body)
            assert response.status_code in (200, 204), response.content
