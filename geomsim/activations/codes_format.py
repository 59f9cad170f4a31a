"""Codes on disk: a directory of safetensors shards and a JSON manifest, each of which appears whole or not at all.

``shard-00000.safetensors`` holds ``indptr`` (int64), ``indices`` (int32) and ``values`` (float16 or float32) of a CSR
matrix, or dense ``values``, and the columns of the token table, whose document numbers count through all shards. Its
header says which model, site and dictionary it is of, which documents it holds (the number of the first, how many, and
their hash), and the hash of its contents.

``run.json`` is written first, where the codes are read from text: the options that decide what the shards hold. Shards
begin and end with documents there, so that each can be computed without the others, and a run that was stopped goes on.

``manifest.json`` is written last, so that a directory without one is a run that did not end.
"""

from __future__ import annotations

from pathlib import Path

FORMAT = "geomsim-codes"
VERSION = 2
MANIFEST = "manifest.json"
RUN = "run.json"
TOKEN_PREFIX = "token."
GROUPS = "groups"
IDENTITY = ("model", "site", "dictionary", "text_hash")
MANIFEST_KEYS = (
    *("name", "layout", "dtype", "n_tokens", "n_latents", "documents", "left_out"),
    *("rounded_to_zero", "provenance", "shards"),
)
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
