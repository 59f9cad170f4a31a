"""What the loop matcher found, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import Explanation
from geomsim_topological.circular_coordinates import CircularCoordinates
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.matching.circular_correlation import Direction, Windings

Floats = NDArray[np.float64]

_LOOPS_SHOWN = 20
_ROWS_SHOWN = 20


@dataclass(frozen=True)
class LoopPair:
    """One loop of the left against one of the right, at one winding."""

    left_loop: int
    right_loop: int
    windings: Windings
    correlation: float
    direction: Direction
    chance: float
    """Mean correlation of as many shuffled rows."""
    z: float
    """Correlation beyond chance, in standard deviations of the shuffles, the observed order among them."""
    p_value: float
    """Of this pair by itself."""
    p_corrected: float
    """Of this pair among all that were tried."""


@dataclass(frozen=True, eq=False)
class LoopMatch:
    """What :func:`geomsim_topological.loop_matcher.match_loops` found; without loops `found` is False.

    All numbers are those of the best pair of loops, the one farthest beyond chance.
    """

    found: bool
    """Whether there was a loop on each side, with rows in common; whether they match is what `p_value` says."""
    reason: str
    """Why there was nothing to match; empty otherwise."""
    correlation: float | None = None
    """0 to 1, see :func:`geomsim_topological.matching.circular_correlation.circular_correlation`."""
    p_value: float | None = None
    """Share of shuffles whose best pair is as far beyond chance, the observed order among them."""
    direction: Direction | None = None
    """Whether both go the same way round. The sense of each is arbitrary, but one and the same for all its rows."""
    windings: Windings | None = None
    """(k, l): k times the left angle goes with l times the right."""
    offset: float | None = None
    """Radians: k times the left angle less l times the right (plus, where reversed)."""
    left_rows: NDArray[np.int64] | None = None
    """(pairs,): numbers of the left rows that were matched with the right."""
    right_rows: NDArray[np.int64] | None = None
    """(pairs,)"""
    shared: NDArray[np.bool_] | None = None
    """(pairs,): which pairs have an angle on both sides; the others do not count."""
    residuals: Floats | None = None
    """(pairs,): radians in (-pi, pi], by how much the left angle is ahead of what the right says; NaN if not shared."""
    left: CircularCoordinates | None = None
    """Angles on the left loop, of all left rows."""
    right: CircularCoordinates | None = None
    """Angles on the right loop, of all right rows."""
    left_diagram: Diagram | None = None
    """The loops of the left side; None where coordinates were given."""
    right_diagram: Diagram | None = None
    """The loops of the right side."""
    pairs: tuple[LoopPair, ...] = ()
    """All that was tried, the best first."""
    draws: int = 0
    """Number of shuffles."""
    seed: int = 0
    """Of the shuffles."""
    notes: tuple[str, ...] = ()
    """What a reader must know before believing the numbers."""

    def explain(self) -> Explanation:
        """Facts, and tables of the pairs tried, of the loops of each side and of the rows that fit worst."""
        facts: dict[str, float | int | str] = {"found": str(self.found)}
        tables: dict[str, dict[str, list[Any]]] = {}
        for side, loops in (("left", self.left_diagram), ("right", self.right_diagram)):
            if loops is not None:
                facts |= {
                    f"loops {side}": len(loops.bars),
                    f"certified loops {side}": int(loops.certified.sum()),
                    f"landmarks {side}": loops.n_landmarks,
                    f"covering radius {side}": loops.covering_radius,
                }
                shown = slice(_LOOPS_SHOWN)
                tables[f"longest loops {side}"] = {
                    "birth": loops.bars[shown, 0].tolist(),
                    "death": loops.bars[shown, 1].tolist(),
                    "certified": loops.certified[shown].tolist(),
                }
        if not self.found or self.residuals is None or self.shared is None:
            return Explanation({**facts, "reason": self.reason}, tables)
        for name in ("correlation", "p_value", "direction", "offset", "draws"):
            facts[name.replace("_", " ")] = getattr(self, name)
        facts["rows matched"] = int(self.shared.sum())
        facts["rows without an angle"] = int((~self.shared).sum())
        facts["median residual"] = float(np.median(np.abs(self.residuals[self.shared])))
        tables["pairs of loops"] = {
            name: [getattr(pair, name) for pair in self.pairs] for name in LoopPair.__dataclass_fields__
        }
        worst = np.argsort(-np.abs(np.where(self.shared, self.residuals, 0.0)), kind="stable")[:_ROWS_SHOWN]
        tables["rows that fit worst"] = {"pair": worst.tolist(), "residual": self.residuals[worst].tolist()}
        return Explanation(facts, tables)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; residuals of pairs that are not shared are None."""
        kept = ("found", "reason", "correlation", "p_value", "direction", "offset", "draws", "seed")
        plain: dict[str, Any] = {name: getattr(self, name) for name in kept}
        for name in ("left", "right", "left_diagram", "right_diagram"):
            value = getattr(self, name)
            plain[name] = None if value is None else value.to_dict()
        for name in ("left_rows", "right_rows", "shared"):
            value = getattr(self, name)
            plain[name] = None if value is None else value.tolist()
        residuals = None if self.residuals is None else self.residuals.tolist()
        plain["residuals"] = residuals and [value if np.isfinite(value) else None for value in residuals]
        plain["windings"] = self.windings and list(self.windings)
        plain["pairs"] = [{**vars(pair), "windings": list(pair.windings)} for pair in self.pairs]
        return {**plain, "notes": list(self.notes)}

    def __repr__(self) -> str:
        if not self.found:
            return f"LoopMatch(not found: {self.reason})"
        turns = "" if self.windings == (1, 1) else f", windings {self.windings}"
        return (
            f"LoopMatch(correlation {self.correlation:.4g}, {self.direction} way round{turns}, p = {self.p_value:.2g})"
        )
