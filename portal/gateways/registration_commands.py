"""The commands that turn a token into a running replica, ready to be pasted."""

import shlex
from dataclasses import dataclass

from django.conf import settings

from portal.gateways.models import Gateway

PORTICO = "python -m portal.cli"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and the command for it."""

    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Platform:
    """How it is done on one kind of machine. `key` is stable, for REST and addresses on a page."""

    key: str
    title: str
    steps: tuple[Step, ...]


def registration_platforms(gateway: Gateway, token: str) -> tuple[Platform, ...]:
    """Return the commands with which a machine registers as a replica of a gateway and starts."""
    name = gateway.slug
    register = f"gateway register {name} --token {token} --url {shlex.quote(settings.PORTAL_URL)}"
    return (
        Platform(
            "linux",
            "Linux",
            (
                Step("In a copy of Portico, exchange the token for the registration.", f"{PORTICO} {register}"),
                Step(
                    "Start the replica.",
                    "python -m gateway_runtime --registration registration.yaml --state gateway-state",
                ),
            ),
        ),
        Platform(
            "docker",
            "Docker",
            (
                Step(
                    "Build the image once, in a copy of Portico.",
                    "docker build -t portico-gateway -f deploy/docker/gateway.Dockerfile .",
                ),
                Step(
                    "Exchange the token for the registration, kept in a volume.",
                    f"docker run --rm -v portico-{name}:/registration --entrypoint python portico-gateway "
                    f"-m portal.cli {register} -o /registration/registration.yaml",
                ),
                Step(
                    "Start the replica.",
                    f"docker run -d --name portico-{name} --restart on-failure --network host "
                    f"-v portico-{name}:/registration portico-gateway",
                ),
            ),
        ),
        Platform(
            "kubernetes",
            "Kubernetes",
            (
                Step("In a copy of Portico, exchange the token for the registration.", f"{PORTICO} {register}"),
                Step(
                    "Give it to the cluster, and remove the file here.",
                    "kubectl create secret generic portico-gateway-registration --from-file=registration.yaml",
                ),
                Step(
                    "Start the replicas, from the image that the Docker commands build.",
                    "kubectl apply -f deploy/kubernetes/gateway.yaml",
                ),
            ),
        ),
    )
