"""Fills a portal and measures how long its pages take: `python -m tests.benchmarks.portal_server_time ROUNDS`.

Its settings come from the environment, as the portal's own do. Progress goes to the standard error, one line of JSON
with the milliseconds of every page to the standard output.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import sys
import time

import django


def main() -> None:
    """Make the tables, fill them, and ask every page in rounds, so that no page has the quiet moments alone."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from portal.publishing.services import gateway_publish, publish_request
    from tests.benchmarks.large_portal import Sizes, fill
    from tests.portal.console_pages import console_pages, hub_pages, searched_pages

    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.CELERY_BROKER_URL = "memory://"
    call_command("migrate", verbosity=0)
    began = time.monotonic()
    portal = fill(Sizes(), _say)
    _say("revisions")
    for number in range(2):
        type(portal.instance).objects.filter(pk=portal.instance.pk).update(label=f"change {number}")
        publish_request(gateway=portal.gateway, actor=portal.owner, message="Changed something")
        gateway_publish(gateway_id=portal.gateway.pk)
    filled = time.monotonic() - began
    # What filling left behind is in the memory of no server.
    gc.collect()
    gc.freeze()
    owner, developer = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    for client, user in ((owner, portal.owner), (developer, portal.developer)):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    asked = [(name, owner, url) for name, url in (console_pages(portal) | searched_pages(portal)).items()]
    asked += [(name, developer, url) for name, url in hub_pages(portal).items()]
    asked += [
        (f"REST {name}", owner, f"/api/v1/{name}/") for name in ("api-instances", "contracts", "apis", "gateways")
    ]
    times: dict[str, list[float]] = {name: [] for name, _, _ in asked}
    busy: dict[str, list[float]] = {name: [] for name, _, _ in asked}
    rounds = int(sys.argv[1])
    for turn in range(rounds + 1):
        _say(f"round {turn} of {rounds}")
        for name, client, url in asked:
            start, working = time.perf_counter(), time.process_time()
            answer = client.get(url)
            body = b"".join(answer) if answer.streaming else answer.content
            took, worked = (time.perf_counter() - start) * 1000, (time.process_time() - working) * 1000
            if answer.status_code != 200 or not body:
                raise SystemExit(f"{url} answered {answer.status_code}")
            if turn:  # the first one fills caches of templates and queries
                times[name].append(took)
                busy[name].append(worked)
    print(json.dumps({"filled": filled, "sizes": dataclasses.asdict(Sizes()), "times": times, "busy": busy}))


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
