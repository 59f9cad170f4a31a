"""Orders of the rows: what a paired metric owes them, and that an unpaired one does not see them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric, PairedMetric, UnpairedMetric
from geomsim.promises.clouds import Example, largest, related
from geomsim.promises.outcomes import Broken, Skipped
from geomsim.promises.scores import close, joined, unlike
from geomsim.promises.smallest import tried

if TYPE_CHECKING:
    from torch import Tensor

_FEW = 5  # rows of which all 120 orders are scored
_ROUNDING = 1e-6  # of exact moments
_SPREAD = 1e-4  # scores that vary less have no skewness that could be compared


def order_law(metric: Metric[Any]) -> str:
    """A score by order is the score of the reordered points."""
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics take no order")

    def check(left: Tensor, right: Tensor) -> None:
        states = metric.prepare(left), metric.prepare(right)
        for order in _orders(len(left), seed=5):
            by_order = joined(metric, *states, left, order)
            by_moving = joined(metric, states[0], metric.prepare(right[order]), left)
            if not close(by_order, by_moving, 1e-8):
                raise Broken(
                    f"score(left, right, order) is {by_order:.12g}, but score(left, right[order]) is {by_moving:.12g}",
                    fault=unlike(by_order, by_moving),
                    example={"order": order.tolist()},
                )

    return tried(metric, check)


def many_orders(metric: Metric[Any]) -> str:
    """`score_many` gives what `score` gives for each order."""
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics take no order")
    import torch

    def check(left: Tensor, right: Tensor) -> None:
        random = np.random.default_rng(6)
        orders = torch.from_numpy(np.stack([random.permutation(len(left)) for _ in range(5)]))
        states = metric.prepare(left), metric.prepare(right)
        many = metric.score_many(*states, orders)
        if tuple(many.shape) != (5,):
            raise Broken(f"score_many of 5 orders has shape {tuple(many.shape)}, expected (5,)", fault="shape")
        for place, order in enumerate(orders):
            one = float(metric.score(*states, order))
            if not close(float(many[place]), one, 1e-8):
                raise Broken(
                    f"score_many gives {float(many[place]):.12g} where score gives {one:.12g}",
                    fault=unlike(float(many[place]), one),
                    example={"order": order.tolist()},
                )
        bytes_each = metric.bytes_per_order(*states)
        if not isinstance(bytes_each, int) or bytes_each < 1:
            raise Broken(f"bytes_per_order must be a positive whole number, is {bytes_each!r}", fault="bytes")

    return tried(metric, check)


def moments(metric: Metric[Any]) -> str:
    """Exact moments are those of all orders of a few rows, and of many random orders of more."""
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics have no order to average over")
    import torch

    left, right = (cloud[:60] for cloud in largest())
    states = metric.prepare(left), metric.prepare(right)
    exact, mean = metric.null_moments(*states), metric.null_mean(*states)
    if mean is None:
        raise Skipped("no exact moments are offered")
    few = _by_enumeration(metric)
    random = np.random.default_rng(7)
    orders = torch.from_numpy(np.stack([random.permutation(60) for _ in range(2000)]))
    drawn = metric.score_many(*states, orders).double().numpy()
    error = drawn.std(ddof=1) / np.sqrt(len(drawn))
    for named, value in (("null_moments", None if exact is None else exact.mean), ("null_mean", mean)):
        if value is not None and not abs(drawn.mean() - value) <= 5 * error:
            raise Broken(f"{named} says mean {value:.6g}; 2000 orders give {drawn.mean():.6g} +- {error:.2g}")
    if exact is not None and exact.variance is not None:
        ratio = drawn.var(ddof=1) / exact.variance
        if not 0.75 < ratio < 1.33:
            raise Broken(f"null_moments says variance {exact.variance:.4g}; 2000 orders give {drawn.var(ddof=1):.4g}")
    return f"exact mean {mean:.5g}, 2000 orders {drawn.mean():.5g}{few}"


def _by_enumeration(metric: PairedMetric[Any]) -> str:
    """Moments of all orders of a few rows, to rounding; nothing to add where the metric refuses so few."""
    import torch

    enumerated = 0

    def check(left: Tensor, right: Tensor) -> None:
        nonlocal enumerated
        orders = torch.tensor(list(itertools.permutations(range(len(left)))))
        states = metric.prepare(left), metric.prepare(right)
        scores = metric.score_many(*states, orders).double().numpy()
        exact, mean = metric.null_moments(*states), metric.null_mean(*states)
        away = scores - scores.mean()
        size = max(1.0, float(np.abs(scores).max()))
        compared: list[tuple[str, str, float | None, float, float]] = []
        if exact is not None:
            compared.append(("null_moments", "mean", exact.mean, scores.mean(), size))
            compared.append(("null_moments", "variance", exact.variance, scores.var(), size**2))
            if scores.std() > _SPREAD * size:  # the skewness of rounding is no number to speak of
                compared.append(("null_moments", "skewness", exact.skewness, (away**3).mean() / scores.std() ** 3, 1.0))
        compared.append(("null_mean", "mean", mean, scores.mean(), size))  # made of the moments, where not overridden
        for source, moment, said, found, scale in compared:
            if said is not None and not abs(said - found) <= _ROUNDING * scale:
                raise Broken(
                    f"{source} says {moment} {said:.6g}; all {len(orders)} orders give {found:.6g}",
                    fault=f"{moment}, {unlike(said, found)}",
                )
        enumerated = len(left)

    tried(metric, check, [Example(related(_FEW, 2), False)])
    return f"; all orders of {enumerated} rows agree" if enumerated else ""


def row_order(metric: Metric[Any]) -> str:
    """An unpaired metric scores the same, however the rows of a side are ordered."""
    if not isinstance(metric, UnpairedMetric):
        raise Skipped("rows of paired metrics have an order")

    def check(left: Tensor, right: Tensor) -> None:
        states = metric.prepare(left), metric.prepare(right)
        kept = joined(metric, *states, left)
        for order in _orders(len(left), seed=8):
            for side, moved in (
                ("left", joined(metric, metric.prepare(left[order]), states[1], left)),
                ("right", joined(metric, states[0], metric.prepare(right[order]), left)),
            ):
                if not close(kept, moved, 1e-8):
                    raise Broken(
                        f"reordering the {side} rows changes the score from {kept:.12g} to {moved:.12g}",
                        fault=unlike(kept, moved),
                        example={f"{side} order": order.tolist()},
                    )

    return tried(metric, check)


def _orders(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """A random order, and all rows moved by one place: of few rows, a random order may leave all where they are."""
    import torch

    return torch.from_numpy(np.random.default_rng(seed).permutation(rows)), torch.arange(rows).roll(1)
