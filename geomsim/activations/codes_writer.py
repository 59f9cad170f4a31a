"""Write codes that are in memory, or come batch by batch, in the format of `codes_format`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.codes_folder import CodesFolder
from geomsim.activations.codes_format import IDENTITY
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes

SHARD_TOKENS = 65_536


class CodesWriter:
    """Write codes batch by batch; the memory held is that of one shard.

    Parameters
    ----------
    path
        the directory to write.
    model, site, dictionary, text_hash
        which model, which place in it, which dictionary (its hash) and which text; `text_hash` is taken from the
        token tables where it is left out.
    dtype
        of the values on disk, float32 or float16. Values that float16 rounds to zero are counted in the manifest.
    shard_tokens
        tokens per shard, at the most: shards are cut between documents where these are known (token table or groups),
        and a document of more tokens makes a longer shard. What is in a shard does not depend on how the batches were
        cut. A group whose tokens do not lie together is cut like several.
    shard_documents
        the number of the first document of each shard, ascending, instead of `shard_tokens`. Codes of two models that
        are cut at the same documents can be counted shard by shard, however many rows each has left out;
        :func:`geomsim.activations.shard_documents.first_documents` tells where the shards of other codes begin. A
        shard may be left without rows. ``[0]`` makes one shard.
    replace
        whether codes that are there already (finished or not) are deleted first.

    Raises
    ------
    InvalidCodes
        when the directory already holds codes, a batch does not fit the ones before, a value is too large for
        float16, the disk is full, or nothing was appended; with `shard_documents`, when documents are not known or do
        not come in this order.

    Notes
    -----
    Leaving the ``with`` block writes the last shard and the manifest; leaving it by an exception writes neither. What
    was read from text is better written by :func:`geomsim.activations.write_codes`, which can go on after that.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        model: str = "",
        site: str = "",
        dictionary: str = "",
        text_hash: str = "",
        name: str = "",
        provenance: Mapping[str, Any] | None = None,
        dtype: str = "float32",
        shard_tokens: int = SHARD_TOKENS,
        shard_documents: Sequence[int] | None = None,
        replace: bool = False,
    ) -> None:
        if shard_tokens < 1:
            raise InvalidCodes(f"shard_tokens must be at least 1, got {shard_tokens}")
        firsts = None if shard_documents is None else [int(document) for document in shard_documents]
        if firsts is not None and (not firsts or any(one >= other for one, other in pairwise(firsts))):
            raise InvalidCodes(f"shard_documents must be ascending numbers of documents, at least one, got {firsts}")
        self._provenance = checked_provenance(provenance or {})
        identity = {"model": model, "site": site, "dictionary": dictionary, "text_hash": text_hash}
        self._folder = CodesFolder(path, identity, dtype=dtype, replace=replace)
        self._folder.begin()
        self.path = self._folder.path
        self._name = name
        self._shard_tokens = shard_tokens
        self._shard_documents = firsts
        self._shards = 0
        self._buffer: list[Codes] = []
        self._buffered = 0
        self._rows = 0
        self._first: Codes | None = None
        self._group_numbers: dict[Any, int] = {}
        self._left_out: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def append(self, matrix: Any, tokens: TokenTable | None = None, groups: Sequence[Any] | None = None) -> None:
        """Add the activations of some more tokens: a (tokens, latents) matrix, dense or sparse, or Codes."""
        if groups is not None:
            # The same label in two batches is the same group.
            groups = [self._group_numbers.setdefault(label, len(self._group_numbers)) for label in groups]
        codes = matrix if isinstance(matrix, Codes) else Codes(matrix, tokens=tokens, groups=groups)
        self._refuse_misfit(codes)
        if codes.tokens is not None:
            self._left_out.update(codes.tokens.left_out)
        self._rows += codes.n_tokens
        self._buffer.append(codes)
        self._buffered += codes.n_tokens
        while (rows := self._next_shard()) is not None:
            self._flush(rows)

    def close(self) -> Path:
        """Write what is still buffered, then the manifest; the codes can be opened from here on."""
        if self._first is None:
            raise InvalidCodes(f"{self.path}: no tokens were appended, there are no codes to write")
        if self._buffered:
            self._flush(self._buffered)
        while self._shards < len(self._shard_documents or ()):
            self._flush(0)
        tokens = self._first.tokens
        return self._folder.finish(
            text_hash=self._folder.identity["text_hash"],
            documents=None if tokens is None else tokens.documents,
            name=self._name,
            provenance=self._provenance,
        )

    def _refuse_misfit(self, codes: Codes) -> None:
        first = self._first
        if first is None:
            self._first = codes
            known = self._folder.identity["text_hash"]
            if known and codes.text_hash and codes.text_hash != known:
                raise InvalidCodes(f"{self.path}: the tokens are of text {codes.text_hash[:12]}, not {known[:12]}")
            self._folder.identity["text_hash"] = known or codes.text_hash
            return
        for what, then, now in (
            ("number of latents", first.n_latents, codes.n_latents),
            ("layout", "sparse" if first.is_sparse else "dense", "sparse" if codes.is_sparse else "dense"),
            ("token table", first.tokens is not None, codes.tokens is not None),
            ("groups", first.groups is not None, codes.groups is not None),
            ("text", first.text_hash, codes.text_hash),
        ):
            if then != now:
                raise InvalidCodes(
                    f"{self.path}: the batch after token {self._rows} does not fit the ones before, "
                    f"{what}: {now}, was {then}"
                )

        if codes.tokens is not None and first.tokens is not None and codes.tokens.documents != first.tokens.documents:
            raise InvalidCodes(
                f"{self.path}: the batch after token {self._rows} lists other documents than the ones before; "
                "number the documents of all batches in one list"
            )

    def _next_shard(self) -> int | None:
        """How many buffered tokens make the next shard; None where what comes later may still belong to it."""
        labels = [batch.groups for batch in self._buffer if batch.groups is not None]
        if self._shard_documents is not None:
            if len(labels) < len(self._buffer):
                raise InvalidCodes(
                    f"{self.path}: shard_documents cuts between documents, but these codes have neither a token table "
                    "nor groups; leave it out"
                )
            if self._shards + 1 >= len(self._shard_documents):
                return None
            if not labels:
                return None
            later = np.concatenate(labels) >= self._shard_documents[self._shards + 1]
            return int(later.argmax()) if later.any() else None
        if not labels:
            return self._shard_tokens if self._buffered >= self._shard_tokens else None
        if self._buffered <= self._shard_tokens:
            return None
        begins = np.flatnonzero(np.diff(np.concatenate(labels))) + 1
        fitting = int(np.searchsorted(begins, self._shard_tokens, side="right"))
        if fitting:
            return int(begins[fitting - 1])
        return int(begins[0]) if len(begins) else None

    def _flush(self, n_rows: int) -> None:
        """Write the first `n_rows` buffered tokens as one shard."""
        assert self._first is not None
        parts: list[Codes] = [] if n_rows else [self._first.take(np.arange(0))]
        missing = n_rows
        while missing:
            batch = self._buffer.pop(0)
            if batch.n_tokens > missing:
                rows = np.arange(batch.n_tokens)
                self._buffer.insert(0, batch.take(rows[missing:]))
                batch = batch.take(rows[:missing])
            parts.append(batch)
            missing -= batch.n_tokens
        self._buffered -= n_rows
        tables = [part.tokens for part in parts if part.tokens is not None]
        groups = [part.groups for part in parts if part.groups is not None]
        if n_rows and self._shard_documents is not None:
            lowest, first = int(np.concatenate(groups).min()), self._shard_documents[self._shards]
            if lowest < first:
                raise InvalidCodes(
                    f"{self.path}: document {lowest} comes after document {first}, with which shard {self._shards} "
                    "begins, or before the first of shard_documents; sort the rows by document, or leave "
                    "shard_documents out"
                )
        self._shards += 1
        self._folder.add(
            joined([part.matrix for part in parts]),
            TokenTable.concatenate(tables) if tables else None,
            np.concatenate(groups) if groups and not tables else None,
            left_out=self._left_out,
        )
        self._left_out.clear()


def joined(matrices: list[Any]) -> Any:
    """Matrices below each other; a list of one gives that one. The list is emptied, so that memory is held once."""
    if len(matrices) == 1:
        return matrices.pop()
    if not isinstance(matrices[0], np.ndarray):
        import scipy.sparse

        found = scipy.sparse.vstack(matrices, format="csr")
        matrices.clear()
        return found
    whole = np.empty((sum(len(part) for part in matrices), matrices[0].shape[1]), dtype=matrices[0].dtype)
    end = len(whole)
    while matrices:
        part = matrices.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def checked_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance as a dict, or InvalidCodes where JSON cannot hold it."""
    try:
        json.dumps(dict(provenance))
    except (TypeError, ValueError) as error:
        raise InvalidCodes(f"the provenance cannot be written as JSON: {error}") from None
    return dict(provenance)


def save_codes(
    codes: Codes,
    path: str | Path,
    *,
    dtype: str = "float32",
    replace: bool = False,
    shard_documents: Sequence[int] | None = None,
) -> Path:
    """Write codes that are in memory; what :meth:`Codes.save` does."""
    provenance = dict(codes.provenance)
    identity: dict[str, Any] = {name: str(provenance.pop(name, "")) for name in IDENTITY}
    identity["text_hash"] = codes.text_hash
    provenance.pop("rounded_to_zero", None)
    with CodesWriter(
        path, **identity, name=codes.name, provenance=provenance, dtype=dtype, replace=replace,
        shard_documents=shard_documents,
    ) as writer:  # fmt: skip
        writer.append(codes)
    return Path(path)
