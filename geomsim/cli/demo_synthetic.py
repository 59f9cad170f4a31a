"""The demo on synthetic truth: what was planted, and what the same steps find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from geomsim.cli.console import Common, number, plain_table
from geomsim.cli.demo_outcome import Outcome, metric_tables, study_cell, write_study_file
from geomsim.cli.report import write_report
from geomsim.report.tidy_records import counted
from geomsim.study import run_study

_FEATURES, _WIDTH, _TOKENS = 256, 64, 40_000
_MIN_WEIGHT = 0.3  # features without a partner name somebody, too; chance correlations stay far below this
# The last setting is the control: the same features fire, but each network arranges them in its own way.
_SETTINGS: tuple[tuple[float, Literal["shared", "independent"]], ...] = (
    (1.0, "shared"),
    (0.5, "shared"),
    (0.25, "shared"),
    (1.0, "independent"),
)


def run(models: Path, out: Path, names: Sequence[str], draws: int, common: Common) -> Outcome:
    """Plant, pair, compare, and write recovered against planted below `out`."""
    from geomsim.activations.matching import pair
    from geomsim_synthetic import pairing_recovery, two_models

    pairs: list[dict[str, Any]] = []
    recovery: list[dict[str, Any]] = []
    for number_of, (shared, geometry) in enumerate(_SETTINGS):
        two = two_models(
            n_features=_FEATURES, shared=shared, width=_WIDTH, n_tokens=_TOKENS, geometry=geometry,
            seed=common.start + number_of,
        )  # fmt: skip
        found = pair(two.left.true_codes(), two.right.true_codes(), method="mutual", min_weight=_MIN_WEIGHT)
        measured = pairing_recovery(found, two.pairing)
        setting = f"{shared:.0%} shared" if geometry == "shared" else "own geometry"
        recovery.append(
            {
                "setting": setting, "planted": len(two.pairing), "found": len(found),
                "precision": measured.precision, "recall": measured.recall,
            }
        )  # fmt: skip
        common.note(
            f"{setting}: planted {counted(len(two.pairing), 'shared feature')}, found {counted(len(found), 'pair')}"
        )
        files = {side: f"spaces/{side}_{number_of}.npz" for side in ("left", "right")}
        two.left.space().save(out / files["left"])
        two.right.space().save(out / files["right"])
        found.save(out / f"pairings/{number_of}.parquet")
        pairs.append({"planted": setting, **files, "pairing": f"pairings/{number_of}.parquet"})
    study = run_study(write_study_file(out, pairs, names, draws, common.start))
    files_written = study.save(out)
    files_written.append(write_report(out, out / "report.html", common, title="geomsim demo: synthetic truth"))
    records = study.records()
    scores = [
        [setting, *(study_cell(record) for record in records if record["planted"] == setting)]
        for setting in dict.fromkeys(record["planted"] for record in records)
    ]
    return Outcome(
        {"truth": "synthetic", "recovery": recovery, "files": [str(path) for path in files_written]},
        [
            plain_table(
                "Pairing: recovered against planted",
                ["setting", "planted", "found", "precision", "recall"],
                [
                    [
                        item["setting"],
                        str(item["planted"]),
                        str(item["found"]),
                        number(item["precision"], ".3f"),
                        number(item["recall"], ".3f"),
                    ]
                    for item in recovery
                ],
                numeric=["planted", "found", "precision", "recall"],
            ),
            *metric_tables("Arrangement of the paired features", ["setting"], names, scores),
            f"Pairs correlated below {_MIN_WEIGHT} are left out: otherwise features without a partner name one, too.",
            "each cell: score, and below it the mean by chance. * p <= .05, ** p <= .01, *** p <= .001",
            "Where the arrangement is shared every paired metric should stand far from chance; in the last row, where "
            "each network has its own geometry, none should.",
            f"Written to {out}/: report.html (open this one in a browser), results.csv, results.parquet, run.json; "
            "study.toml and reproduce.py give the same numbers again.",
        ],
        study,
    )
