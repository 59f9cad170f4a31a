"""`geomsim compare`: two spaces, a pairing, metrics."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from geomsim.catalog import load_file, metrics
from geomsim.cli.console import DONE, FAILED, PARTLY, STUDY_FILES, Common, Scheduler, plain_table, score_table
from geomsim.cli.opening import check_folder, open_space
from geomsim.pairing import Pairing
from geomsim.space import Space
from geomsim.study import run_study

_TRIAL_DRAWS = 20


def compare(
    left: Path,
    right: Path,
    /,
    *,
    metric: Annotated[list[str] | None, Parameter(name=["--metric", "-m"], negative="")] = None,
    pairing: Path | None = None,
    draws: int = 999,
    null: str = "auto",
    interval: str | None = None,
    confidence: float = 0.95,
    groups: str | None = None,
    plugin: Annotated[list[Path] | None, Parameter(negative="")] = None,
    out: Path | None = None,
    scheduler: Scheduler = None,
    common: Common = Common(),
) -> int:
    """Compare two spaces by one metric or all of them: scores, chance, p-values.

    Parameters
    ----------
    left
        points as .npy, .npz or .safetensors, or the directory of a sparse autoencoder (its decoder rows).
    right
        likewise.
    metric
        a metric's name; may be given again. All installed metrics by default.
    pairing
        a table with columns left and right, as `geomsim pair` writes it.
    draws
        random orders per metric.
    null
        auto, shuffle, exact, noise-floor, spectrum-matched, random-baseline, label-swap, none, or a plugin's.
    interval
        jackknife or bootstrap gives an interval beside each score.
    confidence
        of the interval.
    groups
        blocks, within or ignored.
    plugin
        a Python file that registers metrics; may be given again.
    out
        a folder for results.parquet, results.csv and run.json.
    """
    check_folder(out)
    for file in plugin or []:
        common.detail(f"{file} registers {', '.join(load_file(file))}")
    names = metric or metrics()
    spaces = [open_space(path, common.device) for path in (left, right)]
    pairs = Pairing.open(pairing) if pairing else None
    settings: dict[str, Any] = {
        "pairs": [{"left": spaces[0], "right": spaces[1], "pairing": pairs}],
        "metrics": names,
        "draws": draws,
        "seed": common.start,
        "null": null,
        "groups": groups,
        "interval": interval,
        "confidence": confidence,
    }
    if common.dry_run:
        return _estimate(settings, spaces, (left, right, pairing, *(plugin or [])), out, common)
    study = run_study(settings, scheduler=scheduler)
    # The spaces were opened already; the record names the files.
    recorded = {**settings, "pairs": [{"left": str(left), "right": str(right), "pairing": str(pairing or "")}]}
    if out:
        for written in study.save(out, config=recorded):
            common.note(f"wrote {written}")
    remarks = [
        f"  {cell.metric}: {note}" for cell in study.cells if cell.comparison for note in cell.comparison.warnings
    ]
    found = [
        cell.comparison.to_dict() if cell.comparison else {"metric": cell.metric, "error": cell.error}
        for cell in study.cells
    ]
    common.emit(
        found,
        score_table(f"{left} and {right}", study.records()),
        *(["Read these before believing the numbers:", *remarks] if remarks and not common.quiet else []),
    )
    if not study.failed:
        return DONE
    return FAILED if len(study.failed) == len(study.cells) else PARTLY


def _estimate(
    settings: dict[str, Any], spaces: list[Space], would_read: Iterable[Path | None], out: Path | None, common: Common
) -> int:
    """Time by a trial of a few draws, memory by the size of the points; nothing is written."""
    rows, seconds, draws = [], {}, settings["draws"]
    for name in settings["metrics"]:
        spent = []
        for trial in (1, 1, 1 + _TRIAL_DRAWS):  # the first run also pays for imports
            started = time.perf_counter()
            run_study({**settings, "metrics": [name], "draws": trial})
            spent.append(time.perf_counter() - started)
        seconds[name] = spent[1] + max(0.0, spent[2] - spent[1]) / _TRIAL_DRAWS * draws
        rows.append([name, f"{seconds[name]:.1f}"])
    size = sum(space.n_rows * space.width * 8 for space in spaces)
    files = [str(out / name) for name in STUDY_FILES] if out else []
    return common.plan(
        plain_table(f"{draws} draws, estimated from {_TRIAL_DRAWS}", ["metric", "seconds"], rows, numeric=["seconds"]),
        f"points: {size / 2**20:.1f} MiB as float64; would write: {', '.join(files) or 'nothing'}",
        would_read=would_read,
        would_write=files,
        seconds=sum(seconds.values()),
        details={"seconds": seconds, "points_bytes": size},
    )
