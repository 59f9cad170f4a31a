"""`geomsim study`: many comparisons from one TOML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from geomsim.catalog import load_file
from geomsim.checkpoint import SUFFIX
from geomsim.cli.console import (
    DONE,
    FAILED,
    PARTLY,
    STUDY_FILES,
    Common,
    Scheduler,
    in_words,
    number,
    plain_table,
    score_table,
)
from geomsim.cli.opening import check_folder
from geomsim.cli.report import check_page, write_report
from geomsim.parallel import cores
from geomsim.preparing import PreparedStudy, alone_in
from geomsim.report.tidy_records import counted
from geomsim.study import Study, check_asked, prepare_from_models, read_config, run_prepared
from geomsim.study_beside import FEWEST_PAIRS, cells_beside
from geomsim.study_config import FILES, begins_at_models
from geomsim.study_counting import cells_of_each
from geomsim.study_references import CROSS_MODEL, REFERENCE

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN = 100  # scores; of more the terminal shows means


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

    A file may also name models, dictionaries and a text: what is compared is then made of them first, below
    `OUT/prepared`, and found again with --resume.

    Parameters
    ----------
    config
        the file; `geomsim demo` leaves one to start from.
    out
        a folder for results.parquet, results.csv, draws.npz and run.json; by default `results` beside the file.
    resume
        go on where a study that was stopped left off: cells that are finished are not computed again, and what was
        prepared from models is found again.
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
    settings = read_config(config)
    if common.dry_run:
        return _plan(settings, config, target, plugin or [], figures, report, common)
    cells = target / "cells"
    try:
        if begins_at_models(settings):
            with alone_in(target / "prepared") as there:
                prepared = prepare_from_models(
                    settings, config.parent, there, resume=resume, device=common.device, note=common.note
                )
                with _layouts(prepared.config, there, target, report, common):
                    result = _compared(prepared, cells, resume, scheduler, plugin or [], common)
        else:
            own = PreparedStudy(config.parent, settings)
            with _layouts(settings, config.parent, target, report, common):
                result = _compared(own, cells, resume, scheduler, plugin or [], common)
    except KeyboardInterrupt:
        finished = len(list(cells.glob(f"*{SUFFIX}"))) if cells.is_dir() else 0
        kept = f"{counted(finished, 'finished cell')} {'is' if finished == 1 else 'are'} kept in {target}"
        if (target / "prepared").is_dir():
            kept = f"what was prepared, and {counted(finished, 'finished cell')}, are kept in {target}"
        common.note(f"{kept}; the same command with --resume goes on from there")
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
    # One that is the same in all rows tells none apart.
    told = [name for name in named if len({str(record[name]) for record in records}) > 1]
    labels = [*(told or named or ["left", "right"]), *parts]
    found = [
        {**record, **{name: "" for name in labels if record[name] is None}} for record in records if not record["error"]
    ]
    pictures: list[Table | str] = []
    if len(found) > _SHOWN:
        pictures = [_overview(str(config), found), f"all {len(found):,} scores: {target / 'results.csv'}"]
    elif found:
        pictures = [score_table(str(config), found, labels, adjusted="holm")]
    if len({record.get("role") for record in found}) > 1:
        further = any(map(_is_further, found))
        pictures.append(
            "holm: corrected over all comparisons of one role that one null judged"
            + (", those of further dictionaries of two models among themselves" if further else "")
        )
    common.emit(records, *pictures, *_without_score(records, labels))
    undefined = [cell for cell in result.failed if cell.n != 0]  # that a subspace is empty is an answer
    if not undefined:
        return DONE
    return FAILED if len(undefined) == len(result.cells) else PARTLY


def _compared(
    prepared: PreparedStudy,
    cells: Path,
    resume: bool,
    scheduler: str | None,
    plugins: Sequence[Path],
    common: Common,
) -> Study:
    """All cells, many of them by two processes at a time."""
    if scheduler is not None or len(prepared.config["pairs"]) < FEWEST_PAIRS or cores() < 2:
        return run_prepared(prepared, seed=common.seed, folder=cells, resume=resume, scheduler=scheduler)
    with cells_beside(prepared, cells, seed=common.seed, resume=resume, plugins=plugins) as beside:
        result = run_prepared(
            prepared, seed=common.seed, folder=cells, resume=resume, since=beside.since, elsewhere=beside.steps
        )
        if wrong := beside.failed():
            common.note(f"cells were computed by one process, since the other one ended: {wrong}")
    return result


@contextmanager
def _layouts(
    settings: Mapping[str, Any], base: Path, target: Path, report: Path | None, common: Common
) -> Iterator[None]:
    """Lay the spaces out for the report while they are compared, which leaves the cores idle at times."""
    if report is None:
        yield
        return
    from geomsim.report.assembling import VIEWS
    from geomsim.report.views.beside import layouts_beside

    # What is no file is points in the configuration itself, or refused when the pair is compared.
    files = [item[side] for item in settings["pairs"] for side in ("left", "right") if isinstance(item[side], str)]
    with layouts_beside([base / file for file in dict.fromkeys(files)], target / VIEWS, common.start) as wait:
        yield
        if wrong := wait():
            common.note(f"layouts are made now, since they could not be made meanwhile: {wrong}")


def _plan(
    settings: Mapping[str, Any],
    config: Path,
    target: Path,
    plugin: Sequence[Path],
    figures: bool,
    report: Path | None,
    common: Common,
) -> int:
    """What the study would read and write, after a check of all that can be checked without doing it."""
    from geomsim.preparing.planning import pairs_of, plan_study

    own = list(settings.get("pairs") or ())
    files = [item[key] for item in own for key in FILES if isinstance(item.get(key), str)]
    would_read: list[str | Path] = [config, *dict.fromkeys(config.parent / file for file in files), *plugin]
    would_write = [*(target / name for name in STUDY_FILES), *([target / "figures"] if figures else []), report]
    counts = cells_of_each(own, settings, config.parent)
    rows = [[str(item["left"]), str(item["right"]), str(item.get("pairing", "by row"))] for item in own]
    pictures: list[Table | str] = []
    if own:
        pictures.append(plain_table(f"{config}", ["left", "right", "pairing"], rows))
    details: dict[str, Any] = {"config": settings, "pairs": len(own), "cells": sum(counts)}
    if not begins_at_models(settings):
        pictures.append(f"would compare {counted(len(own), 'pair')} of spaces in {counted(sum(counts), 'cell')}")
        pictures.append(f"would write to {target}")
        return common.plan(*pictures, would_read=would_read, would_write=would_write, details=details)
    check_asked(settings)
    plan = plan_study(settings, config.parent, target / "prepared")
    cells = [cells_of_each(block.pairs, plan.config, target / "prepared") for block in plan.blocks]
    named = ["block", "left", "right", "role", "rows", "pairs", "cells"]
    blocks = [
        [*each.named, str(len(each.pairs)), f"{sum(of_block):,}"]
        for each, of_block in zip(plan.blocks, cells, strict=True)
    ]  # fmt: skip
    details["pairs"] += len(pairs_of(plan))
    details["cells"] += sum(map(sum, cells))
    told = {"tokens, about": plan.tokens, "bytes of codes, about": plan.bytes, "bytes of memory, about": plan.memory}
    told |= {"seconds of reading, about": None if plan.seconds is None else round(plan.seconds)}
    details |= {
        "blocks": [dict(zip(named, row, strict=True)) for row in blocks], "would_be_downloaded": list(plan.fetched),
        "codes": list(plan.codes), "notes": list(plan.notes), "tokens_about": plan.tokens,
        "memory_about": plan.memory, "estimates": plan.how,
    }  # fmt: skip
    pictures += [
        plain_table(f"{config}", named, blocks, numeric=["pairs", "cells"]),
        *([f"would be downloaded: {_by_repository(plan.fetched)}"] if plan.fetched else []),
        *(f"note: {note}" for note in plan.notes),
        f"would prepare {len(plan.codes)} codes and {counted(len(pairs_of(plan)), 'pair')} of spaces, and compare "
        f"{counted(details['pairs'], 'pair')} in {counted(details['cells'], 'cell')}",
        "; ".join(f"{what}: {in_words(value) if value is not None else 'unknown'}" for what, value in told.items()),
        f"({plan.how})",
        f"would write to {target}",
    ]
    return common.plan(
        *pictures, would_read=[*would_read, *plan.would_read], would_write=[target / "prepared", *would_write],
        bytes=plan.bytes, details=details,
    )  # fmt: skip


def _by_repository(names: Sequence[str]) -> str:
    """Hub names in few words: repositories, with how many places in each are meant."""
    counted = Counter("/".join(name.split("/")[:2]) for name in names)
    return ", ".join(name if count == 1 else f"{name} ({count} places)" for name, count in counted.items())


def _overview(title: str, records: Sequence[Mapping[str, Any]]) -> Table:
    """Too many scores for a screen: means by what is compared, metric and null."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    by = [name for name in ("role", "kind", "rows") if any(record.get(name) for record in records)]
    for record in records:
        if _is_further(record):
            record = {**record, "role": f"{CROSS_MODEL}, further dictionaries"}
        key = (*(str(record.get(name) or "") for name in by), record["metric"], record["null"] or "none")
        groups.setdefault(key, []).append(record)
    numeric = ["cells", "mean score", "mean chance", "p <= .05", "holm <= .05"]
    rows = []
    for key, several in groups.items():
        shares = [[record[name] for record in several if record[name] is not None] for name in ("p_value", "holm")]
        rows.append(
            [
                *key, f"{len(several):,}",
                *(number(_mean([each[name] for each in several]), ".4f") for name in ("score", "null_mean")),
                *(number(_mean([float(p <= 0.05) for p in share]), ".0%") for share in shares),
            ]
        )  # fmt: skip
    return plain_table(title, [*by, "metric", "null", *numeric], rows, numeric=numeric)


def _is_further(record: Mapping[str, Any]) -> bool:
    """Whether it compares other dictionaries of two models than the first that were compared."""
    return record.get("role") == CROSS_MODEL and bool(record.get(REFERENCE))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None


def _without_score(records: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[str]:
    """A line for each reason why cells have no score, with how many they are."""
    counted: dict[str, list[str]] = {}
    for record in records:
        if record["error"]:
            where = ", ".join(str(record[label]) for label in labels if record[label] not in ("all", None))
            counted.setdefault(f"{where}: {record['error']}", []).append(record["metric"])
    lines = [f"  {reason} ({', '.join(dict.fromkeys(names))})" for reason, names in counted.items()]
    return ["Without a score:", *lines] if lines else []
