"""Known faults of published implementations, found by what a metric scores: its code is never looked at.

Each probe is data on which the fault shows and an honest metric, of whatever kind, does not. A metric that refuses the
points of a probe has no finding there; what it raises otherwise is passed on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric, PairedMetric
from geomsim.errors import GeomsimError, GeomsimWarning

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 400
_ORDERS = 20
_NEARLY_ALL = 0.97
_CLUSTERS = (20, 24)  # up to 19 neighbours are of the row's own cluster


def known_faults(metric: Metric[Any]) -> dict[str, str]:
    """The known faults that a paired metric shows, each with its evidence in numbers.

    "one component": only the leading direction is read, whatever else is shared. "absolute epsilon": a constant is
    added to a denominator, so that small numbers score low. "own neighbour": each row counts among its own neighbours,
    so that rows which share none score above nothing. Unpaired metrics have none of these.

    >>> import geomsim
    >>> known_faults(geomsim.metric("cka"))
    {}
    """
    probes = {"one component": _one_component, "absolute epsilon": _absolute_epsilon, "own neighbour": _own_neighbour}
    return _found(metric, probes)


def remarks(metric: Metric[Any]) -> dict[str, str]:
    """What a reader of a paired metric's scores must know, though it is no fault, each with its evidence.

    "noise looks alike": unrelated noise scores high where rows are fewer than columns, as it must for `cka` and `cca`.
    """
    return _found(metric, {"noise looks alike": _noise_looks_alike})


def _found(metric: Metric[Any], probes: Mapping[str, Callable[[_Scores], str | None]]) -> dict[str, str]:
    if not isinstance(metric, PairedMetric):
        return {}
    found = {}
    for name, probe in probes.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)  # probes are made to deserve them
            try:
                evidence = probe(_Scores(metric))
            except GeomsimError:  # refused: then nothing was scored wrongly
                continue
        if evidence is not None:
            found[name] = evidence
    return found


@dataclass(frozen=True)
class _Scores:
    """A paired metric, asked about numpy arrays."""

    metric: PairedMetric[Any]

    @property
    def sign(self) -> float:
        """1 where larger is closer, else -1."""
        return 1.0 if self.metric.larger_means == "closer" else -1.0

    def prepared(self, points: np.ndarray[Any, Any]) -> Any:
        """One side."""
        import torch

        return self.metric.prepare(torch.from_numpy(np.ascontiguousarray(points)))

    def of(self, left: Any, right: Any, rows: int, seed: int | None = None) -> float:
        """The score of two prepared sides; with a seed, that of a random order."""
        return float(self.metric.score(left, right, _order(rows, seed)))

    def by_chance(self, left: Any, right: Any, rows: int) -> np.ndarray[Any, Any]:
        """The scores of random orders."""
        return np.array([self.of(left, right, rows, seed) for seed in range(_ORDERS)])


def _order(rows: int, seed: int | None) -> Tensor:
    import torch

    return torch.arange(rows) if seed is None else torch.from_numpy(np.random.default_rng(seed).permutation(rows))


def _one_component(scores: _Scores) -> str | None:
    """Ten directions a side, the first twice as wide as the others: once it alone is shared, once all but it are."""
    random = np.random.default_rng(0)
    spread = np.linspace(1.2, 1.5, 9)
    leading, another = 3.0 * random.normal(size=(2, _ROWS, 1))
    rest, unlike = random.normal(size=(2, _ROWS, 9)) * spread
    turn = np.linalg.qr(random.normal(size=(10, 10)))[0]
    left = scores.prepared(np.hstack([leading, rest]))
    first_shared, others_shared = (
        scores.prepared(np.hstack(parts) @ turn) for parts in ((leading, unlike), (another, rest))
    )
    first = scores.of(left, first_shared, _ROWS)
    others = scores.of(left, others_shared, _ROWS)
    alike = scores.of(left, left, _ROWS)
    chance = scores.by_chance(left, first_shared, _ROWS)
    usual = float(chance.mean())
    if not (alike - usual) * scores.sign > 0 or not (first - usual) / (alike - usual) >= _NEARLY_ALL:
        return None
    reordered = scores.by_chance(left, others_shared, _ROWS) * scores.sign
    if not others * scores.sign <= reordered.max():
        return None
    return (
        f"reads the leading direction only, as a spectrum cut to one component does: of ten directions, the first "
        f"alone shared scores {first:.3g} (a side against itself {alike:.3g}, random orders {usual:.2g}), and all "
        f"shared but the first {others:.2g}, no more than random orders do"
    )


def _absolute_epsilon(scores: _Scores) -> str | None:
    """One side in ever smaller units: large numbers agree, small ones end at a score that no order of rows changes."""
    random = np.random.default_rng(1)
    points = random.normal(size=(_ROWS, 6)) * np.linspace(1.0, 2.0, 6)
    other = scores.prepared(points + 0.7 * random.normal(size=(_ROWS, 6)))

    def at(scale: float, seed: int | None = None) -> float:
        return scores.of(scores.prepared(points * scale), other, _ROWS, seed)

    def same(one: float, two: float) -> bool:
        return abs(one - two) <= 1e-6 * max(abs(one), abs(two), 1e-6)

    plateau, smallest = at(1e3), at(1e-6)
    if same(smallest, plateau) or not same(plateau, at(1e5)):
        return None
    shrinking = {1e-2: at(1e-2), 1e-4: at(1e-4), 1e-6: smallest}
    nothing = at(1e-20)
    falls = [abs(value - plateau) for value in (*shrinking.values(), nothing)]
    if falls != sorted(falls):
        return None
    # A length that the metric does not take from the points also makes small numbers differ, but leaves their shape.
    if abs(nothing - at(1e-20, seed=0)) > 1e-6 * abs(plateau) or same(plateau, at(1e3, seed=0)):
        return None
    told = ", ".join(f"times {scale:g} {value:.3g}" for scale, value in shrinking.items())
    return (
        f"a constant is added to a denominator: with one side times 1000 or 100000 the score is {plateau:.3g}, but "
        f"{told}, and times 1e-20 {nothing:.2g} for every order of the rows"
    )


def _own_neighbour(scores: _Scores) -> str | None:
    """Crossed clusters, whose rows share no neighbour but themselves, of two sizes."""
    low, high = scores.metric.score_range
    if scores.sign > 0 and low in (0.0, -np.inf):  # 0 is then what nothing scores, or what no range says otherwise
        nothing = 0.0
    elif scores.sign < 0 and (low, high) == (0.0, 1.0):
        nothing = 1.0
    else:
        return None
    shares = []
    for clusters in _CLUSTERS:
        rows = clusters**2
        left, right = (scores.prepared(points) for points in _crossed(clusters))
        found = scores.of(left, right, rows)
        gap = (found - nothing) * scores.sign
        if not gap > 1e-3:
            return None
        shares.append((found, gap / abs(scores.of(left, left, rows) - nothing)))
    (found, share), (_, again) = shares
    # Counted neighbours give the same share of any number of rows; a constant gives all that there is.
    if not (abs(share - again) <= 1e-9 and share < 0.6):
        return None
    few, more = (clusters**2 for clusters in _CLUSTERS)
    return (
        f"each row counts as its own neighbour: rows that share no other score {found:.4g} with {few} rows and with "
        f"{more}{_implied(share)}"
    )


def _crossed(clusters: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows (a, b) for all a and b; left rows lie close by a, right rows by b."""
    random = np.random.default_rng(2)
    centres = random.normal(size=(2, clusters, 12))
    first, second = np.divmod(np.arange(clusters**2), clusters)
    jitter = 1e-3 * random.normal(size=(2, clusters**2, 12))
    return centres[0][first] + jitter[0], centres[1][second] + jitter[1]


def _implied(share: float) -> str:
    """The number of neighbours that a share of 1/(2k - 1), for Jaccard, or of 1/k, for an overlap, tells of."""
    per_row = round(1 / share)
    if abs(share * per_row - 1) > 1e-6:
        return ""
    jaccard = f"1/(2k - 1) with k = {(per_row + 1) // 2} for a Jaccard index, or " if per_row % 2 else ""
    return f", which is {jaccard}1/k with k = {per_row} for a share of k neighbours"


def _noise_looks_alike(scores: _Scores) -> str | None:
    """Unrelated noise with few rows for its width, against unrelated noise with many."""

    def unrelated(rows: int, width: int) -> tuple[float, float]:
        left, right = map(scores.prepared, np.random.default_rng(3).normal(size=(2, rows, width)))
        return scores.of(left, right, rows), scores.of(left, left, rows)

    (few, alike), (many, _) = unrelated(50, 200), unrelated(_ROWS, 4)
    if not (alike - many) * scores.sign > 0 or not (few - many) / (alike - many) > 0.5:
        return None
    return (
        f"scores unrelated noise {few:.2f} where rows are fewer than columns (50 in width 200), and {many:.2f} where "
        f"they are many ({_ROWS} in width 4): read it beside its null"
    )
