"""What both demos have in common: the study file, and the words and tables made from its results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from geomsim.catalog import entries, metrics
from geomsim.cli.console import missing, number, p_text, plain_table
from geomsim.study import Study

if TYPE_CHECKING:
    from rich.table import Table

Record = Mapping[str, Any]
_METRICS_ABREAST = 4
# What the first look at two models should hold; all metrics take about four times as long.
_FAMILIES = frozenset(
    {"svcca", "debiased-cka", "rsa", "procrustes", "knn-jaccard", "mapper-transport", "singular-values"}
)

_SCRIPT = '''"""The same results from Python."""

from pathlib import Path

import geomsim

study = geomsim.run_study(Path(__file__).with_name("study.toml"))
print(study.table.to_string())
'''


@dataclass(frozen=True)
class Outcome:
    """A demo's result: for programs, for people, and the study itself."""

    record: dict[str, Any]
    pictures: Sequence[Table | str]
    study: Study


def demo_metrics(every: bool) -> list[str]:
    """One metric of each family and whatever other distributions offer, or `every` installed one."""
    foreign = {entry.name for entry in entries() if entry.distribution != "geomsim"}
    return [name for name in metrics() if every or name in _FAMILIES | foreign]


def write_study_file(
    folder: Path, pairs: Sequence[dict[str, Any]], names: Sequence[str], draws: int, seed: int
) -> Path:
    """study.toml and reproduce.py, which give the same results again."""
    lines = [
        "# geomsim study study.toml   gives the same numbers again",
        f"seed = {seed}",
        f"draws = {draws}",
        f"metrics = {json.dumps(list(names))}",
    ]
    for pair in pairs:
        lines += ["", "[[pairs]]", *(line for key, value in pair.items() for line in _toml(key, value))]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "reproduce.py").write_text(_SCRIPT, encoding="utf-8")
    return path


def _toml(key: str, value: Any) -> list[str]:
    """A key with its value, a line for each entry of a mapping. JSON's strings, numbers and lists are TOML's, too."""
    if isinstance(value, Mapping):
        return [f"{key}.{json.dumps(name)} = {json.dumps(item)}" for name, item in value.items()]
    return [f"{key} = {json.dumps(value)}"]


def layer_tables(records: Sequence[Record], title: str) -> list[Table]:
    """One row per layer pair, one column per metric: score and significance, chance below."""
    names = metrics_of(records)
    rows: dict[tuple[int, int], dict[str, Record]] = {}
    for record in records:
        rows.setdefault((record["left_layer"], record["right_layer"]), {})[record["metric"]] = record
    body = [
        [
            f"{layers[0]} : {layers[1]}",
            number(next(iter(cells.values()))["n"], "d"),
            *(study_cell(cells.get(name)) for name in names),
        ]
        for layers, cells in rows.items()
    ]
    return metric_tables(title, ["layers", "pairs"], names, body)


def kinds_table(records: Sequence[Record], kinds: Iterable[str]) -> Table:
    """Per metric, the chance-corrected score averaged over layer pairs, a column per kind."""
    columns, means = list(kinds), _corrected(records)
    rows = [[name, *(number(means.get((name, kind)), ".3f") for kind in columns)] for name in _judged(means)]
    title = "Chance-corrected, mean over layer pairs (0 is chance, 1 is identical)"
    return plain_table(title, ["metric", *columns], rows, numeric=columns)


def metric_tables(
    title: str, labels: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[Table]:
    """Tables of a few metrics each, with headings that break at hyphens, so that they fit 80 characters."""
    tables = []
    for first in range(0, len(names), _METRICS_ABREAST):
        chosen = slice(first, first + _METRICS_ABREAST)
        columns = [*labels, *(name.replace("-", "-\n") for name in names[chosen])]
        body = [[*row[: len(labels)], *row[len(labels) :][chosen]] for row in rows]
        tables.append(plain_table(title if not first else f"{title}, continued", columns, body, numeric=columns[1:]))
    return tables


def metrics_of(records: Sequence[Record]) -> list[str]:
    """The metrics of a table in the order in which they come."""
    return list(dict.fromkeys(record["metric"] for record in records))


def features_against_neurons(records: Sequence[Record]) -> str:
    """The question of the founding study in words, from as many and equally correlated pairs of both."""
    means = _corrected(records)
    names = _judged(means)
    better = [name for name in names if means[name, "matched"] > means[name, "neurons"]]
    told = ", ".join(f"{name} {means[name, 'matched']:.2f} against {means[name, 'neurons']:.2f}" for name in names)
    return (
        f"With as many pairs, equally correlated, SAE features are more alike than raw neurons by {len(better)} of "
        f"{len(names)} metrics (chance-corrected, mean over layer pairs: {told})."
    )


def strongest(records: Sequence[Record]) -> str:
    """The comparison that stands out most, in words."""
    best = max((record for record in records if record["corrected"] is not None), key=lambda found: found["corrected"])
    p = p_text(best["p_value"], best["draws"])
    return (
        f"Strongest: {best['metric']} between layers {best['left_layer']} and {best['right_layer']}, "
        f"{best['score']:.3f} where chance gives {best['null_mean']:.3f} (sd {best['null_sd']:.2g}), "
        f"p {p if p.startswith('<=') else '= ' + p} over {best['n']} pairs."
    )


def significant(records: Sequence[Record], every: Sequence[Record]) -> str:
    """How many of these comparisons a shuffle of the pairs does not explain; p was corrected over `every` one."""
    judged, together = judged_by_shuffles(records), len(judged_by_shuffles(every))
    alone = sum(record["p_value"] <= 0.01 for record in judged)
    found = sum(record["bh"] <= 0.05 for record in judged)
    with_themes = f", over {together} with those of themes" if together > len(judged) else ""
    return (
        f"{alone} of {len(judged)} comparisons have p <= .01 against shuffled pairs, each on its own; taken together "
        f"{found} of them stand at a false discovery rate of 5% (Benjamini-Hochberg{with_themes})."
    )


def judged_by_shuffles(records: Sequence[Record]) -> list[Record]:
    """The comparisons that have a p-value against shuffled pairs."""
    return [record for record in records if record["null"] == "shuffle" and record["p_value"] is not None]


def _corrected(records: Sequence[Record]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if record["corrected"] is not None:
            found.setdefault((record["metric"], record["kind"]), []).append(record["corrected"])
    return {key: fmean(values) for key, values in found.items()}


def _judged(means: Mapping[tuple[str, str], float]) -> list[str]:
    return [name for name, kind in means if kind == "matched" and (name, "neurons") in means]


def study_cell(record: Record | None) -> str:
    """A score with its marks of significance, and chance below it."""
    if record is None or record["error"]:
        return "undefined"
    p = record["p_value"]
    marks = "" if missing(p) else "***" if p <= 0.001 else "**" if p <= 0.01 else "*" if p <= 0.05 else ""
    return f"{record['score']:z.3f}{marks:<3}\n{number(record['null_mean'], '.3f')}   "
