"""Results to the contents of a report: scores and words, maps of the spaces, what plugins show of them, cards.

Maps and graphs take a while, so they are kept in the folder ``views`` of the results: made once, and the report can be
made again from the results alone, without the files that were compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.digests import digest_of
from geomsim.errors import InvalidConfig
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.report.metric_cards import metric_cards
from geomsim.report.missing import MISSING
from geomsim.report.page.contents import Contents, Scores, SpacePair
from geomsim.report.provenance import provenance, without_folders
from geomsim.report.reference_words import beside_references
from geomsim.report.results import Results
from geomsim.report.strongest import place_of_strongest
from geomsim.report.tidy_records import are_of_groups, has_score, is_whole, spaces_of, tidy
from geomsim.report.views.maps import map_views
from geomsim.report.views.offered import offered_views
from geomsim.report.views.request import ViewRequest, Views
from geomsim.report.views.source import open_pair
from geomsim.report.views.stored import Layouts
from geomsim.report.views.stored_graphs import read_graphs, save_graphs
from geomsim.report.views.stored_maps import Maps, forget_maps, read_maps, save_maps
from geomsim.report.views.stored_page import has_page, read_page
from geomsim.report.words import sentences, warnings_of
from geomsim.study_references import asked_about, has_references, references_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geomsim.activations.latent_tokens import TopTokens
    from geomsim.study_outcome import Study

GRAPHS = 4
VIEWS = "views"
_OWN_FILES = (
    "graphs.json", "layout_*.parquet", "space_*.parquet", "contexts_*.parquet", "pair_*.parquet",
    "graph_[0-9]*.parquet", "graph_[0-9]*.npz", "diagram_[0-9]*.npz",
)  # fmt: skip


def contents_of_study(study: Study, *, seed: int = 0, graphs: int = GRAPHS) -> Contents:
    """What a report of a study in memory shows."""
    return contents_of(Results.of(study), seed=seed, graphs=graphs)


def contents_of(
    results: Results,
    *,
    title: str = "",
    seed: int = 0,
    graphs: int = GRAPHS,
    cards: Path | None = None,
    kind: str | None = None,
) -> Contents:
    """What a report of results shows.

    Parameters
    ----------
    results
        a study's.
    title
        heads the page; by default it names the sides.
    seed
        of the layouts, and of what plugins draw.
    graphs
        for how many pairs of spaces plugins show graphs and diagrams: those with the strongest scores.
    cards
        a folder of metric cards, as ``geomsim validate`` writes it.
    kind
        where pairs of spaces have labels ``kind``: the one that the question is about. The words on the strongest
        result, and what is shown first, are of these.

    Raises
    ------
    GeomsimError
        where stored views are damaged, and where a file that is there cannot be read; a file that is gone is a note.
    """
    folder = None if results.folder is None else results.folder / VIEWS
    if not results.records and folder is not None and has_page(folder):
        # What `geomsim mapper` has kept: graphs and words, and no table of scores.
        page = read_page(folder)
        return replace(page, title=title or page.title)
    pair_of = results.pair_of
    maps, shown = _views(results, pair_of, graphs, seed)
    records = _without_paths(results)
    models = _models(results.run)
    asked = [number for number in asked_about(records, models) if kind is None or records[number].get("kind") == kind]
    about = sentences(records, results.labels)
    if len(asked) < len(records):
        roles = {records[number].get("role") for number in asked}
        corrected_over = [record for record in records if record.get("role") in roles]
        about[1] = sentences([records[number] for number in asked], results.labels, corrected_over)[1]
    references = _references(records, models)
    first = _strongest(records, asked)
    if references and first is not None:
        about[1] = " ".join(filter(None, (beside_references(references, records[first]), about[1])))
    names = list(dict.fromkeys(str(record["metric"]) for record in records))
    return Contents(
        title=title or _title(records, results.run),
        sentences=about,
        scores=Scores(records, results.labels, pair_of, results.draws, first),
        spaces=maps.spaces,
        pairs=maps.pairs,
        graphs=shown.graphs,
        diagrams=shown.diagrams,
        cards=metric_cards(names, cards),
        warnings=warnings_of(records),
        notes=maps.notes,
        missing=MISSING,
        provenance=provenance(results.run),
        references=references,
    )


def _models(run: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The models at which a study begins; none where it begins at spaces."""
    config = run.get("config")
    models = config.get("models") if isinstance(config, Mapping) else None
    return models if isinstance(models, Mapping) else {}


def _references(records: Sequence[Mapping[str, Any]], models: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What stands beside the scores of a study that begins at models; nothing where it measured no reference."""
    rows = references_of(records, models)
    return rows if has_references(rows) else []


def forget_views(results: Results) -> None:
    """Delete the maps and graphs that are kept with results, so that they are made anew, and no other file.

    Raises InvalidConfig for results without scores: their graphs are kept nowhere else.
    """
    if results.folder is None:
        return
    folder = results.folder / VIEWS
    if not results.records and has_page(folder):
        raise InvalidConfig(
            f"{results.folder} holds graphs of `geomsim mapper`, which are kept nowhere else: run that again to make "
            "them anew, or leave --anew out"
        )
    forget_maps(folder)
    for pattern in _OWN_FILES:
        for file in folder.glob(pattern):
            file.unlink(missing_ok=True)


def _views(results: Results, pair_of: Sequence[int | None], graphs: int, seed: int) -> tuple[Maps, Views]:
    """Maps and what plugins show: those that are kept with these results, or made now and kept."""
    folder = None if results.folder is None else results.folder / VIEWS
    key = digest_of([results.key, graphs, seed])
    if folder is not None:
        kept = read_maps(folder, key)
        if kept is not None:
            return kept, Views(*read_graphs(folder))
    spaces, pairs, notes = map_views(results.pairs, results.base, Layouts(folder), seed, results.compared)
    short = without_folders(results.run)
    spaces = [replace(space, name=short(space.name)) for space in spaces]
    pairs = [replace(pair, name=short(pair.name)) for pair in pairs]
    notes = [short(note) for note in notes]
    shown = _offered(results, pair_of, pairs, graphs, seed)
    maps = Maps(spaces, pairs, {"maps": notes, "graphs": shown.notes})
    if folder is not None:
        forget_maps(folder)  # those of another run would be taken for the new graphs' if this were cut short
        save_graphs(shown.graphs, shown.diagrams, folder)
        save_maps(maps, folder, key)
    return maps, shown


def _offered(
    results: Results, pair_of: Sequence[int | None], pairs: Sequence[SpacePair], graphs: int, seed: int
) -> Views:
    """What the views of plugins show of the pairs with the strongest scores."""
    asked = {pair_of[place] for place in asked_about(results.records, _models(results.run))}
    first = _strongest_first(results.records, pair_of)
    chosen = [number for number in first if number in asked and pairs[number].links is not None]
    found = Views()
    if len(chosen) > graphs > 0:
        told = f"Graphs and loops are of the {graphs} of {len(chosen)} pairs of spaces with the strongest scores"
        found += Views(notes=[f"{told}; `geomsim report RESULTS --graphs {len(chosen)}` shows all."])
    views = offered_views() if graphs else []
    with track(len(chosen[:graphs]) * len(views), "graphs and loops") as advance:
        for number in chosen[:graphs]:
            request = _request(results, pairs[number], number, seed)
            for _, view in views:
                found += view(request)
                advance(1)
    return found


def _request(results: Results, pair: SpacePair, number: int, seed: int) -> ViewRequest:
    opened = open_pair(results.pairs[number], results.base)
    links = pair.links
    assert links is not None
    left, right = Pairing(links.left, links.right).apply(opened.left, opened.right)
    return ViewRequest(
        pair.name, left, right, number, _tokens(opened.left_tokens, links.left),
        _tokens(opened.right_tokens, links.right), seed,
    )  # fmt: skip


def _tokens(table: TopTokens | None, rows: NDArray[np.int64]) -> list[list[str]] | None:
    if table is None:
        return None
    strings = table.strings
    return [strings[row] for row in rows]


def _strongest(records: Sequence[Mapping[str, Any]], among: Sequence[int]) -> int | None:
    """The record that the words speak of; where they speak of none, the first with a score, of whole spaces if any."""
    found = tidy(records[number] for number in among)
    if (place := place_of_strongest(found)) is not None:
        return among[place]
    scored = [number for number, record in zip(among, found, strict=True) if has_score(record)]
    return next((number for number in scored if is_whole(records[number])), next(iter(scored), None))


def _corrected(record: Mapping[str, Any]) -> float:
    value = record.get("corrected")
    return -math.inf if value is None else float(value)


def _strongest_first(records: Sequence[Mapping[str, Any]], pair_of: Sequence[int | None]) -> list[int]:
    """Pairs of spaces by their largest chance-corrected score of the whole; those without any score last."""
    best: dict[int, float] = {}
    for record, number in zip(records, pair_of, strict=True):
        if number is not None:
            best[number] = max(best.get(number, -math.inf), _corrected(record) if is_whole(record) else -math.inf)
    return sorted(best, key=lambda number: (-best[number], number))


def _without_paths(results: Results) -> list[dict[str, Any]]:
    """The records without absolute paths: a report is mailed."""
    short = without_folders(results.run)
    told = ("left", "right", "warnings", "error")
    return [
        {name: short(value) if name in told and isinstance(value, str) else value for name, value in record.items()}
        for record in results.records
    ]


def _title(records: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> str:
    """What was compared, for the head of the page."""
    if are_of_groups(records):
        config = run.get("config")
        space = config.get("space") if isinstance(config, Mapping) else None
        named = isinstance(space, str) and space != "space"
        return f"Groups of {without_folders(run)(str(space))}" if named else "Groups of one space, side by side"
    sides = list(dict.fromkeys(spaces_of(record) for record in records))
    if len(sides) == 1:
        return " and ".join(sides[0])
    return "Two models side by side" if sides else "geomsim"
