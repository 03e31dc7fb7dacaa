"""`python -m portal.demo.services NAME --port N`: run one of the demo company's services."""

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path

from portal.demo.services.server import Server, Service
from portal.demo.services.store import Store

MODULES = {
    "customers": "customers",
    "orders": "orders",
    "catalog": "catalog",
    "customer-360": "customer_360",
    "shop-mobile": "shop_mobile",
}


def load(name: str, home: Path) -> Service:
    """Return a service, with its data seeded when it has data of its own."""
    module = importlib.import_module(f"portal.demo.services.{MODULES[name]}")
    if hasattr(module, "TABLES"):
        folder = home / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        return module.service(Store(folder / f"{name}.sqlite3", module.TABLES, module.seed))
    return module.service(os.environ.get("PORTICO_DEMO_GATEWAY_URL", "http://127.0.0.1:8080"))


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="portal.demo.services", description="One service of the demo company.")
    parser.add_argument("name", choices=sorted(MODULES))
    parser.add_argument("--port", type=int, required=True, help="port on the loopback interface")
    arguments = parser.parse_args()
    home = Path(os.environ.get("PORTICO_HOME") or Path(__file__).resolve().parents[3] / "var")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    try:
        server = Server(("127.0.0.1", arguments.port), load(arguments.name, home))
    except OSError as error:
        sys.exit(f"{arguments.name} cannot listen on port {arguments.port}: {error.strerror}.")
    print(f"{arguments.name} listens on http://127.0.0.1:{server.server_address[1]}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
