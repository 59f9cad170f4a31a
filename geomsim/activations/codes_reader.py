"""Read codes from disk, mapped and not copied, after checks that they are whole and belong together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.codes_format import (
    FORMAT,
    GROUPS,
    IDENTITY,
    MANIFEST,
    MANIFEST_KEYS,
    TOKEN_PREFIX,
    VERSION,
    shard_files,
)
from geomsim.activations.tokens import COLUMNS, TokenTable
from geomsim.errors import InvalidCodes

AnyCodes = TypeVar("AnyCodes", bound=Codes)

_NUMPY_TYPES = {"F16": "<f2", "F32": "<f4", "I32": "<i4", "I64": "<i8"}


def open_codes(path: str | Path, *, verify: bool = True, into: type[AnyCodes] | None = None) -> AnyCodes:
    """Read all shards as one Codes; one float32 shard stays mapped from disk, several are joined in memory.

    Raises InvalidCodes, naming the file, where there is no manifest or a shard is missing, truncated, damaged
    (``verify`` compares hashes) or of another dictionary, text or run.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    shards = list(_read_shards(folder, manifest, verify))
    matrix, columns = shards[0]
    if len(shards) > 1:
        import scipy.sparse

        matrices = [matrix for matrix, _ in shards]
        csr = manifest["layout"] == "csr"
        matrix = scipy.sparse.vstack(matrices, format="csr") if csr else np.concatenate(matrices)
        columns = {name: np.concatenate([arrays[name] for _, arrays in shards]) for name in columns}
    tokens, groups = _labels(columns, manifest)
    made = (into or Codes)(matrix, tokens, groups, manifest["name"], _provenance(manifest))
    return cast(AnyCodes, made)


def iterate_shards(path: str | Path, *, verify: bool = True) -> Iterator[Codes]:
    """The same codes shard by shard, each mapped from disk: memory does not grow with the text."""
    folder = Path(path)
    manifest = read_manifest(folder)
    for matrix, columns in _read_shards(folder, manifest, verify):
        tokens, groups = _labels(columns, manifest)
        yield Codes(matrix, tokens, groups, manifest["name"], _provenance(manifest))


def read_manifest(path: str | Path) -> dict[str, Any]:
    """The manifest of a directory of codes; InvalidCodes where it is missing, damaged or of a newer format."""
    folder = Path(path)
    file = folder / MANIFEST
    if not folder.is_dir():
        raise InvalidCodes(f"{folder}: no such directory of codes")
    if not file.exists():
        names = [shard.name for shard in shard_files(folder)]
        if not names:
            below = sorted(str(found.parent) for found in folder.glob(f"*/{MANIFEST}"))
            raise InvalidCodes(
                f"{folder}: no codes here, there is neither a {MANIFEST} nor a shard"
                + (f"; there are codes below it, in {_some(below)}" if below else "")
            )
        raise InvalidCodes(
            f"{folder}: unfinished codes: there is no {MANIFEST}, only "
            f"{len(names)} shard{'s' * (len(names) > 1)} ({_some(names)}); the run that wrote them "
            "did not end, start it again with replace=True (--replace on the command line)"
        )
    try:
        manifest = json.loads(file.read_bytes())
    except ValueError as error:
        raise InvalidCodes(f"{file}: damaged, not JSON ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InvalidCodes(f"{file}: not a manifest of codes (its format is not {FORMAT!r})")
    if manifest.get("version") != VERSION:
        raise InvalidCodes(f"{file}: format version {manifest.get('version')}, this geomsim reads version {VERSION}")
    missing = [name for name in (*MANIFEST_KEYS, *IDENTITY) if name not in manifest]
    if missing or not manifest["shards"]:
        raise InvalidCodes(f"{file}: damaged, {', '.join(missing) or 'shards'} missing")
    return cast(dict[str, Any], manifest)


def _read_shards(
    folder: Path, manifest: Mapping[str, Any], verify: bool
) -> Iterator[tuple[Any, dict[str, NDArray[Any]]]]:
    listed = [shard["file"] for shard in manifest["shards"]]
    absent = [name for name in listed if not (folder / name).exists()]
    if absent:
        raise InvalidCodes(f"{folder / absent[0]}: shard missing ({len(absent)} of {len(listed)}: {_some(absent)})")
    foreign = [file for file in shard_files(folder) if file.name not in listed]
    if foreign:
        raise InvalidCodes(
            f"{foreign[0]}: a shard that {MANIFEST} does not list; it belongs to another run, move it away"
        )
    for shard in manifest["shards"]:
        file = folder / shard["file"]
        arrays, header = _map_safetensors(file, int(shard["bytes"]))
        for what in ("dictionary", "text_hash", "model", "site", "n_latents"):
            if header.get(what) != str(manifest[what]):
                raise InvalidCodes(
                    f"{file}: a foreign shard: its {what} is {header.get(what)!r}, "
                    f"that of {MANIFEST} is {manifest[what]!r}"
                )
        if verify and _hash(file) != shard["sha256"]:
            raise InvalidCodes(f"{file}: damaged: its sha256 is not the one in {MANIFEST}; write the codes again")
        yield (
            _matrix(arrays, manifest, int(shard["rows"]), file),
            {name: values for name, values in arrays.items() if name.startswith(TOKEN_PREFIX) or name == GROUPS},
        )


def _matrix(arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any], n_rows: int, file: Path) -> Any:
    """The activations of one shard, after a check that they cannot point outside the matrix."""
    shape = (n_rows, int(manifest["n_latents"]))
    sparse = manifest["layout"] == "csr"
    missing = [name for name in (("indptr", "indices", "values") if sparse else ("values",)) if name not in arrays]
    if missing:
        raise InvalidCodes(f"{file}: damaged: it holds no {', '.join(missing)}")
    values = arrays["values"]
    columns = [array for name, array in arrays.items() if name.startswith(TOKEN_PREFIX) or name == GROUPS]
    sound = all(column.shape == (n_rows,) for column in columns)
    if sparse:
        indptr, indices = arrays["indptr"], arrays["indices"]
        sound = sound and indptr.shape == (n_rows + 1,) and indptr[0] == 0 and bool((np.diff(indptr) >= 0).all())
        sound = sound and indices.shape == values.shape == (int(indptr[-1]),)
        sound = sound and (not len(indices) or (int(indices.min()) >= 0 and int(indices.max()) < shape[1]))
    else:
        sound = sound and values.shape == shape
    if not sound:
        raise InvalidCodes(f"{file}: damaged: its arrays do not fit {shape[0]} tokens x {shape[1]} latents")
    if not sparse:
        return values
    import scipy.sparse

    if len(indices) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)  # scipy wants one type for both, and the large one can stay mapped
    return scipy.sparse.csr_array((values.astype(np.float32, copy=False), indices, indptr), shape=shape)


def _map_safetensors(file: Path, expected_bytes: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays mapped from a safetensors file, and its metadata. (The library itself copies into memory for numpy.)"""
    size = file.stat().st_size
    if size != expected_bytes:
        kind = "truncated" if size < expected_bytes else "damaged"
        raise InvalidCodes(
            f"{file}: {kind}: {size} bytes where {MANIFEST} says {expected_bytes}; write the codes again"
        )
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(length, size)))
        metadata = header.pop("__metadata__", {})
        arrays = {}
        for name, entry in header.items():
            dtype, shape = np.dtype(_NUMPY_TYPES[entry["dtype"]]), tuple(entry["shape"])
            first, last = entry["data_offsets"]
            if last - first != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"array {name!r} has {last - first} bytes, which do not make {shape}")
            # One map per array: scipy copies an array that is a small view of a large one.
            start = 8 + length + first
            mapped = np.memmap(file, dtype, "r", start, shape) if last > first else np.empty(shape, dtype)
            arrays[name] = np.asarray(mapped)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidCodes(f"{file}: damaged: not a readable safetensors file ({error})") from error
    return arrays, metadata


def _labels(
    columns: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]
) -> tuple[TokenTable | None, NDArray[Any] | None]:
    if manifest["documents"] is None:
        return None, columns.get(GROUPS)
    table = TokenTable(
        **{name: columns[TOKEN_PREFIX + name] for name in COLUMNS},
        documents=tuple(manifest["documents"]),
        text_hash=manifest["text_hash"],
        left_out=manifest["left_out"],
    )
    return table, None


def _provenance(manifest: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: manifest[name] for name in IDENTITY if manifest[name]}
    lost = int(manifest["rounded_to_zero"])
    return {**manifest["provenance"], **known, **({"rounded_to_zero": lost} if lost else {})}


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]}, {names[1]} ... {names[-1]}"
