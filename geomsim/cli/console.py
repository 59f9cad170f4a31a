"""What every verb shares: common options, words for people on a terminal, JSON for programs, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from geomsim.metric_text import told_apart
from geomsim.study_references import claims_of, family_of

if TYPE_CHECKING:
    from rich.table import Table

_PIPE_WIDTH = 160
Scheduler = Annotated[
    str | None,
    Parameter(help="the address of a running Dask cluster, such as tcp://10.0.0.5:8786; this machine by default."),
]
STUDY_FILES = ("results.parquet", "results.csv", "draws.npz", "run.json")
DONE, FAILED, USAGE, PARTLY, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 130, 143


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options that every verb takes.

    Parameters
    ----------
    seed
        where every random choice starts; 0, or what the file of a study says, where it is not given.
    json
        machine-readable results on standard output, everything else on standard error.
    dry_run
        say what would be read, written and spent, and touch nothing.
    device
        where models run and numbers are computed: cpu, cuda, cuda:1, ...
    quiet
        results only.
    verbose
        also say what is being done.
    debug
        show the traceback of an error.
    """

    seed: int | None = None
    json: Annotated[bool, Parameter(negative="")] = False
    dry_run: Annotated[bool, Parameter(negative="")] = False
    device: str = "cpu"
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], negative="")] = False
    debug: Annotated[bool, Parameter(negative="")] = False

    @property
    def start(self) -> int:
        """The seed, 0 where none was given."""
        return self.seed or 0

    def note(self, text: str) -> None:
        """Say what is being done, unless asked to be quiet."""
        if not self.quiet:
            say(text)

    def detail(self, text: str) -> None:
        """Say more, when asked to."""
        if self.verbose:
            say(text)

    def plan(
        self,
        *pictures: Table | str,
        would_read: Iterable[str | Path | None] = (),
        would_write: Iterable[str | Path | None] = (),
        seconds: float | None = None,
        bytes: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> int:
        """The answer to ``--dry-run``, of one shape for all verbs as JSON; the pictures are for people.

        Parameters
        ----------
        would_read, would_write
            files, folders, hub ids; None stands for an option that was not given.
        seconds, bytes
            estimates of the time, and of what would be written; None where only the work would tell.
        details
            what this verb alone can say.

        Returns
        -------
        int
            the exit code.
        """
        planned = {
            "would_read": [str(path) for path in would_read if path is not None],
            "would_write": [str(path) for path in would_write if path is not None],
            "seconds": seconds,
            "bytes": bytes,
            "details": dict(details or {}),
        }
        self.emit(planned, *pictures)
        return DONE

    def emit(self, result: Mapping[str, Any] | Sequence[Any], *pictures: Table | str) -> None:
        """The result: as JSON when asked for, else the given tables and sentences."""
        if self.json:
            print(json.dumps(result, indent=1, allow_nan=False, default=str))
            return
        from rich.console import Console

        # A file or a pipe has no width; tables are not folded there.
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
        for picture in pictures:
            plain = isinstance(picture, str)
            console.print(picture, markup=not plain, soft_wrap=plain and not sys.stdout.isatty())


def in_words(value: Any) -> str:
    """A value as people read it: numbers with thousands apart, a mapping as names and values, "none" for nothing.

    >>> in_words({"first of window": 1392, "masked": 8})
    'first of window: 1,392, masked: 8'
    >>> in_words([]), in_words(True), in_words(0.25)
    ('none', 'yes', '0.25')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {in_words(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or "none"
    if value is None or isinstance(value, bool):
        return "none" if value is None else "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def say(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def emit_error(error: BaseException, as_json: bool, advice: str = "") -> None:
    """An error in words on standard error, and as an object on standard output for programs."""
    text = f"{error}" or type(error).__name__
    if isinstance(error, OSError) and error.filename and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    if not str(error) or advice:
        text = f"{type(error).__name__}: {error}"
    say(f"error: {text}" + (f"\n{advice}" if advice else ""))
    if as_json:
        print(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}, indent=1))


def plain_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str] = ()
) -> Table:
    """A rich table; numeric columns are aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold", pad_edge=False,
        show_header=any(columns),
    )  # fmt: skip
    for column in columns:
        table.add_column(
            column, justify="right" if column in numeric else "left", overflow="fold", no_wrap=column in numeric
        )
    for row in rows:
        table.add_row(*map(_escaped, row))
    return table


def score_table(
    title: str, records: Sequence[Mapping[str, Any]], labels: Sequence[str] = (), adjusted: str | None = None
) -> Table:
    """Scores of a study's records: labels, metric, n, score, chance, z, p, and the `adjusted` p where it is asked for.

    Intervals and the name of the null stand there where the records have several, parameters where a metric does.
    """
    judged = {(record["metric"], record["null"]) for record in records}
    # Where a metric has no other null, the caption says that a floor takes the place of chance.
    floored = {metric for metric, null in judged if null == "noise-floor"}
    floored -= {metric for metric, null in judged if null != "noise-floor"}
    nulls = len({null for metric, null in judged if metric not in floored}) > 1 or len(judged) > len(dict(judged))
    interval = any(not missing(record["low"]) for record in records)
    numeric = ["n", "score", *(["interval"] if interval else []), "chance", "corrected", "z", "p"]
    numeric += [adjusted] if adjusted else []
    metrics = told_apart((record["metric"], json.loads(record["parameters"] or "{}")) for record in records)
    rows = [
        [
            *(Path(str(record[label])).stem if label in ("left", "right") else str(record[label]) for label in labels),
            metric + (f": {record['error']}" if record["error"] else ""),
            *([record["null"] or "none"] if nulls else []),
            number(record["n"], "d"),
            number(record["score"], ".4f"),
            *([_ends(record)] if interval else []),
            number(record["null_mean"], ".4f"),
            number(record["corrected"], ".3f"),
            number(record["z"], ".1f"),
            "" if missing(record["p_value"]) else p_text(record["p_value"], record["draws"]),
            *([number(record[adjusted], ".3g")] if adjusted else []),
        ]
        for record, metric in zip(records, metrics, strict=True)
    ]
    headings = [label.replace("_", " ") for label in labels]
    table = plain_table(title, [*headings, "metric", *(["null"] if nulls else []), *numeric], rows, numeric=numeric)
    table.padding = (0, 1, 0, 0)  # fits 80 characters
    table.columns[len(labels)].min_width = 16
    farther = sorted({record["metric"] for record in records if record["larger_means"] == "farther"})
    remarks = [f"Larger is farther for {', '.join(farther)}."] if farther else []
    if floored:
        remarks.append(f"Chance is the noise floor for {', '.join(sorted(floored))}: random halves of one side.")
    if adjusted == "holm" and (needed := _draws_for_holm(records)):
        remarks.append(f"So many tests need {needed:,} draws before Holm's p can reach .05; bh and maxt need fewer.")
    if remarks:
        table.caption = "\n".join(remarks)
        table.caption_justify = "left"
    return table


def _draws_for_holm(records: Sequence[Mapping[str, Any]]) -> int | None:
    """How many draws Holm's correction needs at .05 over the tests of one family, where some claim has fewer."""
    tests: dict[tuple[str, str, bool], list[Any]] = {}
    for record in claims_of(records):
        if not missing(record["p_value"]):
            tests.setdefault(family_of(record), []).append(record["draws"])
    short = [
        20 * len(draws) - 1
        for draws in tests.values()
        if (drawn := [m for m in draws if not missing(m)]) and len(draws) / (min(drawn) + 1) > 0.05
    ]
    return max(short, default=None)


def _ends(record: Mapping[str, Any]) -> str:
    return "" if missing(record["low"]) else f"{record['low']:z.3f} to {record['high']:z.3f}"


def p_text(p: float, draws: float | None) -> str:
    """A p-value as people print it: "<= .001" where no draw came as close."""
    smallest = not missing(draws) and p <= 1 / (float(draws or 1) + 1) + 1e-12
    return ("<= " if smallest else "") + f"{p:.3g}"


def missing(value: Any) -> bool:
    """Whether a cell of a table holds nothing."""
    return value is None or value != value


def number(value: Any, form: str) -> str:
    """A cell with a number, or nothing."""
    # z: a chance of -0.0001 is shown as 0.000.
    return "" if missing(value) else format(int(value), form) if form == "d" else format(value, f"z{form}")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
