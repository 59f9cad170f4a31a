"""One directory of codes while it is being written: shards that are kept, shards that are added, then the manifest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes_format import (
    DOCUMENT_KEYS,
    FORMAT,
    GROUPS,
    MANIFEST,
    RUN,
    TOKEN_PREFIX,
    UNFINISHED,
    VERSION,
    counted_shards,
    manifest_digest,
    shard_files,
    shard_name,
)
from geomsim.activations.safetensors_file import checked_file_hash, packed, read_header
from geomsim.activations.text_cuts import DocumentShard
from geomsim.activations.tokens import COLUMNS, TokenTable
from geomsim.activations.whole_files import PART, DiskFullError, appear
from geomsim.errors import InvalidCodes


class CodesFolder:
    """The shards of one site, in their order, and at the end their manifest. Nothing is made before the first shard.

    Parameters
    ----------
    path
        the directory.
    identity
        model, site, dictionary and, where it is known before the end, text_hash.
    run
        the options that decide what the shards hold; None where they cannot be computed again.
    dtype
        of the values on disk.
    resume, replace
        whether shards of the same run are kept, or all that is there is deleted, before the first shard is added.

    Raises
    ------
    InvalidCodes
        where the directory holds codes already, or, with `resume`, such as were written under other options.
    """

    def __init__(
        self,
        path: str | Path,
        identity: Mapping[str, str],
        *,
        run: Mapping[str, Any] | None = None,
        dtype: str = "float32",
        resume: bool = False,
        replace: bool = False,
    ) -> None:
        if dtype not in ("float32", "float16"):
            raise InvalidCodes(f"codes are stored as float32 or float16, not {dtype!r}")
        self.path = Path(path)
        self.identity = dict(identity)
        self._run = None if run is None else {"format": FORMAT, "version": VERSION, **run}
        self._dtype = np.dtype(dtype)
        self._replace = replace
        self._begun = False
        self._entries: list[dict[str, Any]] = []
        self.left_out: Counter[str] = Counter()
        self._rounded_to_zero = 0
        self._layout, self._n_latents = "", 0
        self.kept = 0  # shards that were there already
        self._check(resume, replace)

    @property
    def n_tokens(self) -> int:
        """Tokens in the shards so far."""
        return sum(entry["rows"] for entry in self._entries)

    def keep(self, shard: DocumentShard) -> bool:
        """Whether the shard is there already, after a check that it is whole and of this run and these documents.

        Raises InvalidCodes, naming the file, where it is damaged or foreign.
        """
        file = self.path / shard_name(shard.number)
        if self._replace or not file.exists():
            return False
        whole, header = checked_file_hash(file), read_header(file)
        expected = self._header(shard.number, shard.first_document, len(shard.documents), shard.documents_hash)
        for what, wanted in expected.items():
            found = header.metadata.get(what)
            if found != wanted:
                kind = "was the text changed" if what in DOCUMENT_KEYS else "is it of another run"
                raise InvalidCodes(
                    f"{file}: a foreign shard: its {what} is {found!r}, that of the text and model that are read now "
                    f"is {wanted!r}; {kind}? Move the file away, or start again with replace=True (--replace)"
                )
        self._record(file.name, header.metadata, file.stat().st_size, whole)
        self.kept += 1
        return True

    def add(
        self,
        matrix: Any,
        tokens: TokenTable | None,
        groups: NDArray[Any] | None = None,
        *,
        left_out: Mapping[str, int],
        documents: DocumentShard | None = None,
    ) -> None:
        """Write the next shard: (tokens, latents) CSR without explicit zeros, or dense, and a row of labels for each.

        Raises InvalidCodes where a value is too large for the dtype, or the disk is full.
        """
        self.begin()
        arrays, rounded_to_zero = self._arrays(matrix, tokens, groups, documents.first_document if documents else 0)
        number = len(self._entries)
        header = (
            self._header(number)
            if documents is None
            else self._header(number, documents.first_document, len(documents.documents), documents.documents_hash)
        )
        header |= {
            "layout": "dense" if isinstance(matrix, np.ndarray) else "csr",
            "rows": str(matrix.shape[0]),
            "n_latents": str(matrix.shape[1]),
            "nnz": str(np.count_nonzero(arrays["values"])),
            "rounded_to_zero": str(rounded_to_zero),
            "left_out": json.dumps(dict(left_out), sort_keys=True),
        }
        pieces = packed(arrays, header)
        file = self.path / shard_name(number)
        self._appear(file, pieces)
        whole = hashlib.sha256()
        for piece in pieces:
            whole.update(piece)
        self._record(file.name, header, sum(map(len, pieces)), whole.hexdigest())

    def finish(
        self, *, text_hash: str, documents: Sequence[str] | None, name: str, provenance: Mapping[str, Any]
    ) -> Path:
        """Write the manifest; the codes can be opened from here on.

        Raises InvalidCodes where there are shards beyond the last one, or a manifest that says something else.
        """
        listed = {entry["file"] for entry in self._entries}
        for file in shard_files(self.path):
            if file.name not in listed:
                raise InvalidCodes(
                    f"{file}: a shard beyond the {len(listed)} that this text makes; it belongs to another run, "
                    "move it away"
                )
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "name": name,
            **self.identity,
            "text_hash": text_hash,
            "layout": self._layout,
            "dtype": self._dtype.name,
            "n_tokens": self.n_tokens,
            "n_latents": self._n_latents,
            "nnz": sum(entry["nnz"] for entry in self._entries),
            "documents": documents,
            "left_out": dict(self.left_out),
            "rounded_to_zero": self._rounded_to_zero,
            "provenance": dict(provenance),
            "shards": self._entries,
        }
        manifest["sha256"] = manifest_digest(manifest)
        content, file = json.dumps(manifest, indent=1).encode(), self.path / MANIFEST
        if not file.exists():
            self._appear(file, [content])
        elif file.read_bytes() != content:
            raise InvalidCodes(
                f"{file}: it does not say what the shards beside it say (damaged, or of another run); delete it and "
                "resume, then it is written again"
            )
        return self.path

    def discard(self) -> None:
        """Delete what was written, and the directory where nothing else is in it."""
        self._clear()
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()

    def begin(self) -> None:
        """Make the directory, clear what is to be replaced, write down the options. Does nothing the second time."""
        if self._begun:
            return
        self._begun = True
        with self._room():
            self.path.mkdir(parents=True, exist_ok=True)
        if self._replace:
            self._clear()
        if self._run is not None and not (self.path / RUN).exists():
            self._appear(self.path / RUN, [json.dumps(self._run, indent=1).encode()])

    def _check(self, resume: bool, replace: bool) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise InvalidCodes(f"{self.path} is a file; codes are written into a directory")
        finished, run = (self.path / MANIFEST).exists(), self.path / RUN
        shards = shard_files(self.path)
        if replace or not (finished or shards or run.exists()):
            return
        if not resume:
            state = "finished codes" if finished else f"{counted_shards(len(shards))} of a run that did not end"
            ways = (
                "choose another directory, or delete them with replace=True (--replace on the command line)"
                if self._run is None or finished
                else f"choose another directory, {UNFINISHED}"
            )
            raise InvalidCodes(f"{self.path} already holds {state}; {ways}")
        self._compare_run(run)
        self._clear_parts()

    def _compare_run(self, file: Path) -> None:
        start_again = "start again with replace=True (--replace on the command line)"
        if not file.exists():
            raise InvalidCodes(
                f"{self.path}: there is no {RUN}, so nobody knows under which options its shards were written; "
                + start_again
            )
        try:
            then = json.loads(file.read_bytes())
        except ValueError as error:
            raise InvalidCodes(f"{file}: damaged, not JSON ({error}); {start_again}") from error
        difference = _first_difference(then, json.loads(json.dumps(self._run)))
        if difference:
            raise InvalidCodes(
                f"{self.path}: this run was begun under other options, {difference}; resume under the same ones, or "
                + start_again
            )

    def _clear(self) -> None:
        (self.path / MANIFEST).unlink(missing_ok=True)
        for old in (*shard_files(self.path), self.path / RUN):
            old.unlink(missing_ok=True)
        self._clear_parts()

    def _clear_parts(self) -> None:
        for old in self.path.glob(f"*{PART}"):
            old.unlink()

    def _header(
        self, number: int, first_document: int | str = "", n_documents: int | str = "", documents_hash: str = ""
    ) -> dict[str, str]:
        run = "" if self._run is None else hashlib.sha256(json.dumps(self._run, sort_keys=True).encode()).hexdigest()
        return {
            "format": FORMAT,
            "version": str(VERSION),
            **self.identity,
            "run": run,
            "shard": str(number),
            **dict(zip(DOCUMENT_KEYS, (str(first_document), str(n_documents), documents_hash), strict=True)),
        }

    def _record(self, file: str, header: Mapping[str, str], size: int, sha256: str) -> None:
        self._layout, self._n_latents = header["layout"], int(header["n_latents"])
        self.left_out.update(json.loads(header["left_out"]))
        self._rounded_to_zero += int(header["rounded_to_zero"])
        first, count = (int(header[what]) if header[what] else None for what in DOCUMENT_KEYS[:2])
        self._entries.append(
            {
                "file": file, "rows": int(header["rows"]), "nnz": int(header["nnz"]), "bytes": size, "sha256": sha256,
                "first_document": first, "n_documents": count, "documents_hash": header["documents_hash"] or None,
            }
        )  # fmt: skip

    def _arrays(
        self, matrix: Any, tokens: TokenTable | None, groups: NDArray[Any] | None, first_document: int
    ) -> tuple[dict[str, NDArray[Any]], int]:
        """The arrays of one shard, and how many values the dtype rounded to zero."""
        arrays: dict[str, NDArray[Any]] = {}
        if isinstance(matrix, np.ndarray):
            arrays["values"] = self._stored(matrix)
            lost = int(np.count_nonzero(matrix)) - int(np.count_nonzero(arrays["values"]))
        else:
            values = self._stored(matrix.data)
            kept = values != 0
            lost = int(len(kept) - np.count_nonzero(kept))
            until = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept, dtype=np.int64)])
            arrays["indptr"] = until[matrix.indptr]
            arrays["indices"] = matrix.indices[kept].astype(np.int32)
            arrays["values"] = values[kept]
        if tokens is not None:
            for column in COLUMNS:
                offset = np.int32(first_document if column == "document" else 0)
                arrays[TOKEN_PREFIX + column] = getattr(tokens, column) + offset
        elif groups is not None:
            arrays[GROUPS] = groups
        return arrays, lost

    def _stored(self, values: NDArray[np.float32]) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # reported below
            stored = values.astype(self._dtype, copy=False)
        if not np.isfinite(stored).all():
            raise InvalidCodes(
                f"{self.path}: {int((~np.isfinite(stored)).sum())} activations are too large for {self._dtype.name} "
                f"(largest {float(np.abs(values).max()):.4g}); store float32"
            )
        return stored

    def _appear(self, file: Path, pieces: Iterable[bytes | memoryview]) -> None:
        with self._room():
            appear(file, pieces)

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except DiskFullError as error:
            whole = counted_shards(len(shard_files(self.path)))
            after = "start again" if self._run is None else "go on with resume=True (--resume on the command line)"
            raise InvalidCodes(
                f"{self.path}: no room for {Path(error.filename).name} ({error.strerror}); {whole} "
                f"there {'is' if whole == '1 shard' else 'are'} whole; make room, then {after}"
            ) from error


def _first_difference(then: Any, now: Any, where: str = "") -> str:
    """The first entry in which two JSON values differ, in words; "" where they are equal."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in [*now, *(key for key in then if key not in now)]:
            if found := _first_difference(then.get(key), now.get(key), f"{where}.{key}" if where else str(key)):
                return found
        return ""
    return "" if then == now and type(then) is type(now) else f"{where}: it was {then!r} and is {now!r} now"
