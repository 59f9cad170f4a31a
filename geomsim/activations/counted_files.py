"""Counted sums on disk: one safetensors file per block, which appears whole or not at all and is read mapped.

``block-00003.safetensors`` holds the one-sided sums (``left.origin``, ``left.sums`` ... as in :class:`BlockSide`), the
numbers of the documents, and for each tile ``tile-00000.starts``, ``.sums``, ``.latents`` and ``.cofirings``, tile
after tile. Its metadata say what was counted, and have the sha256 of the data and of the header without that entry.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_sums import slices
from geomsim.activations.counted_block import BlockSide, CountedBlock, Tile
from geomsim.activations.counted_sums import CountedSums, Identity, SideIdentity
from geomsim.activations.whole_files import DiskFullError, appear
from geomsim.errors import InvalidCodes
from geomsim.parallel import in_threads

FORMAT = "geomsim-counted-sums"
VERSION = "1"
_TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U32": "<u4"}
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}
_METADATA, _DIGEST = "__metadata__", "sha256"
_PIECE = 1 << 20
_HASHED_AT_ONCE = 1 << 26
# The longest numbers first, so that each array is aligned.
_ONE_SIDED = ("origin", "sums", "squares", "firings")
_TILE = ("starts", "sums", "latents", "cofirings")


class StoredBlock(NamedTuple):
    """A block that was read, and whose latents it counted."""

    identity: Identity
    block: CountedBlock


def block_file(folder: Path, number: int) -> Path:
    """Where a block lies."""
    return folder / f"block-{number:05d}.safetensors"


def save_sums(sums: CountedSums, path: str | Path, *, replace: bool = False) -> Path:
    """What :meth:`CountedSums.save` does."""
    folder = Path(path)
    there = [file for block in sums.blocks if (file := block_file(folder, block.number)).exists()]
    if there and not replace:
        raise InvalidCodes(
            f"{there[0]}: this block is there already ({len(there)} of {len(sums.blocks)} are); choose another "
            "directory, or overwrite them with replace=True"
        )
    for block in sums.blocks:
        write_block(block_file(folder, block.number), sums.identity, block, block.tiles)
    return folder


def open_sums(path: str | Path, *, verify: bool = True) -> CountedSums:
    """What :meth:`CountedSums.open` does."""
    folder = Path(path)
    files = sorted(folder.glob("block-*.safetensors"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise InvalidCodes(f"{folder}: no counted sums here, there is no block-*.safetensors")
    stored = list(in_threads(lambda file: read_block(file, verify=verify), files))
    identity = stored[0].identity
    for file, other in zip(files, stored, strict=True):
        identity = identity.joined(other.identity, f"{files[0]} and {file}")
    return CountedSums(identity, [found.block for found in stored])


def write_block(file: Path, identity: Identity, block: CountedBlock, tiles: Iterable[Tile]) -> None:
    """Write one block with these tiles, which are read once; only one is held.

    Raises InvalidCodes where the disk is full; nothing is left of the file then.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        appear(file, _pieces(file.parent, identity, block, tiles))
    except DiskFullError as error:
        raise InvalidCodes(
            f"{file}: no room for this block ({error.strerror}); blocks that are there are whole, make room and start "
            "again"
        ) from error


def read_block(file: Path, *, verify: bool = True) -> StoredBlock:
    """One block, mapped from its file; InvalidCodes, naming the file, where it is damaged or something else."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            entries = json.loads(stream.read(min(length, size)))
        metadata = dict(entries.pop(_METADATA, {}))
        begin = 8 + length
        end = max(entry["data_offsets"][1] for entry in entries.values())
        if begin + end != size:
            raise ValueError(f"{size} bytes where its header says {begin + end}")
        with file.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        data = np.frombuffer(mapped, np.uint8)[begin:]
        arrays = {name: _array(data, name, entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidCodes(
            f"{file}: damaged: not a readable safetensors file ({error}); delete it and count the block again"
        ) from error
    if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
        raise InvalidCodes(
            f"{file}: not counted sums of version {VERSION}: its format is {metadata.get('format')!r}, version "
            f"{metadata.get('version')!r}; count the block again"
        )
    release = partial(_release, mapped)
    if verify:
        digest = hashlib.sha256()
        for part in slices(len(data), _HASHED_AT_ONCE):
            digest.update(data[part].data)
            release()
        if _digest(digest, entries, metadata) != metadata.get(_DIGEST):
            raise InvalidCodes(f"{file}: damaged: its sha256 is another one; delete it and count the block again")
    try:
        identity, block = _block(arrays, metadata, release if verify else None)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidCodes(f"{file}: damaged: {error}; delete it and count the block again") from error
    return StoredBlock(identity, replace(block, release=release))


def _release(mapped: mmap.mmap) -> None:
    """Count what was read of a file no longer as memory of this process; it is mapped again where it is read again."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _pieces(folder: Path, identity: Identity, block: CountedBlock, tiles: Iterable[Tile]) -> Iterator[bytes]:
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "measure": identity.measure,
        "left": json.dumps(asdict(identity.left)),
        "right": json.dumps(asdict(identity.right)),
        "number": str(block.number),
        "n_tokens": str(block.n_tokens),
        "text_hash": block.text_hash,
        "left_out": json.dumps(block.left_out),
        "source": block.source,
        "documents_hash": block.documents_hash,
    }
    # The header stands first and tells the sizes, which are known last.
    with tempfile.TemporaryFile(dir=folder) as spill:
        writer = _Writer(spill)
        for side, sums in (("left", block.left), ("right", block.right)):
            for name in _ONE_SIDED:
                writer.add(f"{side}.{name}", getattr(sums, name))
        writer.add("documents", block.documents)
        for number, tile in enumerate(tiles):
            for name in _TILE:
                writer.add(f"tile-{number:05d}.{name}", getattr(tile, name))
            metadata["tiles"] = str(number + 1)
        for side, sums in (("left", block.left), ("right", block.right)):
            writer.add(f"{side}.constant", sums.constant)
        metadata[_DIGEST] = _digest(writer.digest, writer.entries, metadata)
        yield _header(writer.entries, metadata)
        spill.seek(0)
        while piece := spill.read(_PIECE):
            yield piece


class _Writer:
    """Arrays one after another, and what the header says of them."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.entries: dict[str, Any] = {}
        self.digest = hashlib.sha256()
        self._end = 0

    def add(self, name: str, array: NDArray[Any]) -> None:
        kind = _NAMES[array.dtype]
        data = np.ascontiguousarray(array, dtype=_TYPES[kind]).view(np.uint8).data
        self.stream.write(data)
        self.digest.update(data)
        begin, self._end = self._end, self._end + array.nbytes
        self.entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, self._end]}


def _header(entries: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    text = json.dumps({_METADATA: dict(metadata), **entries}, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _digest(data: Any, entries: Mapping[str, Any], metadata: Mapping[str, str]) -> str:
    """The sha256 of the data, which is given, and of the header without the sha256."""
    data.update(_header(entries, {name: text for name, text in metadata.items() if name != _DIGEST}))
    return str(data.hexdigest())


def _array(data: NDArray[np.uint8], name: str, entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, (first, last), shape = np.dtype(_TYPES[entry["dtype"]]), entry["data_offsets"], tuple(entry["shape"])
    if last - first != math.prod(shape) * dtype.itemsize or not 0 <= first <= last:
        raise ValueError(f"array {name!r} has {last - first} bytes, which do not make {shape}")
    return data[first:last].view(dtype).reshape(shape)


def _block(
    arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str], release: Callable[[], None] | None
) -> StoredBlock:
    """The block of these arrays, after a check that they fit each other; with `release` no number points outside."""
    whose = {side: SideIdentity(**json.loads(metadata[side])) for side in ("left", "right")}
    sides = {}
    for side, identity in whose.items():
        found = {name: arrays[f"{side}.{name}"] for name in BlockSide._fields}
        if any(array.shape != (identity.n_latents,) for array in found.values()):
            raise ValueError(f"its {side} sums are not of {identity.n_latents} latents")
        sides[side] = BlockSide(**found)
    tiles, width, stop = [], whose["left"].n_latents, 0
    for number in range(int(metadata["tiles"])):
        tile = Tile(first=stop, **{name: arrays[f"tile-{number:05d}.{name}"] for name in _TILE})
        entries = int(tile.starts[-1])
        dense = not len(tile.latents) and entries in (0, (len(tile.starts) - 1) * width)
        sound = tile.starts[0] == 0 and bool((np.diff(tile.starts) >= 0).all())
        sound = sound and len(tile.sums) == len(tile.cofirings) == entries
        sound = sound and (dense or len(tile.latents) == entries)
        if sound and release:
            sound = not len(tile.latents) or int(tile.latents.max()) < width
            release()
        if not sound:
            raise ValueError(f"tile {number} does not fit {width} left latents")
        tiles.append(tile)
        stop = tile.stop
    if stop != whose["right"].n_latents:
        raise ValueError(f"its tiles are of {stop} right latents, not {whose['right'].n_latents}")
    measure: Any = metadata["measure"]
    block = CountedBlock(
        number=int(metadata["number"]),
        n_tokens=int(metadata["n_tokens"]),
        left=sides["left"],
        right=sides["right"],
        tiles=tiles,
        documents=arrays["documents"],
        text_hash=metadata["text_hash"],
        left_out=json.loads(metadata["left_out"]),
        source=metadata["source"],
        documents_hash=metadata.get("documents_hash", ""),
    )
    return StoredBlock(Identity(whose["left"], whose["right"], measure), block)
