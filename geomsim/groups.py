"""Two groups of rows of one space, compared with each other: are months arranged as numbers are?"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sized
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np

from geomsim.catalog import instance_of, name_of
from geomsim.comparison import Comparison, compare_sides
from geomsim.contract import Metric, PairedMetric
from geomsim.errors import GeomsimError, InvalidConfig, InvalidPairing
from geomsim.nulls import Null, RandomGroup
from geomsim.row_groups import Group as Group
from geomsim.row_groups import Rows, row_numbers
from geomsim.row_groups import group_of as group_of
from geomsim.scheduler import using
from geomsim.sides import GroupsOf, Points, Sides, sides_of_groups
from geomsim.space import Space
from geomsim.states import States

Correspondence = Literal["by order"] | Mapping[Any, Any] | Iterable[tuple[Any, Any]]
"""Row i of one group with row i of the other, or the pairs themselves: row numbers or ids, left before right."""

BY_ORDER: Final = "by order"
_FEW_ROWS = 5


def compare_groups(
    space: Points,
    left: Any,
    right: Any,
    metric: str | Metric[Any] | type[Metric[Any]],
    *,
    correspondence: Correspondence | None = None,
    named: Mapping[str, Any] | None = None,
    pool: Any = None,
    null: str | Null | None = "random-group",
    draws: int = 999,
    seed: int = 0,
    groups: Any = None,
    interval: str | None = None,
    confidence: float = 0.95,
    scheduler: str | None = None,
) -> Comparison:
    """How alike two groups of rows of one space are arranged, and how surprising that is among random groups of it.

    Parameters
    ----------
    space
        one space, array or tensor of shape (rows, width), or a path to it.
    left, right
        each group as row numbers, ids, a mask or, with `named`, a name (:func:`group_of`). They may share rows, which
        a warning counts.
    metric
        paired metrics ask whether the groups are arranged alike under the correspondence, unpaired ones whether they
        are under any, or whether their shapes are alike: no correspondence is searched for, since
        "gromov-wasserstein" and its kin do that within the metric.
    correspondence
        which row of the left group belongs to which of the right, for paired metrics: "by order", or pairs of rows as
        numbers or ids (a mapping or a list of couples). Rows in no pair are left out and counted. Unpaired metrics
        compare the whole groups whatever it says.
    pool
        the rows that random groups are made of, as a group is given; all rows of the space by default. It must hold
        both groups, and should hold rows that such groups could consist of.
    null
        "random-group": are these groups more alike than two random ones of these sizes? Or
        ``RandomGroup(kept="left")``: more alike than the left group and random ones? "shuffle" asks whether this
        correspondence is special among all of the same groups, and "noise-floor" how far halves of one group lie
        apart. See :func:`geomsim.compare` for the others, and for all other parameters; `groups` are those of the rows
        that depend on each other. Where a group of fewer than 5 rows is judged by random ones, a warning says so.

    Raises
    ------
    InvalidConfig
        for groups, pools and pairs that do not exist in this space.
    InvalidPairing
        for a paired metric without a correspondence, and for one by order of groups of unequal size.
    InvalidSpace, DegenerateSpace, InapplicableNull, GeomsimError
        as :func:`geomsim.compare` does.

    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 8))
    >>> points[10:20] = points[:10] @ np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    >>> compare_groups(points, range(10), range(10, 20), "procrustes", correspondence="by order", draws=99)
    Comparison(procrustes = 1, chance 0.7..., p <= 0.01, n = 10)
    """
    opened = opened_space(space)
    chosen = instance_of(metric)
    couple = [
        group_of(opened, given, name="" if isinstance(given, str | Group) else side, named=named)
        for side, given in (("left", left), ("right", right))
    ]
    with using(scheduler):
        return compare_couple(
            opened, couple[0], couple[1], chosen, correspondence=correspondence, pool=pool, null=null, draws=draws,
            seed=seed, groups=groups, interval=interval, confidence=confidence,
        )  # fmt: skip


def compare_couple(
    space: Space,
    left: Group,
    right: Group,
    metric: Metric[Any],
    *,
    correspondence: Correspondence | None = None,
    pool: Any = None,
    states: States | None = None,
    **options: Any,
) -> Comparison:
    """:func:`compare_groups` of groups that are known already; `options` are those of :func:`compare_sides`."""
    sides, left_out = sides_of(space, left, right, metric, correspondence, pool)
    found = compare_sides(sides, metric, states=states, **options)
    both = f"{left.name!r} and {right.name!r}"
    notes = [f"{left_out} rows of {both} are in no pair, and were left out"] if left_out else []
    fewest = min(sides.left.n_rows, sides.right.n_rows)
    if str(found.null_kind).startswith(RandomGroup.name) and fewest < _FEW_ROWS:
        notes.append(
            f"only {fewest} rows in the smaller group: so few points have hardly a shape, and a small p may say no "
            f"more than how far apart they lie. Compare groups of {_FEW_ROWS} rows or more"
        )
    if shared := _rows_in_both(sides):
        notes.append(
            f"{both} have {shared} row{'s' * (shared > 1)} in common, which alone can make them alike: random groups "
            "have as many, other nulls and intervals take all rows for different ones"
        )
    return replace(found, warnings=(*found.warnings, *notes)) if notes else found


def sides_of(
    space: Space,
    left: Group,
    right: Group,
    metric: Metric[Any],
    correspondence: Correspondence | None = None,
    pool: Any = None,
) -> tuple[Sides, int]:
    """Both groups as sides of a comparison by this metric, and how many rows are in no pair of the correspondence."""
    paired = isinstance(metric, PairedMetric)
    rows = left.rows, right.rows
    if paired:
        if correspondence is None:
            raise InvalidPairing(
                f"{name_of(metric)} compares rows that belong together: say which row of {left.name!r} belongs to "
                f"which of {right.name!r} with correspondence='by order' or a list of pairs, or take an unpaired metric"
            )
        rows = matched_rows(space, left, right, correspondence)
    allowed = np.arange(space.n_rows) if pool is None else np.sort(group_of(space, pool, name="pool").rows)
    for group, of_group in zip((left, right), rows, strict=True):
        outside = np.setdiff1d(of_group, allowed)
        if len(outside):
            raise InvalidConfig(
                f"the pool has {len(allowed)} rows and lacks {len(outside)} of group {group.name!r}, the first is row "
                f"{outside[0]}; random groups are fair only where the compared ones could be drawn"
            )
    sides = sides_of_groups(GroupsOf(space, *rows, allowed), (left.name, right.name), correspond=paired)
    return sides, len(left) + len(right) - len(rows[0]) - len(rows[1])


def matched_rows(space: Space, left: Group, right: Group, correspondence: Correspondence) -> tuple[Rows, Rows]:
    """The rows of both groups, row i of one belonging to row i of the other. Raises InvalidConfig, InvalidPairing."""
    if isinstance(correspondence, str):
        if correspondence != BY_ORDER:
            raise InvalidConfig(f"correspondence is {BY_ORDER!r} or a list of pairs of rows, got {correspondence!r}")
        if len(left) != len(right):
            raise InvalidPairing(
                f"group {left.name!r} has {len(left)} rows and {right.name!r} has {len(right)}: they do not correspond "
                "by order. Give the pairs with correspondence=[(left row, right row), ...]"
            )
        return left.rows, right.rows
    pairs = _couples_of_rows(correspondence)
    found = []
    for side, group in enumerate((left, right)):
        try:
            rows = row_numbers(space, [pair[side] for pair in pairs])
        except InvalidConfig as error:
            raise error.within(f"correspondence, rows of {group.name!r}") from None
        foreign = ~np.isin(rows, group.rows)
        if foreign.any():
            first = int(np.argmax(foreign))
            raise InvalidPairing(
                f"pair {first} of the correspondence, {pairs[first]!r}, names a row that is not in group {group.name!r}"
            )
        found.append(rows)
    return found[0], found[1]


def _couples_of_rows(given: Any) -> list[Any]:
    listed = given.items() if isinstance(given, Mapping) else given.tolist() if hasattr(given, "tolist") else given
    pairs = list(listed) if isinstance(listed, Iterable) else []
    if not pairs or any(isinstance(pair, str) or not isinstance(pair, Sized) or len(pair) != 2 for pair in pairs):
        raise InvalidPairing(
            f"correspondence is {BY_ORDER!r} or a list of pairs (left row, right row), at least one of them, got "
            f"{reprlib.repr(given)}"
        )
    return pairs


def opened_space(space: Points) -> Space:
    """The space itself, or the one that points or a path make. Raises InvalidSpace."""
    if isinstance(space, Space):
        return space
    try:
        return Space(space)
    except GeomsimError as error:
        raise error.within("space") from None


def _rows_in_both(sides: Sides) -> int:
    of = sides.groups_of
    return 0 if of is None else len(np.intersect1d(of.left, of.right))
