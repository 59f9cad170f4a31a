"""The comparison that stands out most, in words, chosen so that luck among many comparisons is not taken for a finding.

1. Cells are judged by nulls that ask different questions, so they are not ranked across nulls: the null that comes
   first in the list below speaks, whole spaces before parts of them.
2. Among its cells with p <= .05 after Holm's correction, or where there is none after Benjamini and Hochberg's, the one
   with the largest chance-corrected score is the strongest.
3. Where none is left, nothing stands out, and the cell with the least p is named as the one that came nearest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from geomsim.corrections import benjamini_hochberg, holm
from geomsim.report.cells import chance_text
from geomsim.report.look import number_text, p_text
from geomsim.report.tidy_records import Record, counted, has_score, is_empty_part, is_whole, listed, place_of
from geomsim.study_references import CROSS_MODEL, family_of

LEVEL = 0.05
_KINDS = ("kind", "rows")
_FLOOR, _SWAP = "noise-floor", "label-swap"
# The question that a reader asks first comes first.
_ORDER = ("shuffle", "exact", "spectrum-matched", "random-baseline", "random-subset", "random-group")
_REFERENCE = {
    "shuffle": "chance gives", "exact": "chance gives", "spectrum-matched": "clouds of the same spectra give",
    "random-baseline": "a random right side gives", "random-subset": "as many random pairs give",
    "random-group": "random groups of the same sizes give",
    _SWAP: "rows dealt anew to both sides give",
}  # fmt: skip


def strongest(records: Sequence[Record], labels: Sequence[str], among: Sequence[Record] | None = None) -> str:
    """The strongest result in words, or plainly that nothing stands out. `records` are tidy, and not none.

    `among` are all records of the study, where these are a choice of them: p was corrected over those of one family.
    """
    labels = telling(labels, among or records)
    scored = [record for record in records if has_score(record)]
    if not scored:
        if all(map(is_empty_part, records)):
            return f"No comparison has a score: {_all(len(records))} of nothing, as every part is empty."
        return f"No comparison has a score: {_all(len(records))} failed."
    tested = [record for record in scored if _is_test(record)]
    if not tested:
        return _without_p(scored, labels)
    speaking = _first_null(tested)
    tests = [record for record in tested if _null(record) == speaking]
    by_holm, by_bh = _corrected_p(tests, "holm"), _corrected_p(tests, "bh")
    named, stands = _named(tests, by_holm, by_bh)
    families = set(map(family_of, tests))
    over = len([record for record in among or tests if _is_test(record) and family_of(record) in families])
    if stands:
        return f"{_heading(speaking)}: {_told(named, labels)}. {_survivors(tests, by_holm, by_bh, over)}"
    told = f"Nothing stands out: {_survivors(tests, by_holm, by_bh, over, lower=True)}"
    return f"{told} Nearest came {_told(named, labels)}."


def telling(labels: Sequence[str], records: Sequence[Record]) -> list[str]:
    """The labels that tell some of the records from others, and what kind of thing is compared; all where none does.

    Of the two sides of a label, such as left_layer and right_layer, both or neither is kept.

    >>> rows = [{"left_layer": 0, "right_layer": layer, "method": "mutual"} for layer in (0, 1)]
    >>> telling(["left_layer", "right_layer", "method"], rows)
    ['left_layer', 'right_layer']
    """
    several = {label for label in labels if len({str(record.get(label)) for record in records}) > 1}
    for one, other in (("left_", "right_"), ("right_", "left_")):
        several |= {one + label.removeprefix(other) for label in several if label.startswith(other)}
    return [label for label in labels if label in several or label in _KINDS] if several else list(labels)


def place_of_strongest(records: Sequence[Record]) -> int | None:
    """The place of the record that :func:`strongest` names; None where it names none. `records` are tidy."""
    tested = [record for record in records if _is_test(record)]
    named: Record | None = None
    if tested:
        speaking = _first_null(tested)
        tests = [record for record in tested if _null(record) == speaking]
        named, _ = _named(tests, _corrected_p(tests, "holm"), _corrected_p(tests, "bh"))
    else:
        scored = [record for record in records if has_score(record)]
        named = scored[0] if len(scored) == 1 else _nearest_without_p(scored)
    return next((place for place, record in enumerate(records) if record is named), None)


def _is_test(record: Record) -> bool:
    return has_score(record) and record.get("p_value") is not None


def _named(tests: Sequence[Record], by_holm: dict[int, float], by_bh: dict[int, float]) -> tuple[Record, bool]:
    """Of the cells of one null the one to be named, and whether it stands out."""
    eligible = [record for record in tests if is_whole(record)] or tests
    for p in (by_holm, by_bh):
        standing = [record for record in eligible if p[id(record)] <= LEVEL]
        if standing:
            return max(standing, key=lambda record: _strength(record, standing)), True
    return min(eligible, key=lambda record: (record["p_value"], -_closeness(record))), False


def _all(n: int) -> str:
    return "the one comparison" if n == 1 else f"all {n:,} comparisons"


def _null(record: Record) -> str:
    """The null's name without how its orders were restricted."""
    return str(record.get("null") or "none").partition(" (")[0]


def _first_null(tested: Sequence[Record]) -> str:
    """The null whose cells are told; one that judges whole spaces comes before one that judges parts alone."""

    def rank(null: str) -> tuple[bool, int]:
        parts_only = not any(is_whole(record) for record in tested if _null(record) == null)
        place = _ORDER.index(null) if null in _ORDER else len(_ORDER) + (null == _SWAP)
        return parts_only, place

    return min(dict.fromkeys(map(_null, tested)), key=rank)


def _corrected_p(tests: Sequence[Record], column: str) -> dict[int, float]:
    """The corrected p of each record by its identity; computed where the table lacks it."""
    if all(record.get(column) is not None for record in tests):
        return {id(record): float(record[column]) for record in tests}
    correct = holm if column == "holm" else benjamini_hochberg
    found = correct([record["p_value"] for record in tests])
    return {id(record): float(p) for record, p in zip(tests, found, strict=True)}


def _strength(record: Record, among: Sequence[Record]) -> float:
    """Chance-corrected score; where none of them has one, distance from chance in standard deviations."""
    if any(other.get("corrected") is not None for other in among):
        return -math.inf if record.get("corrected") is None else float(record["corrected"])
    return _closeness(record)


def _closeness(record: Record) -> float:
    """How many standard deviations closer than the null's mean; farther for a label swap, which asks for that."""
    if record.get("z") is None:
        return -math.inf
    return float(record["z"]) * (-1 if (record.get("larger_means") == "farther") != (_null(record) == _SWAP) else 1)


def _heading(null: str) -> str:
    if null == _SWAP:
        return "Both sides differ most"
    return "Most alike beyond chance" if null in ("shuffle", "exact") else f"Most alike, judged by {null}"


def _told(record: Record, labels: Sequence[str]) -> str:
    """One comparison: metric, place, score, reference with its sd, p, rows."""
    reference = ""
    if record.get("null_mean") is not None:
        spread = "" if record.get("null_sd") is None else f" (sd {number_text(record['null_sd'])})"
        corrected = record.get("corrected")
        way = ""
        if corrected is not None and record["score"] != corrected:
            way = f", {number_text(corrected)} of the way from chance to identity"
        given = _REFERENCE.get(_null(record), f"{_null(record)} gives")
        if _null(record) == _FLOOR:
            given = "random halves of one side give"
        reference = f" where {given} {chance_text(record['null_mean'])}{spread}{way}"
    direction = ", smaller is closer," if record.get("larger_means") == "farther" else ""
    p = record.get("p_value")
    told = f"{record['metric']} for {place_of(record, labels)}, {number_text(record['score'])}{direction}{reference}"
    told += "" if p is None else f", {p_text(p, record.get('draws'))}"
    return told + (f" over {counted(int(record['n']), 'row')}" if record.get("n") else "")


def _survivors(
    tests: Sequence[Record], by_holm: dict[int, float], by_bh: dict[int, float], over: int, *, lower: bool = False
) -> str:
    """How many of the cells of one null are left after each correction, which was made over so many."""
    n, null = len(tests), _null(tests[0])
    all_of_them = _over(tests, over)
    if over <= 1:
        text = f"No correction is needed, as it is the only one judged by {null}."
        return f"the only comparison that {null} judged has p > .05." if lower else text
    kept = [sum(p <= LEVEL for p in found.values()) for found in (by_holm, by_bh)]
    draws = max((int(record.get("draws") or 0) for record in tests), default=0)
    if not any(kept):
        text = (
            f"none of {counted(n, 'comparison')} judged by {null} has p ≤ .05 after Holm's or Benjamini-Hochberg's "
            f"correction{all_of_them}."
        )
    elif not kept[0] and draws and over > LEVEL * (draws + 1):
        text = (
            f"Of {counted(n, 'comparison')} judged by {null}, {kept[1]:,} {'have' if kept[1] > 1 else 'has'} q ≤ .05 "
            f"after Benjamini-Hochberg's correction{all_of_them} (a false discovery rate of 5%); Holm's is out of "
            f"reach of {counted(draws, 'draw')}."
        )
    else:
        text = (
            f"Of {counted(n, 'comparison')} judged by {null}, {kept[0] or 'none'} {'have' if kept[0] > 1 else 'has'} "
            f"p ≤ .05 after Holm's correction{all_of_them}, {kept[1]:,} at a false discovery rate of 5% "
            "(Benjamini-Hochberg)."
        )
    return text


def _over(tests: Sequence[Record], over: int) -> str:
    """What a correction was made over, where that is more or less than the cells that are told."""
    null = _null(tests[0])
    families = set(map(family_of, tests))
    if len(families) > 1:
        alike = "role" if len({role for _, role, _ in families}) > 1 else "null"
        return f" over those of its own {alike}"
    if over <= len(tests):
        return ""
    ((_, role, _),) = families
    if role == CROSS_MODEL:
        return f" over the {over:,} comparisons between models that {null} judged"
    named = "" if role == str(None) else f" with the role {role}"
    return f" over all {over:,} of the study{named} that {null} judged"


def _without_p(scored: Sequence[Record], labels: Sequence[str]) -> str:
    """What is said where no cell has a p-value."""
    nulls = list(dict.fromkeys(map(_null, scored)))
    if nulls == ["none"]:
        if len(scored) == 1:
            return (
                f"No p-value exists, as no null was asked for: {_told(scored[0], labels)}. Whether that is more than "
                'chance, null = "auto" would tell.'
            )
        return (
            f"No p-value exists, as no null was asked for, so none of {len(scored):,} scores can be told from chance; "
            'null = "auto" gives each its null.'
        )
    why = (
        "the noise floor (random halves of one side) gives none"
        if nulls == [_FLOOR]
        else f"{listed(nulls)} {'gives' if len(nulls) == 1 else 'give'} none here"
    )
    best = _nearest_without_p(scored)
    if best is None:
        return f"No p-value exists: {why}."
    return f"No p-value exists: {why}. Nearest to it, in standard deviations, is {_told(best, labels)}."


def _nearest_without_p(scored: Sequence[Record]) -> Record | None:
    """Of cells without a p-value the one farthest from chance in standard deviations; None where none is known."""
    compared = [record for record in scored if record.get("z") is not None]
    return max([record for record in compared if is_whole(record)] or compared, key=_closeness, default=None)
