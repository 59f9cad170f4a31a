"""Read codes from disk, mapped and not copied, after checks that they are whole and belong together."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.codes_format import (
    DOCUMENT_KEYS,
    FORMAT,
    GROUPS,
    IDENTITY,
    MANIFEST,
    MANIFEST_KEYS,
    RUN,
    TOKEN_PREFIX,
    UNFINISHED,
    VERSION,
    check_manifest,
    counted_shards,
    shard_files,
)
from geomsim.activations.codes_writer import joined
from geomsim.activations.safetensors_file import map_arrays, read_header
from geomsim.activations.tokens import COLUMNS, TokenTable
from geomsim.errors import InvalidCodes

AnyCodes = TypeVar("AnyCodes", bound=Codes)


class _Stored(NamedTuple):
    matrix: Any
    columns: dict[str, NDArray[Any]]
    left_out: dict[str, int]


def open_codes(
    path: str | Path, *, verify: bool = True, into: type[AnyCodes] | None = None, first: int | None = None
) -> AnyCodes:
    """Read all shards (or the `first` so many) as one Codes; several are joined in memory, one stays mapped from disk.

    Raises InvalidCodes, naming the file, where there is no manifest or a shard is missing, truncated, damaged
    (``verify`` compares hashes) or of another dictionary, text or run.
    """
    folder = Path(path)
    manifest = _checked_folder(folder)
    shards = [_read_shard(folder, manifest, number, verify) for number in range(len(manifest["shards"]))[:first]]
    left_out = sum((Counter(shard.left_out) for shard in shards), Counter[str]())
    matrix, columns, _ = shards[0]
    if len(shards) > 1:
        columns = {name: np.concatenate([shard.columns[name] for shard in shards]) for name in columns}
        matrices = [shard.matrix for shard in shards]
        shards.clear()
        matrix = joined(matrices)
    tokens, groups = _labels(columns, manifest, left_out)
    made = (into or Codes)(matrix, tokens, groups, manifest["name"], _provenance(manifest))
    return cast(AnyCodes, made)


def iterate_shards(path: str | Path, *, verify: bool = True) -> Iterator[Codes]:
    """The same codes shard by shard, each mapped from disk: memory does not grow with the text.

    See :func:`open_shard`. Shards of codes that were read from text hold the same documents for all models.
    """
    folder = Path(path)
    for number in range(len(_checked_folder(folder)["shards"])):
        yield open_shard(folder, number, verify=verify)


def n_shards(path: str | Path) -> int:
    """How many shards the codes have."""
    return len(read_manifest(path)["shards"])


def open_shard(path: str | Path, number: int, *, verify: bool = True) -> Codes:
    """One shard, mapped from disk, without a look at the others; the manifest is parsed once per process.

    Document numbers and the names in the token table are those of the whole text; the counts of what was left out are
    the shard's own. A shard of documents without a token that was kept has no rows.

    Raises InvalidCodes where there is no such shard, and as :func:`open_codes` for the shard alone.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if not 0 <= number < len(manifest["shards"]):
        raise InvalidCodes(f"{folder}: there is no shard {number}, only {len(manifest['shards'])} counted from 0")
    matrix, columns, left_out = _read_shard(folder, manifest, number, verify)
    described = (manifest["name"], _provenance(manifest))
    if matrix.shape[0]:
        return Codes(matrix, *_labels(columns, manifest, left_out), *described)
    import scipy.sparse

    # Codes refuse to be empty, for a whole text without tokens is a mistake; a part of one is none.
    row = (1, matrix.shape[1])
    zero = np.zeros(row, dtype=np.float32) if manifest["layout"] == "dense" else scipy.sparse.csr_array(row)
    column = {name: np.zeros(1, dtype=np.int32) for name in columns}
    return Codes(zero, *_labels(column, manifest, left_out), *described).take(np.zeros(0, dtype=np.int64))


def read_manifest(path: str | Path) -> dict[str, Any]:
    """The manifest of a directory of codes; InvalidCodes where it is missing, damaged or of another format."""
    folder = Path(path)
    file = folder / MANIFEST
    if not folder.is_dir():
        raise InvalidCodes(f"{folder}: no such directory of codes")
    if not file.exists():
        names = [shard.name for shard in shard_files(folder)]
        if not names and not (folder / RUN).exists():
            below = sorted(str(found.parent) for found in folder.glob(f"*/{MANIFEST}"))
            raise InvalidCodes(
                f"{folder}: no codes here, there is neither a {MANIFEST} nor a shard"
                + (f"; there are codes below it, in {_some(below)}" if below else "")
            )
        raise InvalidCodes(
            f"{folder}: unfinished codes: there is no {MANIFEST}, only {counted_shards(len(names))}"
            f"{f' ({_some(names)})' if names else ''}; the run that wrote them did not end, "
            + (UNFINISHED if (folder / RUN).exists() else "start it again with replace=True")
        )
    found = file.stat()
    return dict(_parsed_manifest(file, found.st_mtime_ns, found.st_size, found.st_ino))


@functools.lru_cache(maxsize=8)
def _parsed_manifest(file: Path, *_written: int) -> Mapping[str, Any]:
    """Kept, since each shard needs it; `_written` (time, size, place) changes when the file does."""
    try:
        manifest = json.loads(file.read_bytes())
    except ValueError as error:
        raise InvalidCodes(f"{file}: damaged, not JSON ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InvalidCodes(f"{file}: not a manifest of codes (its format is not {FORMAT!r})")
    if manifest.get("version") != VERSION:
        raise InvalidCodes(
            f"{file}: format version {manifest.get('version')}, this geomsim reads version {VERSION}; "
            "write the codes again"
        )
    missing = [name for name in (*MANIFEST_KEYS, *IDENTITY) if name not in manifest]
    if missing or not manifest["shards"]:
        raise InvalidCodes(f"{file}: damaged, {', '.join(missing) or 'shards'} missing")
    check_manifest(file, manifest)
    if manifest["documents"] is not None:
        manifest["documents"] = tuple(manifest["documents"])  # one object for the token tables of all shards
    return manifest


def _checked_folder(folder: Path) -> dict[str, Any]:
    """The manifest, after a check that exactly the shards it lists are there."""
    manifest = read_manifest(folder)
    listed = [shard["file"] for shard in manifest["shards"]]
    absent = [name for name in listed if not (folder / name).exists()]
    if absent:
        raise InvalidCodes(
            f"{folder / absent[0]}: shard missing ({len(absent)} of {len(listed)}: {_some(absent)}); what was read "
            "from text is written again with resume=True (--resume on the command line)"
        )
    known = set(listed)
    foreign = [file for file in shard_files(folder) if file.name not in known]
    if foreign:
        raise InvalidCodes(
            f"{foreign[0]}: a shard that {MANIFEST} does not list; it belongs to another run, move it away"
        )
    return manifest


def _read_shard(folder: Path, manifest: Mapping[str, Any], number: int, verify: bool) -> _Stored:
    shard = manifest["shards"][number]
    file = folder / shard["file"]
    if not file.exists():
        raise InvalidCodes(f"{file}: shard missing")
    again = "delete it and write the codes again with resume=True (--resume on the command line)"
    size, expected = file.stat().st_size, int(shard["bytes"])
    if size != expected:
        kind = "truncated" if size < expected else "damaged"
        raise InvalidCodes(f"{file}: {kind}: {size} bytes where {MANIFEST} says {expected}; {again}")
    header = read_header(file)
    described = {
        **{what: manifest[what] for what in ("dictionary", "text_hash", "model", "site", "n_latents", "layout")},
        **{what: shard[what] for what in ("rows", *DOCUMENT_KEYS)},
        "shard": number,
    }
    for what, listed in described.items():
        said = header.metadata.get(what)
        if said == "" and what == "text_hash":
            continue  # read from a stream, whose hash was not yet known; its documents have one
        if said != ("" if listed is None else str(listed)):
            raise InvalidCodes(
                f"{file}: a foreign shard: its {what} is {said!r}, that of {MANIFEST} is {listed!r}; move it away"
            )
    if verify and _hash(file) != shard["sha256"]:
        raise InvalidCodes(f"{file}: damaged: its sha256 is not the one in {MANIFEST}; {again}")
    try:
        left_out = {str(reason): int(count) for reason, count in json.loads(header.metadata["left_out"]).items()}
    except (KeyError, ValueError, AttributeError) as error:
        raise InvalidCodes(f"{file}: damaged: no counts of what was left out ({error!r})") from error
    arrays = map_arrays(file, header)
    columns = {name: values for name, values in arrays.items() if name.startswith(TOKEN_PREFIX) or name == GROUPS}
    wanted = () if manifest["documents"] is None else COLUMNS
    found = [name for name in columns if name != GROUPS]
    if sorted(found) != sorted(TOKEN_PREFIX + name for name in wanted):
        raise InvalidCodes(
            f"{file}: damaged: it holds the columns {', '.join(found) or 'none'} of a token table where {MANIFEST} "
            f"{f'names documents, so that {len(COLUMNS)} are needed' if wanted else 'names no documents'}; {again}"
        )
    return _Stored(_matrix(arrays, manifest, int(shard["rows"]), file), columns, left_out)


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


def _labels(
    columns: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any], left_out: Mapping[str, int]
) -> tuple[TokenTable | None, NDArray[Any] | None]:
    if manifest["documents"] is None:
        return None, columns.get(GROUPS)
    table = TokenTable(
        **{name: columns[TOKEN_PREFIX + name] for name in COLUMNS},
        documents=manifest["documents"],
        text_hash=manifest["text_hash"],
        left_out=left_out,
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
