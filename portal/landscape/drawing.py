"""A landscape as boxes and lines: numbers for a template, so that the picture needs no script."""

from dataclasses import dataclass
from typing import Any

from portal.catalog.models import Layer
from portal.landscape.selectors import LAYERS, Call, Landscape

BOX_WIDTH, BOX_HEIGHT = 196, 52
GAP_X, GAP_Y, MARGIN, TITLE = 28, 34, 16, 26
LONGEST = 24
# With one box above the other, lines go round them on the right, the farther the wider.
ASIDE, LEAST_BOW = 72, 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One instance."""

    instance: Any
    name: str
    place: str
    x: int
    y: int

    @property
    def middle(self) -> int:
        """Return where lines begin and end."""
        return self.x + BOX_WIDTH // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One layer."""

    layer: str
    title: str
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One call: its path, and how it is known."""

    path: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything to be drawn."""

    width: int
    height: int
    lanes: list[Lane]
    boxes: list[Box]
    lines: list[Line]


def draw(landscape: Landscape, columns: int) -> Drawing:
    """Place instances by layer, so many beside each other, and the calls between them."""
    width = 2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * GAP_X + (ASIDE if columns == 1 else 0)
    lanes, boxes, y = [], {}, MARGIN
    for layer in LAYERS:
        found = landscape.of_layer(layer)
        if not found:
            continue
        rows = -(-len(found) // columns)
        height = TITLE + rows * BOX_HEIGHT + (rows - 1) * GAP_Y + MARGIN
        lanes.append(Lane(layer=layer, title=Layer(layer).label, y=y, height=height))
        for number, instance in enumerate(found):
            row, column = divmod(number, columns)
            boxes[instance.pk] = Box(
                instance=instance,
                name=_short(str(instance)),
                place=_short(f":{instance.port}{instance.base_path}", 28),
                x=MARGIN + column * (BOX_WIDTH + GAP_X),
                y=y + TITLE + row * (BOX_HEIGHT + GAP_Y),
            )
        y += height + GAP_Y
    way = _aside if columns == 1 else _between
    lines = [_line(call, way(boxes[call.caller.pk], boxes[call.called.pk])) for call in landscape.calls]
    return Drawing(
        width=width, height=max(y - GAP_Y + MARGIN, MARGIN), lanes=lanes, boxes=list(boxes.values()), lines=lines
    )


def _line(call: Call, path: str) -> Line:
    kind = "both" if call.services and call.requests else "traffic" if call.requests else "configuration"
    return Line(path=path, kind=kind, title=f"{call.caller} calls {call.called}")


def _aside(caller: Box, called: Box) -> str:
    start, end = caller.y + BOX_HEIGHT // 2 + 8, called.y + BOX_HEIGHT // 2 - 8
    right = caller.x + BOX_WIDTH
    bow = right + min(ASIDE + MARGIN, LEAST_BOW + abs(end - start) // 8)
    return f"M {right} {start} C {bow} {start}, {bow} {end}, {right + 7} {end}"


def _between(caller: Box, called: Box) -> str:
    if called.y > caller.y:
        start, end, bend = caller.y + BOX_HEIGHT, called.y - 7, GAP_Y
    elif called.y < caller.y:
        start, end, bend = caller.y, called.y + BOX_HEIGHT + 7, -GAP_Y
    else:
        # Side by side: over the top.
        start, end, bend = caller.y, called.y - 7, -GAP_Y
    near = bend if called.y != caller.y else -bend
    return (
        f"M {caller.middle} {start} C {caller.middle} {start + bend}, {called.middle} {end - near}, "
        f"{called.middle} {end}"
    )


def _short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
