"""The metric contract: the page that plugin authors read.

A metric is a frozen dataclass whose fields are its parameters. It does all one-sided work once per side in
`prepare`; `score` joins two prepared states. That split is what makes a null of a thousand draws cheap.
`geomsim.testing.check_metric` tries every promise made here. A complete metric::

    @dataclass(frozen=True)
    class SpreadAgreement(PairedMetric[Tensor]):
        '''Correlation of the rows' distances to their mean (Pearson r).'''

        larger_means = "closer"
        score_range = (-1.0, 1.0)
        unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

        def prepare(self, points: Tensor) -> Tensor:
            distances = (points.double() - points.double().mean(0)).norm(dim=1)
            if distances.std() <= 1e-12 * points.abs().max():
                raise DegenerateSpace("all rows are equally far from their mean")
            return distances

        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return torch.corrcoef(torch.stack([left, right[order]]))[0, 1]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

State = TypeVar("State")
Value = TypeVar("Value")

INVARIANCES = ("rotation", "scaling", "translation", "affine", "column_permutation", "monotone")
"""What `unchanged_by` may name: X -> XQ, cX, X + b, XW + b, a permutation of the columns, and a strictly
increasing function of every entry. `affine` includes the first three and `column_permutation`; `rotation`
includes `column_permutation`."""


@dataclass(frozen=True)
class Moments:
    """Exact moments of a score under uniform reordering; None where they are not known."""

    mean: float
    variance: float | None = None
    skewness: float | None = None


@dataclass(frozen=True)
class Explanation:
    """What lies behind a number: single facts, and tables by column; rows are named by their numbers."""

    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)


class ByParameters(Generic[Value]):
    """A class variable that depends on the metric's parameters: ``symmetric = ByParameters(lambda metric: ...)``.

    `read` is given the metric; where the class itself is asked, the class, whose attributes are the defaults.
    """

    def __init__(self, read: Callable[[Any], Value]) -> None:
        self.read = read

    def __get__(self, metric: Any, kind: type[Any]) -> Value:
        return self.read(kind if metric is None else metric)


class Metric(ABC, Generic[State]):
    """What paired and unpaired metrics have in common; derive from one of those two."""

    larger_means: ClassVar[Literal["closer", "farther"]]
    """What a larger score means."""
    unchanged_by: ClassVar[frozenset[str]] = frozenset()
    """Changes to one side that leave the score as it is; from `INVARIANCES`. What is not named must matter."""
    score_range: ClassVar[tuple[float, float]] = (float("-inf"), float("inf"))
    """The smallest and largest possible score."""
    symmetric: ClassVar[bool] = True
    """Whether swapping left and right leaves the score as it is."""
    triangle: ClassVar[bool] = False
    """Whether d(a, c) <= d(a, b) + d(b, c) for all spaces; only for what is larger where sides are farther apart."""
    estimates: ClassVar[Literal["mean canonical correlation", "cka", "procrustes"] | None] = None
    """The value that the score approaches as rows are added, where synthetic truth knows it."""
    bootstrap: ClassVar[bool] = False
    """Whether rows drawn with replacement leave the meaning of the score as it is. Not where a repeated row is a false
    neighbour or a tied rank, or where fewer distinct rows raise the score; then intervals come from the jackknife."""

    @abstractmethod
    def prepare(self, points: Tensor) -> State:
        """All one-sided work, done once per side.

        `points` is (rows, width), float32 or float64, finite, on any device, and must not be written to. Never
        keep anything on `self`. Raise `DegenerateSpace` where the metric is undefined on these points, never
        return NaN; the caller adds which side it was. Say what a reader must know before believing the number
        with ``warnings.warn(text, GeomsimWarning)``.
        """

    def explain(self, left: State, right: State) -> Explanation | None:
        """Tables and facts behind the number; for a paired metric, row i of left against row i of right."""
        return None

    def parameters(self) -> dict[str, Any]:
        """The parameters by name, ready for JSON; those that every paired metric has, only where they are set."""
        every = {spec.name: getattr(self, spec.name) for spec in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in every.items() if name != "chance_corrected" or value}


@dataclass(frozen=True)
class PairedMetric(Metric[State]):
    """Rows correspond: left row i belongs to right row i. Its null reorders the rows of one side.

    With `chance_corrected` a Comparison gives (s - E0) / (s_best - E0) as its score, 0 by chance and 1 for identity,
    and keeps the raw score beside it. The metric itself never sees the difference.
    """

    chance_corrected: bool = field(default=False, kw_only=True)

    @abstractmethod
    def score(self, left: State, right: State, order: Tensor) -> Tensor:
        """The score of left row i against right row ``order[i]``, a finite 0-d tensor.

        `order` is (rows,) int64 on the device of the points. The order law:
        ``score(prepare(a), prepare(b), order) == score(prepare(a), prepare(b[order]), identity)``.
        """

    def score_many(self, left: State, right: State, orders: Tensor) -> Tensor:
        """The score for each row of `orders`, (draws, rows); shape (draws,). Override it for speed.

        Called with as many orders as fit a memory budget at :meth:`bytes_per_order` each, from several threads at
        once.
        """
        import torch

        return torch.stack([self.score(left, right, order) for order in orders])

    def bytes_per_order(self, left: State, right: State) -> int:
        """Memory that `score_many` needs for each order; the default suits the default loop."""
        return 1 << 20

    def null_moments(self, left: State, right: State) -> Moments | None:
        """Exact mean, variance and skewness of the score over all orders, or None where no formula is known."""
        return None

    def null_mean(self, left: State, right: State) -> float | None:
        """The mean alone, which every chance-corrected score needs; override it where it is cheaper to have."""
        moments = self.null_moments(left, right)
        return None if moments is None else moments.mean


class UnpairedMetric(Metric[State]):
    """Rows carry no correspondence: reordering either side changes nothing, so no shuffle null exists."""

    @abstractmethod
    def score(self, left: State, right: State) -> Tensor:
        """The score, a finite 0-d tensor."""


def is_frozen_dataclass(kind: type[Metric[Any]]) -> bool:
    """Whether a metric was decorated with ``@dataclass(frozen=True)``; the decorator of PairedMetric is not its own."""
    owner = next((base for base in kind.__mro__ if "__dataclass_params__" in vars(base)), PairedMetric)
    return owner is not PairedMetric and bool(owner.__dataclass_params__.frozen)  # type: ignore[attr-defined]
