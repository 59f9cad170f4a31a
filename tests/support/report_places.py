"""Where points are on the screen and which rows belong together, worked out from the contents alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from report_browser import OpenReport

from geomsim.report.page.contents import Contents, Links

Floats = NDArray[np.float64]
OTHER = {"left": "right", "right": "left"}


def links_of(contents: Contents, pair: int = 0) -> Links:
    links = contents.pairs[pair].links
    assert links is not None
    return links


def places_of(contents: Contents, side: str, pair: int = 0) -> Floats:
    """Places of a side beside the left one's: the right side's after its alignment."""
    shown = contents.pairs[pair]
    places = contents.spaces[shown.left if side == "left" else shown.right].places
    assert places is not None
    if side == "left" or shown.align is None:
        return places
    a, b, c, d, e, f = shown.align
    x, y = places.T
    return np.column_stack([a * x + c * y + e, b * x + d * y + f])


def partners_of(contents: Contents, side: str, row: int, pair: int = 0) -> set[int]:
    links = links_of(contents, pair)
    own, other = (links.left, links.right) if side == "left" else (links.right, links.left)
    return set(other[own == row].tolist())


def links_holding(contents: Contents, side: str, rows: Sequence[int], pair: int = 0) -> set[int]:
    links = links_of(contents, pair)
    return set(np.flatnonzero(np.isin(links.left if side == "left" else links.right, list(rows))).tolist())


def selected_by(contents: Contents, side: str, rows: Sequence[int], pair: int = 0) -> dict[str, set[int]]:
    """What choosing rows of one side selects: the links that hold one, and both ends of these."""
    links = links_of(contents, pair)
    held = sorted(links_holding(contents, side, rows, pair))
    found = {"left": set(links.left[held].tolist()), "right": set(links.right[held].tolist()), "links": set(held)}
    found[side] |= {int(row) for row in rows}
    return found


def lonely_row(contents: Contents, side: str, among: Sequence[int], pair: int = 0) -> int:
    """Of these rows the one that is farthest from all others: a pointer that is put there means no other."""
    places = places_of(contents, side, pair)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return int(max(among, key=lambda row: float(apart[row].min())))


class Screen:
    """Data units to pixels of the window for one side, from where the page puts two rows."""

    def __init__(self, report: OpenReport, contents: Contents, side: str, pair: int = 0) -> None:
        self.places = places_of(contents, side, pair)
        one, other = int(self.places[:, 0].argmin()), int(self.places[:, 0].argmax())
        (x1, y1), (x2, _) = report.screen("maps", side, one), report.screen("maps", side, other)
        self.k = (x2 - x1) / (self.places[other, 0] - self.places[one, 0])
        self.x0, self.y0 = x1 - self.k * self.places[one, 0], y1 + self.k * self.places[one, 1]

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        return float(self.k * x + self.x0), float(self.y0 - self.k * y)


def between(values: Floats, share: float) -> float:
    """A number at about this share of the values, in the widest gap near it: nothing lies on it."""
    order = np.sort(values)
    at = int(share * (len(order) - 1))
    near = np.arange(max(0, at - 6), min(len(order) - 1, at + 6))
    gap = near[np.argmax(np.diff(order)[near])]
    return float((order[gap] + order[gap + 1]) / 2)


def inside(polygon: Sequence[tuple[float, float]], places: Floats) -> set[int]:
    """Rows within a polygon by the winding of its corners around each point."""
    corners = np.asarray(polygon)
    found = set()
    for row, place in enumerate(places):
        ways = corners - place
        angles = np.arctan2(ways[:, 1], ways[:, 0])
        turns = np.diff(np.append(angles, angles[0]))
        if abs(np.sum((turns + np.pi) % (2 * np.pi) - np.pi)) > np.pi:
            found.add(row)
    return found
