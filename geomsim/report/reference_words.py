"""What references say of the scores beside which they stand, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from statistics import median
from typing import Any

Row = Mapping[str, Any]
_PAIRING = ("left_model", "right_model", "rows", "method", "direction", "non_concepts", "units", "null")
_REFERENCES = ("ceiling", "second_seed", "baseline")


def beside_references(rows: Sequence[Row], about: Row) -> str:
    """Medians over metrics and pairs of layers of how much of each reference is reached; nothing where there is none.

    Shares of a reference that is no better than chance are left out, and counted.

    Parameters
    ----------
    rows
        as :func:`geomsim.study_references.references_of` makes them.
    about
        the record that is spoken of: only scores of the same models, rows, pairing and null are counted, of all pairs.

    >>> row = {"corrected": 0.2, "ceiling": 0.5, "second_seed": 0.25, "baseline": 0.0, "metric": "rsa", "left_layer": 0}
    >>> beside_references([row], {})
    'Beside its references (1 metric, 1 pair of layers): the two models share 40% of what two dictionaries of one layer
    of one model share, 80% of what the left model and its second seed share; the left model and a re-randomised one
    share 0% of what the two models share.'
    """
    own = [
        row
        for row in rows
        if row.get("corrected") is not None
        and any(row.get(name) is not None for name in _REFERENCES)
        and all(row.get(name) == about.get(name) for name in _PAIRING)
        and all(row.get(part) in (None, "all") for part in ("subspace", "bucket"))
    ]
    reached: list[str] = []
    for name, words in (
        ("ceiling", "{} of what two dictionaries of one layer of one model share"),
        ("second_seed", "{} of what the left model and its second seed share"),
    ):
        reached += _shares([(row["corrected"], row[name]) for row in own if row.get(name) is not None], words)
    told = [f"the two models share {', '.join(reached)}"] if reached else []
    kept = [(row["baseline"], row["corrected"]) for row in own if row.get("baseline") is not None]
    told += _shares(kept, "the left model and a re-randomised one share {} of what the two models share", least=0.0)
    if not told:
        return ""
    metrics = {row["metric"] for row in own}
    layers = {(row.get("left_layer"), row.get("right_layer")) for row in own}
    over = f"{len(metrics)} metric{'s' * (len(metrics) != 1)}, {len(layers)} pair{'s' * (len(layers) != 1)} of layers"
    middle = "" if len(metrics) * len(layers) == 1 else "; medians"
    return f"Beside its references ({over}{middle}): {'; '.join(told)}."


def _shares(couples: Sequence[tuple[float, float]], words: str, least: float = -inf) -> list[str]:
    """The median of what each first number is of the second, in words, over those whose second is above chance."""
    shares = [of / whole for of, whole in couples if whole > 0]
    if not shares:
        return []
    left_out = len(couples) - len(shares)
    return [
        words.format(f"{max(least, median(shares)):.0%}") + (f" ({left_out} at chance left out)" if left_out else "")
    ]
