"""One latent of codes on disk, read shard by shard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import iterate_shards, read_manifest
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes


def open_latent(path: str | Path, latent: int, *, verify: bool = True) -> Codes:
    """Codes of which one latent alone is held and all others are zero; enough for all functions that look at it.

    The indices of each shard are scanned once; what is kept is the latent's activations and the token table (20 bytes
    a token), where the codes themselves take 8 bytes for each of their non-zeros.

    Raises InvalidCodes where there is no such latent, and as :meth:`geomsim.Codes.open`.
    """
    import scipy.sparse

    n_latents = read_manifest(path)["n_latents"]
    if not 0 <= latent < n_latents:
        raise InvalidCodes(f"{path}: there is no latent {latent}: these codes have latents 0 to {n_latents - 1}")
    columns, tables, groups = [], [], []
    for shard in iterate_shards(path, verify=verify):
        columns.append(shard.latent(latent))
        if shard.tokens is not None:
            tables.append(shard.tokens)
        if shard.groups is not None:
            groups.append(shard.groups)
    values = np.concatenate(columns)
    rows = np.flatnonzero(values)
    places = (rows, np.full(len(rows), latent))
    matrix = scipy.sparse.csr_array((values[rows], places), shape=(len(values), shard.n_latents))
    return Codes(
        matrix,
        TokenTable.concatenate(tables) if tables else None,
        np.concatenate(groups) if groups else None,
        shard.name,
        shard.provenance,
    )
