"""The promises of the metric contract, each as a check on data: what :mod:`geomsim.testing` runs.

A check returns its evidence in words (None: nothing to add), raises `Broken` with the smallest example that breaks the
promise, or `Skipped` with the reason why it could not be tried.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import (
    INVARIANCES,
    Explanation,
    Metric,
    PairedMetric,
    UnpairedMetric,
    is_frozen_dataclass,
)
from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    from torch import Tensor

# Sizes are tried from small to large, so that a broken promise is shown on the smallest example that breaks it.
_SIZES = ((12, 3), (30, 4), (120, 8))
_IMPLIED = {
    "affine": {"rotation", "scaling", "translation", "column_permutation"},
    "rotation": {"column_permutation"},
    "monotone": {"scaling"},  # a translation moves each column by another amount
}


class Broken(Exception):
    """A promise not kept; the text is the evidence."""


class Skipped(Exception):
    """A promise that could not be tried here; the text says why."""


def _cloud(rows: int, width: int, seed: int) -> Tensor:
    """Normal points with unequal spread per column, so that no direction is like another; never centred."""
    import torch

    random = np.random.default_rng(seed)
    spread = np.linspace(1.0, 2.0, width)
    return torch.from_numpy(random.normal(size=(rows, width)) * spread + random.normal(size=width))


def _pairs() -> Iterator[tuple[str, Tensor, Tensor]]:
    """Related clouds of every size that the metric may see, smallest first, with a name for each."""
    for rows, width in _SIZES:
        left = _cloud(rows, width, seed=rows)
        right = left + 0.7 * _cloud(rows, width, seed=rows + 1)
        yield f"{rows} rows, width {width}", left, right


def _score(metric: Metric[Any], left: Tensor, right: Tensor, order: Tensor | None = None) -> float:
    import torch

    states = metric.prepare(left), metric.prepare(right)
    if isinstance(metric, PairedMetric):
        order = torch.arange(len(left), device=left.device) if order is None else order
        value = metric.score(*states, order)
    elif isinstance(metric, UnpairedMetric):
        value = metric.score(*states)
    else:
        raise Broken("derives from Metric itself; derive from PairedMetric or UnpairedMetric")
    return float(value)


def _tried(metric: Metric[Any], check: Callable[[str, Tensor, Tensor], str | None]) -> str:
    """Run a check on each size; small sizes may be refused, the largest may not."""
    done, last = [], ""
    examples = list(_pairs())
    for name, left, right in examples:
        try:
            last = check(name, left, right) or last
            done.append(name)
        except GeomsimError:
            if name == examples[-1][0]:
                raise
    return last or f"kept with {'; '.join(done)}"


def _close(first: float, second: float, tolerance: float) -> bool:
    return abs(first - second) <= tolerance * max(1.0, abs(first), abs(second))


def _declares(metric: Metric[Any]) -> None:
    kind = type(metric)
    if not is_frozen_dataclass(kind):
        raise Broken(f"{kind.__name__} must be decorated with @dataclass(frozen=True)")
    if getattr(kind, "larger_means", None) not in ("closer", "farther"):
        raise Broken(f"larger_means must be 'closer' or 'farther', is {getattr(kind, 'larger_means', None)!r}")
    unknown = sorted(set(metric.unchanged_by) - set(INVARIANCES))
    if unknown:
        raise Broken(f"unchanged_by names {unknown}; it may name {', '.join(INVARIANCES)}")
    if not kind.__doc__ or kind.__doc__.startswith(f"{kind.__name__}("):
        raise Broken(f"{kind.__name__} has no docstring")


def _json(metric: Metric[Any]) -> None:
    parameters = json.loads(json.dumps(metric.parameters()))
    again = type(metric)(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    )
    if again != metric:
        raise Broken(f"{metric!r} became {again!r} through JSON")


def _finite(metric: Metric[Any]) -> str:
    import torch

    def check(name: str, left: Tensor, right: Tensor) -> None:
        states = metric.prepare(left), metric.prepare(right)
        value = (
            metric.score(*states, torch.arange(len(left)))
            if isinstance(metric, PairedMetric)
            else metric.score(*states)  # type: ignore[attr-defined]
        )
        if not isinstance(value, torch.Tensor) or value.ndim:
            raise Broken(f"{name}: score must be a 0-d tensor, is {value!r}")
        if not torch.isfinite(value):
            raise Broken(f"{name}: the score is {float(value)}")
        random = np.random.default_rng(12)
        orders = [torch.from_numpy(random.permutation(len(left))) for _ in range(5)]
        others = [_score(metric, left, right, order) for order in orders] if isinstance(metric, PairedMetric) else []
        low, high = metric.score_range
        for found in (float(value), _score(metric, left, _cloud(len(left), left.shape[1], seed=99)), *others):
            slack = 1e-9 * max(1.0, abs(found))
            if not low - slack <= found <= high + slack:
                raise Broken(f"{name}: the score {found} lies outside the declared range [{low}, {high}]")

    return _tried(metric, check)


def _inputs_untouched(metric: Metric[Any]) -> str:
    def check(name: str, left: Tensor, right: Tensor) -> None:
        before = left.clone(), right.clone()
        _score(metric, left, right)
        if not (left.equal(before[0]) and right.equal(before[1])):
            raise Broken(f"{name}: prepare or score wrote into its input")

    return _tried(metric, check)


def _repeatable(metric: Metric[Any]) -> str:
    def check(name: str, left: Tensor, right: Tensor) -> None:
        fields = metric.parameters()
        first = _score(metric, left, right)
        _score(metric, right, left)
        second = _score(metric, left, right)
        if first != second:
            raise Broken(f"{name}: two runs on the same points score {first!r} and {second!r}")
        declared = {spec.name for spec in dataclasses.fields(metric)}  # type: ignore[arg-type]
        if metric.parameters() != fields or set(vars(metric)) != declared:
            raise Broken(f"{name}: something was kept on the metric: {sorted(set(vars(metric)) ^ declared)}")

    return _tried(metric, check)


def _order_law(metric: Metric[Any]) -> str:
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics take no order")
    import torch

    def check(name: str, left: Tensor, right: Tensor) -> None:
        order = torch.from_numpy(np.random.default_rng(5).permutation(len(left)))
        by_order = _score(metric, left, right, order)
        by_moving = _score(metric, left, right[order])
        if not _close(by_order, by_moving, 1e-8):
            raise Broken(
                f"{name}: score(left, right, order) is {by_order:.12g}, "
                f"but score(left, right[order]) is {by_moving:.12g}"
            )

    return _tried(metric, check)


def _many_orders(metric: Metric[Any]) -> str:
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics take no order")
    import torch

    def check(name: str, left: Tensor, right: Tensor) -> None:
        random = np.random.default_rng(6)
        orders = torch.from_numpy(np.stack([random.permutation(len(left)) for _ in range(5)]))
        states = metric.prepare(left), metric.prepare(right)
        many = metric.score_many(*states, orders)
        if tuple(many.shape) != (5,):
            raise Broken(f"{name}: score_many of 5 orders has shape {tuple(many.shape)}, expected (5,)")
        for place, order in enumerate(orders):
            one = float(metric.score(*states, order))
            if not _close(float(many[place]), one, 1e-8):
                raise Broken(f"{name}: score_many gives {float(many[place]):.12g} where score gives {one:.12g}")
        bytes_each = metric.bytes_per_order(*states)
        if not isinstance(bytes_each, int) or bytes_each < 1:
            raise Broken(f"bytes_per_order must be a positive whole number, is {bytes_each!r}")

    return _tried(metric, check)


def _moments(metric: Metric[Any]) -> str:
    if not isinstance(metric, PairedMetric):
        raise Skipped("unpaired metrics have no order to average over")
    import torch

    left, right = (cloud[:60] for cloud in list(_pairs())[-1][1:])
    states = metric.prepare(left), metric.prepare(right)
    moments = metric.null_moments(*states)
    if moments is None:
        raise Skipped("no exact moments are offered")
    random = np.random.default_rng(7)
    orders = torch.from_numpy(np.stack([random.permutation(60) for _ in range(2000)]))
    drawn = metric.score_many(*states, orders).double().numpy()
    error = drawn.std(ddof=1) / np.sqrt(len(drawn))
    if abs(drawn.mean() - moments.mean) > 5 * error:
        raise Broken(f"null_moments says mean {moments.mean:.6g}; 2000 orders give {drawn.mean():.6g} +- {error:.2g}")
    if moments.variance is not None:
        ratio = drawn.var(ddof=1) / moments.variance
        if not 0.75 < ratio < 1.33:
            raise Broken(f"null_moments says variance {moments.variance:.4g}; 2000 orders give {drawn.var(ddof=1):.4g}")
    return f"exact mean {moments.mean:.5g}, 2000 orders {drawn.mean():.5g}"


def _row_order(metric: Metric[Any]) -> str:
    if not isinstance(metric, UnpairedMetric):
        raise Skipped("rows of paired metrics have an order")
    import torch

    def check(name: str, left: Tensor, right: Tensor) -> None:
        order = torch.from_numpy(np.random.default_rng(8).permutation(len(left)))
        kept = _score(metric, left, right)
        for side, moved in (
            ("left", _score(metric, left[order], right)),
            ("right", _score(metric, left, right[order])),
        ):
            if not _close(kept, moved, 1e-8):
                raise Broken(f"{name}: reordering the {side} rows changes the score from {kept:.12g} to {moved:.12g}")

    return _tried(metric, check)


def _self_is_best(metric: Metric[Any]) -> str:
    sign = 1.0 if metric.larger_means == "closer" else -1.0

    def check(name: str, left: Tensor, right: Tensor) -> None:
        alike = _score(metric, left, left)
        for other in (right, _cloud(len(left), left.shape[1], seed=99)):
            unlike = _score(metric, left, other)
            if sign * alike < sign * unlike - 1e-9 * max(1.0, abs(unlike)):
                raise Broken(f"{name}: against itself it scores {alike:.9g}, against another cloud {unlike:.9g}")

    return _tried(metric, check)


def _precision(metric: Metric[Any]) -> str:
    def check(name: str, left: Tensor, right: Tensor) -> None:
        double, single = _score(metric, left, right), _score(metric, left.float(), right.float())
        if not _close(double, single, 1e-4):
            raise Broken(f"{name}: float64 scores {double:.9g}, float32 {single:.9g}")

    return _tried(metric, check)


def _symmetry(metric: Metric[Any]) -> str:
    if not metric.symmetric:
        raise Skipped("declared asymmetric")

    def check(name: str, left: Tensor, right: Tensor) -> None:
        there, back = _score(metric, left, right), _score(metric, right, left)
        if not _close(there, back, 1e-8):
            raise Broken(f"{name}: left against right scores {there:.12g}, right against left {back:.12g}")

    return _tried(metric, check)


def _changes(kind: str, points: Tensor) -> list[Tensor]:
    """One side after changes of this kind."""
    # An absolute epsilon in a denominator passes unseen until the points are small.
    return [points * 3.7, points * 1e-5] if kind == "scaling" else [_change(kind, points)]


def _change(kind: str, points: Tensor) -> Tensor:
    import torch

    random = np.random.default_rng(11)
    width = points.shape[1]
    if kind == "rotation":
        return points @ torch.from_numpy(np.linalg.qr(random.normal(size=(width, width)))[0])
    if kind == "translation":
        return points + torch.from_numpy(random.normal(size=width) * 5)
    if kind == "affine":
        stretch = np.diag(np.linspace(0.3, 3.0, width)) + 0.3 * random.normal(size=(width, width))
        return points @ torch.from_numpy(stretch) + torch.from_numpy(random.normal(size=width))
    if kind == "column_permutation":
        return points[:, torch.from_numpy(np.roll(np.arange(width), 1))]
    return points.sinh()


def _invariances(metric: Metric[Any]) -> str:
    declared = set(metric.unchanged_by) & set(INVARIANCES)  # other names are for the first check
    promised = declared.union(*(_IMPLIED.get(kind, set()) for kind in declared))

    def after(kind: str, left: Tensor, right: Tensor) -> list[tuple[str, float]]:
        found = [("right", _score(metric, left, changed)) for changed in _changes(kind, right)]
        return found + [("left", _score(metric, changed, right)) for changed in _changes(kind, left)]

    def check(name: str, left: Tensor, right: Tensor) -> None:
        before = _score(metric, left, right)
        for kind in sorted(promised):
            for side, score in after(kind, left, right):
                if not _close(before, score, 1e-6):
                    raise Broken(
                        f"{name}: declared unchanged by {kind}, but with the {side} side so changed the score goes "
                        f"from {before:.9g} to {score:.9g}"
                    )

    _tried(metric, check)
    _, left, right = list(_pairs())[-1]
    before = _score(metric, left, right)
    for kind in INVARIANCES:
        if kind not in promised and all(_close(before, score, 1e-9) for _, score in after(kind, left, right)):
            raise Broken(f"unchanged by {kind}, which unchanged_by does not declare")
    return f"unchanged by {', '.join(sorted(promised)) or 'nothing'}; changed by the rest"


def _degenerate(metric: Metric[Any]) -> str:
    import torch

    ordinary = _cloud(40, 5, seed=3)
    cases = {
        "constant points": torch.ones(40, 5, dtype=torch.float64),
        "rows of zeros": torch.cat([torch.zeros(20, 5, dtype=torch.float64), ordinary[:20]]),
        "duplicated rows": ordinary[torch.arange(40) // 4],
        "rank one": ordinary[:, :1] * torch.linspace(1, 2, 5, dtype=torch.float64),
        "fewer rows than columns": _cloud(40, 90, seed=4),
        "one column": ordinary[:, :1],
        "values as large as float16 allows": ordinary * 1e4,
        "values as small as float16 allows": ordinary * 1e-7,
    }
    refused: dict[str, list[str]] = {}
    for what, points in cases.items():
        for side, pair in (("right", (ordinary, points)), ("left", (points, ordinary))):
            try:
                value = _score(metric, *pair)
            except GeomsimError:
                refused.setdefault(what, []).append(side)
                continue
            if not np.isfinite(value):
                raise Broken(f"{what} on the {side}: the score is {value}; raise DegenerateSpace instead")
    named = [what if len(sides) == 2 else f"{what} ({sides[0]} only)" for what, sides in refused.items()]
    return f"refused with an error: {', '.join(named) or 'nothing'}; a finite number for the rest"


def _two_rows(metric: Metric[Any]) -> str:
    try:
        value = _score(metric, _cloud(2, 3, seed=1), _cloud(2, 3, seed=2))
    except GeomsimError as error:
        return f"two rows are refused: {error}"
    if not np.isfinite(value):
        raise Broken(f"two rows score {value}; raise DegenerateSpace instead")
    return "two rows give a finite number"


def _unequal_widths(metric: Metric[Any]) -> str:
    left = _cloud(120, 8, seed=1)
    try:
        value = _score(metric, left, _cloud(120, 5, seed=2))
    except GeomsimError as error:
        return f"unequal widths are refused: {error}"
    if not np.isfinite(value):
        raise Broken(f"widths 8 and 5 score {value}")
    return "unequal widths give a finite number"


def _explains(metric: Metric[Any]) -> str:
    _, left, right = list(_pairs())[-1]
    found = metric.explain(metric.prepare(left), metric.prepare(right))
    if found is None:
        return "explains nothing"
    if not isinstance(found, Explanation):
        raise Broken(f"explain must return an Explanation or None, returned {type(found).__name__}")
    for table, columns in found.tables.items():
        if len({len(column) for column in columns.values()}) > 1:
            raise Broken(f"table {table!r} of explain has columns of unequal length")
    json.dumps(dict(found.facts))
    return f"facts: {', '.join(found.facts) or 'none'}; tables: {', '.join(found.tables) or 'none'}"


def _devices(metric: Metric[Any]) -> str:
    import torch

    if not torch.cuda.is_available():
        raise Skipped("there is no CUDA device here")
    _, left, right = list(_pairs())[-1]
    cpu, gpu = _score(metric, left, right), _score(metric, left.cuda(), right.cuda())
    if not _close(cpu, gpu, 1e-6):
        raise Broken(f"CPU scores {cpu:.12g}, CUDA {gpu:.12g}")
    return "CPU and CUDA agree"


PROMISES: tuple[tuple[str, Callable[[Metric[Any]], str | None]], ...] = (
    ("declarations", _declares),
    ("parameters through JSON", _json),
    ("finite 0-d score within its range", _finite),
    ("inputs untouched", _inputs_untouched),
    ("repeatable, nothing kept on the metric", _repeatable),
    ("order law", _order_law),
    ("many orders like one by one", _many_orders),
    ("exact moments", _moments),
    ("indifferent to row order", _row_order),
    ("self is best", _self_is_best),
    ("float32 close to float64", _precision),
    ("symmetry", _symmetry),
    ("invariances, both ways", _invariances),
    ("degenerate points", _degenerate),
    ("two rows", _two_rows),
    ("unequal widths", _unequal_widths),
    ("explanation", _explains),
    ("CPU equals CUDA", _devices),
)
"""Name and check of every promise, in the order in which they are tried."""
