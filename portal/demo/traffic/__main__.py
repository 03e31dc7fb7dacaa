"""`python -m portal.demo.traffic`: make the demo company's traffic until SIGTERM."""

import os
import random
import signal
import sys
import time
from datetime import datetime
from pathlib import Path

from portal.demo.services.through_gateway import GatewayClient
from portal.demo.traffic.customers import next_call, pause_s
from portal.demo.traffic.switch import traffic_is_on

# How long to leave a gateway alone that does not answer.
AWAY_S = 2.0


def main() -> None:
    """Call the company's APIs like its customers do, as long as the switch is on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    home = Path(os.environ.get("PORTICO_HOME") or Path(__file__).resolve().parents[3] / "var")
    gateway = GatewayClient(os.environ.get("PORTICO_DEMO_GATEWAY_URL", "http://127.0.0.1:8080"))
    dice = random.Random()  # noqa: S311
    was_on: bool | None = None
    while True:
        on = traffic_is_on(home=home)
        if on != was_on:
            print(f"traffic is {'on' if on else 'off'}", flush=True)
            was_on = on
        if not on:
            time.sleep(1.0)
            continue
        try:
            gateway.status(next_call(dice))
        except OSError:
            time.sleep(AWAY_S)
        time.sleep(pause_s(dice, datetime.now().astimezone()))


if __name__ == "__main__":
    main()
