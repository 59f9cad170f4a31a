"""Count codes that lie on disk, shard by shard: one file of sums for each, wherever and in whatever order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from geomsim.activations.alignment import align
from geomsim.activations.coactivation_sums import Measure
from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import n_shards, open_shard
from geomsim.activations.counted_files import block_file, open_sums, read_block, write_block
from geomsim.activations.counted_sums import CountedSums, Identity
from geomsim.activations.counting import count_block, empty_block
from geomsim.errors import InvalidCodes
from geomsim.progress import track
from geomsim.scheduler import run_tasks


def count_codes(
    left_folder: str | Path,
    right_folder: str | Path,
    into: str | Path,
    *,
    measure: Measure = "pearson",
    shards: Iterable[int] | None = None,
    progress: Callable[[int], None] | None = None,
    scheduler: str | None = None,
) -> CountedSums:
    """Count codes on disk, one block per shard, and open everything that `into` then holds.

    Parameters
    ----------
    left_folder, right_folder
        two directories of codes whose shards hold the same documents, as all codes that were read from one text do.
    into
        the directory of the blocks. Shards that were counted before are not counted again: after more text was added
        to the codes, only the new shards are; after a kill, the ones that are missing.
    measure
        as in :func:`count`.
    shards
        the numbers of the shards to count; all without it.
    progress
        called with 1 after each shard; without it long work shows a bar.
    scheduler
        the address of a running Dask cluster, such as ``tcp://10.0.0.5:8786``, which counts the shards; its workers
        must see the same directories under the same paths. Without one they are counted here.

    Raises
    ------
    InvalidCodes
        as :func:`count_shard`, when the two have different numbers of shards, there is no such shard, or `into` holds
        blocks that are of no shard.
    """
    total = n_shards(left_folder)
    if total != n_shards(right_folder):
        raise InvalidCodes(
            f"{left_folder} has {total} shards and {right_folder} {n_shards(right_folder)}; shards are counted in "
            "pairs and must hold the same documents: read both from one text with the same options"
        )
    chosen = list(range(total) if shards is None else shards)
    for file in Path(into).glob("block-*.safetensors"):
        if file.name not in {block_file(Path(into), number).name for number in range(total)}:
            raise InvalidCodes(f"{file}: a block that is of none of the {total} shards of {left_folder}; move it away")
    # Workers stand in directories of their own.
    folders = Path(left_folder).absolute(), Path(right_folder).absolute()
    work = partial(count_shard, *folders, into=Path(into).absolute(), measure=measure)
    with track(len(chosen), "counting shards") as advance:
        for _ in run_tasks(work, chosen, scheduler=scheduler, what="shard"):
            (progress or advance)(1)
    return open_sums(into, verify=shards is not None)


def count_shard(
    left_folder: str | Path, right_folder: str | Path, shard: int, into: str | Path, measure: Measure = "pearson"
) -> Path:
    """Count one shard of two codes into its file, and say which; one that is there already is checked and kept.

    The memory held is that of the two shards and one tile of cross sums per core. A file appears whole or not at all,
    and has the same bytes whoever writes it.

    Raises
    ------
    InvalidCodes
        when there is no such shard, one is damaged, the two are of different texts or documents, or the file that is
        there is damaged or of other codes.
    """
    codes = open_shard(left_folder, shard), open_shard(right_folder, shard)
    file, source = block_file(Path(into), shard), _source(*codes)
    identity = Identity.of(*codes, measure)
    if file.exists():
        stored = read_block(file)
        identity.joined(stored.identity, f"{file} and the codes")
        if stored.block.source != source:
            raise InvalidCodes(
                f"{file}: was counted of other codes than shard {shard} of {left_folder} and {right_folder}; "
                "choose another directory, or delete what is in this one"
            )
        return file
    if all(side.n_tokens for side in codes):
        left, right, left_out = align(*codes)
        block, tiles = count_block(left, right, shard, measure)
    else:
        left_out = {"left": codes[0].n_tokens, "right": codes[1].n_tokens}
        block = empty_block(*codes, shard)
        tiles = block.tiles
    write_block(file, identity, replace(block, left_out=left_out, source=source), tiles)
    return file


def _source(left: Codes, right: Codes) -> str:
    """A hash of everything the sums depend on: activations, and which tokens they are of."""
    digest = hashlib.sha256()
    for codes in (left, right):
        matrix = codes.matrix
        arrays = [matrix.indptr, matrix.indices, matrix.data] if codes.is_sparse else [matrix]
        if codes.tokens is not None:
            arrays += [codes.tokens.document, codes.tokens.start, codes.tokens.end]
        elif codes.groups is not None:
            arrays.append(codes.groups)
        for array in arrays:
            digest.update(f"{array.dtype.kind} {array.shape} ".encode())
            # Row pointers have 4 or 8 bytes, whatever scipy needs.
            digest.update(np.ascontiguousarray(array, dtype=np.int64 if array.dtype.kind == "i" else None).data)
    return digest.hexdigest()
