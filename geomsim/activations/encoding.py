"""One reading of some documents: the batches of a source, encoded at once, and put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.codes_writer import joined
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.source import Source, canonical_site, checked_sites
from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.activations.windowed_source import tell_other_beginning
from geomsim.errors import InvalidModel, InvalidText

#: Called after each batch with the documents (the last perhaps in part) and the characters read so far.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class EncodedBatch:
    """Some tokens and their codes at each site: CSR where the site has a dictionary, dense where it has none."""

    tokens: TokenTable
    matrices: Mapping[str, Any]


def encoded_batches(
    source: Source,
    documents: Sequence[Document],
    dictionaries: MutableMapping[str, Dictionary | None],
    *,
    batch_tokens: int = 4096,
) -> Iterator[EncodedBatch]:
    """Batches in reading order, each encoded at once so that dense activations live for one batch only.

    A batch may have no tokens and only counts. A dictionary that lies on another device than the activations is
    replaced in `dictionaries` by its copy there, so that the next reading finds it.
    """
    for batch in source.read(documents, list(dictionaries), batch_tokens=batch_tokens):
        matrices: dict[str, Any] = {}
        if len(batch.tokens):
            for site, points in batch.activations.items():
                dictionary = dictionaries[site]
                if dictionary is None:
                    matrices[site] = points.cpu().numpy()
                    continue
                if dictionary.encoder.device != points.device:
                    dictionary = dictionaries[site] = dictionary.to(points.device)
                matrices[site] = dictionary.encode(points)
        yield EncodedBatch(batch.tokens, matrices)


def told(
    batches: Iterable[EncodedBatch],
    documents: Sequence[Document],
    progress: Progress | None,
    *,
    whole: Sequence[int] | None = None,
    characters: int = 0,
) -> Iterator[EncodedBatch]:
    """The same batches; behind each, `progress` is told how far the reading has come.

    `characters` were read before these documents; `whole` says how many documents each one completes, and all before.
    """
    until = np.cumsum([len(document.text) for document in documents])
    for batch in batches:
        yield batch
        if progress is not None and documents and len(batch.tokens):
            last = int(batch.tokens.document[-1])
            progress(last + 1 if whole is None else whole[last], characters + int(until[last]))


def passage_of(
    batches: Iterable[EncodedBatch],
    documents: Sequence[Document],
    dictionaries: Mapping[str, Dictionary | None],
    widths: Mapping[str, int],
) -> EncodedBatch:
    """All batches of one reading as one; without any token its matrices have no rows."""
    tables: list[TokenTable] = []
    parts: dict[str, list[Any]] = {site: [] for site in widths}
    for batch in batches:
        tables.append(batch.tokens)
        for site, matrix in batch.matrices.items():
            parts[site].append(Codes(matrix).matrix)  # checked, and each token's latents in ascending order
    if not tables:
        none = np.zeros(0, dtype=np.int32)
        tables = [TokenTable(none, none, none, none, none, tuple(document.name for document in documents))]
    tokens = TokenTable.concatenate(tables)
    matrices = {
        site: joined(parts[site]) if parts[site] else _no_rows(width, sparse=dictionaries[site] is not None)
        for site, width in widths.items()
    }
    return EncodedBatch(tokens, matrices)


def checked_widths(source: Source, dictionaries: Mapping[str, Dictionary | None]) -> dict[str, int]:
    """Columns of the codes of each site, after a check that its dictionary fits it."""
    widths = {}
    for site in checked_sites(list(dictionaries)):
        dictionary = dictionaries[site]
        if dictionary is not None and not isinstance(dictionary, Dictionary):
            raise InvalidModel(
                f"site {site!r}: a {type(dictionary).__name__} was given as a dictionary; read_dictionary reads one, "
                "and None keeps the activations themselves"
            )
        widths[site] = source.width(site)
        if dictionary is not None:
            dictionary.check_fits(widths[site], site=canonical_site(site), convention=source.convention)
            tell_other_beginning(source, dictionary)
            widths[site] = dictionary.latents
    return widths


def identity_of(source: Source, site: str, dictionary: Dictionary | None) -> dict[str, str]:
    """Which codes these are: model, site, and the dictionary's hash, "" without one."""
    return {"model": source.name, "site": site, "dictionary": "" if dictionary is None else dictionary.sha256}


def provenance_of(source: Source, site: str, dictionary: Dictionary | None) -> dict[str, Any]:
    """All that is known of where the codes of a site come from."""
    described: dict[str, Any] = {**identity_of(source, site, dictionary), "source": source.provenance}
    if dictionary is not None:
        described["dictionary_name"] = dictionary.name
        described["dictionary_convention"] = dictionary.convention
        described["dictionary_provenance"] = dict(dictionary.provenance)
    return described


def nothing_kept(n_documents: int, counts: Mapping[str, int]) -> InvalidText:
    """The error that no token is left."""
    left_out = ", ".join(f"{count} x {reason}" for reason, count in counts.items()) or "nothing"
    return InvalidText(f"no token of the {n_documents} documents was kept (left out: {left_out}); give more text")


def _no_rows(width: int, *, sparse: bool) -> Any:
    import scipy.sparse

    return scipy.sparse.csr_array((0, width), dtype=np.float32) if sparse else np.zeros((0, width), dtype=np.float32)
