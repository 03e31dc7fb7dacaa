"""A key that is not known is always an error, wherever it stands, and always says what is known."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.loading import load_files
from gateway_runtime.local.spelling import SPELLINGS

RULE = {"path": "/a", "host": "h", "methods": "GET", "headers": {"x": "y"}}
META = {"metadata": {"name": "n", "namespace": "default", "labels": {"a": "b"}}}
VERSION = {"apiVersion": "gateway.mulesoft.com/v1alpha1"}
INSTANCE = {
    **VERSION, "kind": "ApiInstance", **META,
    "spec": {
        "address": "http://0.0.0.0:8080/a",
        "services": {
            "s": {"address": "http://a:1", "routes": [{"config": {"destinationPath": "/x"}, "rules": [RULE]}]}
        },
        "policies": [
            {
                "policyRef": {"name": "rate-limiting-flex", "kind": "Extension", "namespace": "default"},
                "config": {
                    "rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1}], "exposeHeaders": True
                },
                "rules": [RULE],
            }
        ],
    },
}  # fmt: skip
SERVICE = {
    **VERSION, "kind": "Service", **META,
    "spec": {
        "address": "http://a:1",
        "weight": 1,
        "targets": [{"address": "http://b:1", "weight": 1}],
        "balance": {"policy": "consistent_hash", "hashOn": "header", "header": "x-tenant"},
        "healthCheck": {"path": "/", "intervalSeconds": 1, "timeoutSeconds": 1, "statuses": [200], "unhealthyAfter": 1,
                        "healthyAfter": 1},
        "outliers": {"consecutiveFailures": 1, "consecutiveConnectFailures": 1, "statuses": [500], "baseSeconds": 1,
                     "maxSeconds": 2, "maxEjectedPercent": 3},
        "retries": {"enabled": True, "attempts": 1, "failures": ["connect"], "statuses": [503], "budgetPercent": 1,
                    "budgetPerSecond": 1},
        "timeouts": {"connectSeconds": 1, "connectionIdleSeconds": 1},
    },
}  # fmt: skip
BINDING = {
    **VERSION, "kind": "PolicyBinding", **META,
    "spec": {
        "targetRef": {"kind": "Selector", "selector": {"kind": "ApiInstance", "labels": {}}},
        "policyRef": {"name": "route-weighted"},
        "config": {
            "routes": [{"weight": 1, "destinationPath": "/", "destinationRef": {"name": "n", "kind": "Service"}}]
        },
        "order": 1,
        "rules": [RULE],
    },
}  # fmt: skip
CONFIGURATION = {
    **VERSION, "kind": "Configuration", **META,
    "spec": {
        "logging": {"runtimeLogs": {"logLevel": "info"}, "accessLogs": {"outputs": []}},
        "sharedStorage": {"local": {"enabled": True}},
        "probe": {"enabled": False},
        "timeouts": {"streamIdleSeconds": 1},
        "proxyProtocol": {"enabled": False},
        "forwardProxy": {
            "https": {"address": "http://p:1", "basicAuth": {"username": "a", "password": "b"}}, "noProxy": ["a"]
        },
        "circuitBreaker": {"thresholds": {"maxConnections": 1, "maxPendingRequests": 1, "maxRequests": 1,
                                          "maxRetries": 1}},
    },
}  # fmt: skip
EXTENSION = {**VERSION, "kind": "Extension", **META, "spec": {"extends": [{"name": "x"}], "rootId": "main"}}
RESOURCES = (INSTANCE, SERVICE, BINDING, CONFIGURATION, EXTENSION)
# Maps whose keys are names that the writer chooses.
FREE = {"labels", "headers", "services"}


def maps(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every map that has known keys only."""
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        if not path or path[-1] not in FREE:
            found.append(path)
        for key, inner in value.items():
            found += maps(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += maps(inner, (*path, index))
    return found


PLACES = [(resource, path) for resource in RESOURCES for path in maps(resource)]


def copied(value: Any) -> Any:
    return yaml.safe_load(yaml.safe_dump(value))


def write(resource: Any) -> tuple[str, bytes]:
    others = [each for each in (INSTANCE, SERVICE) if each["kind"] != resource["kind"]]
    return "all.yaml", yaml.safe_dump_all([resource, *others], sort_keys=False).encode()


def test_the_resources_are_right_as_they_are() -> None:
    for resource in RESOURCES:
        assert load_files([write(resource)], {}).document.format == 1


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    place=st.sampled_from(PLACES),
    key=st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", min_size=1, max_size=20),
    value=st.sampled_from([None, True, 7, "text", [], {}]),
)
def test_an_unknown_key_is_named_with_file_line_and_what_is_known(place: Any, key: str, value: Any) -> None:
    resource, path = place
    changed = copied(resource)
    target = changed
    for step in path:
        target = target[step]
    known = {*target}
    if key in {"annotations", "properties", "required", "implementation", "key", "selector", "name", "namespace",
               "outputs", "tracing", "forwardProxy", "platformConnection", "circuitBreaker", "redis", "port", "order",
               "kind", "config", "rules"} | known:  # fmt: skip
        return
    target[key] = value
    name, content = write(changed)
    with pytest.raises(FilesRefused) as caught:
        load_files([(name, content)], {})
    (fault,) = caught.value.faults
    assert fault.code == "unknown_setting"
    assert fault.file == name
    assert f"{key}:" in content.decode().splitlines()[fault.line - 1].replace("'", "")
    assert fault.key.endswith(key)
    assert f"“{key}”" in fault.message
    assert "Did you mean “" in fault.message or "Known are " in fault.message


@pytest.mark.parametrize("key", SPELLINGS)
@pytest.mark.parametrize(("resource", "path"), PLACES)
def test_another_spelling_of_a_setting_that_does_not_belong_here_is_named_as_it_is_written(
    resource: Any, path: tuple[Any, ...], key: str
) -> None:
    changed = copied(resource)
    target = changed
    for step in path:
        target = target[step]
    target[key] = 7
    name, content = write(changed)
    with pytest.raises(FilesRefused) as caught:
        load_files([(name, content)], {})
    (fault,) = caught.value.faults
    assert fault.key.endswith(key)
    assert f"“{key}”" in fault.message
    assert f"{key}: 7" in content.decode().splitlines()[fault.line - 1]


def test_a_wrong_value_under_another_spelling_is_reported_where_it_stands() -> None:
    spec = {"sharedStorage": {"redis": {"address": "a:1", "DB": "first", "tls": {"minVersion": "1.2"}}}}
    name, content = write({**CONFIGURATION, "spec": spec})
    with pytest.raises(FilesRefused) as caught:
        load_files([(name, content)], {})
    (fault,) = caught.value.faults
    assert fault.key == "spec.sharedStorage.redis.DB"
    assert "DB: first" in content.decode().splitlines()[fault.line - 1]


@pytest.mark.parametrize(("resource", "path"), PLACES)
def test_a_slip_of_the_pen_names_the_key_that_was_meant(resource: Any, path: tuple[Any, ...]) -> None:
    changed = copied(resource)
    target = changed
    for step in path:
        target = target[step]
    meant = next((key for key in target if len(key) > 4), None)
    if meant is None:
        meant = next(iter(target), "enabled")
    slipped = meant[:2] + meant[3:] + "s"
    target[slipped] = target.get(meant)
    with pytest.raises(FilesRefused) as caught:
        load_files([write(changed)], {})
    (fault,) = caught.value.faults
    assert f"Did you mean “{meant}”?" in fault.message
