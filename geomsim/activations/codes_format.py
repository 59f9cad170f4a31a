"""Codes on disk: a directory of safetensors shards and a JSON manifest, each of which appears whole or not at all.

``shard-00000.safetensors`` holds ``indptr`` (int64), ``indices`` (int32) and ``values`` (float16 or float32) of a CSR
matrix, or dense ``values``, and the columns of the token table, whose document numbers count through all shards. Its
header says which model, site and dictionary it is of, which documents it holds (the number of the first, how many, and
their hash), and the hash of its contents.

``run.json`` is written first, where the codes are read from text: the options that decide what the shards hold. Shards
begin and end with documents there, so that each can be computed without the others, and a run that was stopped goes on.

``manifest.json`` is written last, so that a directory without one is a run that did not end. It lists the shards in
their order and the names of the documents, and ends with the sha256 of what it says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geomsim.errors import InvalidCodes

FORMAT = "geomsim-codes"
VERSION = 3
MANIFEST = "manifest.json"
RUN = "run.json"
TOKEN_PREFIX = "token."
GROUPS = "groups"
IDENTITY = ("model", "site", "dictionary", "text_hash")
MANIFEST_KEYS = (
    *("name", "layout", "dtype", "n_tokens", "n_latents", "nnz", "documents", "left_out"),
    *("rounded_to_zero", "provenance", "shards", "sha256"),
)
DOCUMENT_KEYS = ("first_document", "n_documents", "documents_hash")
UNFINISHED = "go on with resume=True (--resume on the command line) or start again with replace=True (--replace)"


def shard_name(number: int) -> str:
    """The file name of a shard."""
    return f"shard-{number:05d}.safetensors"


def shard_files(folder: Path) -> list[Path]:
    """The shards that lie in a directory, in order, whether a manifest lists them or not."""
    return sorted(folder.glob("shard-*.safetensors"), key=lambda file: (len(file.name), file.name))


def counted_shards(number: int) -> str:
    """The number in words: "1 shard", "2 shards"."""
    return f"{number} shard{'s' * (number != 1)}"


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """The sha256 of a manifest: of its JSON with sorted keys, less the key ``sha256`` itself."""
    # Through JSON once, so that what is about to be written and what was read again look the same; names of documents
    # do in any case, and there may be millions.
    said = {
        name: value if name == "documents" else json.loads(json.dumps(value))
        for name, value in manifest.items()
        if name != "sha256"
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_manifest(file: Path, manifest: Mapping[str, Any]) -> None:
    """Check that a manifest with all its keys is what was written, and that it does not contradict itself.

    Its hash; the types of all entries; shards numbered from 0 without a gap, whose tokens and numbers that are not 0
    add up; where shards hold whole documents, each begins where the one before ended, and the last ends with the text.

    Raises InvalidCodes, naming the file and the entry.
    """
    if manifest["sha256"] != manifest_digest(manifest):
        raise InvalidCodes(
            f"{file}: damaged or changed by hand: its sha256 is not that of what it says; delete it and resume the "
            "run that wrote it with resume=True (--resume on the command line), or write the codes again"
        )
    for name in ("name", *IDENTITY):
        _need(file, isinstance(manifest[name], str), name, manifest[name], "a text")
    for name, known in (("layout", ("csr", "dense")), ("dtype", ("float32", "float16"))):
        _need(file, manifest[name] in known, name, manifest[name], " or ".join(known))
    for name in ("n_tokens", "n_latents", "nnz", "rounded_to_zero"):
        _need(file, _is_count(manifest[name]), name, manifest[name], "a number, 0 or more,")
    left_out, provenance, documents = manifest["left_out"], manifest["provenance"], manifest["documents"]
    counted = isinstance(left_out, dict) and all(map(_is_count, left_out.values()))
    _need(file, counted, "left_out", left_out, "a count for each reason")
    _need(file, isinstance(provenance, dict), "provenance", provenance, "an object")
    named = documents is None or (isinstance(documents, list) and all(isinstance(name, str) for name in documents))
    _need(file, named, "documents", documents, "a list of names or null")
    _check_shards(file, manifest)


def _check_shards(file: Path, manifest: Mapping[str, Any]) -> None:
    shards = manifest["shards"]
    _need(file, isinstance(shards, list), "shards", shards, "a list")
    for number, shard in enumerate(shards):
        entry = f"shards[{number}]"
        _need(file, isinstance(shard, dict), entry, shard, "an object")
        missing = [name for name in ("file", "rows", "nnz", "bytes", "sha256", *DOCUMENT_KEYS) if name not in shard]
        if missing:
            raise InvalidCodes(f"{file}: damaged, {', '.join(missing)} missing from {entry}; write the codes again")
        _need(file, shard["file"] == shard_name(number), f"{entry}.file", shard["file"], shard_name(number))
        for name in ("rows", "nnz", "bytes"):
            _need(file, _is_count(shard[name]), f"{entry}.{name}", shard[name], "a number, 0 or more,")
        _need(file, isinstance(shard["sha256"], str), f"{entry}.sha256", shard["sha256"], "a text")
    for total, part in (("n_tokens", "rows"), ("nnz", "nnz")):
        found = sum(shard[part] for shard in shards)
        _need(file, manifest[total] == found, total, manifest[total], f"{found}, the sum over its shards,")
    _check_documents(file, shards, manifest["documents"])


def _check_documents(file: Path, shards: list[dict[str, Any]], documents: list[str] | None) -> None:
    """Shards hold whole documents, then all of them do and say which; or none does, and none says so."""
    if all(shard[name] is None for shard in shards for name in DOCUMENT_KEYS):
        return
    begins = 0
    for number, shard in enumerate(shards):
        entry = f"shards[{number}]"
        first, count, digest = (shard[name] for name in DOCUMENT_KEYS)
        first_fits = _is_count(first) and first == begins
        _need(file, first_fits, f"{entry}.first_document", first, f"{begins}, where the shard before ended,")
        _need(file, _is_count(count), f"{entry}.n_documents", count, "a number, 0 or more,")
        _need(file, isinstance(digest, str), f"{entry}.documents_hash", digest, "a text")
        begins += count
    found = "null" if documents is None else f"{len(documents)} names"
    _need(file, documents is not None and len(documents) == begins, "documents", found, f"{begins} names, one for each")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _need(file: Path, sound: bool, entry: str, found: Any, expected: str) -> None:
    if not sound:
        shown = repr(found) if len(repr(found)) <= 60 else f"{repr(found)[:60]} ..."
        raise InvalidCodes(f"{file}: damaged, {entry} is {shown} where {expected} is needed; write the codes again")
