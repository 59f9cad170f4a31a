from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from counted_codes import assert_agree, assert_same_bits, related_codes

from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.counted_sums import CountedSums
from geomsim.activations.counting_codes import count_codes, count_shard
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes

OPTIONS = {"min_firings": 5, "min_cofirings": 1}


def written(folder, n=600, kinds=("sparse", "sparse"), skipped=0, seed=0):
    """Two directories of codes in shards of five documents of 20 tokens, and the codes."""
    sides = []
    for side, codes in zip(("left", "right"), related_codes(seed, kinds), strict=True):
        rows = np.arange(n)
        table = TokenTable(rows // 20, rows % 20, rows, rows + 1, rows, tuple(map(str, range(30))), "text")
        whole = Codes(codes.matrix[:n], table, provenance={"text_hash": "text"})
        path = folder / side
        with CodesWriter(path, model="m", site=side, dictionary=f"d-{side}", shard_tokens=100, replace=True) as writer:
            writer.append(whole)
        sides.append((path, Codes.open(path)))
    return [path for path, _ in sides], [codes for _, codes in sides]


def by_correlate(codes, rows):
    """Candidates of some tokens, with the shards of 100 tokens for blocks."""
    return correlate(*(Codes(side.matrix[rows], groups=rows // 100) for side in codes), **OPTIONS)


@pytest.mark.parametrize("kinds", [("sparse", "sparse"), ("sparse", "dense")])
def test_codes_on_disk_give_what_correlate_gives(tmp_path, kinds):
    folders, codes = written(tmp_path, kinds=kinds)
    done = []
    sums = count_codes(*folders, tmp_path / "sums", progress=done.append)
    assert done == [1] * 6
    assert len(sums.blocks) == 6
    assert_agree(sums.candidates(**OPTIONS), by_correlate(codes, np.arange(600)))
    said = sums.candidates(**OPTIONS).provenance
    assert said["text_hash"] == "text"
    assert sums.identity.right.dictionary == "d-right"


def test_only_new_shards_are_counted(tmp_path):
    folders, _ = written(tmp_path, n=300)
    count_codes(*folders, tmp_path / "sums")
    files = sorted((tmp_path / "sums").iterdir())
    before = [(file.name, file.stat().st_mtime_ns) for file in files]
    assert len(before) == 3
    folders, codes = written(tmp_path, n=600)  # the same text, and more of it
    sums = count_codes(*folders, tmp_path / "sums")
    assert [(file.name, file.stat().st_mtime_ns) for file in files] == before
    assert_agree(sums.candidates(**OPTIONS), by_correlate(codes, np.arange(600)))


def test_workers_share_the_shards_and_a_lost_file_is_counted_again(tmp_path):
    folders, _ = written(tmp_path)
    whole = count_codes(*folders, tmp_path / "whole")
    assert pickle.loads(pickle.dumps(count_shard)) is count_shard
    into = tmp_path / "sums"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(count_shard, *folders, shard, into) for shard in (5, 0, 3, 1, 4, 2)]
        files = [job.result() for job in jobs]
    assert len(set(files)) == 6
    for file in files:
        assert file.read_bytes() == (tmp_path / "whole" / file.name).read_bytes()
    files[2].unlink()
    assert_same_bits(count_codes(*folders, into).candidates(**OPTIONS), whole.candidates(**OPTIONS))
    assert [path for path in into.iterdir() if not path.name.startswith("block-")] == []


def test_some_shards(tmp_path):
    folders, codes = written(tmp_path)
    sums = count_codes(*folders, tmp_path / "sums", shards=[4, 1])
    assert [block.number for block in sums.blocks] == [1, 4]
    rows = np.concatenate([np.arange(100, 200), np.arange(400, 500)])
    assert sums.n_tokens == 200
    assert_agree(sums.candidates(**OPTIONS), by_correlate(codes, rows))
    assert len(CountedSums.open(tmp_path / "sums").blocks) == 2


def test_a_shard_without_tokens_on_one_side_adds_nothing(tmp_path, monkeypatch):
    folders, codes = written(tmp_path)
    from geomsim.activations import counting_codes

    def opened(folder, shard):
        part = codes[folders.index(folder)].take(np.arange(100) + 100 * shard)
        return part.take(np.arange(0)) if shard == 2 and folder == folders[0] else part

    monkeypatch.setattr(counting_codes, "open_shard", opened)
    sums = count_codes(*folders, tmp_path / "sums")
    assert [block.n_tokens for block in sums.blocks] == [100, 100, 0, 100, 100, 100]
    rows = np.setdiff1d(np.arange(600), np.arange(200, 300))
    found = sums.candidates(**OPTIONS)
    assert found.blocks == 5
    assert found.provenance["tokens_left_out"] == {"left": 0, "right": 100}
    assert_agree(found, by_correlate(codes, rows))


def test_files_of_other_codes_are_refused(tmp_path):
    folders, _ = written(tmp_path)
    into = tmp_path / "sums"
    count_codes(*folders, into)
    with pytest.raises(InvalidCodes, match="measure jaccard and pearson"):
        count_codes(*folders, into, measure="jaccard")
    written(tmp_path, seed=1)
    with pytest.raises(InvalidCodes, match=r"block-00000\.safetensors: was counted of other codes than shard 0"):
        count_codes(*folders, into)
    written(tmp_path, n=300)
    with pytest.raises(InvalidCodes, match=r"block-0000[345]\.safetensors: a block that is of none of the 3 shards"):
        count_codes(*folders, into)
    other, _ = written(tmp_path / "other", n=400)
    with pytest.raises(InvalidCodes, match=r"has 3 shards and .* 4; .* read both from one text"):
        count_codes(folders[0], other[1], tmp_path / "mixed")
    with pytest.raises(InvalidCodes, match="no shard 9"):
        count_shard(*folders, 9, tmp_path / "mixed")


def test_a_damaged_block_is_named_and_not_taken(tmp_path):
    folders, _ = written(tmp_path)
    into = tmp_path / "sums"
    count_codes(*folders, into)
    file = into / "block-00004.safetensors"
    data = bytearray(file.read_bytes())
    data[-9] ^= 4
    file.write_bytes(data)
    with pytest.raises(InvalidCodes, match=r"block-00004\.safetensors: damaged: its sha256"):
        count_codes(*folders, into)
