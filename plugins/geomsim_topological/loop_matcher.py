"""The loop matcher: whether the loop of one model is the loop of another, row by row.

1. *Loops* are found on each side by itself, and each row gets its angle on them.
2. *Circular correlation* says how far the angles of the shared rows turn together, whichever way round and from
   wherever they start.
3. *Shuffles* of the rows say how far they would by chance; where several loops or windings are tried, chance tries them
   all as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimWarning, InvalidPairing, Pairing, Space, compare
from geomsim_topological.circular_coordinates import CircularCoordinates, find_loops
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.matching.circular_correlation import (
    CircularCorrelation,
    PhasorCorrelation,
    Windings,
    checked_windings,
    circular_correlation,
    phasors,
)
from geomsim_topological.matching.loop_match import LoopMatch as LoopMatch
from geomsim_topological.matching.loop_match import LoopPair as LoopPair
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_FEWEST_ROWS = 3
_MUCH_UNDEFINED = 0.25
_TIE = 1e-9  # the same sum in another order


def match_loops(
    left: Any,
    right: Any,
    *,
    pairing: Pairing | None = None,
    landmarks: int | None = None,
    groups: str | Sequence[Any] | NDArray[Any] | None = None,
    loops: int = 1,
    windings: Sequence[Windings] = ((1, 1),),
    draws: int = 999,
    seed: int = 0,
    certified_only: bool = True,
    prime: int = 47,
) -> LoopMatch:
    r"""Whether the loop of one model is the loop of the other: circular correlation of their angles on shared rows.

    Parameters
    ----------
    left, right
        points, (rows, width), of which row i belongs to row i; or, for loops of your choice,
        :class:`geomsim_topological.circular_coordinates.CircularCoordinates` of them.
    pairing
        which rows belong together, if not those of one number. Loops are sought among all rows of a side.
    landmarks, prime
        as `landmarks` and `field` in :func:`geomsim_topological.circular_coordinates.circular_coordinates`.
    groups
        as in :func:`geomsim.compare`: None takes the groups of the spaces (documents), which are shuffled as whole
        blocks; "within", "ignored", or one label per pair.
    loops
        so many of the longest loops of each side are tried, every one against every one.
    windings
        pairs (k, l) to be tried: k times the left angle against l times the right.
    draws, seed
        of the shuffles: the smallest p-value is 1 / (1 + draws).
    certified_only
        only loops that are certain to be loops of all rows are matched. False matches others too, with a warning.

    The p-value is that of the best pair among all tried. The correlation of each pair is put in standard deviations
    of its own shuffles, the observed order being one of them, and the largest of all pairs is compared with the largest
    in each shuffle: the same shuffles for all pairs, so that the test is exact whatever the pairs have in common.

    It says whether angles and rows go together, not whether there are loops: that is what the certificate says, and
    :func:`geomsim_topological.loop_significance.loop_significance` how far a loop is beyond chance. What was
    done to the points before must not have known the rows: a plane chosen for showing the numbers on a circle, by
    regression on their known angles, shows them so on both sides. Principal components have no such knowledge.

    Raises
    ------
    InvalidSpace, InvalidPairing
        when the points cannot be read, or their rows do not belong together.
    InvalidConfig
        for parameters that do not exist.
    InapplicableNull
        where groups leave nothing to shuffle.

    >>> turn = 2 * np.pi * np.arange(40) / 40
    >>> circle = np.column_stack([np.cos(turn), np.sin(turn)])
    >>> match_loops(circle, 3.0 * np.roll(circle, 7, axis=0) @ np.array([[0.0, 1.0], [1.0, 0.0]]))
    LoopMatch(correlation 1, reversed way round, p = 0.001)
    >>> match_loops(circle, np.linspace(0, 1, 40)[:, None])
    LoopMatch(not found: right has no loop at all among 40 landmarks of 40 rows)
    """
    tried = checked_windings(windings)
    for name, count in (("loops", loops), ("draws", draws)):
        check_whole(name, count, 1)
    sides = [_Side.of(points, landmarks, prime, loops, certified_only) for points in (left, right)]
    names = ("left", "right")
    absent = [f"{name} {side.absence}" for name, side in zip(names, sides, strict=True) if side.absence]
    if absent:
        return LoopMatch(False, "; ".join(absent), left_diagram=sides[0].diagram, right_diagram=sides[1].diagram)
    rows = _paired_rows(sides[0], sides[1], pairing)
    chances = _Shuffles(pairing, groups, draws, seed)
    cells = [
        _cell(first, second, turns, rows, chances)
        for first in sides[0].loops
        for second in sides[1].loops
        if _shared(first, second, rows) >= _FEWEST_ROWS
        for turns in tried
    ]
    if not cells:
        most = max(_shared(first, second, rows) for first in sides[0].loops for second in sides[1].loops)
        reason = (
            f"the loops of left and right have at most {most} of {len(rows[0])} pairs in common, and {_FEWEST_ROWS} at "
            "least are needed: at the scale where they live they are in small parts of the rows; try further loops"
        )
        return LoopMatch(False, reason, left_diagram=sides[0].diagram, right_diagram=sides[1].diagram)
    judged = _judged([cell.draws for cell in cells], [cell.score for cell in cells])
    pairs = [cell.pair(*numbers) for cell, numbers in zip(cells, judged, strict=True)]
    best = max(range(len(cells)), key=lambda number: pairs[number].z)
    top = cells[best]
    shared = np.isfinite(top.found.residuals)
    doubts = [doubt for name, side in zip(names, sides, strict=True) for doubt in side.doubts(name)]
    if (~shared).sum() > _MUCH_UNDEFINED * len(shared):
        doubts.append(f"{int((~shared).sum())} of {len(shared)} pairs have no angle on one side and do not count")
    doubts += dict.fromkeys(note for cell in cells for note in cell.notes)
    for doubt in doubts:
        warnings.warn(doubt, GeomsimWarning, stacklevel=2)
    return LoopMatch(
        found=True,
        reason="",
        correlation=top.found.value,
        p_value=pairs[best].p_corrected,
        direction=top.found.direction,
        windings=top.turns,
        offset=top.found.offset,
        left_rows=rows[0],
        right_rows=rows[1],
        shared=shared,
        residuals=top.found.residuals,
        left=top.left.coordinates,
        right=top.right.coordinates,
        left_diagram=sides[0].diagram,
        right_diagram=sides[1].diagram,
        pairs=tuple(sorted(pairs, key=lambda pair: -pair.z)),
        draws=draws,
        seed=seed,
        notes=(*doubts, *(f"{name}: {_ALL_LANDMARKS}" for name, side in zip(names, sides, strict=True) if side.whole)),
    )


_ALL_LANDMARKS = (
    "every row is a landmark, so that any loop is certified: it is in these rows, which is not to say that chance "
    "would not make one as long; loop_significance says how long those of chance are"
)


@dataclass(frozen=True, eq=False)
class _Loop:
    """The angles of one loop, as coordinates and as points to be compared."""

    coordinates: CircularCoordinates
    space: Space


@dataclass(frozen=True, eq=False)
class _Side:
    """The loops of one side that may be matched, or why there are none."""

    loops: tuple[_Loop, ...]
    absence: str
    space: Space
    diagram: Diagram | None

    @classmethod
    def of(cls, points: Any, landmarks: int | None, prime: int, count: int, certified_only: bool) -> Self:
        if isinstance(points, CircularCoordinates):
            space = Space(phasors(points.angles))
            absence = "has a loop that is not certified" if certified_only and not points.certified else ""
            return cls((_Loop(points, space),), absence, space, None)
        opened = points if isinstance(points, Space) else Space(points)
        found = find_loops(opened, landmarks, prime)
        diagram = found.diagram
        allowed = np.flatnonzero(diagram.certified) if certified_only else np.arange(len(diagram.bars))
        rows = f"among {diagram.n_landmarks} landmarks of {diagram.n_points} rows"
        if not len(diagram.bars):
            return cls((), f"has no loop at all {rows}", opened, diagram)
        if not len(allowed):
            longest = float(diagram.persistence[0])
            absence = (
                f"has no certified loop {rows}: the longest of {len(diagram.bars)} bars has length {longest:.4g}, and "
                f"only from {4 * diagram.covering_radius:.4g}, four covering radii, one is certain to be in all rows. "
                "More landmarks, fewer dimensions (reduce_by_pca) or less noise (knn_mean) may show one; "
                "certified_only=False matches it as it is"
            )
            return cls((), absence, opened, diagram)
        made = [found.coordinates(int(bar)) for bar in allowed[:count]]
        spaces = [Space(phasors(each.angles), opened.ids, opened.groups, opened.name) for each in made]
        return cls(tuple(map(_Loop, made, spaces)), "", opened, diagram)

    @property
    def whole(self) -> bool:
        return self.loops[0].coordinates.covering_radius == 0.0

    def doubts(self, name: str) -> list[str]:
        return [
            f"loop {loop.coordinates.bar_number} of {name} is not certified: it may be one of the "
            f"{loop.coordinates.n_landmarks} landmarks alone; its p-value speaks of these angles all the same"
            for loop in self.loops
            if not loop.coordinates.certified
        ]


@dataclass(frozen=True, eq=False)
class _Shuffles:
    """How rows are joined and shuffled."""

    pairing: Pairing | None
    groups: str | Sequence[Any] | NDArray[Any] | None
    draws: int
    seed: int


@dataclass(frozen=True, eq=False)
class _Cell:
    """One loop against one other at one winding, and the correlations of shuffled rows."""

    left: _Loop
    right: _Loop
    turns: Windings
    found: CircularCorrelation
    score: float
    draws: Floats
    least_p: float
    notes: tuple[str, ...]

    def pair(self, z: float, p_value: float, p_corrected: float) -> LoopPair:
        # No test on few different orders can be surer than one over their number.
        return LoopPair(
            self.left.coordinates.bar_number,
            self.right.coordinates.bar_number,
            self.turns,
            self.found.value,
            self.found.direction,
            # Shuffled scores are those of all pairs; of fewer, chance is larger.
            float(self.draws.mean() * np.sqrt(len(self.found.residuals) / self.found.rows)),
            z,
            max(p_value, self.least_p),
            max(p_corrected, self.least_p),
        )


def _paired_rows(left: _Side, right: _Side, pairing: Pairing | None) -> tuple[Numbers, Numbers]:
    """Numbers of the rows that belong together. Raises InvalidPairing where they cannot."""
    if pairing is not None:
        pairing.apply(left.space, right.space)
        return pairing.left, pairing.right
    if left.space.n_rows != right.space.n_rows:
        raise InvalidPairing(
            f"left has {left.space.n_rows} rows and right has {right.space.n_rows}: say which belong together with "
            "pairing=..., for example Pairing.by_id(left, right)"
        )
    return np.arange(left.space.n_rows), np.arange(right.space.n_rows)


def _shared(left: _Loop, right: _Loop, rows: tuple[Numbers, Numbers]) -> int:
    """How many pairs have an angle on both loops."""
    return int((left.coordinates.defined[rows[0]] & right.coordinates.defined[rows[1]]).sum())


def _cell(left: _Loop, right: _Loop, turns: Windings, rows: tuple[Numbers, Numbers], chances: _Shuffles) -> _Cell:
    angles = left.coordinates.angles[rows[0]], right.coordinates.angles[rows[1]]
    chance = compare(
        left.space,
        right.space,
        PhasorCorrelation(*turns),
        pairing=chances.pairing,
        null="shuffle",
        draws=chances.draws,
        seed=chances.seed,
        groups=chances.groups,
    )
    found, drawn = circular_correlation(*angles, turns), np.asarray(chance.null, dtype=np.float64)
    counted, p_value = _share_above(chance.score, drawn), chance.p_value or 0.0
    return _Cell(left, right, turns, found, chance.score, drawn, p_value if p_value > counted else 0.0, chance.warnings)


def _share_above(value: float, draws: Floats) -> float:
    return float((1 + (draws >= value - _TIE).sum()) / (1 + len(draws)))


def _judged(draws: Sequence[Floats], observed: Sequence[float]) -> list[tuple[float, float, float]]:
    """For each cell z, its p-value alone and among all cells: the step-down's first step of Westfall and Young (1993).

    The observed order is one of the orders in every mean and spread, so that all orders are treated alike.
    """
    every = np.column_stack([np.concatenate([[value], chance]) for value, chance in zip(observed, draws, strict=True)])
    spread = every.std(axis=0)
    scores = np.divide(every - every.mean(axis=0), spread, out=np.zeros_like(every), where=spread > 0)
    largest = scores.max(axis=1)
    return [
        (
            float(scores[0, cell]),
            float((scores[:, cell] >= scores[0, cell] - _TIE).mean()),
            float((largest >= scores[0, cell] - _TIE).mean()),
        )
        for cell in range(scores.shape[1])
    ]
