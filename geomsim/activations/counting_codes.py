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
from geomsim.activations.codes_reader import n_shards, open_shard, read_manifest
from geomsim.activations.counted_files import block_file, open_sums, read_block, write_block
from geomsim.activations.counted_sums import CountedSums, Identity
from geomsim.activations.counting import count_block, empty_block
from geomsim.activations.shard_documents import refuse_unlike_shards
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
    first_block: int = 0,
) -> CountedSums:
    """Count codes on disk, one block per shard, and open everything that `into` then holds.

    More text is read into folders of its own, with the same models and dictionaries, and counted into the same `into`
    under numbers of its own: with `first_block` at least one above the highest there. Nothing is counted again, and the
    result is of both texts. Standard errors are those of a jackknife over blocks, so there should be 10 shards or more
    (see :meth:`CountedSums.candidates`; shards are made when text is read, ``shard_characters``).

    Parameters
    ----------
    left_folder, right_folder
        two directories of codes whose shards hold the same documents, as all codes that were read from one text do.
        This is checked before anything is counted.
    into
        the directory of the blocks. Shards that were counted before are not counted again: after a kill, only the ones
        that are missing are. Blocks of other text are left as they are.
    measure
        as in :func:`count`.
    shards
        the numbers of the shards to count; all without it.
    progress
        called with 1 after each shard; without it long work shows a bar.
    scheduler
        the address of a running Dask cluster, such as ``tcp://10.0.0.5:8786``, which counts the shards; its workers
        must see the same directories under the same paths. Without one they are counted here.
    first_block
        the number of shard 0's block; shard k makes block ``first_block + k``. Numbers of different texts in one `into`
        must not meet.

    Raises
    ------
    InvalidCodes
        as :func:`count_shard`, when shards of the two hold different documents or a document is in two shards, there is
        no such shard, or `into` holds blocks of this very text under other numbers than its shards have: then it was
        counted with another `first_block`, or the shards were other ones. Text is told by the hashes of its documents;
        codes that know none are told by what was counted alone.
    """
    refuse_unlike_shards(left_folder, right_folder)
    total = n_shards(left_folder)
    if isinstance(first_block, bool) or not isinstance(first_block, int) or first_block < 0:
        raise InvalidCodes(f"first_block must be a whole number from 0 on, got {first_block!r}")
    chosen = list(range(total) if shards is None else shards)
    _refuse_text_under_other_numbers(Path(left_folder), Path(into), range(first_block, first_block + total))
    # Workers stand in directories of their own.
    folders = Path(left_folder).absolute(), Path(right_folder).absolute()
    work = partial(count_shard, *folders, into=Path(into).absolute(), measure=measure, first_block=first_block)
    with track(len(chosen), "counting shards") as advance:
        for _ in run_tasks(work, chosen, scheduler=scheduler, what="shard"):
            (progress or advance)(1)
    # Where all shards were counted, every file was verified above (other text), verified by count_shard (kept), or
    # written by it now, and appeared whole. Reading all of them a second time would find nothing else.
    return open_sums(into, verify=shards is not None)


def count_shard(
    left_folder: str | Path,
    right_folder: str | Path,
    shard: int,
    into: str | Path,
    measure: Measure = "pearson",
    first_block: int = 0,
) -> Path:
    """Count one shard of two codes into its file, and say which; one that is there already is checked and kept.

    The shard is one block, of the number ``first_block + shard``, hence one block of the jackknife.
    The memory held is that of the two shards and one tile of cross sums per core. A file appears whole or not at all,
    and has the same bytes whoever writes it.

    Raises
    ------
    InvalidCodes
        when there is no such shard, one is damaged, the two are of different texts or documents, or the file that is
        there is damaged or of other codes.
    """
    codes = open_shard(left_folder, shard), open_shard(right_folder, shard)
    number, source = first_block + shard, _source(*codes)
    file = block_file(Path(into), number)
    identity = Identity.of(*codes, measure)
    if file.exists():
        stored = read_block(file)
        identity.joined(stored.identity, f"{file} and the codes")
        if stored.block.source != source:
            raise InvalidCodes(
                f"{file}: was counted of other codes than shard {shard} of {left_folder} and {right_folder}; other "
                "text goes under other numbers (first_block, --first-block); else choose another directory, or delete "
                "what is in this one"
            )
        return file
    if all(side.n_tokens for side in codes):
        left, right, left_out = align(*codes)
        block, tiles = count_block(left, right, number, measure)
    else:
        left_out = {"left": codes[0].n_tokens, "right": codes[1].n_tokens}
        block = empty_block(*codes, number)
        tiles = block.tiles
    known = replace(block, left_out=left_out, source=source, documents_hash=_documents_hash(Path(left_folder), shard))
    write_block(file, identity, known, tiles)
    return file


def _documents_hash(folder: Path, shard: int) -> str:
    return str(read_manifest(folder)["shards"][shard]["documents_hash"] or "")


def _refuse_text_under_other_numbers(left_folder: Path, into: Path, numbers: range) -> None:
    """Look at the blocks in `into` that are not of these numbers, all of them verified."""
    text_hash = read_manifest(left_folder)["text_hash"]
    shard_of = {_documents_hash(left_folder, shard): shard for shard in range(len(numbers))}
    shard_of.pop("", None)
    own = {block_file(into, number) for number in numbers}
    for file in sorted(set(into.glob("block-*.safetensors")) - own):
        block = read_block(file).block
        if block.documents_hash in shard_of:
            raise InvalidCodes(
                f"{file}: holds the documents of shard {shard_of[block.documents_hash]} of {left_folder}, which would "
                f"be counted twice, as block {numbers[shard_of[block.documents_hash]]} too; give the first_block it "
                "was counted with, or move it away"
            )
        if text_hash and block.text_hash == text_hash:
            raise InvalidCodes(
                f"{file}: a block that is of none of the {len(numbers)} shards of {left_folder}, blocks "
                f"{numbers.start} to {numbers.stop - 1}, but of the same text; give the first_block it was counted "
                "with, or move it away"
            )


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
