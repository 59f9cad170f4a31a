"""Which tokens each latent is active on, for all latents at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.latent_files import LatentFile, LatentTable
from geomsim.activations.latent_slabs import latent_slabs
from geomsim.activations.text import Document
from geomsim.activations.token_texts import token_strings
from geomsim.errors import InvalidCodes
from geomsim.memory import batch_budget

if TYPE_CHECKING:
    pass

COLUMNS = ("latent", "rank", "token", "share", "firings")
_BYTES_PER_ENTRY = 80  # of a non-zero while it is sorted and summed
_FILE = LatentFile("top tokens", "token", "CSV loses tokens such as 'None' or a line end", "top_tokens")

RankedBy = Literal["share", "largest"]


@dataclass(frozen=True, eq=False, repr=False)
class TopTokens(LatentTable):
    """The strongest token strings of every latent of one dictionary.

    Parameters
    ----------
    frame
        columns latent (from 0), rank (from 1), token, share (of the latent's whole activation), firings; sorted by
        latent and rank. A latent that is never active has no rows.
    n_latents
        number of latents, silent ones included.
    provenance
        name and text of the codes; shown in results, never computed with.
    """

    entries = "tokens"

    @property
    def strings(self) -> list[list[str]]:
        """The tokens of each latent, strongest first; an empty list where a latent is never active."""
        listed: list[list[str]] = [[] for _ in range(self.n_latents)]
        for latent, token in zip(self.frame["latent"].tolist(), self.frame["token"].tolist(), strict=True):
            listed[latent].append(token)
        return listed


def top_tokens_table(
    codes: Codes, documents: Iterable[Document], n: int = 5, *, ranked_by: RankedBy = "share"
) -> TopTokens:
    """The `n` token strings that take most of each latent's activation (sum of absolute values), the largest first.

    What :func:`geomsim.activations.latents.top_tokens` finds, for all latents together: one sort of the non-zeros,
    some millions at a time. Equal ranks keep the order in which the strings first occur with the latent.

    Parameters
    ----------
    codes
        sparse or dense, with a token table.
    documents
        those that were read.
    n
        at most this many strings a latent.
    ranked_by
        "share": the sum of absolute values, in which a frequent token ranks high though the latent is weak on it;
        "largest": the one strongest activation, in which a single odd occurrence may.

    Raises
    ------
    InvalidCodes
        where the codes have no token table, the documents are not the ones that were read, n is below 1, or
        `ranked_by` is another word.
    """
    import pandas as pd

    if n < 1:
        raise InvalidCodes(f"at least one token per latent is needed, got n={n}")
    if ranked_by not in get_args(RankedBy):
        raise InvalidCodes(f"ranked_by must be one of {', '.join(get_args(RankedBy))}, got {ranked_by!r}")
    string_of_row, strings = pd.factorize(np.array(token_strings(codes, documents), dtype=object))
    parts = [
        _strongest(latents, string_of_row[rows], np.abs(values.astype(np.float64)), len(strings), n, ranked_by)
        for latents, rows, values in latent_slabs(codes, batch_budget() // _BYTES_PER_ENTRY)
    ]
    latent, string, rank, share, firings = (
        np.concatenate([part[column] for part in parts]) if parts else np.empty(0, dtype=np.int64)
        for column in range(5)
    )
    token = np.asarray(strings, dtype=object)[string]
    columns = {"latent": latent, "rank": rank, "token": token, "share": share.astype(np.float64), "firings": firings}
    provenance = {"codes": codes.name, "text_hash": codes.text_hash, "n": n, "ranked_by": ranked_by}
    return TopTokens(pd.DataFrame(columns), codes.n_latents, provenance)


def save_top_tokens(table: TopTokens, path: str | Path) -> Path:
    """Write the table as .parquet, number of latents and provenance in the schema's metadata.

    Raises InvalidCodes for another suffix: text formats lose tokens such as "None", "NA" or a line end.
    """
    return _FILE.save(table.frame, table.n_latents, table.provenance, path)


def read_top_tokens(path: str | Path) -> TopTokens:
    """Read what :func:`save_top_tokens` wrote, or any Parquet file with columns latent, rank and token.

    A file of other origin has as many latents as its largest number says.

    Raises
    ------
    InvalidCodes
        where the file is not Parquet, a column is missing, a latent or rank is no whole number, a token is no text,
        a latent lies outside, or a latent has two tokens of one rank. Names the file.
    """
    path = Path(path)
    frame, note = _FILE.open(path)
    missing = [name for name in COLUMNS[:3] if name not in frame.columns]
    if missing:
        raise InvalidCodes(
            f"{path}: top tokens need the columns latent, rank and token, and this file has "
            f"{', '.join(map(str, frame.columns)) or 'none'}"
        )
    _FILE.check_whole(path, frame, ("latent", "rank"))
    no_text = [row for row, token in enumerate(frame["token"]) if not isinstance(token, str)]
    if no_text:
        raise InvalidCodes(f"{path}: row {no_text[0]} has no text as its token")
    return TopTokens(*_FILE.ranked(path, frame, note))


def _strongest(
    latents: NDArray[np.int64],
    strings: NDArray[np.int64],
    values: NDArray[np.float64],
    n_strings: int,
    n: int,
    ranked_by: RankedBy,
) -> tuple[NDArray[Any], ...]:
    """Latent, string, rank, share and firings of the first `n` strings of each latent."""
    keys = latents * n_strings + strings
    order = np.argsort(keys, kind="stable")  # stable: the first entry of a run is the string's first occurrence
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    latent, string = np.divmod(keys[order[starts]], n_strings)
    share = np.add.reduceat(values[order], starts) / np.bincount(latents, weights=values)[latent]
    strength = share if ranked_by == "share" else np.maximum.reduceat(values[order], starts)
    ranked = np.lexsort((order[starts], -strength, latent))
    rank = np.arange(len(ranked)) - np.searchsorted(latent, latent, side="left")
    kept = rank < n
    chosen = ranked[kept]
    firings = np.diff(starts, append=len(keys))
    return latent[chosen], string[chosen], rank[kept] + 1, share[chosen], firings[chosen]
