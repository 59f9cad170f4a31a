from __future__ import annotations

import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from counted_codes import assert_agree, assert_same_bits, related_codes
from letters import letters_dictionary, letters_source

from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import iterate_shards
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.counted_sums import CountedSums
from geomsim.activations.counting_codes import count_codes, count_shard
from geomsim.activations.reading import write_codes
from geomsim.activations.text import documents_from_strings
from geomsim.activations.tokens import TokenTable
from geomsim.cli.console import Common
from geomsim.cli.count import count as count_verb
from geomsim.errors import InvalidCodes

# Few blocks are enough to test with; that users are told of them is tested by name.
pytestmark = pytest.mark.filterwarnings("ignore:.* blocks? of text:geomsim.errors.GeomsimWarning")

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


def test_shards_that_were_counted_are_not_counted_again(tmp_path):
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
    with pytest.raises(InvalidCodes, match=r"has 3 shards and .* 4; .*read both from one text"):
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


def read(folder, seed, n_documents=40):
    """Codes of a text of random letters at two sites, in shards of five documents; more documents come behind."""
    random = np.random.default_rng(seed)
    texts = ["".join(random.choice(list("abcdefgh "), 25)) for _ in range(n_documents)]
    sites = {"0": None, "1": letters_dictionary()}
    folders = {site: folder / site for site in sites}
    write_codes(letters_source(), documents_from_strings(texts), sites, folders, shard_characters=120)
    return list(folders.values())


def joined(texts):
    """Codes of several texts below each other; each shard is a document."""
    sides = []
    for folders in zip(*texts, strict=True):
        parts = [shard for folder in folders for shard in iterate_shards(folder)]
        labels = np.repeat(np.arange(len(parts)), [part.n_tokens for part in parts])
        sides.append(Codes(np.concatenate([part.dense() for part in parts]), groups=labels))
    return sides


def test_text_that_was_read_later_is_counted_beside_what_is_there(tmp_path):
    texts = [read(tmp_path / "early", seed=1), read(tmp_path / "late", seed=2, n_documents=15)]
    into = tmp_path / "sums"
    count_codes(*texts[0], into)
    before = {file.name: file.stat().st_mtime_ns for file in into.iterdir()}
    assert len(before) == 8
    sums = count_codes(*texts[1], into, first_block=100)
    assert [block.number for block in sums.blocks] == [*range(8), 100, 101, 102]
    assert {name: (into / name).stat().st_mtime_ns for name in before} == before
    names = [Codes.open(text[0]).tokens.documents for text in texts]
    assert set(names[1]) <= set(names[0])  # documents of both texts have the same names and numbers
    expected = correlate(*joined(texts), **OPTIONS)
    assert expected.blocks == 11
    opened = CountedSums.open(into)
    assert opened.n_tokens == expected.n_tokens
    assert_agree(opened.candidates(**OPTIONS), expected)
    # Another order, and in two folders that are merged.
    apart = count_codes(*texts[1], tmp_path / "apart", first_block=100)
    assert_same_bits(
        apart.merge(count_codes(*texts[0], tmp_path / "first")).candidates(**OPTIONS), opened.candidates(**OPTIONS)
    )
    # Counting either again, or some shards of it, changes nothing.
    assert len(count_codes(*texts[0], into).blocks) == 11
    assert len(count_codes(*texts[1], into, first_block=100, shards=[1]).blocks) == 11


def test_the_command_counts_text_that_was_read_later_beside_the_other(tmp_path, capsys):
    into, common = tmp_path / "sums", Common(json=True)
    assert count_verb(*read(tmp_path / "early", seed=1), out=into, common=common) == 0
    assert json.loads(capsys.readouterr().out)["blocks"] == 8
    late = read(tmp_path / "late", seed=2, n_documents=15)
    assert count_verb(*late, out=into, first_block=8, common=common) == 0
    assert json.loads(capsys.readouterr().out)["blocks"] == 11
    assert [block.number for block in CountedSums.open(into).blocks] == list(range(11))


def test_text_that_is_counted_under_two_numbers_is_refused(tmp_path):
    text = read(tmp_path / "text", seed=1)
    count_codes(*text, tmp_path / "sums")
    before = sorted((tmp_path / "sums").iterdir())
    with pytest.raises(InvalidCodes, match=r"block-00000.*: holds the documents of shard 0 .* twice, as block 8 too"):
        count_codes(*text, tmp_path / "sums", first_block=8)
    with pytest.raises(InvalidCodes, match=r"block-00000.*: was counted of other codes than shard 0 .*--first-block"):
        count_codes(*read(tmp_path / "other", seed=2), tmp_path / "sums")
    # Shifted by one, most numbers are there already.
    with pytest.raises(InvalidCodes, match=r"block-00000.*: holds the documents of shard 0 .* twice, as block 1 too"):
        count_codes(*text, tmp_path / "sums", first_block=1)
    assert sorted((tmp_path / "sums").iterdir()) == before
    again = count_codes(*text, tmp_path / "again", first_block=8)
    with pytest.raises(InvalidCodes, match="blocks 0 and 8 were counted of the same documents: text was counted twice"):
        CountedSums.open(tmp_path / "sums").merge(again)
    for wrong in (-1, 1.5, True):
        with pytest.raises(InvalidCodes, match="first_block must be a whole number from 0 on"):
            count_codes(*text, tmp_path / "sums", first_block=wrong)


def test_a_longer_text_with_the_same_beginning_is_refused(tmp_path):
    """The hash of the whole text is another one; that of the documents of its first shard is not."""
    count_codes(*read(tmp_path / "text", seed=1), tmp_path / "sums")
    with pytest.raises(InvalidCodes, match="holds the documents of shard 0 of"):
        count_codes(*read(tmp_path / "longer", seed=1, n_documents=60), tmp_path / "sums", first_block=50)
    # Codes that do not know the hash of their documents are told by what was counted.
    codes, _ = written(tmp_path)
    for number, text in enumerate(("one", "two")):
        for folder in codes:
            made = Codes.open(folder)
            table = replace(made.tokens, text_hash=text)
            with CodesWriter(tmp_path / text / folder.name, shard_tokens=100) as writer:
                writer.append(Codes(made.matrix, table))
        count_codes(
            tmp_path / text / "left", tmp_path / text / "right", tmp_path / f"of_{text}", first_block=10 * number
        )
    with pytest.raises(InvalidCodes, match="blocks 0 and 10 were counted of the same codes"):
        CountedSums.open(tmp_path / "of_one").merge(CountedSums.open(tmp_path / "of_two"))


def test_a_damaged_block_of_other_text_is_named(tmp_path):
    into = tmp_path / "sums"
    count_codes(*read(tmp_path / "early", seed=1), into)
    file = into / "block-00004.safetensors"
    data = bytearray(file.read_bytes())
    data[-9] ^= 4
    file.write_bytes(data)
    with pytest.raises(InvalidCodes, match=r"block-00004\.safetensors: damaged: its sha256"):
        count_codes(*read(tmp_path / "late", seed=2), into, first_block=10)
