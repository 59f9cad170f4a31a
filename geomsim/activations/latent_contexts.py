"""The strongest places of every latent in the text, with the latent's activation on each token around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.latent_files import LatentFile, LatentTable
from geomsim.activations.latent_slabs import latent_slabs
from geomsim.activations.latent_windows import activations_around, strongest_entries
from geomsim.activations.text import Document
from geomsim.activations.text_pieces import TextPieces
from geomsim.activations.token_texts import texts_read
from geomsim.errors import InvalidCodes
from geomsim.memory import batch_budget

COLUMNS = ("latent", "rank", "value", "document", "start", "focus", "pieces", "activations")
_BYTES_PER_ENTRY = 120  # of a non-zero while it is sorted and looked up
_FILE = LatentFile("contexts", "place", "CSV has no columns of lists", "contexts")


@dataclass(frozen=True)
class LatentContext:
    """One place where a latent is active, with its activation on every piece of the text around it.

    ``"".join(pieces)`` is a part of the document without a gap; ``pieces[focus]`` begins with the active token, at
    character `start` of the document, and ``activations[focus]`` is `value`.
    """

    value: float
    document: str
    start: int
    focus: int
    pieces: tuple[str, ...]
    activations: tuple[float, ...]


@dataclass(frozen=True, eq=False, repr=False)
class ContextTable(LatentTable):
    """The strongest places of every latent of one dictionary, as text with activations.

    Parameters
    ----------
    frame
        a row a place, sorted by latent and rank; columns as :class:`LatentContext` has them, behind latent (from 0)
        and rank (from 1). A latent that is never active has no rows.
    n_latents
        number of latents, silent ones included.
    provenance
        name and text of the codes; shown in results, never computed with.
    """

    entries = "places"

    def contexts(self, latent: int) -> list[LatentContext]:
        """The places of one latent, strongest first. Raises InvalidCodes where there is no such latent."""
        if not 0 <= latent < self.n_latents:
            raise InvalidCodes(f"there is no latent {latent!r}: {self!r} has latents 0 to {self.n_latents - 1}")
        of_latent, *columns = self._columns
        first, last = (int(np.searchsorted(of_latent, latent, side=side)) for side in ("left", "right"))
        return [
            LatentContext(float(value), document, int(start), int(focus), tuple(pieces), tuple(map(float, activations)))
            for value, document, start, focus, pieces, activations in zip(
                *(column[first:last] for column in columns), strict=True
            )
        ]

    @cached_property
    def _columns(self) -> list[NDArray[Any]]:
        """Latent and what :class:`LatentContext` has: a report asks for every latent, and pandas is slow for each."""
        return [self.frame[name].to_numpy() for name in COLUMNS if name != "rank"]


def contexts_table(
    codes: Codes, documents: Iterable[Document], n: int = 3, context: int = 10, *, one_per_document: bool = True
) -> ContextTable:
    """The `n` tokens on which each latent is largest, with `context` tokens of the same document on both sides.

    What :func:`geomsim.activations.latents.top_contexts` finds, for all latents together, and with the latent's
    activation on every token that is shown. Equal values keep the order of the text.

    A piece of text reaches from its token to the next one, so that what stands between tokens that were kept is not
    lost. Tokens that begin at the same character, as the bytes of one do, are one piece, whose activation is the
    strongest of theirs by absolute value (that of the place itself, where it is one of them).

    Parameters
    ----------
    codes
        sparse or dense, with a token table.
    documents
        those that were read.
    n
        at most this many places a latent, at least 1.
    context
        pieces of text on both sides, at least 0.
    one_per_document
        only the strongest token of each document.

    Raises
    ------
    InvalidCodes
        where the codes have no token table, the documents are not the ones that were read, n is below 1, or `context`
        is negative.
    """
    import pandas as pd

    if n < 1 or context < 0:
        raise InvalidCodes(f"at least one place per latent and no negative context, got n={n}, context={context}")
    tokens, texts = texts_read(codes, documents)
    order = np.lexsort((tokens.start, tokens.document))
    if (np.diff(order) < 0).any():  # rows that were taken in another order
        codes, tokens = codes.take(order), tokens.take(order)
    text = TextPieces.of(tokens, texts)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for slab in latent_slabs(codes, batch_budget() // _BYTES_PER_ENTRY):
        chosen, rank = strongest_entries(slab, tokens.document, n, one_per_document=one_per_document)
        latents, rows, values = (column[chosen] for column in slab)
        first, last = text.windows(text.of_row[rows], context)
        columns["latent"].append(latents)
        columns["rank"].append(rank)
        columns["value"].append(values.astype(np.float64))
        columns["document"] += [tokens.documents[number] for number in tokens.document[rows].tolist()]
        columns["start"].append(tokens.start[rows].astype(np.int64))
        columns["focus"].append(text.of_row[rows] - first)
        columns["pieces"] += [text.pieces[one:end] for one, end in zip(first.tolist(), last.tolist(), strict=True)]
        columns["activations"] += activations_around(slab, text, chosen, first, last)
    frame = pd.DataFrame({name: _joined(name, parts) for name, parts in columns.items()})
    made = {"n": n, "context": context, "one_per_document": one_per_document}
    return ContextTable(frame, codes.n_latents, {"codes": codes.name, "text_hash": codes.text_hash, **made})


def save_contexts(table: ContextTable, path: str | Path) -> Path:
    """Write the table as .parquet, number of latents and provenance in the schema's metadata.

    Raises InvalidCodes for another suffix: text formats have no columns of lists.
    """
    return _FILE.save(table.frame, table.n_latents, table.provenance, path)


def read_contexts(path: str | Path) -> ContextTable:
    """Read what :func:`save_contexts` wrote, or any Parquet file with its columns.

    A file of other origin has as many latents as its largest number says.

    Raises
    ------
    InvalidCodes
        where the file is not Parquet, a column is missing or holds something else than it should, pieces and
        activations of a place differ in number, its focus is none of them, a latent lies outside, or a latent has two
        places of one rank. Names the file.
    """
    path = Path(path)
    frame, note = _FILE.open(path)
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        raise InvalidCodes(
            f"{path}: contexts need the columns {', '.join(COLUMNS)}; this file lacks {', '.join(missing)}. "
            "`geomsim activations --contexts 3` writes one"
        )
    _FILE.check_whole(path, frame, ("latent", "rank", "start", "focus"))
    if frame["value"].dtype.kind not in "fiu" or not np.isfinite(frame["value"]).all():
        raise InvalidCodes(f"{path}: column 'value' must hold finite numbers")
    for row, (document, focus, pieces, activations) in enumerate(
        zip(*(frame[name] for name in ("document", "focus", "pieces", "activations")), strict=True)
    ):
        if fault := _fault(document, int(focus), pieces, activations):
            raise InvalidCodes(f"{path}: row {row} {fault}")
    frame, n_latents, provenance = _FILE.ranked(path, frame, note)
    frame["pieces"] = _cells([list(pieces) for pieces in frame["pieces"]])
    frame["activations"] = _cells([np.asarray(numbers, dtype=np.float32) for numbers in frame["activations"]])
    return ContextTable(frame[list(COLUMNS)], n_latents, provenance)


def _fault(document: Any, focus: int, pieces: Any, activations: Any) -> str:
    """What is wrong with one place of a file, or nothing."""
    if not isinstance(document, str):
        return "has no text as its document"
    if not (isinstance(pieces, np.ndarray) and all(isinstance(piece, str) for piece in pieces)):
        return "has no list of texts as its pieces"
    if not isinstance(activations, np.ndarray) or activations.dtype.kind not in "fiu":
        return "has no list of numbers as its activations"
    if len(pieces) != len(activations):
        return f"has {len(pieces)} pieces and {len(activations)} activations"
    if focus >= len(pieces):
        return f"has its focus at {focus}, and {len(pieces)} pieces"
    return "" if np.isfinite(activations).all() else "has an activation that is not finite"


def _joined(name: str, parts: list[Any]) -> Any:
    """What the slabs gave of one column, behind each other."""
    if name in ("document", "pieces", "activations"):
        return _cells(parts)
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float64 if name == "value" else np.int64)


def _cells(values: list[Any]) -> Any:
    """An array of lists, also where all have one length; numpy would make a table of these."""
    cells = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        cells[place] = value
    return cells
