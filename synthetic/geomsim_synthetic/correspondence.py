"""Which row of one dictionary truly belongs to which row of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from geomsim_synthetic.plan import Plan, SidePlan

Relation = Literal["one-to-one", "split", "merged", "absorbed", "duplicate", "junk"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)


@dataclass(frozen=True, order=True)
class Link:
    """A left and a right row that stand for one feature.

    Attributes
    ----------
    left, right
        row numbers.
    feature
        number of the feature.
    relation
        "one-to-one": neither row suffered a fault; "merged": one of them stands for a second feature too; "absorbed":
        one is a parent that its child silences, or such a child; "split": one of them gets half of the firings;
        "duplicate": one of them has a twin; "junk": the feature is a punctuation mark's. Where two faults meet, the
        first of merged, absorbed, split, duplicate.
    """

    left: int
    right: int
    feature: int
    relation: Relation


def links(plan: Plan) -> tuple[Link, ...]:
    """All links, by left row. An absorbing child is no link of the parent that it silences."""
    rows = [_rows_of_features(side) for side in plan.sides]
    found = [
        Link(left, right, feature, _relation(plan, left, right))
        for feature, left_rows in rows[0].items()
        for left in left_rows
        for right in rows[1].get(feature, ())
    ]
    return tuple(sorted(found))


def _rows_of_features(side: SidePlan) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = {}
    for source, feature in enumerate(side.feature.tolist()):
        places = (int(side.rows.first_row[source]), int(side.rows.second_row[source]))
        rows[feature] = [place for place in places if place >= 0]
    return rows


def _relation(plan: Plan, left: int, right: int) -> Relation:
    kinds = {plan.left.rows.rows[left].kind, plan.right.rows.rows[right].kind}
    if "merged" in kinds:
        return "merged"
    if kinds & {"absorbed", "absorbing"}:
        return "absorbed"
    if "split" in kinds:
        return "split"
    if "duplicate" in kinds:
        return "duplicate"
    return "junk" if "junk" in kinds else "one-to-one"
