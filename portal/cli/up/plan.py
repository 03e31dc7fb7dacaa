"""The processes of Portico, in the order in which they are started."""

import os
import sys
from pathlib import Path

from portal.cli.up.probes import http_answers, log_says, port_accepts
from portal.cli.up.program import Program
from portal.cli.up.settings import BASE, Run

# 400: it runs, and is only told to listen to other host names than loopback.
READY = (200, 400)
SERVICES = ("customers", "orders", "catalog", "customer-360", "shop-mobile")
CELERY = (sys.executable, "-W", "ignore::RuntimeWarning", "-m", "celery", "-q", "-A", "portal")


def preparation(run: Run, redis: str, password: str) -> Program:
    """Database, static files, demo company and a token for its gateway, in one process."""
    environment = run.portal_environment(redis) | {
        "PORTICO_ADMIN_EMAIL": run.admin_email,
        "PORTICO_ADMIN_PASSWORD": password,
        "PORTICO_LOG_LEVEL": "WARNING",
    }
    for name in ("PORTICO_DEMO_PASSWORD", "PORTICO_DEMO_PASSWORD_FILE"):
        if os.environ.get(name):
            environment[name] = os.environ[name]
    return Program(
        name="prepare",
        title="Preparing",
        command=(sys.executable, "-m", "portal.cli.up.prepare"),
        environment=environment,
        folder=BASE,
    )


def everything(run: Run, redis: str, ports: dict[str, int]) -> list[Program]:
    """Return all long-running processes besides Redis."""
    return [*management(run, redis), *demo(run, ports), gateway(run)]


def management(run: Run, redis: str) -> list[Program]:
    """Return what people and pipelines use, and the jobs behind it."""
    return [portal(run, redis), worker(run, redis), beat(run, redis)]


def demo(run: Run, ports: dict[str, int]) -> list[Program]:
    """Return the demo's services and its customers."""
    return [*(demo_service(run, name, ports[name]) for name in SERVICES), demo_traffic(run)]


def portal(run: Run, redis: str) -> Program:
    """Console, hub and REST."""
    host = f"[{run.portal_host}]" if ":" in run.portal_host else run.portal_host
    options = {
        "--worker-class": "gthread",
        "--workers": "2",
        "--threads": "4",
        "--bind": f"{host}:{run.portal_port}",
        "--timeout": "60",
        "--graceful-timeout": "5",
        "--log-level": "warning",
        "--worker-tmp-dir": str(run.home / "run"),
    }
    return Program(
        name="portal",
        title="Portal",
        command=(
            *(sys.executable, "-m", "gunicorn", "portal.wsgi", "--preload", "--no-control-socket"),
            *(part for option in options.items() for part in option),
        ),
        environment=run.portal_environment(redis),
        folder=BASE,
        ready=http_answers(reachable(run.portal_host), run.portal_port, "/readyz", lambda status: status in READY),
        ready_within_s=60,
    )


def worker(run: Run, redis: str) -> Program:
    """Publishing, ingest and housekeeping."""
    options = ("--pool", "threads", "--concurrency", "4", "--loglevel", "INFO")
    return Program(
        name="worker",
        title="Job worker",
        command=(*CELERY, "worker", *options, "--without-gossip", "--without-mingle"),
        environment=run.portal_environment(redis),
        folder=BASE,
        ready=log_says(" ready."),
        ready_within_s=60,
    )


def beat(run: Run, redis: str) -> Program:
    """The clock of the recurring jobs."""
    options = ("--loglevel", "INFO", "--pidfile", "", "--schedule", str(run.home / "jobs" / "schedule"))
    return Program(
        name="beat",
        title="Job clock",
        command=(*CELERY, "beat", *options),
        environment=run.portal_environment(redis),
        folder=BASE,
        ready=log_says("beat: Starting"),
        ready_within_s=60,
    )


def demo_service(run: Run, name: str, port: int) -> Program:
    """One API of the demo company."""
    return Program(
        name=name,
        title=f"Harbour Goods: {name}",
        command=(sys.executable, "-m", "portal.demo.services", name, "--port", str(port)),
        environment=demo_environment(run),
        folder=BASE,
        ready=port_accepts("127.0.0.1", port),
    )


def demo_traffic(run: Run) -> Program:
    """The demo company's customers."""
    return Program(
        name="traffic",
        title="Harbour Goods: background traffic",
        command=(sys.executable, "-m", "portal.demo.traffic"),
        environment=demo_environment(run),
        folder=BASE,
        ready=log_says("traffic is"),
    )


def demo_environment(run: Run) -> dict[str, str]:
    """Return what the demo's processes know: nothing but the gateway's address."""
    return run.public_environment() | {"PORTICO_DEMO_GATEWAY_URL": f"http://127.0.0.1:{run.gateway_port}"}


def registration_file(home: Path) -> Path:
    """Return the file with which the demo gateway was registered."""
    return home / "gateway" / "registration.yaml"


def gateway(run: Run) -> Program:
    """The gateway. It knows its registration and nothing else of the portal."""
    host, port = run.gateway_admin
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {
        "--registration": str(registration_file(run.home)),
        "--admin": address,
        "--state": str(run.home / "gateway"),
        "--workers": str(run.gateway_workers),
        "--drain": "5",
        # The launcher follows this one process: a successor would end with it.
        "--upgrade": "0",
    }
    return Program(
        name="gateway",
        title="Gateway",
        command=(sys.executable, "-m", "gateway_runtime", *(part for option in options.items() for part in option)),
        environment=run.public_environment(),
        folder=BASE,
        ready=http_answers(reachable(host), port, "/readyz"),
        ready_within_s=60,
    )


def reachable(host: str) -> str:
    """Return the address at which a server that listens on `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
