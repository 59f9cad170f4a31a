"""What a report shows of the rows of one space: places, tokens, text, and columns to colour by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from geomsim.activations.latent_contexts import ContextTable
from geomsim.activations.latent_tokens import TopTokens
from geomsim.errors import GeomsimError
from geomsim.report.page.contents import Column, Context, SpaceRows
from geomsim.report.views.clusters import cluster_column
from geomsim.report.views.layouts import Layout
from geomsim.space import Space

CONTEXT_BYTES = 1_200_000  # of text a space; the page holds it compressed


def space_rows(
    space: Space,
    name: str,
    what: str,
    layout: Layout | None,
    top_tokens: TopTokens | None = None,
    contexts: ContextTable | None = None,
    *,
    contexts_for: Iterable[int] = (),
    context_bytes: int = CONTEXT_BYTES,
    seed: int = 0,
) -> SpaceRows:
    """The rows of a space as the page shows them.

    Parameters
    ----------
    space
        the points; `top_tokens` and `contexts` are of its rows.
    name, what
        of the space, and the word for a row.
    layout
        places of the rows; None leaves them out, and clusters too.
    contexts_for
        rows in order of importance. Contexts are held for as many rows as have room, these first and then the others
        in their order; a row has all of its contexts or none. ``len(rows.contexts)`` says for how many.
    context_bytes
        the room, in bytes of text.
    seed
        of the clusters.

    Raises GeomsimError where tokens or contexts are of another number of rows.
    """
    for table, called in ((top_tokens, "top tokens"), (contexts, "contexts")):
        # What geomsim wrote counts silent latents; other files end with their last active one.
        exact = table is not None and "codes" in table.provenance
        if table is not None and (len(table) > space.n_rows or (exact and len(table) < space.n_rows)):
            raise GeomsimError(
                f"the {called} are of {len(table):,} latents and the space {space.name!r} has {space.n_rows:,} rows; "
                "give those of the dictionary whose rows are compared"
            )
    columns = [*_token_columns(space, top_tokens), *_strength_column(space, contexts), *_length_column(space)]
    if layout is not None and (clusters := cluster_column(space, seed)) is not None:
        columns.append(clusters)
    strings = None if top_tokens is None else [*top_tokens.strings, *([] for _ in range(len(top_tokens), len(space)))]
    return SpaceRows(
        name,
        space.n_rows,
        what,
        None if layout is None else layout.places,
        "" if layout is None else layout.words,
        _own_names(space, what),
        strings,
        None if contexts is None else _contexts(contexts, contexts_for, context_bytes),
        columns,
    )


def _own_names(space: Space, what: str) -> list[str] | None:
    """What tells the rows of a space apart: their ids without the path that all share; None where it is their number.

    The space has a name, so "left/residual:1/latent 17" says no more than "latent 17".
    """
    if space.ids is None:
        return None
    folders = {own.rpartition("/")[0] for own in space.ids}
    names = [own.rpartition("/")[2] for own in space.ids] if len(folders) == 1 else list(space.ids)
    # A bare number says nothing beside others.
    names = [f"{what} {own}" if own.isdigit() else own for own in names]
    return None if all(own == f"{what} {row}" for row, own in enumerate(names)) else names


def _contexts(table: ContextTable, first: Iterable[int], room: int) -> dict[int, Sequence[Context]]:
    """Contexts of as many rows as have room, by row; rows without any take none."""
    # The activations of a place take about as much as short pieces do, and are not counted.
    texts = zip(table.frame["pieces"], table.frame["document"], strict=True)
    bytes_of_place = [len("".join(pieces).encode()) + len(document.encode()) for pieces, document in texts]
    sizes = np.bincount(table.frame["latent"].to_numpy(), weights=bytes_of_place, minlength=len(table))
    kept: dict[int, Sequence[Context]] = {}
    for row in dict.fromkeys([*first, *range(len(table))]):
        # A row whose text is too long for what is left makes way for shorter ones.
        if row < len(table) and 0 < sizes[row] <= room:
            room -= int(sizes[row])
            kept[int(row)] = [
                Context(place.value, place.document, place.pieces, place.activations, place.focus)
                for place in table.contexts(row)
            ]
    return kept


def _token_columns(space: Space, top_tokens: TopTokens | None) -> list[Column]:
    if top_tokens is None:
        return []
    strongest = top_tokens.frame.drop_duplicates("latent")
    named = {"share": "share of the strongest token", "firings": "firings on the strongest token"}
    found = []
    for own, name in named.items():
        if own in strongest:
            values = np.full(space.n_rows, np.nan)
            values[strongest["latent"].to_numpy()] = strongest[own].to_numpy(np.float64)
            found.append(Column(name, values))
    return found


def _strength_column(space: Space, contexts: ContextTable | None) -> list[Column]:
    if contexts is None:
        return []
    strongest = contexts.frame.drop_duplicates("latent")
    values = np.full(space.n_rows, np.nan)
    values[strongest["latent"].to_numpy()] = strongest["value"].to_numpy(np.float64)
    return [Column("strongest activation", values)]


def _length_column(space: Space) -> list[Column]:
    """Lengths of the rows, unless all are alike, as those of unit decoder rows are."""
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(np.asarray(space.numpy(), dtype=np.float64), axis=1)
    alike = bool(np.allclose(lengths, lengths[0], rtol=1e-3)) or not np.isfinite(lengths).all()
    return [] if alike else [Column("length of the row", lengths)]
