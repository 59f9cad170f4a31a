"""The README of the study from its results: tables and the sentences that hold for them.

geomsim study examples/universality/study.toml --out universality
python examples/universality/universality_page.py universality       # writes results.json and README.md here
python examples/universality/universality_page.py                    # README.md again, from results.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
METRICS = ("svcca", "rsa", "debiased-cka", "procrustes", "knn-jaccard")
_PAIR = ("left", "right", "pairing")  # several blocks may ask about one
_COUPLE = ("role", "left_model", "left_layer", "left_group", "right_group")  # of groups of one space, likewise
_TESTED = ("shuffle", "exact", "random-subset")
_CORRECTED = {"p": "p_value", "bh": "bh", "holm": "holm", "maxt": "maxt"}
_COLUMNS = ("corrected", "instances_sd", "ceiling", "second_seed", "baseline")
_NEURONS = ("corrected", "second_seed", "baseline", "largest_p")
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven")
_WHOLE = {"subspace": "all", "bucket": "all"}
Json = dict[str, Any]


def gathered(folder: Path) -> Json:
    """What the README tells of a folder of results, as numbers."""
    import pandas as pd

    table = pd.read_parquet(folder / "results.parquet")
    beside = pd.read_csv(folder / "references.csv")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    first = {"left_model": "left", "right_model": "right"}
    mutual = _of(beside, null="shuffle", units="tokens", method="mutual", non_concepts="kept", **_WHOLE, **first)
    whole = table[(table["subspace"] == "all") & (table["bucket"] == "all")]
    cross = {"role": "cross-model", **first}
    asked = _of(whole, null="shuffle", rows="features", units="tokens", **cross)
    return {
        "cells": len(table),
        "metrics": int(table["metric"].nunique()),
        "nulls": int(table["null"].nunique()),
        "without_score": int(table["error"].notna().sum()),
        "pairs_of_spaces": len(
            {
                tuple(str(pair.get(key)) for key in (_COUPLE if "within" in pair else _PAIR))
                for pair in run["config"]["pairs"]
            }
        ),
        "features": _references(mutual, "features"),
        "neurons": _references(mutual, "neurons"),
        "layers": _layers(_of(asked, method="mutual", non_concepts="kept")),
        "noise_pairs": _pairs(_of(whole, role="baseline", rows="features", method="mutual", non_concepts="kept")),
        "model_pairs": _pairs(_of(asked, method="mutual", non_concepts="kept")),
        "methods": _methods(asked),
        "parts": _parts(_of(table, rows="features", method="max", non_concepts="left out", **cross)),
        "words": _words(_of(whole, units="words")),
        "within": _within(_of(table, role="within")),
        "tests": {null: _tests(_of(table, role="cross-model", reference=False), null, first) for null in _TESTED},
    }  # fmt: skip


def _of(table: Any, **values: Any) -> Any:
    for name, value in values.items():
        table = table[table[name] == value]
    return table


def _number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 4)


def _references(table: Any, kind: str) -> list[Json]:
    """Means over all pairs of layers, by metric; the largest mean share of what other dictionaries share first."""
    rows = _of(table, rows=kind, scale="corrected")
    found = []
    for metric, own in rows.groupby("metric"):
        numbers = ("corrected", "instances_sd", "ceiling", "second_seed", "baseline")
        found.append({
            "metric": metric,
            "layers": len(own),
            "largest_p": _number(own["p_value"].max()),
            **{name: _number(own[name].mean()) for name in numbers},
            "share_of_ceiling": _number(own["corrected"].mean() / own["ceiling"].mean()),
        })  # fmt: skip
    return sorted(found, key=lambda row: (-(row["share_of_ceiling"] or 0), -row["corrected"]))


def _pairs(rows: Any) -> list[int]:
    """The fewest and the most pairs of any two layers."""
    return [int(rows["n"].min()), int(rows["n"].max())]


def _layers(rows: Any) -> list[Json]:
    return [
        {"left": int(left), "right": int(right), "pairs": int(own["n"].max()),
         **{metric: _number(_of(own, metric=metric)["corrected"].mean()) for metric in METRICS}}
        for (left, right), own in rows.groupby(["left_layer", "right_layer"])
    ]  # fmt: skip


def _methods(rows: Any) -> list[Json]:
    found = []
    for (method, direction, kept), own in rows.groupby(["method", "direction", "non_concepts"]):
        own = own[own["metric"].isin(METRICS)]
        means = own.groupby("metric")["corrected"].mean()
        pairs = own.groupby(["left_layer", "right_layer"])["n"].first().mean()
        found.append({"method": method, "direction": direction, "non_concepts": kept, "pairs": round(float(pairs)),
                      **{metric: _number(means.get(metric)) for metric in METRICS}})  # fmt: skip
    return found


def _parts(rows: Any) -> list[Json]:
    """Buckets and themes at the last layers, left to right: the score, random pairs' mean, p and corrected p."""
    rows = _of(rows, null="random-subset", direction="left-to-right", left_layer=1, right_layer=2)
    found = []
    for row in rows.to_dict("records"):
        part = row["bucket"] if row["bucket"] != "all" else row["subspace"]
        numbers = {name: _number(row[name]) for name in ("score", "null_mean", "p_value", "bh")}
        n = None if row["n"] != row["n"] else int(row["n"])
        found.append({"part": part, "metric": row["metric"], "pairs": n, **numbers, "error": row["error"]})
    return found


def _words(rows: Any) -> list[Json]:
    means = rows.groupby("metric")
    return [
        {"metric": metric, "corrected": _number(own["corrected"].mean()), "largest_p": _number(own["p_value"].max())}
        for metric, own in means
        if metric in METRICS
    ]


def _within(rows: Any) -> list[Json]:
    names = ("left_group", "right_group", "metric", "null", "n")
    return [
        {**{name: row[name] for name in names}, **{x: _number(row[x]) for x in ("score", "null_mean", "p_value", "bh")}}
        for row in rows.to_dict("records")
        if row["error"] is None or row["error"] != row["error"]
    ]


def _tests(rows: Any, null: str, first: Json) -> Json:
    """Of the first two models; `over` is what p was corrected over: all claims between models that one null judged."""
    every = rows[rows["p_value"].notna() & (rows["null"] == null)]
    judged = _of(every, **first)
    counts = {name: int((judged[column] <= 0.05).sum()) for name, column in _CORRECTED.items()}
    return {"cells": len(judged), "over": len(every), **counts, "maxt_of": int(judged["maxt"].notna().sum())}


def _dotted(value: float | None, digits: int = 3) -> str:
    """A number as text: .214, -.001, 1.02; a dash where there is none."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [list(map(str, row)) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def _by(rows: Sequence[Json], metric: str) -> Json:
    return next(row for row in rows if row["metric"] == metric)


def _range(values: Iterable[float], digits: int = 2) -> str:
    found = sorted(values)
    return f"{_dotted(found[0], digits)} to {_dotted(found[-1], digits)}"


def readme(found: Json) -> str:
    """The README from what :func:`gathered` gives."""
    features, neurons = found["features"], found["neurons"]
    rsa = _by(features, "rsa")
    judged = [row for row in features if row["ceiling"] is not None and row["metric"] != "soft-matching"]
    seeds = [row["corrected"] / row["second_seed"] for row in judged]
    shuffle, exact, subset = (found["tests"][name] for name in _TESTED)
    within = found["within"]
    text = (HERE / "README.template.md").read_text(encoding="utf-8")
    values = {
        "cells": f"{found['cells']:,}",
        "pairs": f"{found['pairs_of_spaces']:,}",
        "metrics": str(found["metrics"]),
        "nulls": _WORDS[found["nulls"]],
        "without": f"{found['without_score']:,}",
        "features": _table(
            ["metric", "left and right", "sd over dictionaries", "same layer, other dictionary", "second seed of left",
             "re-randomised", "share of other dictionary's"],
            [[f"`{row['metric']}`", *(_dotted(row[name]) for name in _COLUMNS), _percent(row["share_of_ceiling"])]
             for row in features],
        ),
        "neurons": _table(
            ["metric", "left and right", "second seed of left", "re-randomised", "largest p of 6 pairs of layers"],
            [[f"`{row['metric']}`", *(_dotted(row[name]) for name in _NEURONS)] for row in neurons],
        ),
        "layers": _table(
            ["left layer", "right layer", "pairs", *(f"`{metric}`" for metric in METRICS)],
            [[row["left"], row["right"], row["pairs"], *(_dotted(row[metric]) for metric in METRICS)]
             for row in found["layers"]],
        ),
        "methods": _table(
            ["pairing", "direction", "non-concepts", "pairs, mean", *(f"`{metric}`" for metric in METRICS)],
            [[row["method"], row["direction"], row["non_concepts"], row["pairs"],
              *(_dotted(row[metric]) for metric in METRICS)] for row in found["methods"]],
        ),
        "parts": _table(
            ["part", "pairs", "metric", "score", "random pairs", "p", "Benjamini-Hochberg q"],
            [[row["part"], row["pairs"], f"`{row['metric']}`", _dotted(row["score"]), _dotted(row["null_mean"]),
              _dotted(row["p_value"]), _dotted(row["bh"])] for row in found["parts"] if row["score"] is not None],
        ),
        "no_parts": str(sum(row["score"] is None and bool(row["pairs"]) for row in found["parts"])),
        "words": _table(
            ["metric", "left and third, by words", "largest p of 4 pairs of layers"],
            [[f"`{row['metric']}`", _dotted(row["corrected"]), _dotted(row["largest_p"])] for row in found["words"]],
        ),
        "within_found": str(sum(row["bh"] <= 0.05 for row in within)),
        "within_of": str(len(within)),
        "within_couples": str(len({(row["left_group"], row["right_group"]) for row in within})),
        "within_metrics": str(len({row["metric"] for row in within})),
        "within": _table(
            ["groups", "metric", "distance", "random groups", "p", "q"],
            [[f"{row['left_group']} and {row['right_group']}", f"`{row['metric']}`", _dotted(row["score"]),
              _dotted(row["null_mean"]), _dotted(row["p_value"]), _dotted(row["bh"])]
             for row in within if row["bh"] <= 0.05],
        ),
        "rsa": _dotted(rsa["corrected"], 2), "rsa_sd": _dotted(rsa["instances_sd"]),
        "rsa_neurons": _dotted(_by(neurons, "rsa")["corrected"], 2),
        "shares": f"{_percent(min(row['share_of_ceiling'] for row in judged))} to "
                  f"{_percent(max(row['share_of_ceiling'] for row in judged))}",
        "seeds": f"{_percent(min(seeds))} to {_percent(max(seeds))}",
        "noise": _range((row["baseline"] for row in features if row["baseline"] is not None), 3),
        "noise_pairs": " to ".join(map(str, found["noise_pairs"])),
        "model_pairs": " to ".join(map(str, found["model_pairs"])),
        "largest_p": _dotted(max(row["largest_p"] for row in features if row["metric"] != "linear-predictivity")),
        "bh": f"{shuffle['bh']:,}", "tests": f"{shuffle['cells']:,}", "maxt": f"{shuffle['maxt']:,}",
        "maxt_of": f"{shuffle['maxt_of']:,}", "over": f"{shuffle['over']:,}",
        "holm_least": f"{0.05 / shuffle['over']:.1e}",
        "exact_holm": str(exact["holm"]), "exact": str(exact["cells"]),
        "subset_bh": str(subset["bh"]), "subset": str(subset["cells"]),
    }  # fmt: skip
    for name, value in values.items():
        assert f"<<{name}>>" in text, name
        text = text.replace(f"<<{name}>>", value)
    assert "<<" not in text
    return text


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        stored = json.dumps(gathered(Path(sys.argv[1])), indent=1)
        (HERE / "results.json").write_text(stored + "\n", encoding="utf-8")
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    (HERE / "README.md").write_text(readme(results), encoding="utf-8")
    print(f"wrote {HERE.name}/README.md")
