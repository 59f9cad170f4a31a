"""What a reader must know before believing the numbers: all warnings, and the one to read first.

Failed comparisons come first, then too few draws or rows for what is claimed, then whatever was warned of most often.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from geomsim.activations.visible_text import visible_token
from geomsim.report.look import number_text
from geomsim.report.strongest import LEVEL, telling
from geomsim.report.tidy_records import Record, counted, has_score, is_failed, listed, place_of, tidy
from geomsim.study_references import CROSS_MODEL, claims_of, family_of

_LONGEST = 300  # characters of a warning within a sentence
_VARIES = re.compile(r"(?<!\w)'[^']*'(?!\w)|\d[\d.,]*(?:e[-+]?\d+)?%?")  # what a text names in quotes, and its numbers
_FEW = re.compile(r"\bfew(er)?\b|\bonly \S+ (different )?(orders|subsets|splits|rows|groups)\b|\btoo small\b")


def warnings_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The warnings of each comparison behind the name of its metric; equal ones are kept, to be counted.

    >>> warnings_of([{"metric": "rsa", "warnings": "few rows"}, {"metric": "cka", "warnings": float("nan")}])
    ['rsa: few rows']
    """
    return [f"{record['metric']}: {record['warnings']}" for record in tidy(records) if record.get("warnings")]


def main_warning(records: Sequence[Record], labels: Sequence[str]) -> str:
    """The one warning that a reader must know first, in words. `records` are tidy, and there is at least one."""
    groups = _groups(records)
    few = [group for group in groups if _FEW.search(group[0])]
    if failed := [record for record in records if is_failed(record)]:
        return _failures(failed, len(records), telling(labels, records)) + _others(groups)
    if floor := _too_few_draws(records):
        return floor + _others(groups)
    if not groups:
        return "No comparison failed, and none gave a warning."
    first = (few or groups)[0]
    rest = [group for group in groups if group is not first]
    text, count, metrics = first
    which = f"{counted(count, 'comparison')} by {listed(metrics)}"
    return f"Before believing {which}: {_cut(text)}{'' if text.endswith('.') else '.'}{_others(rest)}"


def _groups(records: Sequence[Record]) -> list[tuple[str, int, list[str]]]:
    """Warnings that differ in numbers and names alone, most frequent first: a first text, how often, which metrics."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.get("warnings"):
            found.setdefault(_VARIES.sub("#", str(record["warnings"])), []).append(record)
    groups = [(str(of[0]["warnings"]), len(of), [str(r["metric"]) for r in of]) for of in found.values()]
    return sorted(groups, key=lambda group: -group[1])


def _failures(failed: Sequence[Record], n: int, labels: Sequence[str]) -> str:
    kinds = Counter(_VARIES.sub("#", str(record["error"])) for record in failed)
    most, count = kinds.most_common(1)[0]
    first = next(record for record in failed if _VARIES.sub("#", str(record["error"])) == most)
    like = ", " if len(failed) == 1 else ", like " if len(kinds) == 1 else f", {count:,} of them like "
    have = "has" if len(failed) == 1 else "have"
    error = _cut(str(first["error"]))
    return (
        f"{len(failed):,} of {counted(n, 'comparison')} {have} no score{like}{first['metric']} for "
        f"{place_of(first, labels)}: {error}{'' if error.endswith('.') else '.'}"
    )


def _too_few_draws(records: Sequence[Record]) -> str:
    """That no p-value can be small enough, alone or among those that it was corrected with."""
    tests: dict[tuple[str, str, bool], list[Record]] = {}
    for record in claims_of(records):
        if has_score(record) and record.get("p_value") is not None:
            tests.setdefault(family_of(record), []).append(record)
    for (null, role, _), tested in tests.items():
        most = int(max((record.get("draws") or 0 for record in tested), default=0))
        m, least = len(tested), 1 / (most + 1)
        if not most or m * least <= LEVEL or any(m * record["p_value"] <= LEVEL for record in tested):
            continue
        null = "no null" if null == str(None) else null
        floor = f"With {counted(most, 'draw')} of {null} no p-value can fall below {number_text(least)}"
        if least > LEVEL:
            return f"{floor}: use more."
        which = " between models" if role == CROSS_MODEL else ""
        return (
            f"{floor}, and over {m:,} comparisons{which} Holm's correction can never reach .05: {20 * m - 1:,} draws "
            "would let it; Benjamini-Hochberg and maxT need fewer."
        )
    return ""


def _others(groups: Sequence[tuple[str, int, list[str]]]) -> str:
    n = sum(count for _, count, _ in groups)
    return "" if not n else f" Further warnings of {counted(n, 'comparison')} are listed below."


def _cut(text: str) -> str:
    """A warning on one line, and not longer than a reader takes in."""
    line = visible_token(text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"
