"""From text to codes: one pass over the documents, encoded batch by batch, in memory or to disk."""

from __future__ import annotations

import importlib.metadata
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from geomsim.activations.codes import Codes
from geomsim.activations.codes_folder import CodesFolder
from geomsim.activations.codes_writer import SHARD_TOKENS, CodesWriter, checked_provenance
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.encoding import (
    Progress,
    checked_widths,
    encoded_batches,
    identity_of,
    nothing_kept,
    passage_of,
    provenance_of,
    told,
)
from geomsim.activations.source import Source
from geomsim.activations.text import Document, differently_named
from geomsim.activations.text_cuts import LONGEST, SHARD_CHARACTERS, DocumentParts, DocumentShard, document_shards
from geomsim.activations.text_streams import DocumentStream
from geomsim.errors import InvalidConfig

_VERSIONS = ("geomsim", "numpy", "torch", "transformers", "tokenizers")


def read_codes(
    source: Source,
    documents: Iterable[Document],
    dictionaries: Mapping[str, Dictionary | None],
    *,
    batch_tokens: int = 4096,
    progress: Progress | None = None,
) -> dict[str, Codes]:
    """The codes of a text at each site, in memory.

    Parameters
    ----------
    source, documents
        what is read, and the text it reads; arrays read no text, so theirs is an empty list. Documents that are in
        memory stay whole, those of a stream come in parts where they are long, as :func:`write_codes` reads them.
    dictionaries
        for each site its dictionary; None keeps the activations themselves, dense: ``{"neurons:1": None}``.
    batch_tokens
        tokens per forward pass, about; changes speed and memory only.
    progress
        called after each batch.

    Raises
    ------
    InvalidModel
        where a dictionary does not fit its site (width, site it was trained at, convention).
    InvalidText
        where there are no documents, or no token of them is kept.

    Warns
    -----
    GeomsimWarning
        where a dictionary does not say on which convention it was trained; see :meth:`Dictionary.check_fits`.
    """
    listed = list(differently_named(documents))
    widths = checked_widths(source, dictionaries)
    batches = encoded_batches(source, listed, dict(dictionaries), batch_tokens=batch_tokens)
    passage = passage_of(told(batches, listed, progress), listed, dictionaries, widths)
    if not len(passage.tokens):
        raise nothing_kept(len(listed), passage.tokens.left_out)
    if progress is not None and listed:
        progress(len(listed), sum(len(document.text) for document in listed))
    return {
        site: Codes(
            passage.matrices[site],
            tokens=passage.tokens,
            name=f"{source.name} {site}",
            provenance=provenance_of(source, site, dictionary),
        )
        for site, dictionary in dictionaries.items()
    }


def write_codes(
    source: Source,
    documents: Iterable[Document] | DocumentStream,
    dictionaries: Mapping[str, Dictionary | None],
    folders: Mapping[str, str | Path],
    *,
    batch_tokens: int = 4096,
    dtype: str = "float32",
    shard_characters: int = SHARD_CHARACTERS,
    longest: int | None = LONGEST,
    shard_tokens: int = SHARD_TOKENS,
    resume: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """The codes of a text at each site, written to one directory per site; memory does not grow with the text.

    Only the names of the documents are held to the end, for the manifest.

    Parameters
    ----------
    source, dictionaries, batch_tokens, progress
        as in :func:`read_codes`.
    documents
        in memory, or a stream: :func:`geomsim.activations.text_streams.stream_documents`, say.
    folders
        for each site where its codes go. Nothing is made there before the first shard has been read.
    dtype
        of the values on disk, float32 or float16.
    shard_characters
        a shard holds as few whole documents as make so many characters. Where shards begin depends on the text alone:
        shard k of two models holds the same documents.
    longest
        a document of more characters is cut, at a line end where there is one, into parts that are documents named
        ``name#1``, ``name#2``, ...; characters are counted from the beginning of the part. How many were cut stands in
        the provenance as ``documents_cut``. None cuts nothing.
    shard_tokens
        the same for a source that reads no text, as arrays do: tokens per shard at the most, whole groups of them.
    resume
        go on with what an interrupted run left, under the same options: shards that are whole are kept, the text
        streams past them, and the others are written. The files are, bit for bit, those of a run without interruption
        (on the same kind of machine, with as many threads). Where nothing is there, the run begins.
    replace
        whether codes that are there already are deleted.

    Raises
    ------
    InvalidModel, InvalidText
        as :func:`read_codes`, and the errors of the stream; shards written before them stay and can be resumed.
    InvalidConfig
        where options contradict each other, or two sites share a folder.
    InvalidCodes
        where a folder holds codes already; with `resume` where they are of another run or text, or damaged (names the
        file); where the disk is full.

    Warns
    -----
    GeomsimWarning
        as :func:`read_codes`.
    """
    widths = checked_widths(source, dictionaries)
    _check_options(dictionaries, folders, batch_tokens, resume, replace)
    parts = DocumentParts(documents.pieces() if isinstance(documents, DocumentStream) else documents, longest)
    shards = document_shards(parts, shard_characters)
    first = next(shards, None)
    if first is None:
        if resume:
            raise InvalidConfig("there are no documents, and codes of arrays cannot be resumed; write them again")
        return _write_arrays(source, dictionaries, folders, batch_tokens, dtype, shard_tokens, replace)
    options = {
        "batch_tokens": batch_tokens, "dtype": dtype, "shard_characters": shard_characters, "longest": longest,
    }  # fmt: skip
    writing, versions = dict[str, CodesFolder](), _versions()
    for site, dictionary in dictionaries.items():
        run = {
            **identity_of(source, site, dictionary),
            "n_latents": widths[site],
            "options": options,
            "source": source.provenance,
            "versions": versions,
        }
        identity = {**identity_of(source, site, dictionary), "text_hash": ""}
        writing[site] = CodesFolder(
            folders[site], identity, run=checked_provenance(run), dtype=dtype, resume=resume, replace=replace
        )
    placed, characters = dict(dictionaries), 0
    for shard in itertools.chain([first], shards):
        _write_shard(source, shard, placed, widths, writing, batch_tokens, characters, progress)
        characters += sum(len(document.text) for document in shard.documents)
        if progress is not None:
            progress(shard.whole[-1], characters)
    for folder in writing.values():
        if not folder.n_tokens:
            folder.discard()
    if not all(folder.n_tokens for folder in writing.values()):
        raise nothing_kept(len(parts.names), next(iter(writing.values())).left_out)
    for site, dictionary in dictionaries.items():
        described = {**provenance_of(source, site, dictionary), "options": options, "documents_cut": parts.cut}
        for name in identity_of(source, site, dictionary):
            described.pop(name)
        writing[site].finish(
            text_hash=parts.text_hash, documents=parts.names, name=f"{source.name} {site}", provenance=described
        )
    return {site: folder.path for site, folder in writing.items()}


def _write_shard(
    source: Source,
    shard: DocumentShard,
    dictionaries: dict[str, Dictionary | None],
    widths: Mapping[str, int],
    writing: Mapping[str, CodesFolder],
    batch_tokens: int,
    characters: int,
    progress: Progress | None,
) -> None:
    """Read a shard for the sites that lack it, if any do; `characters` were read before."""
    lacking = [site for site, folder in writing.items() if not folder.keep(shard)]
    if not lacking:
        return
    batches = encoded_batches(source, shard.documents, dictionaries, batch_tokens=batch_tokens)
    reported = told(batches, shard.documents, progress, whole=shard.whole, characters=characters)
    found = passage_of(reported, shard.documents, dictionaries, widths)
    for site in lacking:
        writing[site].add(found.matrices[site], found.tokens, left_out=found.tokens.left_out, documents=shard)


def _write_arrays(
    source: Source,
    dictionaries: Mapping[str, Dictionary | None],
    folders: Mapping[str, str | Path],
    batch_tokens: int,
    dtype: str,
    shard_tokens: int,
    replace: bool,
) -> dict[str, Path]:
    """What a source gives that reads no text; others say that there are no documents."""
    left_out: Counter[str] = Counter()
    writers: dict[str, CodesWriter] = {}
    with ExitStack() as stack:
        for batch in encoded_batches(source, [], dict(dictionaries), batch_tokens=batch_tokens):
            left_out.update(batch.tokens.left_out)
            if not len(batch.tokens):
                continue
            tokens = batch.tokens.counted(left_out)
            left_out.clear()
            for site, matrix in batch.matrices.items():
                if site not in writers:
                    described = provenance_of(source, site, dictionaries[site])
                    identity = {key: described.pop(key) for key in identity_of(source, site, dictionaries[site])}
                    writers[site] = stack.enter_context(
                        CodesWriter(
                            folders[site], **identity, name=f"{source.name} {site}", provenance=described,
                            dtype=dtype, shard_tokens=shard_tokens, replace=replace,
                        )
                    )  # fmt: skip
                writers[site].append(matrix, tokens)
        if not writers:
            raise nothing_kept(0, left_out)
    return {site: writer.path for site, writer in writers.items()}


def _check_options(
    dictionaries: Mapping[str, Dictionary | None],
    folders: Mapping[str, str | Path],
    batch_tokens: int,
    resume: bool,
    replace: bool,
) -> None:
    if resume and replace:
        raise InvalidConfig("resume keeps what is there and replace deletes it: choose one of them")
    if batch_tokens < 1:
        raise InvalidConfig(f"batch_tokens is {batch_tokens}; at least 1 is needed")
    missing = [site for site in dictionaries if site not in folders]
    if missing:
        raise InvalidConfig(f"no folder for site {missing[0]!r}; each site that is read needs one")
    places = Counter(Path(folders[site]).absolute() for site in dictionaries)
    shared = [str(place) for place, count in places.items() if count > 1]
    if shared:
        raise InvalidConfig(f"two sites would be written to {shared[0]}; each needs a folder of its own")


def _versions() -> dict[str, str | None]:
    """Of the packages that decide what comes out, None for those that are not installed."""
    found: dict[str, str | None] = {}
    for name in _VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
