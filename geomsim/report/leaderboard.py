"""All cards side by side: one row for each metric, as data, as cells of a table, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from geomsim.cards import Card

Record = Mapping[str, Any]

HEADINGS = (
    "metric", "rows", "promises", "false positives at .05", "smallest share found", "tau", "bias", "slope by rows",
    "loop", "s",
)  # fmt: skip

SHORT_HEADINGS = ("metric", "kept", "p <= .05", "smallest share", "tau", "loop", "s")

LEGEND = {
    "promises": "kept of all that could be tried",
    "false positives": "share of p-values <= .05 where nothing is shared, with its 95% interval",
    "smallest share": "of the features, found in 8 of 10 worlds, at {rows} rows",
    "tau": "Kendall's between the shared fraction and closeness, with its 95% interval",
    "bias": "score less the population value that it estimates, where it estimates one",
    "slope by rows": "change of the score with twice the rows where nothing is shared, raw and chance taken out",
    "loop": "AUC, a loop in both against a loop in one of equal covariance, rows in correspondence and without",
    "s": "seconds for both sides of 1,000 rows, width 64, and for a draw",
}
_LOOPS = "loop, rows paired", "loop, rows unpaired"
_APART = "Metrics of unpaired rows meet worlds of their own, so they compare among themselves."


def leaderboard(cards: Sequence[Card]) -> list[dict[str, Any]]:
    """One record for each card: paired metrics first, those that break a promise behind the others of their kind, then
    by the smallest share that they find, by tau, and by name."""
    records = [
        {
            "metric": card.metric,
            "rows": card.about.get("rows", ""),
            "kept": sum(promise.kept and not _untried(promise.evidence) for promise in card.promises),
            "tried": sum(not _untried(promise.evidence) for promise in card.promises),
            "broken": [promise.name for promise in card.broken],
            "faults": list(card.faults),
            "effort": card.about.get("effort"),
            "seed": card.about.get("seed"),
            **card.headline,
        }
        for card in cards
    ]
    return sorted(records, key=_rank)


def cells(record: Record) -> list[str]:
    """The cells of one record under `HEADINGS`."""
    promises = f"{record['kept']} of {record['tried']}" + "".join(f"; fault: {fault}" for fault in record["faults"])
    return [
        record["metric"],
        record["rows"],
        promises,
        _with_interval(record, "false positives", 3),
        " / ".join(_share(record[name], _number) for name in share_names(record)) or "-",
        _with_interval(record, "tau", 2),
        "-" if record.get("bias") is None else f"{record['bias']:+z.3f}",
        _both(record, "slope in rows, raw", "slope in rows, corrected", "{:+z.4f}"),
        _both(record, *_LOOPS, "{:.2f}"),
        _both(record, "seconds, 1000 rows", "seconds a draw, 1000 rows", "{:.2g}"),
    ]


def short_cells(record: Record) -> list[str]:
    """The cells of one record under `SHORT_HEADINGS`: what fits a terminal of 80 characters."""
    rate = record.get("false positives")
    ends = "" if rate is None else " ".join(_short(record[f"false positives {end}"], 2) for end in ("low", "high"))
    return [
        record["metric"],
        f"{record['kept']}/{record['tried']}",
        "-" if rate is None else f"{_short(rate, 3)} ({ends})",
        "/".join(_share(record[name], _short) for name in share_names(record)) or "-",
        "-" if record.get("tau") is None else _short(record["tau"], 2),
        "/".join("-" if record.get(name) is None else _short(record[name], 2) for name in _LOOPS),
        "-" if record.get("seconds, 1000 rows") is None else f"{record['seconds, 1000 rows']:.2g}",
    ]


def legend(records: Sequence[Record]) -> str:
    """What the columns mean."""
    return " ".join([*(f"{name}: {text}." for name, text in _meanings(records).items()), _APART])


def short_legend(records: Sequence[Record]) -> str:
    """What the columns of the short table mean, a line each."""
    meanings = _meanings(records)
    names = {
        "kept": "promises", "p <= .05": "false positives", "smallest share": "smallest share", "tau": "tau",
        "loop": "loop",
    }  # fmt: skip
    seconds = f"  s: {meanings['s'].removesuffix(', and for a draw')}"
    return "\n".join([*(f"  {short}: {meanings[name]}" for short, name in names.items()), seconds, f"  {_APART}"])


def _meanings(records: Sequence[Record]) -> dict[str, str]:
    sizes = [name.removeprefix("smallest share, ").removesuffix(" rows") for name in share_names(records[0])]
    rows = " / ".join(f"{int(size):,}" for size in sizes)
    return {name: text.format(rows=rows) for name, text in LEGEND.items()}


def leaderboard_markdown(records: Sequence[Record]) -> str:
    """The table with its legend in Markdown."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    for record in records:
        name, *others = cells(record)
        lines.append(f"| `{name}` | " + " | ".join(others) + " |")
    seeds = ", ".join(sorted({f"{record['effort']}, seed {record['seed']}" for record in records}))
    return "\n".join([*lines, "", f"{legend(records)} Effort: {seeds}."])


def _rank(record: Record) -> tuple[Any, ...]:
    shares = [record[name] for name in share_names(record)]
    return (
        record["rows"] != "paired", bool(record["broken"]),
        [share if isinstance(share, float) else 2.0 for share in shares], -(record.get("tau") or 0.0), record["metric"],
    )  # fmt: skip


def share_names(record: Record) -> list[str]:
    """The keys under which a record holds the smallest shares that were found, by number of rows."""
    return [name for name in record if name.startswith("smallest share, ")]


def _share(found: float | str | None, form: Callable[[float, int], str]) -> str:
    """A share as a number; "none" where none was found, "-" where nothing could be scored."""
    if found is None:
        return "none"
    return "-" if isinstance(found, str) else form(found, 2)


def _untried(evidence: str) -> bool:
    return evidence.startswith("not tried")


def _number(value: float, digits: int) -> str:
    return f"{value:z.{digits}f}"  # -0.001 rounds to 0.00


def _short(value: float, digits: int) -> str:
    """Without the zero before the point."""
    return _number(value, digits).replace("0.", ".", 1) if abs(value) < 1 else _number(value, digits)


def _with_interval(record: Record, name: str, digits: int) -> str:
    if record.get(name) is None:
        return "-"
    low, high = (_number(record[f"{name} {end}"], digits) for end in ("low", "high"))
    return f"{_number(record[name], digits)} ({low} to {high})"


def _both(record: Record, first: str, second: str, form: str) -> str:
    found = ["-" if record.get(name) is None else form.format(record[name]) for name in (first, second)]
    return " / ".join(found)
