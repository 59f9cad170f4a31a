from __future__ import annotations

import errno
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from counted_codes import assert_same_bits, related_codes
from safetensors.numpy import load_file

from geomsim.activations import coactivation_sparse
from geomsim.activations.codes import Codes
from geomsim.activations.counted_files import block_file, read_block, write_block
from geomsim.activations.counted_sums import CountedSums
from geomsim.activations.counting import count
from geomsim.errors import InvalidCodes

# Few blocks are enough to test with; that users are told of them is tested by name.
pytestmark = pytest.mark.filterwarnings("ignore:.* blocks? of text:geomsim.errors.GeomsimWarning")

OPTIONS = {"min_firings": 5, "min_cofirings": 1}


def counted(seed=0, kinds=("sparse", "sparse"), blocks=4, share=0.15):
    left, right = related_codes(seed, kinds, share=share)
    return count(left, right, block=np.arange(600) * blocks // 600)


@pytest.mark.parametrize("kinds", [("sparse", "sparse"), ("dense", "sparse")])
@pytest.mark.parametrize("verify", [True, False])
def test_what_was_saved_is_read_bit_by_bit(tmp_path, kinds, verify):
    sums = counted(kinds=kinds)
    read = CountedSums.open(sums.save(tmp_path / "sums"), verify=verify)
    assert read.identity == sums.identity
    assert read.n_pairs == sums.n_pairs
    assert read.candidates(**OPTIONS).provenance == sums.candidates(**OPTIONS).provenance
    assert_same_bits(read.candidates(**OPTIONS), sums.candidates(**OPTIONS))
    for one, other in zip(read.blocks, sums.blocks, strict=True):
        assert not one.tiles[0].sums.flags.writeable
        np.testing.assert_array_equal(one.documents, other.documents)
        for side in ("left", "right"):
            for held, saved in zip(getattr(one, side), getattr(other, side), strict=True):
                np.testing.assert_array_equal(held, saved)


def test_any_safetensors_reader_reads_the_file_and_bytes_depend_on_nothing_else(tmp_path, monkeypatch):
    sums = counted()
    file = block_file(sums.save(tmp_path / "one"), 2)
    arrays = load_file(file)
    np.testing.assert_array_equal(arrays["left.sums"], sums.blocks[2].left.sums)
    np.testing.assert_array_equal(arrays["tile-00000.cofirings"], sums.blocks[2].tiles[0].cofirings)
    monkeypatch.setattr(coactivation_sparse, "cores", lambda: 3)
    again = block_file(counted().save(tmp_path / "two"), 2)
    assert again.read_bytes() == file.read_bytes()


def test_more_blocks_are_saved_beside_those_that_are_there(tmp_path):
    sums = counted()
    parts = [CountedSums(sums.identity, [block]) for block in sums.blocks]
    for part in parts:
        part.save(tmp_path)
    assert_same_bits(CountedSums.open(tmp_path).candidates(**OPTIONS), sums.candidates(**OPTIONS))
    with pytest.raises(InvalidCodes, match=r"block-00001\.safetensors: this block is there already .* replace=True"):
        parts[1].save(tmp_path)
    parts[1].save(tmp_path, replace=True)


def test_what_stops_in_the_middle_leaves_nothing(tmp_path):
    sums = counted()
    block = sums.blocks[0]

    def tiles(error):
        yield block.tiles[0]
        raise error

    for error, raised, message in (
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            InvalidCodes,
            r"block-00000\.safetensors: no room .*No space",
        ),
    ):
        with pytest.raises(raised, match=message):
            write_block(block_file(tmp_path, 0), sums.identity, block, tiles(error))
        assert list(tmp_path.iterdir()) == []


def header_of(data):
    length = int.from_bytes(data[:8], "little")
    return length, json.loads(data[8 : 8 + length])


@pytest.mark.parametrize("place", ["number", "header", "sums", "last byte"])
def test_a_damaged_file_is_named(tmp_path, place):
    file = block_file(counted().save(tmp_path), 1)
    data = bytearray(file.read_bytes())
    length, header = header_of(data)
    if place == "number":
        at = data.index(b'"n_tokens":"150"') + len('"n_tokens":"')
        data[at] = ord("9")
    elif place == "header":
        data[20] ^= 1
    elif place == "sums":
        data[8 + length + header["tile-00000.sums"]["data_offsets"][0] + 3] ^= 1
    else:
        data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InvalidCodes, match=r"block-00001\.safetensors: damaged: .*count the block again"):
        CountedSums.open(tmp_path)


def test_a_file_that_ends_early_or_is_another_is_named(tmp_path):
    file = block_file(counted().save(tmp_path), 1)
    whole = file.read_bytes()
    for size in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(InvalidCodes, match=r"block-00001\.safetensors: damaged"):
            CountedSums.open(tmp_path, verify=False)
    file.write_bytes(whole.replace(b'"version":"1"', b'"version":"9"'))
    with pytest.raises(InvalidCodes, match=r"not counted sums of version 1: .* version '9'; count the block again"):
        CountedSums.open(tmp_path)


def test_numbers_that_point_outside_are_refused(tmp_path):
    sums = counted(share=0.03)
    block = sums.blocks[0]
    tile = block.tiles[0]
    for changed, message in (
        (tile._replace(latents=tile.latents + np.uint32(30)), "tile 0 does not fit 40 left latents"),
        (tile._replace(starts=tile.starts[::-1].copy()), "tile 0 does not fit 40 left latents"),
        (tile._replace(starts=tile.starts[:-1]), "tile 0 does not fit"),
        (tile._replace(cofirings=tile.cofirings[:-1]), "tile 0 does not fit"),
    ):
        file = block_file(tmp_path, 0)
        write_block(file, sums.identity, block, [changed])
        with pytest.raises(InvalidCodes, match=f"damaged: {message}"):
            read_block(file)
    write_block(file, sums.identity, replace(block, left=block.right), [tile])
    with pytest.raises(InvalidCodes, match="its left sums are not of 40 latents"):
        read_block(file)
    write_block(file, sums.identity, block, [])
    with pytest.raises(InvalidCodes, match="damaged"):
        read_block(file)


def test_blocks_of_different_dictionaries_and_empty_places(tmp_path):
    with pytest.raises(InvalidCodes, match="no counted sums here"):
        CountedSums.open(tmp_path)
    left, right = related_codes()
    for number, name in enumerate("ab"):
        codes = Codes(left.matrix, provenance={"dictionary": name})
        count(codes, right, block=number).save(tmp_path)
    with pytest.raises(InvalidCodes, match=r"block-00000.* and .*block-00001.* left dictionary 'a' and 'b'"):
        CountedSums.open(tmp_path)


def test_memory_is_that_of_a_few_rows(tmp_path):
    random = np.random.default_rng(0)
    sides = [Codes(scipy.sparse.random_array((800, 1500), density=0.1, rng=random, format="csr")) for _ in range(2)]
    sums = CountedSums.open(count(*sides, block=np.arange(800) // 200).save(tmp_path))
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    options = {"top": 4, "min_firings": 1, "min_cofirings": 2, "memory": 1_000_000}
    sums.candidates(**options)  # loads the compiled loops
    tracemalloc.start()
    try:
        found = sums.candidates(**options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.left_to_right.found.all()
    assert size > 60e6
    assert peak < 6e6
