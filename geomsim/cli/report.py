"""`geomsim report`: results to one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common
from geomsim.errors import InvalidConfig

if TYPE_CHECKING:
    from geomsim.study_outcome import Study

_GRAPHS = 4


def report(
    results: Path,
    /,
    *,
    out: Path | None = None,
    title: str = "",
    graphs: int = _GRAPHS,
    cards: Path | None = None,
    kind: str | None = None,
    anew: Annotated[bool, Parameter(negative="")] = False,
    common: Common = Common(),
) -> int:
    """Make one HTML file of results: maps, graphs, scores beside chance, tokens in context, linked by one selection.

    The file opens from a disk and asks nothing of anybody. Layouts and graphs are made once and kept beside the
    results, so that a second report takes a moment and needs the compared files no more.

    Parameters
    ----------
    results
        the folder that `geomsim study`, `geomsim compare --out`, `geomsim mapper --out` or `geomsim demo` wrote.
    out
        the file; by default `report.html` in that folder.
    title
        heads the page; by default it names what was compared.
    graphs
        for how many pairs of spaces Mapper graphs and loops are shown: those with the strongest scores.
    cards
        a folder of metric cards from `geomsim validate`, to be shown with the metrics.
    kind
        where the pairs of spaces are of several kinds (a label of that name): the one that the first words are about.
    anew
        make layouts and graphs again though some are kept.
    """
    target = out or results / "report.html"
    check_page(target)
    if graphs < 0:
        raise InvalidConfig(f"--graphs is a number of pairs, 0 for none, got {graphs}")
    from geomsim.report.results import Results
    from geomsim.report.tidy_records import counted

    if common.dry_run:
        found = Results.open(results)
        pairs = counted(len(found.pairs), "pair")
        return common.plan(
            f"{counted(len(found.records), 'comparison')} of {pairs} of spaces; would write {target}",
            would_read=[results, cards],
            would_write=[target, results / "views"],
            details={"comparisons": len(found.records), "pairs": len(found.pairs)},
        )
    written = write_report(results, target, common, title=title, graphs=graphs, cards=cards, kind=kind, anew=anew)
    size = written.stat().st_size
    common.emit(
        {"report": str(written), "bytes": size},
        f"Wrote {written} ({size / 1e6:.1f} MB): open it in a browser, it needs no connection.",
    )
    return DONE


def check_page(path: Path | None) -> None:
    """Raise InvalidConfig where a report cannot go there, before work is done for nothing."""
    if path is None:
        return
    if path.is_dir():
        raise InvalidConfig(f"{path} is a folder; the report is one file, such as {path / 'report.html'}")
    if path.suffix not in (".html", ".htm"):
        raise InvalidConfig(f"{path}: the report is an HTML file, so let its name end in .html")


def write_report(
    results: Path | Study,
    path: Path,
    common: Common,
    *,
    title: str = "",
    graphs: int = _GRAPHS,
    cards: Path | None = None,
    kind: str | None = None,
    anew: bool = False,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """The report of the results in a folder, which keeps its views, or of a study in memory with its `config`."""
    from geomsim.report.assembling import contents_of, forget_views
    from geomsim.report.page.writing import write_page
    from geomsim.report.results import Results

    if isinstance(results, Path):
        found = Results.open(results)
        if anew:
            forget_views(found)
    else:
        found = Results.of(results, config)
    contents = contents_of(found, title=title, seed=common.start, graphs=graphs, cards=cards, kind=kind)
    return write_page(path, contents)
