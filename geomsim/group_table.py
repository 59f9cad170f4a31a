"""All couples of groups of one space by several metrics, in one tidy table with corrected p-values."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np

from geomsim.catalog import instance_of, name_of
from geomsim.contract import Metric, PairedMetric
from geomsim.errors import DegenerateSpace, GeomsimError, InapplicableNull, InvalidConfig, InvalidPairing
from geomsim.groups import BY_ORDER, Correspondence, compare_couple, matched_rows, opened_space
from geomsim.nulls import Null, null_for
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.row_groups import Group, Rows, group_of
from geomsim.scheduler import using
from geomsim.sides import Points, named_rows
from geomsim.space import Space
from geomsim.states import States
from geomsim.study_outcome import Study
from geomsim.study_table import Cell
from geomsim.tables import plain

Couple = tuple[str, str]


def compare_all_groups(
    space: Points,
    groups: Mapping[str, Any],
    metrics: Sequence[str | Metric[Any] | type[Metric[Any]]],
    *,
    couples: Sequence[Couple] | None = None,
    correspondence: Literal["by order"] | Mapping[Couple, Correspondence] | None = None,
    pool: Any = None,
    null: str | Null | Sequence[str | Null | None] | None = "random-group",
    draws: int = 999,
    seed: int = 0,
    interval: str | None = None,
    confidence: float = 0.95,
    labels: Mapping[str, Any] | None = None,
    scheduler: str | None = None,
) -> Study:
    """Every couple of groups of one space by every metric against every null.

    Parameters
    ----------
    space, pool, draws, seed, interval, confidence, scheduler
        as for :func:`geomsim.compare_groups`.
    groups
        by name, each as :func:`geomsim.groups.group_of` takes it; an empty :class:`geomsim.groups.Group` is an answer
        (no row matches a theme) and stands in the table as such.
    metrics
        names, instances or classes.
    couples
        names of the groups to compare, left before right; by default each two of them once, in their order.
    correspondence
        for paired metrics: "by order", or pairs of rows for each couple that they can compare, whichever of its groups
        is named first.
    null
        one, or several.
    labels
        further columns of the table, the same in all rows: model, layer, ...

    Returns
    -------
    Study
        its table has the columns left_group and right_group beside those of :func:`geomsim.run_study`; ``holm`` and
        ``bh`` correct p over all its rows that were judged by a null of the same name. Where a metric or null is
        undefined, a group is empty, or groups do not correspond, the reason stands in the column ``error``.

    Raises
    ------
    InvalidConfig
        for fewer than two groups, no metrics, a couple that names no group, a correspondence that is neither of both,
        and what `group_of` refuses.
    InvalidPairing
        for a paired metric without any correspondence, and for pairs of rows that are not in their groups; before
        anything is computed.

    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(60, 4))
    >>> thirds = {"first": range(20), "second": range(20, 40), "third": range(40, 60)}
    >>> found = compare_all_groups(points, thirds, ["procrustes"], correspondence="by order", draws=19)
    >>> found.table[["left_group", "right_group", "n"]].values.tolist()
    [['first', 'second', 20], ['first', 'third', 20], ['second', 'third', 20]]
    """
    opened = opened_space(space)
    chosen = [instance_of(metric) for metric in metrics]
    nulls = [null] if null is None or isinstance(null, str | Null) else list(null)
    if not chosen or not nulls:
        raise InvalidConfig(f"at least one {'null' if chosen else 'metric'} is needed, got none")
    known = {name: _group(opened, name, given) for name, given in groups.items()}
    asked = _couples(known, couples)
    matched = _matched(opened, known, asked, correspondence)
    needy = [metric for metric in chosen if isinstance(metric, PairedMetric)]
    if needy and correspondence is None:
        raise InvalidPairing(
            f"{name_of(needy[0])} compares rows that belong together: give correspondence='by order', or the pairs of "
            "rows of each couple of groups, or take unpaired metrics alone"
        )
    rows_of_pool = None if pool is None else group_of(opened, pool, name="pool").rows
    options = {"draws": draws, "seed": seed, "interval": interval, "confidence": confidence, "pool": rows_of_pool}
    by_order = isinstance(correspondence, str)
    work = _Work(opened, known, matched, options, dict(labels or {}), by_order=by_order)
    with using(scheduler), track(len(asked) * len(chosen), "groups") as advance:
        cells: list[Cell] = []
        for number, couple in enumerate(asked):
            for metric in chosen:
                cells += work.cells(number, couple, metric, nulls)
                advance(1)
    pairs = [work.pair(couple) for couple in asked]
    told = {
        "space": opened.name or "space", "metrics": [name_of(metric) for metric in chosen],
        "null": [str(each) if each is None or isinstance(each, str) else each.name for each in nulls],
        "draws": draws, "seed": seed, "row_groups": {name: group.rows.tolist() for name, group in known.items()},
        "pool": None if rows_of_pool is None else rows_of_pool.tolist(),
        "pairs": pairs,
    }  # fmt: skip
    return Study(cells, plain(told), pairs=pairs)


class _Work:
    """What the cells of one table share."""

    def __init__(
        self,
        space: Space,
        groups: Mapping[str, Group],
        matched: Mapping[Couple, tuple[Rows, Rows]] | None,
        options: Mapping[str, Any],
        labels: Mapping[str, Any],
        *,
        by_order: bool,
    ) -> None:
        self._space = space
        self._groups = groups
        self._matched = matched
        self._options = options
        self._labels = labels
        self._by_order = by_order
        self._states = States()
        self._shown: dict[str, Space] = {}

    def labelled(self, couple: Couple) -> dict[str, Any]:
        """The columns that tell the cells of one couple from others."""
        return {**self._labels, "left_group": couple[0], "right_group": couple[1]}

    def pair(self, couple: Couple) -> dict[str, Any]:
        """A couple as two spaces, for a report to draw; an empty group stands for itself."""
        spaces: dict[str, Space | Group] = {}
        for side, name in zip(("left", "right"), couple, strict=True):
            spaces[side] = group = self._groups[name]
            if len(group):
                spaces[side] = self._shown.setdefault(name, named_rows(self._space, name, group.rows))
        groups = [self._groups[name].rows for name in couple]
        if self._by_order and len(groups[0]) == len(groups[1]) > 0:
            each = np.arange(len(groups[0]))
            return {**self.labelled(couple), **spaces, "pairing": Pairing(each, each)}
        if self._matched is None or couple not in self._matched:
            return {**self.labelled(couple), **spaces}
        places = [
            np.argmax(of[:, None] == rows, axis=1) for of, rows in zip(self._matched[couple], groups, strict=True)
        ]
        return {**self.labelled(couple), **spaces, "pairing": Pairing(places[0], places[1])}

    def cells(
        self, number: int, couple: Couple, metric: Metric[Any], nulls: Sequence[str | Null | None]
    ) -> Iterator[Cell]:
        """One couple by one metric against each null, each null once whatever names it was given."""
        models = dict.fromkeys(null_for(null, metric) for null in nulls)
        left, right = (self._groups[name] for name in couple)
        for model in models:
            comparison, error = None, self._empty(left, right)
            if error is None:
                try:
                    comparison = compare_couple(
                        self._space, left, right, metric, correspondence=self._pairs(couple, metric), null=model,
                        states=self._states, **self._options,
                    )  # fmt: skip
                except (DegenerateSpace, InapplicableNull, InvalidPairing) as reason:
                    error = str(reason)
                except GeomsimError as reason:
                    raise reason.within(f"{left.name} and {right.name}, {name_of(metric)}") from None
            yield Cell(
                self.labelled(couple), left.name, right.name, name_of(metric), plain(metric.parameters()), comparison,
                error, null=None if model is None else model.name,
                n=comparison.n_rows if comparison else min(len(left), len(right)),
                family=f"{left.name} and {right.name}", pair=number,
            )  # fmt: skip

    def _pairs(self, couple: Couple, metric: Metric[Any]) -> Correspondence | None:
        if not isinstance(metric, PairedMetric):
            return None
        if self._matched is None:
            return BY_ORDER
        if couple not in self._matched:
            raise InvalidPairing(f"no correspondence is given for {couple[0]!r} and {couple[1]!r}")
        return list(zip(*self._matched[couple], strict=True))

    @staticmethod
    def _empty(*groups: Group) -> str | None:
        empty = [repr(group.name) for group in groups if not len(group)]
        return f"empty: no row is in {' and '.join(empty)}" if empty else None


def _group(space: Space, name: str, given: Any) -> Group:
    if isinstance(given, Group) and not len(given):
        return Group(name, given.rows)
    return Group(name, group_of(space, given, name=name).rows)


def _matched(
    space: Space, groups: Mapping[str, Group], asked: Sequence[Couple], correspondence: Any
) -> Mapping[Couple, tuple[Rows, Rows]] | None:
    """The rows that correspond, for each couple whose pairs were given; None where none were."""
    if correspondence is None or (isinstance(correspondence, str) and correspondence == BY_ORDER):
        return None
    if not isinstance(correspondence, Mapping) or any(
        not isinstance(couple, tuple) or len(couple) != 2 for couple in correspondence
    ):
        raise InvalidConfig(
            f"correspondence of several groups is {BY_ORDER!r} or a mapping with the pairs of rows of each couple, "
            f"{{('left group', 'right group'): [(left row, right row), ...]}}, got {reprlib.repr(correspondence)}"
        )
    found = {}
    for left, right in asked:
        if not len(groups[left]) or not len(groups[right]):
            continue
        for one, other in ((left, right), (right, left)):
            if (one, other) in correspondence and (left, right) not in found:
                try:
                    rows = matched_rows(space, groups[one], groups[other], correspondence[one, other])
                except GeomsimError as error:
                    raise error.within(f"{one} and {other}") from None
                found[left, right] = rows if one == left else rows[::-1]
    return found


def _couples(groups: Mapping[str, Group], couples: Sequence[Couple] | None) -> list[Couple]:
    if len(groups) < 2:
        raise InvalidConfig(f"two groups are compared, got {', '.join(map(repr, groups)) or 'none'}")
    if couples is None:
        return list(combinations(groups, 2))
    for couple in couples:
        unknown = [name for name in couple if name not in groups]
        if unknown or len(couple) != 2:
            fault = f"no group is called {unknown[0]!r}" if unknown else f"{couple!r} is no couple of names"
            raise InvalidConfig(f"{fault}; the groups are: {', '.join(groups)}")
    if not couples:
        raise InvalidConfig("the list of couples is empty; leave it out for each two groups once")
    return [(left, right) for left, right in couples]
