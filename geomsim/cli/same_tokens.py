"""Whether the rows of two codes are the same tokens: what their folders say of the tokenizers that cut the text."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geomsim.errors import GeomsimWarning, InvalidCodes

_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_SEVERAL = 0.01  # of the tokens without a counterpart: more than windows that begin elsewhere would leave out


def check_tokenizers(left: Path, right: Path) -> None:
    """Refuse codes whose rows would be taken for the same tokens although different tokenizers cut the text.

    Codes with token tables are joined by the characters of their tokens, whatever the tokenizers, and are not looked
    at. Others are joined row by row, so their tokenizers must be the same: two vocabularies that differ are refused;
    where only the names differ and the files are not here, a warning says so.

    Raises
    ------
    InvalidCodes
        where the tokenizers are known to differ.
    """
    from geomsim.activations.codes_reader import read_manifest

    manifests = [read_manifest(folder) for folder in (left, right)]
    if all(manifest["documents"] for manifest in manifests):
        return
    first, second = (tokenizer_of(manifest["provenance"]) for manifest in manifests)
    if first is None or second is None or first == second:
        return
    hashes = [_vocabulary_hash(Path(name)) for name in (first, second)]
    if all(hashes) and hashes[0] == hashes[1]:
        return
    what = (
        f"{left} and {right} have no token tables, so that their rows are taken for the same tokens, but their "
        f"tokenizers are {first} and {second}"
    )
    if all(hashes):
        raise InvalidCodes(
            f"{what}, which differ: read both with `geomsim activations`, which writes token tables, and pool the "
            "tokens of each word (`geomsim words`)"
        )
    warnings.warn(
        f"{what}: if these differ, row i is another token on the other side, and no pair means anything; then pool "
        "the tokens of each word (`geomsim words`)",
        GeomsimWarning,
        stacklevel=2,
    )


def say_left_out(left: Any, right: Any, left_out: Mapping[str, int] | None) -> None:
    """Warn where many tokens of codes have no counterpart with the same characters on the other side."""
    shares = {
        side: (left_out or {}).get(side, 0) / codes.n_tokens for side, codes in (("left", left), ("right", right))
    }
    if max(shares.values()) > _SEVERAL:
        warnings.warn(
            f"{shares['left']:.0%} of the left tokens and {shares['right']:.0%} of the right ones have no token of the "
            "same characters on the other side, and are left out. Two tokenizers? `geomsim words` pools the tokens of "
            "each word, so that (nearly) all of the text counts",
            GeomsimWarning,
            stacklevel=2,
        )


def tokenizer_of(provenance: Mapping[str, Any]) -> str | None:
    """The name or directory of the tokenizer that codes were read with; None where it is not said."""
    source = provenance.get("source")
    named = source.get("tokenizer") if isinstance(source, Mapping) else provenance.get("tokenizer")
    return str(named) if named else None


def _vocabulary_hash(directory: Path) -> str | None:
    files = [directory / name for name in _VOCABULARIES if (directory / name).is_file()]
    return hashlib.sha256(files[0].read_bytes()).hexdigest() if files else None
