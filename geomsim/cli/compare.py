"""`geomsim compare`: two spaces, a pairing, metrics."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from geomsim.catalog import load_file, metrics
from geomsim.cli.console import DONE, FAILED, PARTLY, STUDY_FILES, Common, Scheduler, plain_table, score_table
from geomsim.cli.opening import check_folder, open_space
from geomsim.cli.report import check_page, write_report
from geomsim.metric_text import read_metric_text
from geomsim.pairing import Pairing
from geomsim.space import Space
from geomsim.study import run_study
from geomsim.study_config import asked_of

_TRIAL_DRAWS = 20


@Parameter(name="*")
@dataclass(frozen=True)
class Texts:
    """What a report shows of latents besides their places.

    Parameters
    ----------
    left_tokens
        of the left side's latents, as `geomsim activations --top-tokens` writes them.
    right_tokens
        likewise.
    left_contexts
        where the left side's latents are strongest, as `geomsim activations --contexts` writes them.
    right_contexts
        likewise.
    """

    left_tokens: Path | None = None
    right_tokens: Path | None = None
    left_contexts: Path | None = None
    right_contexts: Path | None = None

    def given(self) -> dict[str, Path]:
        """Those that were given, by the name that a study's configuration gives them."""
        return {name: path for name, path in vars(self).items() if path is not None}


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
    report: Path | None = None,
    texts: Texts = Texts(),
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
        a metric's name, or with parameters 'knn-jaccard(k=20)', also draws, null, interval and confidence of its own
        'rsa(null=["shuffle", "exact"])'; may be given again. All installed by default.
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
    report
        also write one HTML file, with maps of both spaces and their Mapper graphs; its layouts are kept in --out.
    """
    check_folder(out)
    check_page(report)
    for file in plugin or []:
        common.detail(f"{file} registers {', '.join(load_file(file))}")
    named = metric or metrics()
    choices = [read_metric_text(text) for text in named]
    spaces = [open_space(path, common.device) for path in (left, right)]
    pairs = Pairing.open(pairing) if pairing else None
    settings: dict[str, Any] = {
        "pairs": [{"left": spaces[0], "right": spaces[1], "pairing": pairs, **texts.given()}],
        "metrics": choices,
        "draws": draws,
        "seed": common.start,
        "null": null,
        "groups": groups,
        "interval": interval,
        "confidence": confidence,
    }
    if common.dry_run:
        would_read = (left, right, pairing, *texts.given().values(), *(plugin or []))
        return _estimate(settings, named, spaces, would_read, out, report, common)
    study = run_study(settings, scheduler=scheduler)
    # The spaces were opened already; the record names the files.
    files = {"left": left, "right": right, "pairing": pairing, **texts.given()}
    recorded = {**settings, "pairs": [{name: str(file) for name, file in files.items() if file is not None}]}
    if out:
        for written in study.save(out, config=recorded):
            common.note(f"wrote {written}")
    if report:
        common.note(f"wrote {write_report(out or study, report, common, config=recorded)}")
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
    settings: dict[str, Any],
    named: list[str],
    spaces: list[Space],
    would_read: Iterable[Path | None],
    out: Path | None,
    report: Path | None,
    common: Common,
) -> int:
    """Time by a trial of a few draws, memory by the size of the points; nothing is written."""
    rows, seconds, draws = [], {}, settings["draws"]
    for name, choice in zip(named, settings["metrics"], strict=True):
        alone, own = asked_of(choice, settings)
        spent = []
        for trial in (1, 1, 1 + _TRIAL_DRAWS):  # the first run also pays for imports
            started = time.perf_counter()
            run_study({**own, "metrics": [alone], "draws": trial})
            spent.append(time.perf_counter() - started)
        seconds[name] = spent[1] + max(0.0, spent[2] - spent[1]) / _TRIAL_DRAWS * own["draws"]
        rows.append([name, f"{seconds[name]:.1f}"])
    size = sum(space.n_rows * space.width * 8 for space in spaces)
    files = [str(path) for path in ([out / name for name in STUDY_FILES] if out else []) + ([report] if report else [])]
    return common.plan(
        plain_table(f"{draws} draws, estimated from {_TRIAL_DRAWS}", ["metric", "seconds"], rows, numeric=["seconds"]),
        f"points: {size / 2**20:.1f} MiB as float64; would write: {', '.join(files) or 'nothing'}",
        would_read=would_read,
        would_write=files,
        seconds=sum(seconds.values()),
        details={"seconds": seconds, "points_bytes": size},
    )
