"""Null models: what the score would be by chance, and how surprising the observed one is.

Every null refuses what it cannot judge, with an error that names the nulls which can.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import Metric, PairedMetric, UnpairedMetric
from geomsim.errors import BrokenPromise, DegenerateSpace, GeomsimWarning, InapplicableNull, InvalidConfig
from geomsim.memory import batch_budget
from geomsim.orders import Restriction, distinct_orders, generator, row_orders
from geomsim.parallel import cores, in_threads

if TYPE_CHECKING:
    from torch import Tensor

# A draw that differs from the observed score by less than rounding is a tie, and a tie counts against surprise.
# Relative to the largest score at hand, so that the unit of the points decides nothing.
_TIE = 1e-9
_FEWEST_BATCHES = 20  # progress is told after each batch


@dataclass(frozen=True)
class Trial:
    """What a null is told: the metric, both sides as points and as prepared states, and the observed score."""

    metric: Metric[Any]
    left: Tensor
    right: Tensor
    left_state: Any
    right_state: Any
    observed: float
    groups: NDArray[np.int64] | None = None
    restriction: Restriction = "blocks"
    draws: int = 999
    seed: int = 0
    advance: Callable[[int], object] = lambda done: None


@dataclass(frozen=True)
class Chance:
    """What a null answers: mean and sd by chance, the draws where there were any, and p where it gives one."""

    kind: str
    mean: float | None = None
    sd: float | None = None
    p_value: float | None = None
    draws: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, float | str] = field(default_factory=dict)


class Null(ABC):
    """A null model; frozen dataclasses, whose fields are their options."""

    name: ClassVar[str]

    @abstractmethod
    def judge(self, trial: Trial) -> Chance:
        """The score by chance. Raises InapplicableNull where this null can say nothing."""


def p_value(observed: float, draws: NDArray[np.float64], larger_means: Literal["closer", "farther"]) -> float:
    """The share of draws at least as close as the observed score, the observed one counted in: (b + 1) / (m + 1).

    Never 0 (Phipson and Smyth 2010). Draws within rounding of the observed score count as ties, hence in b.

    >>> p_value(0.9, np.array([0.1, 0.2, 0.95]), "closer")
    0.5
    """
    sign = 1.0 if larger_means == "closer" else -1.0
    at_least = int((sign * draws >= sign * observed - _rounding(observed, draws)).sum())
    return (at_least + 1) / (len(draws) + 1)


def _rounding(observed: float, draws: NDArray[np.float64]) -> float:
    return _TIE * max(abs(observed), float(np.abs(draws).max()))


@dataclass(frozen=True)
class Shuffle(Null):
    """Reorder the rows of the right side, `trial.draws` times; the p-value is a permutation test's."""

    name: ClassVar[str] = "shuffle"

    def judge(self, trial: Trial) -> Chance:
        """Scores of random orders and the permutation p-value; one small product per draw, never a refit."""
        import torch

        metric = _paired(trial, self.name)
        n_rows = int(trial.left.shape[0])
        # Batches run on all cores at once, and share the memory budget. A GPU takes them one by one.
        workers = cores() if trial.left.device.type == "cpu" else 1
        per_order = metric.bytes_per_order(trial.left_state, trial.right_state) + 16 * n_rows
        fitting = batch_budget() // workers // per_order
        batch = max(1, min(fitting, math.ceil(trial.draws / _FEWEST_BATCHES)))
        orders = row_orders(n_rows, trial.draws, trial.seed, trial.groups, trial.restriction)

        def scored(chunk: list[NDArray[np.int64]]) -> NDArray[np.float64]:
            drawn = metric.score_many(
                trial.left_state, trial.right_state, torch.from_numpy(np.stack(chunk)).to(trial.left.device)
            )
            if tuple(drawn.shape) != (len(chunk),):
                raise BrokenPromise(
                    f"{type(metric).__name__}.score_many of {len(chunk)} orders has shape {tuple(drawn.shape)}, "
                    f"expected ({len(chunk)},)"
                )
            return np.asarray(drawn.detach().double().cpu().numpy())

        batches = iter(lambda: list(islice(orders, batch)), [])
        parts = []
        threads = torch.get_num_threads()
        try:
            # One torch thread in each of ours: more would wait for each other, and long on a busy machine.
            for part in in_threads(scored, batches, workers, lambda: torch.set_num_threads(1)):
                parts.append(part)
                trial.advance(len(part))
        finally:
            torch.set_num_threads(threads)  # torch keeps the last number for threads still to come
        scores = np.concatenate(parts)
        _check_finite(scores, metric, "orders")
        notes = []
        possible = distinct_orders(n_rows, trial.groups, trial.restriction)
        if possible <= trial.draws:
            notes.append(
                f"only {possible:g} different orders exist, so no p-value is below {1 / possible:.2g}; "
                "more rows or groups are needed for more"
            )
        return Chance(
            kind=self.name if trial.groups is None else f"{self.name} ({_RESTRICTIONS[trial.restriction]})",
            mean=float(scores.mean()),
            sd=_spread(scores),
            # Few orders drawn many times can miss the observed one by luck; no test on them can be surer than this.
            p_value=max(p_value(trial.observed, scores, metric.larger_means), 1 / possible),
            draws=scores,
            notes=tuple(notes),
        )


_RESTRICTIONS: dict[Restriction, str] = {"blocks": "whole blocks", "within": "within strata"}


@dataclass(frozen=True)
class Exact(Null):
    """The metric's own formulas for mean, variance and skewness over all orders: no draws at all."""

    name: ClassVar[str] = "exact"

    def judge(self, trial: Trial) -> Chance:
        """p from the Pearson type III law with these moments; normal without a third one; None without a variance."""
        metric = _paired(trial, self.name)
        moments = metric.null_moments(trial.left_state, trial.right_state)
        if moments is None:
            raise InapplicableNull(f"{type(metric).__name__} has no exact moments; use null='shuffle'")
        if trial.groups is not None:
            raise InapplicableNull(
                "exact moments are those of unrestricted reordering, and these rows come in groups; "
                "use null='shuffle', or groups='ignored' if rows are exchangeable one by one"
            )
        sd = None if moments.variance is None else math.sqrt(max(moments.variance, 0.0))
        chance, law = None, "mean only: no p-value"
        if sd:
            from scipy import stats

            z = (trial.observed - moments.mean) / sd
            if metric.larger_means == "farther":
                z = -z
            skewness = moments.skewness
            if skewness is None:
                chance, law = float(stats.norm.sf(z)), "normal (third moment unknown)"
            else:
                signed = skewness if metric.larger_means == "closer" else -skewness
                chance, law = float(stats.pearson3.sf(z, signed)), "Pearson type III"
            # The law is an approximation; one order among all of them is the least that can be claimed.
            least = 1 / distinct_orders(int(trial.left.shape[0]))
            chance = min(1.0, max(chance, least, float(np.finfo(np.float64).tiny)))
        return Chance(self.name, moments.mean, sd, chance, facts={"law": law})


@dataclass(frozen=True)
class NoiseFloor(Null):
    """How far random halves of one side lie apart: what the score is where there is no difference at all.

    Both sides are halved in turn, `splits` times each. There is no p-value: halves are smaller than the whole, so
    the floor errs on the side of "no difference". The score is given as a multiple of the floor instead.
    """

    splits: int = 50
    name: ClassVar[str] = "noise-floor"

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise InvalidConfig(f"a noise floor needs at least one split, got splits={self.splits}")

    def judge(self, trial: Trial) -> Chance:
        """Scores between random halves, their mean and sd, and the observed score as a multiple of the mean."""
        import torch

        metric = trial.metric
        if not isinstance(metric, UnpairedMetric):
            raise InapplicableNull(
                f"{type(metric).__name__} is paired, and the halves of one side are not: use null='shuffle' or 'exact'"
            )
        random = generator(trial.seed)
        floor = np.empty(2 * self.splits)
        for done in range(len(floor)):
            side, points = ("left", trial.left) if done < self.splits else ("right", trial.right)
            if len(points) < 4:
                raise InapplicableNull(f"halves of at least 2 rows need 4 rows, and the {side} side has {len(points)}")
            rows = torch.from_numpy(random.permutation(len(points))).to(points.device)
            half = len(points) // 2
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GeomsimWarning)  # they would speak of halves, not of the spaces
                try:
                    first, second = metric.prepare(points[rows[:half]]), metric.prepare(points[rows[half : 2 * half]])
                except DegenerateSpace as error:
                    raise error.within(f"a random half of the {side} side") from None
                floor[done] = float(metric.score(first, second))
            trial.advance(trial.draws * (done + 1) // len(floor) - trial.draws * done // len(floor))
        _check_finite(floor, metric, "splits")
        mean = float(floor.mean())
        facts: dict[str, float | str] = {"splits": len(floor)}
        if mean:
            facts["multiple of the floor"] = trial.observed / mean
        return Chance(self.name, mean, _spread(floor), None, floor, facts=facts)


NULLS: dict[str, Null] = {null.name: null for null in (Shuffle(), Exact(), NoiseFloor())}


def null_for(choice: str | Null | None, metric: Metric[Any]) -> Null | None:
    """The null behind a name: "auto" is shuffle for paired metrics and the noise floor for unpaired ones.

    Raises InvalidConfig for a name that does not exist.
    """
    if choice is None or isinstance(choice, Null):
        return choice
    if choice == "auto":
        return NULLS["shuffle" if isinstance(metric, PairedMetric) else "noise-floor"]
    if not isinstance(choice, str) or choice not in NULLS:
        names = ", ".join(map(repr, NULLS))
        raise InvalidConfig(f"no null is called {choice!r}; there are 'auto', {names}, None and instances of Null")
    return NULLS[choice]


def _paired(trial: Trial, null: str) -> PairedMetric[Any]:
    if not isinstance(trial.metric, PairedMetric):
        raise InapplicableNull(
            f"{type(trial.metric).__name__} is unpaired: reordering rows changes nothing, so the p-value of a "
            f"{null} null would always be 1. Use null='noise-floor'"
        )
    return trial.metric


def _spread(scores: NDArray[np.float64]) -> float | None:
    """Standard deviation; exactly 0 where the scores differ by rounding alone, None for a single one."""
    if len(scores) < 2:
        return None
    return float(scores.std(ddof=1)) if np.ptp(scores) > _rounding(0.0, scores) else 0.0


def _check_finite(scores: NDArray[np.float64], metric: Metric[Any], what: str) -> None:
    wrong = int((~np.isfinite(scores)).sum())
    if wrong:
        raise DegenerateSpace(
            f"{type(metric).__name__} gives a number that is not finite for {wrong} of {len(scores)} {what}; "
            "a metric must raise DegenerateSpace where it is undefined"
        )
