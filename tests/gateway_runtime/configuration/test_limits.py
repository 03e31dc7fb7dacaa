"""Limits of a document: taken as they are, refused by name where they cannot be."""

import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.configuration.limits import gateway_limits, most_buffered, pseudonym, trusted_proxies
from gateway_runtime.http.limits import Limits as EngineLimits
from gateway_runtime.schema.document import ApiInstance, Document, Listener, Timeouts, encode
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.limits import ApiLimits, Limits, TrustedProxies
from gateway_runtime.upstream.registry import PoolRegistry


def document(**parts: object) -> Document:
    return Document(gateway="g", name="g", **parts)  # type: ignore[arg-type]


def test_the_defaults_of_the_document_are_those_of_the_engine() -> None:
    assert gateway_limits(document()) == EngineLimits()


def test_limits_reach_the_engine() -> None:
    given = Limits(header_bytes=2048, url_bytes=512, keep_alive_seconds=5, connections_per_address=3)
    made = gateway_limits(document(limits=given, timeouts=Timeouts(upstream_response_seconds=2)))
    assert (made.header_bytes, made.target_bytes, made.keep_alive_seconds) == (2048, 512, 5)
    assert (made.connections_per_address, made.response_seconds) == (3, 2)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"limits": Limits(header_bytes=10)}, "limits.header_bytes"),
        ({"limits": Limits(url_bytes=1 << 30)}, "limits.url_bytes"),
        ({"limits": Limits(body_seconds=0)}, "limits.body_seconds"),
        ({"limits": Limits(connect_seconds=1e9)}, "limits.connect_seconds"),
        ({"limits": Limits(keep_alive_seconds=-1)}, "limits.keep_alive_seconds"),
        ({"limits": Limits(connections=-1)}, "limits.connections"),
        ({"timeouts": Timeouts(stream_idle_seconds=-1)}, "timeouts.stream_idle_seconds"),
        ({"trusted_proxies": TrustedProxies(networks=["10.0.0.0/8", "10.0.0.1/8"])}, "trusted_proxies.networks[1]"),
        ({"trusted_proxies": TrustedProxies(networks=["everybody"])}, "trusted_proxies.networks[0]"),
        ({"trusted_proxies": TrustedProxies(header="x-real-ip")}, "trusted_proxies.header"),
    ],
)
def test_a_revision_with_a_bad_limit_is_refused(parts: dict[str, object], path: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        Compiler(PoolRegistry()).compile(1, "d", encode(document(**parts)))
    assert caught.value.path == path


def test_a_bad_limit_of_an_api_fences_off_that_api() -> None:
    listener = Listener(id="l", name="l", port=8080)
    api = ApiInstance(id="a", name="a", listener="l", base_path="/a", limits=ApiLimits(response_seconds=0))
    compiled = Compiler(PoolRegistry()).compile(1, "d", encode(document(listeners=[listener], apis=[api])))
    assert compiled.faults[0].path == "apis[0].limits.response_seconds"
    assert compiled.snapshot.apis["a"].quarantine is not None
    assert compiled.snapshot.apis["a"].special


def test_only_an_api_with_limits_of_its_own_is_special() -> None:
    listener = Listener(id="l", name="l", port=8080)
    apis = [
        ApiInstance(id="a", name="a", listener="l", base_path="/a", limits=ApiLimits(body_bytes=0)),
        ApiInstance(id="b", name="b", listener="l", base_path="/b"),
    ]
    compiled = Compiler(PoolRegistry()).compile(1, "d", encode(document(listeners=[listener], apis=apis)))
    assert [compiled.snapshot.apis[name].special for name in "ab"] == [True, False]


def test_how_much_of_a_body_is_kept_may_be_different_for_an_api() -> None:
    listener = Listener(id="l", name="l", port=8080)
    apis = [
        ApiInstance(id="a", name="a", listener="l", base_path="/a", limits=ApiLimits(buffered_body_bytes=2048)),
        ApiInstance(id="b", name="b", listener="l", base_path="/b", limits=ApiLimits(buffered_body_bytes=1)),
        ApiInstance(id="c", name="c", listener="l", base_path="/c"),
    ]
    made = document(listeners=[listener], apis=apis)
    compiled = Compiler(PoolRegistry()).compile(1, "d", encode(made))
    assert compiled.snapshot.apis["a"].limits.buffered_body_bytes == 2048  # type: ignore[union-attr]
    assert compiled.faults[0].path == "apis[1].limits.buffered_body_bytes"
    assert [most_buffered(made, api) for api in (apis[0], apis[2])] == [2048, 1 << 20]


def test_nobody_is_trusted_unless_somebody_is_named() -> None:
    assert trusted_proxies(document()) is None
    made = trusted_proxies(document(trusted_proxies=TrustedProxies(networks=["10.0.0.0/8", "::1"])))
    assert made is not None
    assert "10.255.0.1" in made
    assert "::1" in made
    assert "11.0.0.1" not in made
    assert "" not in made


def test_replicas_of_a_gateway_share_a_name_and_gateways_of_files_do_not() -> None:
    assert pseudonym(document()) == pseudonym(document(listeners=[Listener(id="l", name="l", port=1)]))
    local = [
        Document(gateway="local", name="local", listeners=[Listener(id="l", name="l", port=port)]) for port in (1, 2)
    ]
    assert pseudonym(local[0]) != pseudonym(local[1])
