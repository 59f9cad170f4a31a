"""Dictionaries of one layer, of several sizes and seeds: how alike each two are, beside the spread between seeds.

A score between two models, or between dictionaries of two sizes, is as sure as two dictionaries of one size that were
trained from two seeds agree. So each two dictionaries of a family are paired and scored alike, and the mean, standard
deviation and number of the scores of each two sizes stand beside each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.matching import pair
from geomsim.catalog import instance_of
from geomsim.comparison import compare
from geomsim.contract import PairedMetric
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidPairing
from geomsim.pairing import Pairing
from geomsim.progress import tracked
from geomsim.space import Space
from geomsim.tables import write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import ArrayLike

GROUP = ["metric", "parameters", "left_size", "right_size"]


@dataclass(frozen=True, eq=False)
class Member:
    """One dictionary of a family: its name, what it does on the common text, and its directions, (latents, width)."""

    name: str
    codes: Codes
    directions: ArrayLike

    @property
    def size(self) -> int:
        """Number of latents."""
        return self.codes.n_latents


@dataclass(frozen=True, eq=False, repr=False)
class DictionaryFamily:
    """How alike each two dictionaries of a family are.

    Attributes
    ----------
    frame
        a row for each two members and metric: left and right with their sizes (left is no larger), n (pairs that were
        compared; rows of the smaller side for an unpaired metric), mean_r (of these pairs; NaN for an unpaired metric),
        metric, its parameters (as JSON), larger_means, score, null_mean, p_value, and the warnings of the comparison.
    pairs
        how many pairs all paired metrics compared.
    """

    frame: pd.DataFrame
    pairs: int

    def spread(self, value: str = "score") -> pd.DataFrame:
        """Mean, sd (n - 1; NaN of one) and n of a column over the dictionaries of each two sizes, for each metric.

        A metric with other parameters is another one. The pairs of one group share dictionaries, so that they are no
        independent sample; n is their number.
        """
        groups = self.frame.groupby(GROUP, sort=False)[value]
        return groups.agg(mean="mean", sd="std", n="count").reset_index()

    def save(self, path: Path) -> Path:
        """Write the table as Parquet."""
        return write_parquet(self.frame, path, {"pairs": self.pairs})

    def __repr__(self) -> str:
        members = sorted({*self.frame["left"], *self.frame["right"]})
        return f"DictionaryFamily({len(members)} dictionaries, {self.pairs} pairs of each two)"


def compare_family(
    members: Sequence[Member],
    metrics: Sequence[Any],
    *,
    pairs: int | None = None,
    null: Any = "auto",
    draws: int = 99,
    seed: int = 0,
    pairing: Mapping[str, Any] | None = None,
) -> DictionaryFamily:
    """Score each two dictionaries of a family by the same metrics, on as many pairs of latents each.

    Latents that name each other as most correlated on the common text are paired, and the rows of the directions of
    the strongest pairs compared. All rows go into an unpaired metric.

    Parameters
    ----------
    members
        at least two, with names of their own, over one text.
    metrics
        names or instances, as :func:`geomsim.compare` takes them.
    pairs
        how many pairs of each two are compared: scores depend on the number. By default the fewest that any two have.
    null, draws, seed
        as in :func:`geomsim.compare`.
    pairing
        options of :func:`geomsim.pair` beyond the method.

    Raises
    ------
    InvalidConfig
        for fewer than two members, a name that occurs twice, members whose directions are not as many as their
        latents, no metric, a method of pairing, or no pairs or more than some two members have.
    InvalidPairing
        when two members have no mutual pair; the message names them.
    """
    import pandas as pd

    _refuse(members, metrics, pairs, pairing or {})
    ordered = sorted(members, key=lambda member: member.size)  # stable: seeds stay in their order
    spaces = {member.name: Space(member.directions, name=member.name) for member in ordered}
    both = list(combinations(ordered, 2))
    options = {"top": 1, "standard_errors": False, **(pairing or {})}
    found = [_mutual(left, right, options) for left, right in tracked(both, len(both), "pairing dictionaries")]
    least = min(len(each) for each in found)
    if pairs is not None and pairs > least:
        raise InvalidConfig(f"pairs={pairs}, but some two dictionaries have {least} mutual pairs alone")
    n_pairs = least if pairs is None else pairs
    instances = [instance_of(metric) for metric in metrics]
    rows = []
    for (left, right), whole in tracked(zip(both, found, strict=True), len(both), "comparing dictionaries"):
        strongest = _strongest(whole, n_pairs)
        assert strongest.weight is not None
        for metric in instances:
            paired = isinstance(metric, PairedMetric)
            compared = compare(
                spaces[left.name], spaces[right.name], metric, pairing=strongest if paired else None, null=null,
                draws=draws, seed=seed,
            )  # fmt: skip
            rows.append({
                "left": left.name, "right": right.name, "left_size": left.size, "right_size": right.size,
                "n": compared.n_rows, "mean_r": float(strongest.weight.mean()) if paired else np.nan,
                "metric": compared.metric, "parameters": json.dumps(dict(compared.parameters)),
                "larger_means": compared.larger_means, "score": compared.score,
                "null_mean": np.nan if compared.null_mean is None else compared.null_mean,
                "p_value": np.nan if compared.p_value is None else compared.p_value,
                "warnings": "; ".join(compared.warnings),
            })  # fmt: skip
    return DictionaryFamily(pd.DataFrame(rows), n_pairs)


def _mutual(left: Member, right: Member, options: Mapping[str, Any]) -> Pairing:
    try:
        return pair(left.codes, right.codes, method="mutual", **options)
    except (InvalidCodes, InvalidPairing) as error:
        raise InvalidPairing(f"dictionaries {left.name!r} and {right.name!r}: {error}") from error


def _strongest(pairing: Pairing, n: int) -> Pairing:
    """The `n` pairs of largest weight, of equal ones the first."""
    assert pairing.weight is not None
    kept = np.sort(np.argsort(-pairing.weight, kind="stable")[:n])
    return Pairing(pairing.left[kept], pairing.right[kept], pairing.weight[kept], provenance=pairing.provenance)


def _refuse(members: Sequence[Member], metrics: Sequence[Any], pairs: int | None, pairing: Mapping[str, Any]) -> None:
    if len(members) < 2:
        raise InvalidConfig(f"a family has at least two dictionaries, got {len(members)}")
    names = [member.name for member in members]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidConfig(f"each dictionary needs a name of its own; {', '.join(map(repr, twice))} occurs twice")
    if not metrics:
        raise InvalidConfig("name at least one metric to compare the dictionaries by")
    if pairs is not None and pairs < 1:
        raise InvalidConfig(
            f"pairs={pairs}: compare at least one pair of latents, or leave it out for as many as there are"
        )
    if "method" in pairing:
        raise InvalidConfig("a family is paired by mutual choice; leave the method out of `pairing`")
    for member in members:
        if len(np.asarray(member.directions)) != member.size:
            raise InvalidConfig(
                f"dictionary {member.name!r} has {member.size} latents and {len(np.asarray(member.directions))} "
                "directions; give Dictionary.directions of the dictionary that made the codes"
            )
