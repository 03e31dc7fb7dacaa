"""From nothing to a running Portico, and back."""

import asyncio
import json
import os
import time
from typing import Any, NoReturn
from urllib.parse import urlsplit

from portal.cli.register import RegisterError, register
from portal.cli.up import plan
from portal.cli.up.box import SignIn, box
from portal.cli.up.errors import StartError, StopRequested
from portal.cli.up.home import Home, make_encryption_key, make_password
from portal.cli.up.ports import remembered_ports, require_free
from portal.cli.up.prepare import STEP
from portal.cli.up.probes import http_status
from portal.cli.up.program import Program
from portal.cli.up.redis import own_redis, require_redis
from portal.cli.up.settings import Run
from portal.cli.up.supervisor import Supervisor
from portal.cli.up.terminal import Terminal
from portal.demo.traffic.switch import traffic_default

# What a gateway answers for an API that it does not have yet or cannot reach yet.
NOT_YET = {None, 404, 502, 503, 504}


def launch(terminal: Terminal) -> int:
    """Run Portico until it is stopped; return the exit code."""
    try:
        run = Run.from_environment()
        home = Home(run.home)
        try:
            check_ports(run)
            asyncio.run(serve(run, home, terminal))
        finally:
            home.close()
    except StartError as error:
        terminal.problem(str(error), error.log)
        return 1
    except StopRequested:
        pass
    terminal.line("Portico has stopped.")
    return 0


def check_ports(run: Run) -> None:
    """Refuse a port in use before anything has been started."""
    require_free(run.portal_host, run.portal_port, purpose="the portal", variable="PORTICO_PORTAL_PORT")
    require_free("", run.gateway_port, purpose="the gateway", variable="PORTICO_GATEWAY_PORT")
    host, port = run.gateway_admin
    require_free(host, port, purpose="the gateway's admin port", variable="PORTICO_GATEWAY_ADMIN")


async def serve(run: Run, home: Home, terminal: Terminal) -> None:
    """Start everything in order, say so, and keep it running."""
    started = time.monotonic()
    terminal.line(f"Starting Portico in {run.home}")
    home.secret("secret_key")
    home.secret("key_ring", make_encryption_key)
    redis_port = remembered_ports(home.path / "redis" / "ports.json", ["redis"])["redis"]
    ports = remembered_ports(home.path / "demo" / "ports.json", list(plan.SERVICES))
    known = (home.read("redis.url"), home.read("run/gateway.port"))
    traffic_default(home=home.path, on=run.demo_traffic)
    try:
        async with Supervisor(home.path, terminal) as supervisor:
            redis = await start_redis(run, home, supervisor, redis_port, terminal)
            registered = plan.registration_file(run.home).is_file() and (redis, str(run.gateway_port)) == known
            password = run.admin_password or home.secret("first_password", make_password)
            demo = plan.demo(run, ports)
            # A gateway that is registered needs no portal: it serves its last revision while the rest still starts.
            early = supervisor.begin([*demo, plan.gateway(run)]) if registered else []
            prepared = await prepare(run, redis, password, supervisor, terminal)
            management = supervisor.begin(plan.management(run, redis))
            services, gateway = early[:-1] or supervisor.begin(demo), early[-1:]
            if prepared["registration_token"]:
                await supervisor.ready(management)
                with terminal.step("Gateway registration"):
                    await asyncio.to_thread(register_gateway, run, prepared)
                management, gateway = [], [await supervisor.again(each) for each in gateway]
            if not prepared["gateway_runs"]:
                terminal.line("  The demo gateway was revoked or removed: it is not started.")
                gateway = []
            elif not gateway:
                gateway = supervisor.begin([plan.gateway(run)])
            await supervisor.ready([*management, *services, *gateway])
            if gateway:
                await first_request(run, supervisor, terminal)
            home.write_private("run/gateway.port", str(run.gateway_port))
            shown = sign_in(run, home, password, prepared)
            for line in box(run, shown, time.monotonic() - started, unicode=terminal.unicode):
                terminal.line(line)
            await supervisor.wait()
            terminal.line("Stopping …")
    finally:
        home.forget("run/prepared.json")


async def start_redis(run: Run, home: Home, supervisor: Supervisor, port: int, terminal: Terminal) -> str:
    """Start our own Redis, unless one is configured, and write down its address for `manage.py`."""
    if run.redis_url is None:
        program, url = own_redis(home, port, run)
        await supervisor.start([program])
    else:
        url = run.redis_url
        with terminal.step("Redis (from REDIS_URL)"):
            await asyncio.to_thread(require_redis, url)
    home.write_private("redis.url", url)
    return url


async def prepare(run: Run, redis: str, password: str, supervisor: Supervisor, terminal: Terminal) -> dict[str, Any]:
    """Bring stored state up to date, ticking off each step as it is reported. Return what came of it."""
    before = time.monotonic()

    def on_line(line: str) -> None:
        nonlocal before
        if line.startswith(STEP):
            now = time.monotonic()
            terminal.done(line.removeprefix(STEP), now - before)
            before = now

    terminal.waiting("Database, static files and demo company")
    await supervisor.complete(plan.preparation(run, redis, password), on_line)
    found: dict[str, Any] = json.loads((run.home / "run" / "prepared.json").read_text(encoding="utf-8"))
    return found


def register_gateway(run: Run, prepared: dict[str, Any]) -> None:
    """Register the demo gateway as any other: by its token, at the portal."""
    host = plan.reachable(run.portal_host)
    address = f"[{host}]" if ":" in host else host
    try:
        register(
            name=prepared["gateway"],
            token=prepared["registration_token"],
            url=f"http://{address}:{run.portal_port}",
            output=plan.registration_file(run.home),
            overwrite=True,
            # It may be told to answer to its public name alone.
            host=urlsplit(run.portal_url).netloc,
        )
    except RegisterError as error:
        raise StartError(f"The demo gateway cannot be registered. {error}") from error


async def first_request(run: Run, supervisor: Supervisor, terminal: Terminal) -> None:
    """Wait until a request passes through the gateway."""

    async def answered() -> bool:
        return await http_status("127.0.0.1", run.gateway_port, "/catalog?limit=1") not in NOT_YET

    with terminal.step("First request through the gateway"):
        passed = await supervisor.until(answered, within_s=20)
    if not passed:
        # It may be meant: the demo's API can have been removed or its policies may let nobody through.
        terminal.line("  The gateway runs, but the demo's catalog API does not answer through it.")


def sign_in(run: Run, home: Home, password: str, prepared: dict[str, Any]) -> SignIn:
    """Return how to sign in; a password that was made here is forgotten with this."""
    made_here = run.admin_password is None
    home.forget("secrets/first_password")
    first = bool(prepared["owner_created"])
    return SignIn(email=prepared["owner_email"], password=password if first and made_here else None, first=first)


def launch_gateway(terminal: Terminal) -> int:
    """Run the demo gateway in place of this process."""
    try:
        run = Run.from_environment()
        registration = plan.registration_file(run.home)
        if not registration.is_file():
            raise StartError(f"{registration} does not exist. Run `make up` once: it registers the gateway.")
        host, port = run.gateway_admin
        require_free(host, port, purpose="the gateway's admin port", variable="PORTICO_GATEWAY_ADMIN")
    except StartError as error:
        terminal.problem(str(error), error.log)
        return 1
    terminal.line(f"Starting the gateway from {registration}")
    return become(plan.gateway(run))


def become(program: Program) -> NoReturn:
    """Turn this process into the program."""
    os.chdir(program.folder)
    os.execve(program.command[0], program.command, program.environment)  # noqa: S606
