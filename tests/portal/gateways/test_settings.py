"""The settings of a gateway: form, REST, what is stored, and what a gateway gets."""

import json

import pytest
from django.db import connection

from gateway_runtime.schema.document import Timeouts
from gateway_runtime.schema.limits import Limits
from gateway_runtime.schema.log_output import Collector, LogHttp, LogOutput, LogSyslog, LogTls
from gateway_runtime.schema.probe import Probe
from gateway_runtime.telemetry.deliveries import delivery_of
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.setting_forms.posted import as_posted
from portal.gateways.listener_services import listener_create
from portal.gateways.models import Gateway
from portal.gateways.settings import OUTLINE, PARTS, document_settings
from portal.gateways.settings_forms import GatewaySettingsForm
from portal.gateways.settings_services import gateway_settings_update
from portal.publishing.builder import build
from portal.publishing.changes import revision_changes
from portal.publishing.models import PublishRequest
from tests.portal.base import PortalTestCase, client_of
from tests.portal.cases import ObjectPageCases

PROXY = {"address": "http://proxy.example:3128", "username": "gate", "password": "harbour-secret"}
RECEIVER = {"endpoint": "http://collector.example:4318/v1/traces", "headers": {"authorization": "Bearer harbour-token"}}
STORAGE = {"url": "redis://:harbour-redis@redis.example:6379/0"}
# (settings, where it is wrong, what is said)
WRONG = (
    ({"timeouts": {"streamIdleSeconds": 0}}, "timeouts.streamIdleSeconds", "Use more than 0."),
    ({"limits": {"headerBytes": 10}}, "limits.headerBytes", "Use 1024 or more."),
    ({"limits": {"connections": 1 << 30}}, "limits.connections", "Use 1048576 or less."),
    ({"accessLog": {"sampling": 2}}, "accessLog.sampling", "Use 1 or less."),
    ({"accessLog": {"hide": ["url.pth"]}}, "accessLog.hide.0",
     "There is no field “url.pth” in an access line. Did you mean “url.path”?"),
    ({"trustedProxies": {"networks": ["10.0.0.1/8"]}}, "trustedProxies.networks.0",
     "“10.0.0.1/8” is no network such as 10.0.0.0/8 or 2001:db8::/32, with no bit behind its length."),
    ({"forwardProxy": {"address": "proxy:1"}}, "forwardProxy.address",
     "This is not the address of a proxy. Write http://host:port, and credentials as settings of their own."),
    ({"forwardProxy": {}}, "forwardProxy.address", "This setting is required."),
    ({"sharedStorage": {"url": "http://redis"}}, "sharedStorage.url", "This is not the URL of a Redis."),
    ({"tracing": {"labels": [{"name": "x", "type": "environment"}]}}, "tracing.labels.0.keyName",
     "Name the variable or header of this label."),
    ({"runtimeLogOutputs": [{"type": "tcp"}]}, "runtimeLogOutputs.0.host", "Say who takes the lines."),
    ({"accessLogOutputs": [{"type": "udp", "host": "logs", "tls": True}]}, "accessLogOutputs.0.tls",
     "TLS cannot be spoken over UDP. Choose tcp or syslog."),
    ({"accessLogOutputs": [{"type": "tcp", "host": "logs", "port": 70000}]}, "accessLogOutputs.0.port",
     "Use 65535 or less."),
    ({"probe": {"port": 8080}}, "probe.port", "Port 8080 is that of listener public. Choose another one for probes."),
    ({"probe": {"port": 0}}, "probe.port", "Use 1 or more."),
    ({"probe": {"port": 9998}}, "probe.port",
     "Port 9998 is used by the gateway's admin port. Choose another one for probes."),
)  # fmt: skip


def typed(**settings):
    """Return settings as a browser posts the whole form."""
    return as_posted(OUTLINE, settings)


class GatewaySettingsPageTests(ObjectPageCases, PortalTestCase):
    edit_page = "gateways:settings"
    actions = ("gateways:settings_reset",)
    target = "gateway"
    other_target = "other_gateway"
    form = typed(timeouts={"streamIdleSeconds": 60})

    def post(self, name="gateways:settings", **settings):
        return self.owner_client().post(
            console_url(self.world.production, name, self.world.gateway.pk), typed(**settings)
        )

    def gateway(self):
        return Gateway.objects.get(pk=self.world.gateway.pk)

    def test_only_what_differs_from_the_default_is_stored(self):
        assert self.post(limits={"headerBytes": 4096}, logLevel="warn").status_code == 302
        assert self.gateway().settings == {"limits": {"headerBytes": 4096}, "logLevel": "warn"}
        assert self.post().status_code == 302
        assert self.gateway().settings == {}

    def test_sections_that_may_be_absent_have_a_switch(self):
        assert self.post(accessLog={}).status_code == 302
        assert self.gateway().settings == {"accessLog": {}}
        off = {**typed(accessLog={"query": True})}
        del off["accessLog._on"]
        self.owner_client().post(console_url(self.world.production, "gateways:settings", self.world.gateway.pk), off)
        assert self.gateway().settings == {}

    def test_each_help_says_the_default_and_its_unit(self):
        form = GatewaySettingsForm(gateway=self.world.gateway)
        assert form.fields["limits.keepAliveSeconds"].help_text.endswith("By default 75 seconds.")
        assert form.fields["limits.headerBytes"].help_text.endswith("By default 61\u202f440 bytes.")
        assert form.fields["logLevel"].help_text.endswith("By default Info.")

    def test_every_setting_of_the_document_has_a_field_with_title_and_help(self):
        form = GatewaySettingsForm(gateway=self.world.gateway)
        for section, type_ in (("limits", Limits), ("timeouts", Timeouts)):
            for name in type_.__struct_fields__:
                first, *rest = name.split("_")
                field = form.fields[f"{section}.{first}{''.join(each.title() for each in rest)}"]
                assert field.label
                assert field.help_text

    def test_secrets_are_kept_when_left_empty_and_never_drawn(self):
        self.post(forwardProxy=PROXY, tracing={"receiver": RECEIVER}, sharedStorage=STORAGE)
        form = GatewaySettingsForm(gateway=self.gateway())
        page = form.as_p()
        for secret in ("harbour-secret", "harbour-token", "harbour-redis"):
            assert secret not in page
        again = as_posted(OUTLINE, self.gateway().settings)
        self.owner_client().post(console_url(self.world.production, "gateways:settings", self.world.gateway.pk), again)
        settings = document_settings(self.gateway())
        assert settings["forward_proxy"].password == PROXY["password"]
        assert settings["tracing"].receiver.headers == RECEIVER["headers"]
        assert settings["shared_storage"].url == STORAGE["url"]

    def test_secret_goes_with_its_section(self):
        self.post(forwardProxy=PROXY)
        self.post()
        assert json.loads(self.gateway().secrets) == {}

    def test_reset_button_makes_everything_as_by_default(self):
        self.post(forwardProxy=PROXY, logLevel="debug")
        self.post("gateways:settings_reset")
        assert (self.gateway().settings, json.loads(self.gateway().secrets)) == ({}, {})

    def test_row_is_added_without_script(self):
        form = {**typed(tracing={}), "_add_row": "tracing.labels"}
        page = self.owner_client().post(
            console_url(self.world.production, "gateways:settings", self.world.gateway.pk), form
        )
        assert "tracing.labels.0.name" in page.context["form"].fields
        assert page.context["form"]["tracing._on"].value()


class GatewaySettingsApiTests(PortalTestCase):
    def address(self, gateway=None):
        return f"/api/v1/gateways/{(gateway or self.world.gateway).pk}/settings/"

    def client_of(self, person):
        return client_of(person)

    def patch(self, **settings):
        client = self.client_of(self.world.ada)
        return client.patch(self.address(), settings, content_type="application/json")

    def test_sections_are_replaced_and_others_stay(self):
        self.patch(limits={"headerBytes": 4096, "urlBytes": 512}, logLevel="warn")
        body = self.patch(limits={"headerBytes": 2048}).json()
        assert body["settings"] == {"limits": {"headerBytes": 2048}, "logLevel": "warn"}
        assert body["effective"]["limits"]["urlBytes"] == 8192
        assert self.patch(logLevel=None).json()["settings"] == {"limits": {"headerBytes": 2048}}

    def test_secrets_are_masked_and_kept_when_sent_back(self):
        self.patch(forwardProxy=PROXY, sharedStorage=STORAGE, tracing={"receiver": RECEIVER})
        answer = self.client_of(self.world.ada).get(self.address())
        assert "harbour-" not in answer.content.decode()
        body = answer.json()["settings"]
        assert body["forwardProxy"]["password"] == "••••••"
        assert self.patch(**body).status_code == 200
        gateway = Gateway.objects.get(pk=self.world.gateway.pk)
        assert document_settings(gateway)["shared_storage"].url == STORAGE["url"]

    def test_unknown_settings_are_refused_at_any_depth(self):
        assert self.patch(limits={"headerByts": 1}).json()["fields"] == {
            "/settings/limits/headerByts": "There is no setting “headerByts”. Did you mean “headerBytes”?"
        }
        assert list(self.patch(weather={}).json()["fields"]) == ["/settings/weather"]

    def test_same_words_as_in_the_form(self):
        client = self.client_of(self.world.ada)
        page = console_url(self.world.production, "gateways:settings", self.world.gateway.pk)
        for settings, place, sentence in WRONG:
            with self.subTest(place=place):
                told = self.patch(**settings).json()["fields"]
                assert told == {f"/settings/{place.replace('.', '/')}": sentence}
                errors = client.post(page, typed(**settings)).context["form"].errors
                [[shown]] = [list(texts) for texts in errors.values()]
                assert shown.removeprefix("Line 1: ") == sentence

    def test_everything_is_reset_by_delete(self):
        self.patch(logLevel="debug")
        assert self.client_of(self.world.ada).delete(self.address()).json()["settings"] == {}

    def test_who_may_do_what(self):
        assert self.client_of(self.world.ben).get(self.address()).status_code == 200
        body = {"logLevel": "warn"}
        for person, code in ((self.world.ben, 403), (self.world.olaf, 404), (self.world.cora, 404)):
            answer = self.client_of(person).patch(self.address(), body, content_type="application/json")
            assert answer.status_code == code
        assert self.client_of(self.world.ada).get(self.address(self.world.other_gateway)).status_code == 404


class GatewaySettingsServiceTests(PortalTestCase):
    def update(self, **settings):
        return gateway_settings_update(actor=self.world.ada, gateway=self.world.gateway, settings=settings)

    def requests(self):
        return sum(PublishRequest.objects.values_list("requested", flat=True))

    def test_settings_reach_the_document_and_every_api_of_it(self):
        gateway = self.update(
            timeouts={"streamIdleSeconds": 60}, accessLog={"sampling": 0.5}, forwardProxy=PROXY, logLevel="warn"
        )
        document = build(gateway).document
        assert document.timeouts == Timeouts(stream_idle_seconds=60)
        assert document.forward_proxy.password == PROXY["password"]
        assert document.log_level == "warn"
        assert [api.access_log.sampling for api in document.apis] == [0.5]

    def test_log_outputs_and_the_port_for_probes_reach_the_document(self):
        gateway = self.update(
            runtimeLogOutputs=[{"type": "stdout"}, {"type": "syslog", "host": "logs.example"}],
            accessLogOutputs=[
                {"type": "http", "host": "logs.example", "tls": True, "uri": "/in"},
                {"type": "tcp", "host": "::1", "port": 9000},
                {"type": "forward", "host": "fluent.example", "tag": "edge"},
            ],
            probe={"port": 9090},
        )
        document = build(gateway).document
        assert document.probe == Probe(port=9090)
        assert document.runtime_log_outputs == [
            LogOutput(type="stdout"),
            LogOutput(
                type="syslog",
                collector=Collector(host="logs.example", port=514, datagrams=True, syslog=LogSyslog()),
            ),
        ]
        assert document.access_log_outputs == [
            LogOutput(
                type="http",
                collector=Collector(host="logs.example", port=80, tls=LogTls(), http=LogHttp(uri="/in")),
            ),
            LogOutput(type="tcp", collector=Collector(host="::1", port=9000)),
            LogOutput(type="forward", collector=Collector(host="fluent.example", port=24_224, tag="edge")),
        ]
        # What is served of it is checked by the code that serves it.
        for output in (*document.runtime_log_outputs, *document.access_log_outputs):
            assert delivery_of(output)

    def test_file_is_left_to_whoever_runs_the_machine(self):
        with pytest.raises(ApplicationError) as refused:
            self.update(runtimeLogOutputs=[{"type": "file", "host": "x"}])
        assert list(refused.value.fields) == ["settings.runtimeLogOutputs.0.type"]

    def test_listener_leaves_the_port_for_probes_alone(self):
        gateway = self.update(probe={"port": 9090})
        with pytest.raises(ApplicationError, match="Port 9090 is that for probes, in the settings of Edge"):
            listener_create(actor=self.world.ada, gateway=gateway, port=9090)
        # The same again is no other port.
        assert self.update(probe={"port": 9090}).settings == {"probe": {"port": 9090}}

    def test_gateway_without_settings_has_the_defaults_of_the_document(self):
        document = build(self.world.gateway).document
        plain = type(document)(gateway="", name="")
        assert all(getattr(document, name) == getattr(plain, name) for name in PARTS)

    def test_secrets_are_encrypted_at_rest_and_not_in_the_change_log(self):
        self.update(forwardProxy=PROXY)
        self.update(forwardProxy={**PROXY, "password": "another-secret"})
        with connection.cursor() as cursor:
            cursor.execute("select settings, secrets from gateways_gateway")
            stored = str(cursor.fetchall())
        events = AuditEvent.objects.filter(action="gateway.settings")
        told = str(list(events.values("before", "after", "message")))
        for secret in ("harbour-secret", "another-secret"):
            assert secret not in stored
            assert secret not in told
        assert events.count() == 2
        assert "'secrets': 'new'" in told

    def test_diff_of_revisions_tells_the_settings_without_secrets(self):
        old = build(self.world.gateway).document
        new = build(self.update(forwardProxy=PROXY, limits={"headerBytes": 4096})).document
        [change] = revision_changes(old, new)
        told = {each.path: each.new for each in change.settings}
        assert told["limits.header_bytes"] == "4096"
        assert told["forward_proxy.password"] == "•••••• (new)"
        assert "harbour-secret" not in str(change)

    def test_nothing_changed_publishes_nothing(self):
        self.update(logLevel="warn")
        before = self.requests()
        self.update(logLevel="warn", limits={"headerBytes": Limits().header_bytes})
        assert self.requests() == before

    def test_fault_leaves_everything_as_it_was(self):
        with self.assertRaises(ApplicationError):
            self.update(logLevel="warn", limits={"headerBytes": 1})
        assert Gateway.objects.get(pk=self.world.gateway.pk).settings == {}
