"""`geomsim validate`: metric cards on synthetic truth, and a leaderboard over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from geomsim.cards import Card
from geomsim.catalog import load_file
from geomsim.catalog import metric as metric_by_name
from geomsim.catalog import metrics as installed
from geomsim.cli.console import DONE, FAILED, Common, Scheduler, plain_table
from geomsim.cli.opening import check_folder
from geomsim.parallel import cores
from geomsim.report.card_page import card_page
from geomsim.report.leaderboard import (
    SHORT_HEADINGS,
    leaderboard,
    leaderboard_markdown,
    short_cells,
    short_legend,
)
from geomsim.report.leaderboard_figure import leaderboard_figure
from geomsim.report.saving import save_figure
from geomsim.tables import whole_file, write_json
from geomsim.validation import SUFFIX, Effort
from geomsim.validation import validate as make_cards

if TYPE_CHECKING:
    from rich.table import Table

_PIECES = "pieces"


def validate(
    *names: str,
    metric: Annotated[list[str] | None, Parameter(name=["--metric", "-m"], negative="")] = None,
    quick: Annotated[bool, Parameter(negative="")] = False,
    out: Path = Path("geomsim-cards"),
    resume: Annotated[bool, Parameter(negative="")] = False,
    plugin: Annotated[list[Path] | None, Parameter(negative="")] = None,
    scheduler: Scheduler = None,
    common: Common = Common(),
) -> int:
    """Make the card of every installed metric on synthetic truth, and a leaderboard. Exit code 1 for a broken promise.

    A card holds every promise of the contract with its evidence, and what was measured: whether p-values are uniform
    where nothing is shared, the smallest share that is found, whether more shared scores closer, what chance
    correction leaves, whether a planted loop is seen, seconds and memory.

    Parameters
    ----------
    names
        the metrics; all that are installed by default.
    metric
        likewise; may be given again.
    quick
        fewer data sets and rows: under two minutes for all metrics. The full form takes an hour or two.
    out
        a folder for leaderboard.md, .json and .svg, and a folder with card.json and card.md for each metric.
    resume
        go on where a run that was stopped left off: pieces that are finished are not measured again.
    plugin
        a Python file that registers metrics; may be given again. They are among the metrics then.
    """
    for file in plugin or []:
        common.detail(f"{file} registers {', '.join(load_file(file))}")
    chosen = list(dict.fromkeys([*names, *(metric or [])])) or installed()
    subjects = {name: metric_by_name(name) for name in chosen}
    check_folder(out)
    effort: Effort = "quick" if quick else "full"
    if common.dry_run:
        from geomsim_synthetic.cards import SECTIONS

        pieces = {name: sum(len(s.pieces(subject, effort)) for s in SECTIONS) for name, subject in subjects.items()}
        common.emit(
            {"metrics": chosen, "pieces": pieces, "would_write": str(out)},
            f"would make {len(chosen)} cards from {sum(pieces.values())} pieces of work, and write them to {out}",
        )
        return DONE
    try:
        with _workers(scheduler, len(chosen)) as address:
            cards = make_cards(
                subjects, effort=effort, seed=common.start, folder=out / _PIECES, resume=resume, scheduler=address
            )
    except KeyboardInterrupt:
        finished = len(list((out / _PIECES).glob(f"*{SUFFIX}")))
        common.note(f"{finished} finished pieces are kept in {out / _PIECES}; the same command with --resume goes on")
        raise
    records = leaderboard(cards)
    for path in _write(cards, records, out):
        common.detail(f"wrote {path}")
    common.note(f"wrote {len(cards)} cards and {out / 'leaderboard.md'}")
    common.emit({"leaderboard": records}, *_tables(records), short_legend(records), *_faults(cards))
    return FAILED if any(card.broken for card in cards) else DONE


def _tables(records: Sequence[dict[str, Any]]) -> Iterator[Table]:
    """One for metrics of paired rows and one for the others, which meet worlds of their own."""
    for rows in ("paired", "unpaired"):
        of_kind = [short_cells(record) for record in records if record["rows"] == rows]
        if of_kind:
            table = plain_table(f"Rows {rows}", SHORT_HEADINGS, of_kind, numeric=SHORT_HEADINGS[1:])
            table.columns[0].no_wrap = True
            table.padding = (0, 1, 0, 0)  # fits 80 characters
            yield table


@contextmanager
def _workers(scheduler: str | None, n_metrics: int) -> Iterator[str | None]:
    """The cluster that was asked for; else worker processes on this machine, where there is work for several."""
    if scheduler is not None or n_metrics < 2 or cores() < 2:
        yield scheduler
        return
    from geomsim.local_workers import local_workers

    with local_workers(cores()) as address:
        yield address


def _write(cards: Sequence[Card], records: Sequence[dict[str, Any]], out: Path) -> Iterator[Path]:
    for card in cards:
        folder = out / card.metric.replace(":", "_")
        yield write_json(card.to_dict(), folder / "card.json")
        yield _write_text(card_page(card), folder / "card.md")
    yield save_figure(leaderboard_figure(records), out / "leaderboard.svg")
    yield write_json(list(records), out / "leaderboard.json")
    yield _write_text(
        f"# Metric cards\n\n![Leaderboard](leaderboard.svg)\n\n{leaderboard_markdown(records)}\n",
        out / "leaderboard.md",
    )


def _write_text(text: str, path: Path) -> Path:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def _faults(cards: Sequence[Card]) -> list[str]:
    """A line for each broken promise and each known fault."""
    lines = [f"  {card.metric}: {promise.name}: {promise.evidence}" for card in cards for promise in card.broken]
    lines += [f"  {card.metric}: {name}: {evidence}" for card in cards for name, evidence in card.faults.items()]
    return ["Broken promises and known faults:", *lines] if lines else ["Every promise that could be tried is kept."]
