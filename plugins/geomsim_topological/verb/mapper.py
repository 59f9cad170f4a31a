"""`geomsim mapper`: the Mapper graph of one space, or those of two and which nodes of one are which of the other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geomsim import InvalidConfig
from geomsim.cli.console import DONE, Common
from geomsim.cli.opening import TextOptions, check_folder
from geomsim.cli.report import check_page
from geomsim_topological.verb.options import GraphOptions

if TYPE_CHECKING:
    from rich.table import Table

    from geomsim_topological.multiscale import MultiscaleAgreement
    from geomsim_topological.verb.graphs import Made

_LANDMARKS = 300
_AGREEMENT_DRAWS = 199
_OF_A_STUDY = ("results.parquet", "results.csv")


def mapper(
    left: Path,
    right: Path | None = None,
    /,
    *,
    graph: GraphOptions = GraphOptions(),
    pairing: Path | None = None,
    rows: int | None = None,
    text: str | None = None,
    labels: Path | None = None,
    right_labels: Path | None = None,
    draws: int = 999,
    groups: Literal["blocks", "equal", "ignored"] = "blocks",
    persistence: bool = True,
    out: Path | None = None,
    report: Path | None = None,
    part: TextOptions = TextOptions(),
    common: Common = Common(),
) -> int:
    """Mapper graphs of one space or two; for two, which node of one is which of the other, and how surely.

    Parameters
    ----------
    left
        points as .npy, .npz or .safetensors, the directory of a sparse autoencoder (its decoder rows), or a folder of
        codes (its tokens).
    right
        another one, whose rows belong to those of the left; without it one graph is made. Tokens of two codes are
        joined by their text.
    pairing
        a table with columns left and right, as `geomsim pair` writes it; by default row i belongs to row i.
    rows
        the first so many rows of each side, before they are paired.
    text
        for codes: the text that was read, so that nodes are named by their tokens.
    labels
        a text file with a line of words for each row of the left side, by which nodes are named; those of both sides
        where row i belongs to row i.
    right_labels
        likewise of the right side, where rows are paired by a table.
    draws
        row orders behind the p-value.
    groups
        blocks: documents are shuffled whole, which takes several of each length; equal: the same, after all are cut to
        one length; ignored: row by row.
    persistence
        also find the loops of each side by persistent homology of landmarks, and say which are certain.
    out
        a folder for the graphs (JSON, also in kmapper's format), the plan, tables and figures; `geomsim report` makes
        one HTML page of it.
    report
        also write one HTML page: the graphs beside each other, with the plan between them and what is in each node.
    """
    check_folder(out)
    if out is not None and (study := next((name for name in _OF_A_STUDY if (out / name).exists()), None)):
        raise InvalidConfig(
            f"{out} holds the results of a study ({study}), whose run.json would be lost; name another folder with "
            "--out"
        )
    check_page(report)
    graph.check()
    paths = tuple(path for path in (left, right) if path is not None)
    _check_draws(draws)
    from geomsim_topological.verb.sides import Opening

    shown = out is not None or report is not None
    opening = Opening(paths, pairing, rows, text, part, (labels, right_labels), groups, common.device, shown)
    opening.check()
    if common.dry_run:
        return _plan(paths, [pairing, labels, right_labels], out, report, graph.sweep, persistence, common)
    from geomsim_topological.homology.diagram import Diagram
    from geomsim_topological.persistence import diagram
    from geomsim_topological.verb import tables
    from geomsim_topological.verb.compared import compared, facts, matches, words_of
    from geomsim_topological.verb.graphs import GraphMaker, summary, within
    from geomsim_topological.verb.results import Results, files

    sides, notes = opening.sides()
    for note in notes:
        common.note(note)
    names = _names(paths)
    made = GraphMaker(graph, common.start).make(sides, names)
    if made.suggestion is not None:
        common.note(made.suggestion.text)
    summed = [summary(name, each) for name, each in zip(names, made.graphs, strict=True)]
    found: dict[str, Any] = {"sides": summed, "setting": made.setting, "notes": notes}
    if made.suggestion is not None:
        found["suggestion"] = made.suggestion.text
    loops: list[Diagram] = []
    if persistence:
        for name, side, each in zip(names, sides, summed, strict=True):
            with within(name):
                loops.append(diagram(side.space, 1, _LANDMARKS))
            each |= {
                "longest loops": loops[-1].bars[:3].tolist(),
                "certified loops": int(loops[-1].certified.sum()),
                "covering radius": loops[-1].covering_radius,
            }
    pictures: list[Table | str] = [tables.sides_table(summed, _LANDMARKS if persistence else None)]
    comparison = judged = agreement = None
    if len(sides) == 2:
        blocks = opening.blocks(sides)
        comparison, judged = compared(made.graphs, blocks, draws, common.start)
        for warning in judged.warnings:
            common.note(f"note: {warning}")
        found["comparison"] = facts(comparison, judged, draws)
        found["matches"] = list(matches(comparison, sides))
        pictures += [tables.score_text(found["comparison"]), tables.matches_table(found["matches"])]
        if made.sweeps:
            agreement = _agreement(made, min(draws, _AGREEMENT_DRAWS), blocks, common)
            found["agreement"] = {
                "p_value": agreement.p_value, "settings": len(agreement.settings), "draws": agreement.chance.shape[1],
            }  # fmt: skip
            pictures.append(tables.agreement_text(agreement))
    elif (words := words_of(made.graphs[0], sides[0])) is not None:
        pictures.append(tables.nodes_table(made.graphs[0], words))
    _warn_of_nothing(summed)
    if shown:
        from geomsim.report.page.writing import write_page
        from geomsim_topological.verb.page import Page
        from geomsim_topological.verb.tokens import are_codes

        what = "token" if any(map(are_codes, paths)) else "row" if pairing is None else "pair"
        contents = Page(names, sides, made, found, common.start, loops, comparison, judged, what).contents()
    if out is not None:
        for written in Results(names, made, found, common.start, contents, loops, comparison, agreement).save(out):
            common.note(f"wrote {written}")
        if older := _older(out, files(len(sides), persistence, graph.sweep)):
            common.note(f"note: {', '.join(older)} in {out} are of an earlier run with other options")
    if report is not None:
        common.note(f"wrote {write_page(report, contents)}")
    common.emit(found, *pictures)
    return DONE


def _check_draws(draws: int) -> None:
    if draws < 1:
        from geomsim import InvalidConfig

        raise InvalidConfig(f"--draws is a whole number of at least 1, got {draws}")


def _agreement(made: Made, draws: int, blocks: Any, common: Common) -> MultiscaleAgreement:
    from geomsim_topological.multiscale import multiscale_agreement

    common.note(f"agreement at {len(made.sweeps[0].settings)} settings, {draws} shuffles each")
    left, right = made.sweeps
    return multiscale_agreement(left, right, draws=draws, seed=common.start, groups=blocks)


def _older(out: Path, written: Sequence[str]) -> list[str]:
    """Results that lie in the folder and that this run did not write."""
    from geomsim_topological.verb.results import files

    return [name for name in files(2, True, True) if name not in written and (out / name).exists()]


def _warn_of_nothing(sides: Sequence[dict[str, Any]]) -> None:
    from geomsim import GeomsimWarning

    for side in sides:
        if not side["nodes"]:
            warnings.warn(
                f"{side['side']}: no row is in a node, so the graph is empty: use a larger --relative-eps, a smaller "
                "--min-samples or fewer --cubes",
                GeomsimWarning,
                stacklevel=3,
            )


def _names(paths: Sequence[Path]) -> list[str]:
    """A short name for each side, of as many parts of its path as tell them apart."""
    for parts in range(1, 1 + max(len(path.parts) for path in paths)):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{side}: {path.name}" for side, path in zip(("left", "right"), paths, strict=True)]


def _plan(
    paths: Sequence[Path],
    more: Sequence[Path | None],
    out: Path | None,
    report: Path | None,
    sweep: bool,
    persistence: bool,
    common: Common,
) -> int:
    from geomsim_topological.verb.results import files

    written = [] if out is None else [out / name for name in files(len(paths), persistence, sweep)]
    written += [] if report is None else [report]
    graphs = "1 Mapper graph" if len(paths) == 1 else f"{len(paths)} Mapper graphs"
    return common.plan(
        f"would make {graphs}; would write: {', '.join(map(str, written)) or 'nothing'}",
        would_read=[*paths, *more],
        would_write=written,
    )
