"""From text to codes: one pass over the documents, encoded batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.source import Batch, Source, canonical_site
from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidText

#: Called after each batch, and once at the end, with the documents read so far (the last perhaps in part) and in all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class EncodedBatch:
    """Some tokens and their codes at each site: CSR where the site has a dictionary, dense where it has none."""

    tokens: TokenTable
    matrices: Mapping[str, Any]


def encoded_batches(
    source: Source,
    documents: Sequence[Document],
    dictionaries: Mapping[str, Dictionary | None],
    *,
    batch_tokens: int = 4096,
    progress: Progress | None = None,
) -> Iterator[EncodedBatch]:
    """Batches in reading order, each encoded at once so that dense activations live for one batch only.

    Batches without kept tokens are joined to their neighbours, so no count is lost and none is empty.

    Raises
    ------
    InvalidModel
        where a dictionary does not fit its site (width, site it was trained at, convention).
    InvalidText
        where there are no documents, or no token of them is kept.
    """
    placed: dict[str, Dictionary | None] = {}
    for site, dictionary in dictionaries.items():
        if dictionary is not None:
            dictionary.check_fits(source.width(site), site=canonical_site(site), convention=source.convention)
        placed[site] = dictionary
    batches = source.read(documents, list(placed), batch_tokens=batch_tokens)
    for batch in _without_empty(batches, len(documents)):
        matrices: dict[str, Any] = {}
        for site, points in batch.activations.items():
            dictionary = placed[site]
            if dictionary is None:
                matrices[site] = points.cpu().numpy()
                continue
            if dictionary.encoder.device != points.device:
                dictionary = placed[site] = dictionary.to(points.device)
            matrices[site] = dictionary.encode(points)
        yield EncodedBatch(batch.tokens, matrices)
        if progress is not None:
            progress(int(batch.tokens.document[-1]) + 1, len(batch.tokens.documents))
    if progress is not None:
        progress(len(batch.tokens.documents), len(batch.tokens.documents))


def read_codes(
    source: Source,
    documents: Sequence[Document],
    dictionaries: Mapping[str, Dictionary | None],
    *,
    batch_tokens: int = 4096,
    progress: Progress | None = None,
) -> dict[str, Codes]:
    """The codes of a text at each site, in memory.

    Parameters
    ----------
    source, documents
        what is read, and the text it reads; arrays read no text, so theirs is an empty list.
    dictionaries
        for each site its dictionary; None keeps the activations themselves, dense: ``{"neurons:1": None}``.
    batch_tokens
        tokens per forward pass, about; changes speed and memory only.
    progress
        called after each batch.

    Raises
    ------
    InvalidModel, InvalidText
        as :func:`encoded_batches`.
    """
    import scipy.sparse

    tables: list[TokenTable] = []
    parts: dict[str, list[Any]] = {site: [] for site in dictionaries}
    for batch in encoded_batches(source, documents, dictionaries, batch_tokens=batch_tokens, progress=progress):
        tables.append(batch.tokens)
        for site, matrix in batch.matrices.items():
            parts[site].append(matrix)
    tokens = TokenTable.concatenate(tables)
    codes = {}
    for site, dictionary in dictionaries.items():
        matrices = parts.pop(site)
        matrix = np.concatenate(matrices) if dictionary is None else scipy.sparse.vstack(matrices, format="csr")
        described = _provenance(source, site, dictionary)
        codes[site] = Codes(matrix, tokens=tokens, name=f"{source.name} {site}", provenance=described)
    return codes


def write_codes(
    source: Source,
    documents: Sequence[Document],
    dictionaries: Mapping[str, Dictionary | None],
    folders: Mapping[str, str | Path],
    *,
    batch_tokens: int = 4096,
    progress: Progress | None = None,
    **options: Any,
) -> dict[str, Path]:
    """The codes of a text at each site, written to one directory per site; memory does not grow with the text.

    `options` go to :class:`geomsim.activations.codes_writer.CodesWriter`. An exception leaves no finished codes.
    """
    with ExitStack() as stack:
        writers = {}
        for site, dictionary in dictionaries.items():
            described = _provenance(source, site, dictionary)
            identity = {key: described.pop(key) for key in ("model", "site", "dictionary")}
            writers[site] = stack.enter_context(
                CodesWriter(folders[site], **identity, name=f"{source.name} {site}", provenance=described, **options)
            )
        for batch in encoded_batches(source, documents, dictionaries, batch_tokens=batch_tokens, progress=progress):
            for site, matrix in batch.matrices.items():
                writers[site].append(matrix, batch.tokens)
    return {site: writer.path for site, writer in writers.items()}


def _provenance(source: Source, site: str, dictionary: Dictionary | None) -> dict[str, Any]:
    described = {
        "model": source.name, "site": site, "source": source.provenance,
        "dictionary": "" if dictionary is None else dictionary.sha256,
    }  # fmt: skip
    if dictionary is not None:
        described["dictionary_name"] = dictionary.name
        described["dictionary_provenance"] = dict(dictionary.provenance)
    return described


def _without_empty(batches: Iterator[Batch], n_documents: int) -> Iterator[Batch]:
    counts: Counter[str] = Counter()
    held: Batch | None = None  # held back by one, for the counts of empty batches behind the last
    for batch in batches:
        counts.update(batch.tokens.left_out)
        if not len(batch.tokens):
            continue
        if held is not None:
            yield held
        held = replace(batch, tokens=batch.tokens.counted(counts))
        counts = Counter()
    if held is None:
        left_out = ", ".join(f"{count} x {reason}" for reason, count in counts.items()) or "nothing"
        raise InvalidText(f"no token of the {n_documents} documents was kept (left out: {left_out}); give more text")
    if counts:
        held = replace(held, tokens=held.tokens.counted(Counter(held.tokens.left_out) + counts))
    yield held
