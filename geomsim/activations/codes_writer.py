"""Write codes to disk batch by batch, in the format of `codes_format`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.codes_format import FORMAT, GROUPS, IDENTITY, MANIFEST, TOKEN_PREFIX, VERSION, shard_files
from geomsim.activations.tokens import COLUMNS, TokenTable
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
        tokens per shard; what is in a shard does not depend on how the batches were cut.
    replace
        whether codes that are there already (finished or not) are deleted first.

    Raises
    ------
    InvalidCodes
        when the directory already holds codes, a batch does not fit the ones before, a value is too large for
        float16, or nothing was appended.

    Notes
    -----
    Leaving the ``with`` block writes the last shard and the manifest; leaving it by an exception writes neither.
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
        replace: bool = False,
    ) -> None:
        if dtype not in ("float32", "float16"):
            raise InvalidCodes(f"codes are stored as float32 or float16, not {dtype!r}")
        if shard_tokens < 1:
            raise InvalidCodes(f"shard_tokens must be at least 1, got {shard_tokens}")
        try:
            json.dumps(dict(provenance or {}))
        except (TypeError, ValueError) as error:
            raise InvalidCodes(f"the provenance cannot be written as JSON: {error}") from None
        self.path = Path(path)
        self._identity = {"model": model, "site": site, "dictionary": dictionary, "text_hash": text_hash}
        self._name = name
        self._provenance = dict(provenance or {})
        self._dtype = np.dtype(dtype)
        self._shard_tokens = shard_tokens
        self._buffer: list[Codes] = []
        self._buffered = 0
        self._rows = 0
        self._first: Codes | None = None
        self._group_numbers: dict[Any, int] = {}
        self._rounded_to_zero = 0
        self._left_out: Counter[str] = Counter()
        self._left_out_since_shard: Counter[str] = Counter()
        self._shards: list[dict[str, Any]] = []
        self._make_room(replace)

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
            self._left_out_since_shard.update(codes.tokens.left_out)
        self._rows += codes.n_tokens
        self._buffer.append(codes)
        self._buffered += codes.n_tokens
        while self._buffered >= self._shard_tokens:
            self._flush(self._shard_tokens)

    def close(self) -> Path:
        """Write what is still buffered, then the manifest; the codes can be opened from here on."""
        if self._first is None:
            raise InvalidCodes(f"{self.path}: no tokens were appended, there are no codes to write")
        if self._buffered:
            self._flush(self._buffered)
        tokens = self._first.tokens
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "name": self._name,
            **self._identity,
            "layout": "csr" if self._first.is_sparse else "dense",
            "dtype": self._dtype.name,
            "n_tokens": self._rows,
            "n_latents": self._first.n_latents,
            "nnz": sum(shard["nnz"] for shard in self._shards),
            "shard_tokens": self._shard_tokens,
            "documents": None if tokens is None else tokens.documents,
            "left_out": dict(self._left_out),
            "rounded_to_zero": self._rounded_to_zero,
            "provenance": self._provenance,
            "shards": self._shards,
        }
        _appear(self.path / MANIFEST, json.dumps(manifest, indent=1).encode())
        return self.path

    def _make_room(self, replace: bool) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise InvalidCodes(f"{self.path} is a file; codes are written into a directory")
        manifest = self.path / MANIFEST
        shards = shard_files(self.path)
        if not replace and (manifest.exists() or shards):
            state = (
                "finished codes"
                if manifest.exists()
                else f"{len(shards)} shard{'s' * (len(shards) > 1)} of a run that did not end"
            )
            raise InvalidCodes(
                f"{self.path} already holds {state}; choose another directory, or delete them with replace=True "
                "(--replace on the command line)"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        manifest.unlink(missing_ok=True)
        for old in (*shards, *self.path.glob("*.part")):
            old.unlink()

    def _refuse_misfit(self, codes: Codes) -> None:
        first = self._first
        if first is None:
            self._first = codes
            known = self._identity["text_hash"]
            if known and codes.text_hash and codes.text_hash != known:
                raise InvalidCodes(f"{self.path}: the tokens are of text {codes.text_hash[:12]}, not {known[:12]}")
            self._identity["text_hash"] = known or codes.text_hash
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

    def _flush(self, n_rows: int) -> None:
        """Write the first `n_rows` buffered tokens as one shard."""
        parts: list[Codes] = []
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
        arrays, lost = self._arrays(parts)
        self._rounded_to_zero += lost
        number = len(self._shards)
        header = {
            "format": FORMAT,
            "version": str(VERSION),
            **self._identity,
            "n_latents": str(parts[0].n_latents),
            "shard": str(number),
            "first_token": str(self._rows_written()),
            "left_out": json.dumps(dict(self._left_out_since_shard)),
        }
        self._left_out_since_shard.clear()
        from safetensors.numpy import save

        data = save(arrays, metadata=header)
        file = self.path / f"shard-{number:05d}.safetensors"
        _appear(file, data)
        nnz = int(np.count_nonzero(arrays["values"]))
        digest = hashlib.sha256(data).hexdigest()
        self._shards.append({"file": file.name, "rows": n_rows, "nnz": nnz, "bytes": len(data), "sha256": digest})

    def _rows_written(self) -> int:
        return sum(shard["rows"] for shard in self._shards)

    def _arrays(self, parts: list[Codes]) -> tuple[dict[str, NDArray[Any]], int]:
        """The arrays of one shard, and how many values the chosen dtype rounded to zero."""
        arrays: dict[str, NDArray[Any]] = {}
        before = sum(part.n_firings for part in parts)
        if parts[0].is_sparse:
            import scipy.sparse

            matrix = scipy.sparse.vstack([part.matrix for part in parts], format="csr")
            matrix.data = self._stored(matrix.data).astype(np.float32)  # scipy knows no float16
            matrix.eliminate_zeros()
            arrays["indptr"] = matrix.indptr.astype(np.int64)
            arrays["indices"] = matrix.indices.astype(np.int32)
            arrays["values"] = matrix.data.astype(self._dtype)
        else:
            arrays["values"] = self._stored(np.concatenate([part.matrix for part in parts]))
        if parts[0].tokens is not None:
            tables = [part.tokens for part in parts if part.tokens is not None]
            for column in COLUMNS:
                arrays[TOKEN_PREFIX + column] = np.concatenate([getattr(table, column) for table in tables])
        elif parts[0].groups is not None:
            arrays[GROUPS] = np.concatenate([part.groups for part in parts if part.groups is not None])
        return arrays, before - int(np.count_nonzero(arrays["values"]))

    def _stored(self, values: NDArray[np.float32]) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # reported below
            stored = values.astype(self._dtype)
        if not np.isfinite(stored).all():
            raise InvalidCodes(
                f"{self.path}: {int((~np.isfinite(stored)).sum())} activations are too large for {self._dtype.name} "
                f"(largest {float(np.abs(values).max()):.4g}); store float32"
            )
        return stored


def save_codes(codes: Codes, path: str | Path, *, dtype: str = "float32", replace: bool = False) -> Path:
    """Write codes that are in memory; what :meth:`Codes.save` does."""
    provenance = dict(codes.provenance)
    identity: dict[str, Any] = {name: str(provenance.pop(name, "")) for name in IDENTITY}
    identity["text_hash"] = codes.text_hash
    provenance.pop("rounded_to_zero", None)
    with CodesWriter(path, **identity, name=codes.name, provenance=provenance, dtype=dtype, replace=replace) as writer:
        writer.append(codes)
    return Path(path)


def _appear(file: Path, data: bytes) -> None:
    part = file.with_name(file.name + ".part")
    part.write_bytes(data)
    part.replace(file)
