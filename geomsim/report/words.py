"""The first three sentences of a report: what was compared, the strongest result, and the main warning.

They are made from the tidy records alone, as :meth:`geomsim.Study.records` gives them or a results file holds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from geomsim.report.main_warning import main_warning
from geomsim.report.main_warning import warnings_of as warnings_of
from geomsim.report.strongest import strongest
from geomsim.report.tidy_records import (
    ALL,
    Record,
    are_of_groups,
    counted,
    is_whole,
    listed,
    own,
    spaces_of,
    tidy,
    words,
)

_ROOM = 160  # characters for the labels of all pairs
_FEW, _LABELS = 3, 6  # values of a label, and labels, that are named where there are many


def sentences(
    records: Sequence[Mapping[str, Any]], labels: Sequence[str], among: Sequence[Mapping[str, Any]] | None = None
) -> list[str]:
    """Three sentences: what was compared, the strongest result with its p, the main warning.

    Parameters
    ----------
    records
        a mapping per comparison; None, NaN or NA where there is nothing.
    labels
        the columns that name a pair of spaces, such as kind, left_layer and right_layer; may be empty.
    among
        all records of the study, where `records` are a choice of them: p was corrected over those of one family.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(60, 4))
    >>> study = geomsim.run_study({"pairs": [{"left": points, "right": points[:, ::-1]}], "metrics": ["procrustes"]})
    >>> for sentence in sentences(study.records(), []):
    ...     print(sentence)
    1 pair of spaces (left and right) was compared by procrustes over 60 rows: 1 comparison, judged by shuffle.
    Most alike beyond chance: procrustes for left and right, 1.00 where chance gives 0.21 (sd 0.040), p ≤ 0.001 ...
    No comparison failed, and none gave a warning.
    """
    found = tidy(records)
    if not found:
        return [
            "Nothing was compared: the results hold no rows.",
            "There is no result to name.",
            "There is no warning; look whether the study that wrote these results was stopped before its first cell.",
        ]
    study = None if among is None else tidy(among)
    return [compared(found, labels), strongest(found, labels, study), main_warning(found, labels)]


def compared(records: Sequence[Record], labels: Sequence[str]) -> str:
    """What was compared, in one sentence. `records` are tidy, and there is at least one."""
    n_pairs = _count_of_pairs(records, labels)
    named = _named(records, labels)
    if not named and n_pairs == 1:
        named = [" and ".join(spaces_of(records[0]))]
    metrics = list(dict.fromkeys(str(record["metric"]) for record in records))
    parameters = {(record["metric"], record.get("parameters")) for record in records}
    by = listed(metrics) if len(metrics) <= 3 else f"{len(metrics)} metrics"
    if len(parameters) > len(metrics):
        by += f" in {len(parameters)} settings"
    sizes = sorted({int(record["n"]) for record in records if record.get("n")})
    over = "" if not sizes else f" over {_range(sizes)} row{'s' * (sizes[-1] != 1)}"
    what = f" ({'; '.join(named)})" if named else ""
    nulls = listed(str(record["null"]) for record in records if record.get("null") is not None)
    return (
        f"{counted(n_pairs, 'pair')} of {'groups' if are_of_groups(records) else 'spaces'}{what} "
        f"{'was' if n_pairs == 1 else 'were'} compared by {by}{over}{_parts(records)}: "
        f"{counted(len(records), 'comparison')}, {f'judged by {nulls}' if nulls else 'judged by no null'}."
    )


def _named(records: Sequence[Record], labels: Sequence[str]) -> list[str]:
    """Each label with its values; where that is more than one takes in, many values are counted, and so are labels."""
    values = {
        label: list(dict.fromkeys(r[label] for r in records if r.get(label) is not None)) for label in own(labels)
    }
    told = {label: f"{words(label)} {listed(each)}" for label, each in values.items() if each}
    if len("; ".join(told.values())) <= _ROOM:
        return list(told.values())
    for label in told:
        if (n := len(values[label])) > _FEW:
            told[label] = counted(n, words(label).removesuffix("s"))
    named = list(told.values())
    return [*named[:_LABELS], *([counted(len(named) - _LABELS, "other label")] if len(named) > _LABELS else [])]


def _count_of_pairs(records: Sequence[Record], labels: Sequence[str]) -> int:
    """How many pairs of spaces there are; those with the same labels and sides are told by asking the same again."""
    asked = Counter(
        (repr([record.get(name) for name in (*own(labels), "left", "right")]),
         repr([record.get(name) for name in ("subspace", "bucket", "metric", "parameters", "null")]))
        for record in records
    )  # fmt: skip
    pairs: dict[str, int] = {}
    for (pair, _), times in asked.items():
        pairs[pair] = max(pairs.get(pair, 0), times)
    return sum(pairs.values())


def _range(sizes: Sequence[int]) -> str:
    return f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def _parts(records: Sequence[Record]) -> str:
    """Of which parts, where there are any beside the whole."""
    found = [
        f"{counted(len(names), noun)} ({listed(names)})"
        for column, noun in (("subspace", "subspace"), ("bucket", "bucket"))
        if (names := list(dict.fromkeys(str(r[column]) for r in records if r.get(column) not in (None, ALL))))
    ]
    if not found:
        return ""
    whole = "whole and " if any(map(is_whole, records)) else ""
    return f", {whole}in {' and '.join(found)}"
