"""`geomsim study`: many comparisons from one TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from geomsim.catalog import load_file
from geomsim.checkpoint import SUFFIX
from geomsim.cli.console import DONE, FAILED, PARTLY, STUDY_FILES, Common, Scheduler, plain_table, score_table
from geomsim.cli.opening import check_folder
from geomsim.cli.report import check_page, write_report
from geomsim.study import read_config, run_study

if TYPE_CHECKING:
    from rich.table import Table

_FILES = ("left", "right", "pairing", "left_tokens", "right_tokens", "left_contexts", "right_contexts")


def study(
    config: Path,
    /,
    *,
    out: Path | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    figures: bool = True,
    report: Path | None = None,
    plugin: Annotated[list[Path] | None, Parameter(negative="")] = None,
    scheduler: Scheduler = None,
    common: Common = Common(),
) -> int:
    """Compare every pair of spaces that a TOML file names by every metric that it names.

    Parameters
    ----------
    config
        the file; `geomsim demo` leaves one to start from.
    out
        a folder for results.parquet, results.csv, draws.npz and run.json; by default `results` beside the file.
    resume
        go on where a study that was stopped left off: cells that are finished are not computed again.
    figures
        also write heatmap, null distributions and scores by multiplicity as PDF, where there is something to show.
    report
        also write one HTML file; `geomsim report` makes it, or another one, later.
    plugin
        a Python file that registers metrics; may be given again.
    """
    for file in plugin or []:
        load_file(file)
    target = out or config.parent / "results"
    check_folder(target)
    check_page(report)
    if common.dry_run:
        settings = read_config(config)
        rows = [
            [str(item["left"]), str(item["right"]), str(item.get("pairing", "by row"))] for item in settings["pairs"]
        ]
        files = [item[key] for item in settings["pairs"] for key in _FILES if isinstance(item.get(key), str)]
        return common.plan(
            plain_table(f"{config}", ["left", "right", "pairing"], rows),
            f"would write to {target}",
            would_read=[config, *dict.fromkeys(config.parent / file for file in files), *(plugin or [])],
            would_write=[
                *(target / name for name in STUDY_FILES),
                *([target / "figures"] if figures else []),
                report,
            ],
            details={"config": settings},
        )
    cells = target / "cells"
    try:
        result = run_study(config, seed=common.seed, folder=cells, resume=resume, scheduler=scheduler)
    except KeyboardInterrupt:
        finished = len(list(cells.glob(f"*{SUFFIX}"))) if cells.is_dir() else 0
        common.note(f"{finished} finished cells are kept in {cells}; the same command with --resume goes on from there")
        raise
    for written in result.save(target):
        common.note(f"wrote {written}")
    if figures:
        from geomsim.report.study_figures import save_study_figures

        for written in save_study_figures(result, target / "figures"):
            common.note(f"wrote {written}")
    if report:
        common.note(f"wrote {write_report(target, report, common)}")
    records = result.records()
    # File names are long; where the configuration gives labels of its own, these tell the rows apart.
    columns = list(records[0])
    named = columns[: columns.index("left")]
    parts = [name for name in ("subspace", "bucket") if any(record[name] != "all" for record in records)]
    labels = [*(named or ["left", "right"]), *parts]
    found = [record for record in records if not record["error"]]
    pictures: list[Table | str] = [score_table(str(config), found, labels, adjusted="holm")] if found else []
    common.emit(records, *pictures, *_without_score(records, labels))
    undefined = [cell for cell in result.failed if cell.n != 0]  # that a subspace is empty is an answer
    if not undefined:
        return DONE
    return FAILED if len(undefined) == len(result.cells) else PARTLY


def _without_score(records: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[str]:
    """A line for each reason why cells have no score, with how many they are."""
    counted: dict[str, list[str]] = {}
    for record in records:
        if record["error"]:
            where = ", ".join(str(record[label]) for label in labels if record[label] != "all")
            counted.setdefault(f"{where}: {record['error']}", []).append(record["metric"])
    lines = [f"  {reason} ({', '.join(dict.fromkeys(names))})" for reason, names in counted.items()]
    return ["Without a score:", *lines] if lines else []
