"""Orders of the rows: what a paired metric owes them, and that an unpaired one does not see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric, PairedMetric, UnpairedMetric
from geomsim.promises.clouds import largest
from geomsim.promises.outcomes import Broken, Skipped
from geomsim.promises.scores import close, joined, unlike
from geomsim.promises.smallest import tried

if TYPE_CHECKING:
    from torch import Tensor


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
    """Exact moments are those of many random orders."""
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics have no order to average over")
    import torch

    left, right = (cloud[:60] for cloud in largest())
    states = metric.prepare(left), metric.prepare(right)
    exact = metric.null_moments(*states)
    if exact is None:
        raise Skipped("no exact moments are offered")
    random = np.random.default_rng(7)
    orders = torch.from_numpy(np.stack([random.permutation(60) for _ in range(2000)]))
    drawn = metric.score_many(*states, orders).double().numpy()
    error = drawn.std(ddof=1) / np.sqrt(len(drawn))
    if abs(drawn.mean() - exact.mean) > 5 * error:
        raise Broken(f"null_moments says mean {exact.mean:.6g}; 2000 orders give {drawn.mean():.6g} +- {error:.2g}")
    if exact.variance is not None:
        ratio = drawn.var(ddof=1) / exact.variance
        if not 0.75 < ratio < 1.33:
            raise Broken(f"null_moments says variance {exact.variance:.4g}; 2000 orders give {drawn.var(ddof=1):.4g}")
    return f"exact mean {exact.mean:.5g}, 2000 orders {drawn.mean():.5g}"


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
