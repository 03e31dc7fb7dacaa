"""The switch of the background traffic: one file in the home, read by the traffic process every second."""

from pathlib import Path

FILE = Path("demo") / "traffic"


def traffic_is_on(*, home: Path) -> bool:
    """Say whether traffic is wanted."""
    try:
        return (home / FILE).read_text(encoding="ascii").strip() == "on"
    except OSError:
        return False


def traffic_switch(*, home: Path, on: bool) -> None:
    """Switch the traffic on or off; a running traffic process follows within a second or two."""
    path = home / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("on\n" if on else "off\n", encoding="ascii")


def traffic_default(*, home: Path, on: bool) -> None:
    """Set the switch at the first start, and leave it alone later."""
    if not (home / FILE).exists():
        traffic_switch(home=home, on=on)
