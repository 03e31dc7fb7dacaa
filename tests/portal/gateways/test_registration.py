"""Registering a gateway: one-time tokens, the pages that show them and the interface that takes them."""

import json
from datetime import timedelta

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from gateway_runtime.schema.replica import Registration
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.gateways.models import Gateway, RegistrationToken
from portal.gateways.registration_commands import registration_platforms
from portal.gateways.registration_tokens import gateway_register, registration_token_create
from tests.portal.base import World, client_of

PATH = "/api/v1/gateway-registrations/"


def made(world: World) -> str:
    """A new token of the gateway `edge`."""
    return registration_token_create(actor=world.ada, gateway=world.gateway).secret


def send(name: str, token: str) -> tuple[int, dict[str, object]]:
    """Ask the interface as a machine does that nobody has signed in."""
    answer = Client().post(PATH, json.dumps({"name": name, "token": token}), content_type="application/json")
    return answer.status_code, answer.json()


class TestToken:
    def test_it_opens_the_registration_of_its_gateway(self, world: World) -> None:
        registration = gateway_register(name="edge", token=made(world))
        assert registration.gateway == str(world.gateway.pk)
        assert registration.name == "edge"
        assert registration.verify_key == world.gateway.verify_key

    def test_it_is_recognisable_and_stored_only_as_a_digest(self, world: World) -> None:
        secret = made(world)
        assert secret.startswith("portico_reg_")
        token = RegistrationToken.objects.get()
        assert secret not in json.dumps({name: str(value) for name, value in vars(token).items()})
        assert len(token.digest) == 64

    def test_neither_making_nor_using_it_writes_it_to_the_audit_trail(self, world: World) -> None:
        secret = made(world)
        gateway_register(name="edge", token=secret, address="192.0.2.7")
        events = AuditEvent.objects.filter(target_id=str(world.gateway.pk))
        assert {event.action for event in events} >= {"registration_token.create", "gateway.register"}
        assert not [e for e in events if secret in json.dumps([e.before, e.after, e.message])]
        assert "192.0.2.7" in events.get(action="gateway.register").message

    def test_it_works_once(self, world: World) -> None:
        secret = made(world)
        gateway_register(name="edge", token=secret)
        with pytest.raises(ApplicationError, match="was used already") as refused:
            gateway_register(name="edge", token=secret)
        assert refused.value.code == "registration_token_used"

    def test_it_works_for_an_hour(self, world: World) -> None:
        secret = made(world)
        RegistrationToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(ApplicationError, match="has expired"):
            gateway_register(name="edge", token=secret)
        assert registration_token_create(actor=None, gateway=world.gateway).expires_at - timezone.now() <= timedelta(
            hours=1
        )

    @pytest.mark.parametrize("secret", ["", "portico_reg_", "x" * 61, "portico_reg_" + "é" * 49])
    def test_what_is_no_token_is_not_known(self, world: World, secret: str) -> None:
        with pytest.raises(ApplicationError, match="is not known"):
            gateway_register(name="edge", token=secret)

    def test_a_mistyped_one_is_not_known(self, world: World) -> None:
        with pytest.raises(ApplicationError, match="is not known"):
            gateway_register(name="edge", token=made(world).swapcase())

    def test_a_wrong_name_is_refused_and_does_not_use_it_up(self, world: World) -> None:
        secret = made(world)
        with pytest.raises(ApplicationError, match="for the gateway edge") as refused:
            gateway_register(name="edgy", token=secret)
        assert set(refused.value.fields) == {"name"}
        assert gateway_register(name="Edge", token=secret)

    def test_what_has_long_expired_is_forgotten(self, world: World) -> None:
        made(world)
        RegistrationToken.objects.update(expires_at=timezone.now() - timedelta(days=8))
        made(world)
        assert RegistrationToken.objects.count() == 1


class TestInterface:
    def test_a_machine_gets_the_registration_without_signing_in(self, world: World) -> None:
        status, body = send("edge", made(world))
        assert status == 201
        assert msgspec.convert(body, Registration).gateway == str(world.gateway.pk)

    def test_an_answer_with_secrets_is_kept_nowhere(self, world: World) -> None:
        body = json.dumps({"name": "edge", "token": made(world)})
        assert Client().post(PATH, body, content_type="application/json")["Cache-Control"] == "no-store"

    def test_each_refusal_is_one_sentence_beside_its_field(self, world: World) -> None:
        secret = made(world)
        status, body = send("edgy", secret)
        assert (status, list(body["fields"])) == (400, ["/name"])
        send("edge", secret)
        status, body = send("edge", secret)
        assert (status, body["code"], list(body["fields"])) == (403, "registration_token_used", ["/token"])

    def test_a_caller_who_guesses_is_held_up(self, world: World) -> None:
        assert [send("edge", "portico_reg_no")[0] for _ in range(31)][-1] == 429
        assert send("edge", made(world))[0] == 429

    def test_whoever_may_change_a_gateway_makes_tokens(self, world: World) -> None:
        path = f"/api/v1/gateways/{world.gateway.pk}/registration-tokens/"
        answer = client_of(world.ada).post(path)
        assert answer.status_code == 201
        assert [each["key"] for each in answer.json()["platforms"]] == ["linux", "docker", "kubernetes"]
        assert send("edge", answer.json()["token"])[0] == 201
        assert client_of(world.ben).post(path).status_code == 403
        assert client_of(world.olaf).post(path).status_code == 404
        assert client_of(None).post(path).status_code == 401


class TestPages:
    def test_a_new_gateway_comes_with_commands_for_each_platform(self, world: World, ada_client: Client) -> None:
        address = console_url(world.production, "gateways:create")
        page = ada_client.post(address, {"name": "Second", "port": "8090"})
        assert page.status_code == 200
        assert page["Cache-Control"] == "no-store"
        secret = page.context["token"]
        text = page.content.decode()
        for title in ("Linux", "Docker", "Kubernetes"):
            assert title in text
        assert f"gateway register second --token {secret}" in text
        assert gateway_register(name="second", token=secret).gateway == str(Gateway.objects.get(name="Second").pk)

    def test_a_further_replica_gets_a_token_of_its_own(self, world: World, ada_client: Client) -> None:
        address = console_url(world.production, "gateways:replica_add", world.gateway.pk)
        first, second = (ada_client.post(address).context["token"] for _ in range(2))
        assert first != second
        assert gateway_register(name="edge", token=first) == gateway_register(name="edge", token=second)

    def test_the_page_of_a_gateway_holds_no_token(self, world: World, ada_client: Client) -> None:
        secret = made(world)
        assert secret not in ada_client.get(world.gateway.get_absolute_url()).content.decode()

    def test_who_may_not_change_it_gets_none(self, world: World, ben_client: Client) -> None:
        address = console_url(world.production, "gateways:replica_add", world.gateway.pk)
        assert ben_client.post(address).status_code == 403
        assert "Add replica</button>" not in ben_client.get(world.gateway.get_absolute_url()).content.decode()


def test_commands_name_gateway_token_and_portal(world: World, settings: pytest.FixtureRequest) -> None:
    settings.PORTAL_URL = "https://portal.example.test"  # type: ignore[attr-defined]
    for platform in registration_platforms(world.gateway, "portico_reg_x"):
        text = "\n".join(step.command for step in platform.steps)
        assert "gateway register edge --token portico_reg_x --url https://portal.example.test" in text
