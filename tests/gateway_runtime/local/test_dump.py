"""The effective configuration as JSON."""

import json
from pathlib import Path

import pytest

from gateway_runtime.local.dump import dump_main
from gateway_runtime.local.masking import MASK
from gateway_runtime.main import main
from tests.gateway_runtime.local.kit import instance, service

SHOP = instance(
    "shop",
    labels="{zone: public}",
    address="http://0.0.0.0:8080/shop/",
    more="""
    services:
      orders: {address: "http://10.0.0.1:9000"}
    policies:
      - policyRef: {name: http-basic-authentication-flex}
        config: {username: ada, password: sesame}
        rules: [{methods: POST}]
    """,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    return path


def test_everything_generated_and_defaulted_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "--config", str(file)]) == 0
    shown = json.loads(capsys.readouterr().out)
    (api,) = shown["apiInstances"]
    assert api["metadata"] == {"name": "shop", "namespace": "default", "labels": {"zone": "public"}}
    assert (api["basePath"], api["listener"]) == ("/shop", "0.0.0.0:8080")
    assert [(each["metadata"]["name"], each["order"]) for each in api["policies"]] == [
        ("shop-orders-route-1", 50),
        ("shop-http-basic-authentication-flex-1", 50),
        ("router", 2147483647),
    ]
    lock = api["policies"][1]
    assert lock["config"] == {"username": "ada", "password": MASK}
    assert lock["rules"] == [{"path": ".*", "host": ".*", "methods": "POST", "headers": {}}]
    assert lock["metadata"]["generatedFor"] == "shop"
    assert lock["source"] == {"file": "shop.yaml", "line": 11}
    assert [each["metadata"]["name"] for each in shown["services"]] == ["shop-orders"]
    assert shown["configuration"][0]["timeouts"]["streamIdleSeconds"] == 300
    assert {each["name"]: each["supported"] for each in shown["extensions"]}["client-id-enforcement-flex"] is True


def test_one_file_for_each_part(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "made" / "dump"
    assert dump_main(["--config", str(file), "--output-directory", str(folder)], {}) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "api-instances.json",
        "client-applications.json",
        "configuration.json",
        "extensions.json",
        "services.json",
        "sla-tiers.json",
    ]
    assert json.loads((folder / "services.json").read_text())[0]["spec"] == {"address": "http://10.0.0.1:9000"}
    assert capsys.readouterr().out == ""
    assert dump_main(["--config", str(file), "--output-directory", str(file)], {}) == 2


def test_faults_go_to_standard_error_one_a_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SHOP.replace("address:", "adress:") + "---\n" + service().replace("kind:", "kint:"))
    assert dump_main(["--config", str(file)], {}) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.partition(": There")[0] for line in shown.err.splitlines()] == [
        "shop.yaml:7: spec.adress",
        "shop.yaml:16: kint",
    ]


def test_notes_go_to_standard_error_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(instance())
    assert dump_main(["--config", str(file)], {}) == 0
    assert capsys.readouterr().err.endswith("every request is answered with 404. (note)\n")


def test_a_missing_place_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dump_main(["--config", str(tmp_path / "none")], {}) == 1
    assert capsys.readouterr().err == f"{tmp_path}/none: There is no such file or folder.\n"
    assert main(["--config", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.endswith("does not exist. Give a folder or a file with --config.\n")


def test_limits_are_shown_as_files_have_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limited = """apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {name: slow}
spec: {targetRef: {name: shop}, policyRef: {name: response-timeout-flex}, config: {timeout: 60}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: Configuration
metadata: {name: edge}
spec:
  limits: {headerBytes: 2048}
  proxyProtocol: {enabled: true}
  trustedProxies: {networks: [10.0.0.0/8]}
"""
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "edge.yaml").write_text(limited)
    assert dump_main(["--config", str(tmp_path)], {}) == 0
    shown = json.loads(capsys.readouterr().out)
    (api,) = shown["apiInstances"]
    unset = dict.fromkeys(["streamIdleSeconds", "bodyBytes", "bufferedBodyBytes"])
    assert api["limits"] == {"responseSeconds": 60, **unset}
    assert {"name": "response-timeout-flex"} in [each["policyRef"] for each in api["policies"]]
    (settings,) = shown["configuration"]
    assert (settings["limits"]["headerBytes"], settings["limits"]["urlBytes"]) == (2048, 8192)
    assert settings["trustedProxies"]["networks"] == ["10.0.0.0/8"]
    assert settings["proxyProtocol"] is True
