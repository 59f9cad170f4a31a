"""`geomsim validate`: metric cards on synthetic truth, and a leaderboard over all of them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from geomsim.cards import Card
from geomsim.catalog import load_file
from geomsim.catalog import metric as metric_by_name
from geomsim.catalog import metrics as installed
from geomsim.cli.console import DONE, FAILED, Common, Scheduler, plain_table
from geomsim.cli.opening import check_folder
from geomsim.errors import GeomsimError
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
from geomsim.report.tidy_records import counted
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
        fewer data sets and rows: seconds for most metrics, a minute or two for those that transport graphs. The full
        form takes hours for all.
    out
        a folder for leaderboard.md, .json and .svg, and a folder with card.json and card.md for each metric. Cards of
        other metrics that lie there, of the same effort and seed, stay and are on the leaderboard too.
    resume
        go on where a run that was stopped left off: pieces that are finished are not measured again.
    plugin
        a Python file that calls `geomsim.register("NAME", MyMetric)`; may be given again. They are among
        the metrics then.
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
        return common.plan(
            f"would make {counted(len(chosen), 'card')} from {sum(pieces.values())} pieces of work in {out}",
            would_write=[out],
            details={"metrics": chosen, "pieces": pieces},
        )
    (out / _PIECES).mkdir(parents=True, exist_ok=True)  # where nothing can be written, say so before any work
    others = _other_cards(out, chosen, effort, common.start)
    try:
        with _workers(scheduler, len(chosen)) as address:
            cards = make_cards(
                subjects, effort=effort, seed=common.start, folder=out / _PIECES, resume=resume, scheduler=address
            )
    except KeyboardInterrupt:
        finished = len(list((out / _PIECES).glob(f"*{SUFFIX}")))
        kept = f"{counted(finished, 'finished piece')} {'is' if finished == 1 else 'are'} kept in {out / _PIECES}"
        common.note(f"{kept}; the same command with --resume goes on")
        raise
    records = leaderboard([*cards, *others])
    if others:
        common.note(f"{counted(len(others), 'card')} of other metrics in {out} stay on the leaderboard")
    for path in _write(cards, records, out):
        common.detail(f"wrote {path}")
    common.note(f"wrote {counted(len(cards), 'card')} and {out / 'leaderboard.md'}")
    common.emit({"leaderboard": records}, *_tables(records), short_legend(records), *_faults(cards))
    return FAILED if any(card.broken for card in cards) else DONE


def _tables(records: Sequence[dict[str, Any]]) -> Iterator[Table]:
    """One for metrics of paired rows and one for the others, which meet worlds of their own."""
    for rows in ("paired", "unpaired"):
        of_kind = [short_cells(record) for record in records if record["rows"] == rows]
        if of_kind:
            table = plain_table(f"Rows {rows}", SHORT_HEADINGS, of_kind, numeric=SHORT_HEADINGS[1:])
            table.columns[0].no_wrap = True
            table.padding, table.show_edge = 0, False  # the longest name and three shares fit 80 characters
            yield table


@contextmanager
def _workers(scheduler: str | None, n_metrics: int) -> Iterator[str | None]:
    """The cluster that was asked for; else worker processes on this machine, where there is work for several."""
    if scheduler is not None or n_metrics < 2 or cores() < 2:
        yield scheduler
        return
    from geomsim.local_workers import local_workers

    with ExitStack() as stack:
        with _not_interrupted():
            address = stack.enter_context(local_workers(cores()))
        yield address


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Processes that are started inside never see Ctrl-C, which a terminal sends to them too: their parent ends them.

    They take over which signals are blocked. An interrupt meanwhile reaches the parent afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Where multiprocessing starts its tracker first, it unblocks the signal for the process that it was asked for.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _other_cards(out: Path, names: Sequence[str], effort: Effort, seed: int) -> list[Card]:
    """Cards in the folder of other metrics, with this effort and seed. Raises GeomsimError for one that is no card."""
    found = []
    for path in sorted(out.glob("*/card.json")):
        try:
            card = Card.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            why = f"{path}: no card that this version can read ({error!r}); delete it or choose another --out"
            raise GeomsimError(why) from None
        if card.metric not in names and (card.about["effort"], card.about["seed"]) == (effort, seed):
            found.append(card)
    return found


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
