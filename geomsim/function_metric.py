"""A plain function of two arrays as a metric, so that the same kit measures what other libraries publish."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import INVARIANCES, Metric, PairedMetric, UnpairedMetric
from geomsim.errors import BrokenPromise, DegenerateSpace, InvalidConfig

if TYPE_CHECKING:
    from torch import Tensor

Direction = Literal["closer", "farther"]
Estimate = Literal["mean canonical correlation", "cka", "procrustes"]
Function = Callable[[Any, Any], Any]
_EVERY_NUMBER = (-math.inf, math.inf)


def function_metric(
    function: Function,
    *,
    paired: bool = True,
    larger_means: Direction = "closer",
    unchanged_by: Iterable[str] = (),
    score_range: tuple[float, float] = _EVERY_NUMBER,
    symmetric: bool = True,
    triangle: bool = False,
    estimates: Estimate | None = None,
    name: str | None = None,
) -> Metric[Any]:
    """A metric that calls ``function(x, y)``; the claims made here are what the kit then tries.

    The function sees numpy arrays (rows, width) and (rows, width'), float64 or float32 as they were given, and must
    return a number. They are the arrays themselves and no copies, so that one that writes into them is found out. A
    ValueError is how functions outside geomsim refuse points, and becomes a DegenerateSpace in their words; what else
    the function raises is passed on as it is, and NaN is passed on too. It has no one-sided work that could be kept,
    so a null of a thousand draws calls it a thousand times, from several threads at once.

    Parameters
    ----------
    function
        takes two arrays and returns a number.
    paired
        whether row i of one array belongs to row i of the other.
    larger_means, unchanged_by, score_range, symmetric, triangle, estimates
        the claims, as class variables of :class:`geomsim.Metric`.
    name
        what the metric is called; the function's own name by default.

    Raises
    ------
    InvalidConfig
        for claims that name what does not exist or contradict each other.
    BrokenPromise
        by `score`, where the function returns something that is no number.
    DegenerateSpace
        by `score`, where the function raises a ValueError.

    >>> import numpy as np, geomsim
    >>> from geomsim.function_metric import function_metric
    >>> def spread_ratio(x, y):
    ...     return float(x.std() / y.std())
    >>> metric = function_metric(spread_ratio, paired=False, symmetric=False)
    >>> metric
    function_metric(spread_ratio, paired=False, symmetric=False)
    >>> points = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(geomsim.compare(2 * points, points, metric, null=None).score, 9)
    2.0
    """
    claims = {
        "larger_means": larger_means,
        "unchanged_by": _changes(unchanged_by),
        "score_range": _range(score_range),
        "symmetric": symmetric,
        "triangle": triangle,
        "estimates": estimates,
    }
    _check(function, larger_means, triangle, estimates, {"paired": paired, "symmetric": symmetric})
    called = _called(function) if name is None else name
    if not isinstance(called, str) or not called:
        raise InvalidConfig(f"name must be some text, is {called!r}; leave it out for the function's own name")
    base = _PairedFunction if paired else _UnpairedFunction
    source = f"{_module(function)}.{_called(function)}"
    said = f"The function {source} as a metric.\n\n{inspect.getdoc(function) or ''}".rstrip()
    kind: type[Any] = type(
        called,
        (base,),
        {
            **claims,
            "function": staticmethod(function),
            "__doc__": said,
            "__module__": _module(function),
            # Claims and function are no fields, so a digest would not see them: like other classes made at run time
            # this one has none, and nothing of it is taken from a folder of finished work.
            "__qualname__": f"{function_metric.__name__}.<locals>.{called}",
        },
    )
    metric: Metric[Any] = dataclass(frozen=True, eq=False, repr=False)(kind)()
    return metric


class _OfFunction:
    """What both kinds have in common: metrics of one function with the same claims are equal."""

    function: ClassVar[Function]

    def _claims(self) -> dict[str, Any]:
        """The arguments of :func:`function_metric` that are not its defaults."""
        every = {
            "paired": isinstance(self, PairedMetric),
            **{claim: getattr(self, claim) for claim in _DEFAULTS if claim not in ("paired", "name")},
            "name": None if type(self).__name__ == _called(type(self).function) else type(self).__name__,
        }
        return {claim: value for claim, value in every.items() if value != _DEFAULTS[claim]}

    def _identity(self) -> tuple[Any, ...]:
        # By parts: not every callable is hashable.
        return type(self).function, self._claims(), getattr(self, "chance_corrected", False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OfFunction) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self).__name__, tuple(self._claims())))

    def __repr__(self) -> str:
        told = {
            claim: tuple(sorted(value)) if isinstance(value, frozenset) else value
            for claim, value in self._claims().items()
        }
        return (
            f"function_metric({', '.join([_called(type(self).function), *(f'{key}={told[key]!r}' for key in told)])})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # The class is made at run time, so that another process makes it again.
        return _again, (type(self).function, self._claims(), getattr(self, "chance_corrected", False))


@dataclass(frozen=True, eq=False, repr=False)
class _PairedFunction(_OfFunction, PairedMetric["Tensor"]):
    """A function of rows that correspond."""

    def prepare(self, points: Tensor) -> Tensor:
        """The points as they are."""
        return points

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """The function of the left side and the reordered right one."""
        import torch

        # Rows that stay where they are stay in their own array, which the function must not write to.
        stays = bool(torch.equal(order, torch.arange(len(right), device=order.device)))
        return _result(type(self).function, left, right if stays else right[order], type(self).__name__)


@dataclass(frozen=True, eq=False, repr=False)
class _UnpairedFunction(_OfFunction, UnpairedMetric["Tensor"]):
    """A function of two clouds."""

    def prepare(self, points: Tensor) -> Tensor:
        """The points as they are."""
        return points

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """The function of both sides."""
        return _result(type(self).function, left, right, type(self).__name__)


def _result(function: Function, left: Tensor, right: Tensor, name: str) -> Tensor:
    import torch

    try:
        found = function(_array(left), _array(right))
    except ValueError as error:
        raise DegenerateSpace(f"{name} refuses these points: {error}") from error
    number = found.item() if getattr(found, "ndim", None) == 0 else found
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        shape = getattr(found, "shape", None)
        told = type(found).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")
        raise BrokenPromise(
            f"{name} returned a {told}, and a score is one real number; wrap it in a function that returns that number"
        )
    return torch.tensor(float(number), dtype=torch.float64, device=left.device)


def _array(points: Tensor) -> NDArray[np.floating[Any]]:
    array: NDArray[np.floating[Any]] = points.detach().cpu().numpy()
    return array


def _again(function: Function, claims: dict[str, Any], chance_corrected: bool) -> Metric[Any]:
    from dataclasses import replace

    metric = function_metric(function, **claims)
    return replace(metric, chance_corrected=True) if chance_corrected else metric  # type: ignore[type-var]


_DEFAULTS: dict[str, Any] = {
    claim: frozenset() if claim == "unchanged_by" else parameter.default
    for claim, parameter in inspect.signature(function_metric).parameters.items()
    if claim != "function"
}


def _called(function: Function) -> str:
    inner = function.func if isinstance(function, functools.partial) else function
    return getattr(inner, "__name__", type(inner).__name__)


def _module(function: Function) -> str:
    inner = function.func if isinstance(function, functools.partial) else function
    return getattr(inner, "__module__", None) or type(inner).__module__


def _changes(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise InvalidConfig(f"unchanged_by is a set of names, got the text {names!r}; write ({names!r},)")
    chosen = frozenset(names)
    unknown = sorted(map(repr, chosen - set(INVARIANCES)))
    if unknown:
        raise InvalidConfig(f"unchanged_by names {', '.join(unknown)}; it may name {', '.join(INVARIANCES)}")
    return chosen


def _range(bounds: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = map(float, bounds)
    except (TypeError, ValueError):
        raise InvalidConfig(f"score_range is two numbers, the least and the largest score, got {bounds!r}") from None
    if not low < high:
        raise InvalidConfig(f"score_range begins with the least score, got {bounds!r}")
    return low, high


def _check(
    function: Function, larger_means: str, triangle: bool, estimates: str | None, flags: dict[str, bool]
) -> None:
    if not callable(function):
        raise InvalidConfig(f"function must be a function of two arrays, is a {type(function).__name__}")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise InvalidConfig(
            f"{_called(function)} cannot be called with two arrays alone: {error}; wrap it in a function of two"
        ) from None
    except ValueError:  # functions in C need not say what they take
        pass
    if larger_means not in get_args(Direction):
        raise InvalidConfig(f"larger_means must be 'closer' or 'farther', is {larger_means!r}")
    for flag, value in {**flags, "triangle": triangle}.items():
        if not isinstance(value, bool):
            raise InvalidConfig(f"{flag} must be True or False, is {value!r}")
    if triangle and larger_means != "farther":
        raise InvalidConfig("triangle is a claim about distances: it needs larger_means='farther'")
    if estimates not in (*get_args(Estimate), None):
        raise InvalidConfig(f"estimates must be one of {', '.join(get_args(Estimate))} or None, is {estimates!r}")
