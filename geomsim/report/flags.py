"""Labels of points on a line, as flags on poles: no label covers another, and no pole runs through a label.

A flag hangs to one side of its pole. Those to the right are raised from the right end leftwards, each above every
pole that its text would cross; those to the left the other way round. Which flags hang to which side, and how wide
the line's limits are, is chosen for the least height without squeezing the points together.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

LINE_HEIGHT = 1.25  # of the size of the type
_GAP = 3.0  # points between a pole and its text, and between a text and the next pole
_SQUEEZE = 5.0  # lines of text that are worth squeezing the points to nothing


@dataclass(frozen=True)
class Flag:
    """A label: where its pole stands, its text, its lowest edge in points above the line, the side it hangs to."""

    at: float
    text: str
    bottom: float
    height: float
    side: str

    @property
    def top(self) -> float:
        """The flag's upper edge, in points above the line."""
        return self.bottom + self.height


def text_width(text: str, size: float) -> float:
    """How wide a text is set in the default type at this size, in points; of several lines, the widest."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size)
    return max(float(text_to_path.get_text_width_height_descent(line, font, False)[0]) for line in text.split("\n"))


def wrapped(text: str, width: float, size: float) -> str:
    """The text in lines of at most about `width` points; a word that is longer is broken."""
    letters = max(8, int(width / (0.6 * size)))
    return "\n".join(textwrap.wrap(text, letters)) or text


def place_flags(
    places: Sequence[float],
    texts: Sequence[str],
    width: float,
    size: float,
    span: tuple[float, float] | None = None,
) -> tuple[tuple[float, float], list[Flag]]:
    """The limits of a line `width` points long, and a flag for each point, in the order given.

    `span` is what the limits must hold besides the points.

    >>> limits, (first, second) = place_flags([0.0, 1.0], ["one", "two"], 200, 8)
    >>> (first.side, first.bottom), (second.side, second.bottom)
    (('right', 0.0), ('left', 0.0))
    """
    low, high = (min([*places, *(span or ())]), max([*places, *(span or ())]))
    if low == high:
        reach = 0.1 * abs(low) or 1.0
        low, high = low - reach, high + reach
    wide = [text_width(text, size) + _GAP for text in texts]
    order = sorted(range(len(places)), key=lambda point: places[point])
    best: tuple[float, tuple[float, float], list[Flag]] | None = None
    edge = 0.04 * width
    full = (width - 2 * edge) / (high - low)
    for split in range(len(order) + 1):
        right, left = order[:split], order[split:]
        # Points per unit such that the flags at the ends still fit; the limits then reach beyond the points.
        outwards = [(places[i] - low, i) for i in right if not left] + [
            (high - places[i], i) for i in left if not right
        ]
        room = {i: max(0.3 * width, width - edge - wide[i]) for _, i in outwards}
        scale = min([full, *(room[i] / distance for distance, i in outwards if distance > 0)])
        if right and left:
            inside = [(places[i] - low) * scale + edge + wide[i] for i in right]
            outside = [(places[i] - low) * scale + edge - wide[i] for i in left]
            if max(inside) + _GAP > min([*outside, *((places[i] - low) * scale + edge for i in left)]):
                continue
            if min(outside) < 0 or max(inside) > width:
                continue
        flags = _raised(right, left, places, texts, wide, size, scale)
        top = max((flag.top for flag in flags), default=0.0)
        cost = top / (LINE_HEIGHT * size) + _SQUEEZE * (1 - scale / full)
        start = low - edge / scale if not left or right else high + (edge - width) / scale
        if best is None or cost < best[0] - 1e-9:
            best = cost, (start, start + width / scale), flags
    assert best is not None
    return best[1], best[2]


def _raised(
    right: Sequence[int],
    left: Sequence[int],
    places: Sequence[float],
    texts: Sequence[str],
    wide: Sequence[float],
    size: float,
    scale: float,
) -> list[Flag]:
    flags: dict[int, Flag] = {}
    for side, group in (("right", list(reversed(right))), ("left", list(left))):
        done: list[int] = []
        for point in group:
            crossed = [i for i in done if abs(places[i] - places[point]) * scale < wide[point] + _GAP]
            bottom = max((flags[i].top for i in crossed), default=0.0)
            height = LINE_HEIGHT * size * (texts[point].count("\n") + 1)
            flags[point] = Flag(places[point], texts[point], bottom, height, side)
            done.append(point)
    return [flags[point] for point in range(len(places))]
