"""A cell of a study, from its spaces to its comparison: the piece of work that a cluster is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike

from geomsim.comparison import Comparison, compare_sides
from geomsim.contract import Metric
from geomsim.errors import DegenerateSpace, InapplicableNull
from geomsim.nulls import Null
from geomsim.pairing import Pairing
from geomsim.parallel import one_thread
from geomsim.sides import GroupsOf, Sides, join, sides_of_groups
from geomsim.space import Space
from geomsim.states import States
from geomsim.study_parts import GroupRows
from geomsim.study_table import Cell

Sources = tuple[Space, Space, Pairing | None, ArrayLike | GroupRows | None]
"""What a cell reads: both spaces, which rows belong together, and the subset of these that is compared; or one space
twice, and two groups of its rows."""

Found = Comparison | str
"""A comparison, or the reason why the metric or its null is undefined."""


@dataclass(frozen=True)
class Question:
    """What a cell asks of its sources; `named` is the metric's name and origin where it was chosen, and `options` are
    those of :func:`geomsim.comparison.compare_sides`.
    """

    number: int
    metric: Metric[Any]
    null: Null | None
    named: tuple[str, str]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Planned:
    """A cell to be filled: what is asked of which sources, on what the answer depends, and where it stands.

    `steps` is how far the progress of the study goes on with it.
    """

    cell: Cell
    question: Question
    sources: Sources
    inputs: Mapping[str, Any]
    place: str
    steps: int
    found: Found | None

    def filled(self, found: Found) -> Cell:
        """The cell with what was found."""
        return replace(self.cell, error=found) if isinstance(found, str) else replace(self.cell, comparison=found)


class CellWork:
    """Answers questions. Prepared states and joined sides are kept for the next one; a copy in another process has its
    own.

    With `alone` all of a cell is computed with one thread of torch and BLAS, draws apart: a sum over several threads
    rounds otherwise, and cells must not show where they were computed.
    """

    def __init__(self, states: States, *, alone: bool) -> None:
        self._states = states
        self._alone = alone
        self._joined: tuple[Sources, Sides] | None = None

    def __call__(self, question: Question, left: Space, right: Space, pairing: Pairing | None, subset: Any) -> Found:
        """The comparison, or the reason why there is none."""
        sides = self.sides((left, right, pairing, subset))
        try:
            with one_thread() if self._alone else nullcontext():
                return compare_sides(
                    sides,
                    question.metric,
                    null=question.null,
                    states=self._states,
                    named=question.named,
                    **question.options,
                )
        except (DegenerateSpace, InapplicableNull) as error:
            return str(error)

    def sides(self, sources: Sources) -> Sides:
        """Both sides joined; those of the last sources are at hand, since several cells in a row read them."""
        if self._joined is None or any(one is not other for one, other in zip(self._joined[0], sources, strict=True)):
            self._joined = None  # lets go of these before others take as much memory
            self._joined = sources, joined(*sources)
        return self._joined[1]

    def __reduce__(self) -> tuple[Callable[..., CellWork], tuple[Any, ...]]:
        return _work_elsewhere, (self._alone,)


def joined(left: Space, right: Space, pairing: Pairing | None, subset: ArrayLike | GroupRows | None) -> Sides:
    """Both sides of a cell. Groups of one space do not correspond; random ones are drawn from their pool."""
    if not isinstance(subset, GroupRows):
        return join(left, right, pairing, subset)
    groups = GroupsOf(left, subset.left, subset.right, subset.pool)
    return sides_of_groups(groups, ("left group", "right group"), correspond=False)


def _work_elsewhere(alone: bool) -> CellWork:
    return CellWork(States(), alone=alone)
