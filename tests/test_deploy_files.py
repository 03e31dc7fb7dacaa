"""The image and the manifest fit the gateway that they start."""

import re
from pathlib import Path
from typing import Any

import yaml

from gateway_runtime.options import DRAIN_SECONDS, read_options

ROOT = Path(__file__).parent.parent
IMAGE = (ROOT / "deploy" / "docker" / "gateway.Dockerfile").read_text(encoding="utf-8")


def deployment() -> Any:
    """Return the pod of the manifest."""
    documents = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "gateway.yaml").read_text(encoding="utf-8"))
    return next(each for each in documents if each["kind"] == "Deployment")["spec"]["template"]["spec"]


def test_the_image_is_made_of_what_is_there() -> None:
    sources = [word for line in re.findall(r"^COPY (.+)$", IMAGE, re.MULTILINE) for word in line.split()[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_starts_the_gateway_with_what_it_takes() -> None:
    environment = dict(re.findall(r"(PORTICO_\w+)=(\S+)", IMAGE))
    flags = re.findall(r'"([^"]+)"', re.findall(r"^ENTRYPOINT (.+)$", IMAGE, re.MULTILINE)[0])
    assert flags[:3] == ["python", "-m", "gateway_runtime"]
    options = read_options(flags[3:], environment)
    assert options.registration == Path("/registration/registration.yaml")
    assert options.state == Path("/state")


def test_the_manifest_gives_the_registration_to_its_owner_alone() -> None:
    (copying,) = deployment()["initContainers"]
    assert copying["command"][:3] == ["install", "-m", "0600"]
    assert copying["command"][-1] == re.findall(r"REGISTRATION=(\S+)", IMAGE)[0]
    assert str(deployment()["securityContext"]["runAsUser"]) in IMAGE


def test_the_manifest_leaves_time_for_running_requests() -> None:
    assert deployment()["terminationGracePeriodSeconds"] > DRAIN_SECONDS + 10
