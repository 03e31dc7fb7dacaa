"""Brings the database, the static files and the demo company up to date, and lets its gateway register.

One process for all of it, because loading Django once instead of four times is most of a quick second start. Each
`step:` line is ticked off by the launcher.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from portal.env import env_secret

STEP = "step: "


def step(title: str) -> None:
    """Say that something is done."""
    print(STEP + title, flush=True)


def main() -> None:
    """Do everything that must be true before the processes start."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    step("Database")
    collect_static(settings.HOME, [*map(Path, settings.STATICFILES_DIRS), settings.NODE_MODULES], settings.BASE_DIR)
    step("Static files")

    from portal.core.errors import ApplicationError
    from portal.demo.company import GATEWAY_SLUG
    from portal.demo.seed import demo_company_seed

    try:
        seeded = demo_company_seed(
            email=os.environ["PORTICO_ADMIN_EMAIL"],
            password=os.environ["PORTICO_ADMIN_PASSWORD"],
            demo_password=env_secret("PORTICO_DEMO_PASSWORD", default=""),
            home=settings.HOME,
        )
    except ApplicationError as error:
        sys.exit(error.message)
    step("Demo company")
    result = {
        "owner_email": seeded.owner_email,
        "owner_created": seeded.owner_created,
        "gateway": GATEWAY_SLUG,
        **registration(settings.HOME / "gateway" / "registration.yaml"),
    }
    (settings.HOME / "run" / "prepared.json").write_text(json.dumps(result), encoding="utf-8")


def registration(file: Path) -> dict[str, str | bool]:
    """Return whether the demo gateway may run here, and a token where it has to register before."""
    from portal.demo.company import GATEWAY_SLUG, ORGANIZATION_SLUG
    from portal.gateways.models import Gateway
    from portal.gateways.registration import registration_is_current
    from portal.gateways.registration_services import access_keep_now
    from portal.gateways.registration_tokens import registration_token_create

    # A Redis without a file for users has forgotten them.
    access_keep_now()
    demo = Gateway.objects.filter(slug=GATEWAY_SLUG, environment__organization__slug=ORGANIZATION_SLUG)
    gateway = demo.select_related("environment").order_by("created_at").first()
    if gateway is None or gateway.revoked_at is not None:
        return {"gateway_runs": False, "registration_token": ""}
    current = registration_is_current(gateway=gateway, path=file)
    token = "" if current else registration_token_create(actor=None, gateway=gateway).secret
    return {"gateway_runs": True, "registration_token": token}


def collect_static(home: Path, sources: list[Path], base: Path) -> None:
    """Collect the static files, when they differ from what was collected last time."""
    from django.core.management import call_command

    digest = hashlib.sha256()
    for line in static_state(sources, base):
        digest.update(line.encode() + b"\n")
    stamp = home / "run" / "static.digest"
    collected = home / "static" / "staticfiles.json"
    if collected.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(digest.hexdigest(), encoding="ascii")


def static_state(sources: list[Path], base: Path) -> Iterator[str]:
    """Yield one line for everything that decides what is collected."""
    for name in ("requirements.txt", "portal/settings.py", "portal/core/packages.py"):
        yield file_state(base / name)
    for source in sources:
        # npm writes this file at the end of each installation; the thousands of files beside it need no look.
        installed = source / ".package-lock.json"
        if installed.exists():
            yield file_state(installed)
        elif source.name != "node_modules":
            yield from (file_state(path) for path in sorted(source.rglob("*")) if path.is_file())


def file_state(path: Path) -> str:
    """Return a file's name, size and time of change."""
    try:
        status = path.stat()
    except OSError:
        return f"{path} absent"
    return f"{path} {status.st_size} {status.st_mtime_ns}"


if __name__ == "__main__":
    main()
