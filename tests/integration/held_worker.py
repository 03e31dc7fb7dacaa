"""A Celery worker that stops at a named step of a publish, for drills: there it is killed, or let go.

    python tests/integration/held_worker.py FOLDER

While FOLDER/hold-STEP exists, the worker that comes to the step writes FOLDER/at-STEP and waits. The first process only
starts the worker again when it has ended, as whoever supervises it does; everything is loaded once and then forked.
The steps are wrapped around the product's functions here, so that nothing in them knows of it.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = (
    "started", "built", "numbered", "committed", "half_sent", "sent", "recorded", "finished", "reporting",
)  # fmt: skip


class Holds:
    """The files by which the test and the worker speak."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def wanted(self, step: str) -> bool:
        """Tell whether the worker is to stop at a step."""
        return (self.folder / f"hold-{step}").exists()

    def at(self, step: str) -> None:
        """Wait here for as long as it is asked for."""
        if not self.wanted(step):
            return
        (self.folder / f"at-{step}").touch()
        while self.wanted(step):
            time.sleep(0.01)

    def before(self, step: str, place: Any, name: str) -> None:
        """Stop before a function of the product is called."""
        original: Callable[..., Any] = getattr(place, name)

        def held(*args: Any, **kwargs: Any) -> Any:
            self.at(step)
            return original(*args, **kwargs)

        setattr(place, name, held)

    def after(self, step: str, place: Any, name: str) -> None:
        """Stop when a function of the product has done its work."""
        original: Callable[..., Any] = getattr(place, name)

        def held(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            self.at(step)
            return result

        setattr(place, name, held)


def holds_put(holds: Holds) -> None:
    """Wrap the steps of a publish, and of taking over what replicas report."""
    from redis.client import Pipeline

    from portal.publishing import reports, services, store

    holds.before("started", services, "gateway_publish")
    holds.after("built", services, "build")
    holds.after("numbered", services, "_revision_create")
    holds.before("committed", services, "revision_send")
    holds.after("sent", store, "revision_write")
    holds.after("recorded", services, "revision_send")
    holds.after("finished", services, "gateway_publish")
    holds.before("reporting", reports, "acknowledgements_store")
    whole = Pipeline._execute_transaction

    def in_halves(self: Any, connection: Any, commands: Any, raise_on_error: Any) -> Any:
        if holds.wanted("half_sent") and any(command[0][0] == "PUBLISH" for command in commands):
            # The server has the beginning and waits for the rest.
            connection.send_packed_command(connection.pack_commands([("MULTI",), commands[0][0]]))
            holds.at("half_sent")
            connection.disconnect()
            raise ConnectionError("The connection was lost between two commands.")
        return whole(self, connection, commands, raise_on_error)

    Pipeline._execute_transaction = in_halves  # type: ignore[method-assign]


def main() -> None:
    """Load everything, then keep one worker running."""
    import django

    django.setup()
    from portal.celery import app

    folder = Path(sys.argv[1])
    holds_put(Holds(folder))
    app.finalize()
    while True:
        pid = os.fork()
        if pid == 0:
            app.worker_main(
                [
                    "-q", "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "INFO",
                    "--without-gossip", "--without-mingle",
                ]
            )  # fmt: skip
            os._exit(0)
        (folder / "worker.pid").write_text(str(pid))
        os.waitpid(pid, 0)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
