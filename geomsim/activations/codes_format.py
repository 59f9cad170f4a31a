"""Codes on disk: a directory of safetensors shards and a JSON manifest, each of which appears whole or not at all.

``shard-00000.safetensors`` holds ``indptr`` (int64), ``indices`` (int32) and ``values`` (float16 or float32) of a CSR
matrix, or dense ``values``, and the columns of the token table; ``manifest.json`` is written last, so that a directory
without one is a run that did not end. Every shard repeats in its header which dictionary and text it belongs to.
"""

from __future__ import annotations

from pathlib import Path

FORMAT = "geomsim-codes"
VERSION = 1
MANIFEST = "manifest.json"
TOKEN_PREFIX = "token."
GROUPS = "groups"
IDENTITY = ("model", "site", "dictionary", "text_hash")
MANIFEST_KEYS = (
    *("name", "layout", "dtype", "n_tokens", "n_latents", "documents", "left_out"),
    *("rounded_to_zero", "provenance", "shards"),
)


def shard_files(folder: Path) -> list[Path]:
    """The shards that lie in a directory, in order, whether a manifest lists them or not."""
    return sorted(folder.glob("shard-*.safetensors"))
