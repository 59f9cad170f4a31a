from __future__ import annotations

import itertools
import json
import mmap

import numpy as np
import pytest
import safetensors.numpy
import scipy.sparse

from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import iterate_shards, read_manifest
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.tokens import COLUMNS, TokenTable
from geomsim.errors import InvalidCodes


def make(n=40, latents=9, seed=0, sparse=True, tokens=True):
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(n, latents)) * (rng.random((n, latents)) < 0.3)).astype(np.float32)
    values[5] = 0  # a token on which nothing fires
    position = np.arange(n)
    labels = TokenTable(
        position // 10, position % 10, position, position + 1, position + 100,
        documents=tuple(f"text {i}" for i in range(n // 10 + 1)), text_hash="f00d", left_out={"padding": 3},
    ) if tokens else None  # fmt: skip
    return Codes(
        scipy.sparse.csr_array(values) if sparse else values, labels, name="tiny",
        provenance={"model": "m", "site": "residual:1", "dictionary": "d1", "steps": 5},
    )  # fmt: skip


def assert_same(left: Codes, right: Codes):
    assert left.is_sparse == right.is_sparse
    np.testing.assert_array_equal(left.dense(), right.dense())
    assert left.dense().dtype == right.dense().dtype == np.float32
    assert (left.tokens is None) == (right.tokens is None)
    if left.tokens is not None:
        assert left.tokens.same_tokens(right.tokens)
        assert left.tokens.left_out == right.tokens.left_out
    np.testing.assert_array_equal(left.groups, right.groups)


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("tokens", [True, False])
def test_float32_comes_back_bit_for_bit(tmp_path, sparse, tokens):
    codes = make(sparse=sparse, tokens=tokens)
    again = Codes.open(codes.save(tmp_path / "codes"))
    assert_same(codes, again)
    assert again.name == "tiny"
    assert again.provenance == {**codes.provenance, **({"text_hash": "f00d"} if tokens else {})}
    assert again.text_hash == codes.text_hash
    assert_same(codes, Codes.open(again.save(tmp_path / "again")))


def test_one_shard_stays_on_disk(tmp_path):
    codes = Codes.open(make().save(tmp_path / "codes"), verify=False)
    for array in (codes.matrix.data, codes.matrix.indices, codes.tokens.start):
        while isinstance(array, np.ndarray):
            array = array.base
        assert isinstance(array, mmap.mmap)


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
def test_shards_do_not_depend_on_the_batches(tmp_path, sparse, tokens):
    codes = make(sparse=sparse, tokens=tokens)
    for name, cuts in (("one", [0, 40]), ("many", [0, 1, 7, 25, 33, 40])):
        with CodesWriter(tmp_path / name, dictionary="d1", shard_tokens=12) as writer:
            for start, stop in itertools.pairwise(cuts):
                rows = np.arange(start, stop)
                part = codes.take(rows)
                # A reading counts what it left out once; parts of it carry their own counts.
                table = part.tokens and part.tokens.counted({"padding": 3} if start == 0 else {})
                writer.append(part.matrix, table)
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert files == ["manifest.json", *(f"shard-0000{i}.safetensors" for i in range(4))]
    for file in files[1:]:
        one, many = (safetensors.numpy.load_file(tmp_path / name / file) for name in ("one", "many"))
        assert one.keys() == many.keys()
        assert all(np.array_equal(one[name], many[name]) for name in one)
    assert_same(codes, Codes.open(tmp_path / "many"))
    shards = list(iterate_shards(tmp_path / "many"))
    assert [shard.n_tokens for shard in shards] == ([10] * 4 if tokens else [12, 12, 12, 4])
    np.testing.assert_array_equal(np.concatenate([shard.dense() for shard in shards]), codes.dense())


def test_the_shards_are_plain_safetensors_and_the_manifest_counts(tmp_path):
    codes = make()
    path = codes.save(tmp_path / "codes")
    manifest = read_manifest(path)
    assert manifest["nnz"] == codes.matrix.nnz
    dense = read_manifest(make(sparse=False).save(tmp_path / "dense"))
    assert (dense["nnz"], dense["layout"]) == (codes.matrix.nnz, "dense")
    assert manifest["left_out"] == {"padding": 3}
    assert (manifest["n_tokens"], manifest["n_latents"], manifest["layout"]) == (40, 9, "csr")
    arrays = safetensors.numpy.load_file(path / "shard-00000.safetensors")
    assert {"indptr": np.int64, "indices": np.int32, "values": np.float32} == {
        name: arrays[name].dtype for name in ("indptr", "indices", "values")
    }
    assert all(len(arrays[f"token.{column}"]) == 40 for column in COLUMNS)


def test_float16_rounds_and_counts_what_it_loses(tmp_path):
    values = np.array([[1.0, 1e-9], [1 / 3, 0.0]], dtype=np.float32)
    path = Codes(scipy.sparse.csr_array(values)).save(tmp_path / "codes", dtype="float16")
    again = Codes.open(path)
    np.testing.assert_array_equal(again.dense(), values.astype(np.float16).astype(np.float32))
    assert again.firings().tolist() == [2, 0]
    assert again.provenance["rounded_to_zero"] == 1
    with pytest.raises(InvalidCodes, match="1 activations are too large for float16"):
        Codes(np.array([[1e6]])).save(tmp_path / "large", dtype="float16")
    with pytest.raises(InvalidCodes, match="not 'int8'"):
        Codes(values).save(tmp_path / "small", dtype="int8")


def test_group_labels_mean_the_same_in_every_batch(tmp_path):
    with CodesWriter(tmp_path / "codes") as writer:
        writer.append(np.ones((2, 1)), groups=["b", "a"])
        writer.append(np.ones((2, 1)), groups=["c", "b"])
    groups = Codes.open(tmp_path / "codes").groups
    assert groups[0] == groups[3]
    assert len(set(groups.tolist())) == 3


def test_a_missing_shard_is_named(tmp_path):
    path = make().save(tmp_path / "codes")
    (path / "shard-00000.safetensors").unlink()
    with pytest.raises(InvalidCodes, match=r"shard-00000.safetensors: shard missing \(1 of 1"):
        Codes.open(path)


@pytest.mark.parametrize("verify", [True, False])
def test_a_truncated_shard_is_named(tmp_path, verify):
    path = make().save(tmp_path / "codes")
    file = path / "shard-00000.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InvalidCodes, match=r"shard-00000.safetensors: truncated"):
        Codes.open(path, verify=verify)


def test_a_flipped_bit_is_found_by_the_hash(tmp_path):
    path = make().save(tmp_path / "codes")
    file = path / "shard-00000.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InvalidCodes, match=r"shard-00000.safetensors: damaged: its sha256"):
        Codes.open(path)
    assert Codes.open(path, verify=False).n_tokens == 40


@pytest.mark.parametrize(
    ("name", "place", "value"), [("indices", 0, 1000), ("indices", 0, -1), ("indptr", 0, 1), ("indptr", 7, 10**6)]
)
def test_arrays_that_point_outside_are_found_without_the_hash(tmp_path, name, place, value):
    path = make().save(tmp_path / "codes")
    file = path / "shard-00000.safetensors"
    arrays = safetensors.numpy.load_file(file)
    with safetensors.safe_open(file, framework="numpy") as stored:
        metadata = stored.metadata()
    arrays[name][place] = value
    file.write_bytes(safetensors.numpy.save(arrays, metadata=metadata))
    with pytest.raises(InvalidCodes, match=r"shard-00000.safetensors: damaged: its arrays do not fit 40 tokens x 9"):
        Codes.open(path, verify=False)


def test_a_file_of_the_right_size_that_is_no_safetensors(tmp_path):
    path = make().save(tmp_path / "codes")
    file = path / "shard-00000.safetensors"
    file.write_bytes(bytes(range(256)) * (file.stat().st_size // 256) + b"x" * (file.stat().st_size % 256))
    with pytest.raises(InvalidCodes, match=r"shard-00000.safetensors: damaged: not a readable safetensors"):
        Codes.open(path)


def test_a_foreign_shard_is_named(tmp_path):
    codes = make()
    path = codes.save(tmp_path / "codes")
    other = Codes(codes.matrix, codes.tokens, provenance={**codes.provenance, "dictionary": "d2"}).save(tmp_path / "b")
    foreign = other / "shard-00000.safetensors"
    (path / foreign.name).write_bytes(foreign.read_bytes())
    with pytest.raises(InvalidCodes, match=r"shard-00000.safetensors: a foreign shard: its dictionary is 'd2'"):
        Codes.open(path)
    path = codes.save(tmp_path / "codes", replace=True)
    (path / "shard-00001.safetensors").write_bytes(foreign.read_bytes())
    with pytest.raises(InvalidCodes, match=r"shard-00001.safetensors: a shard that manifest.json does not list"):
        Codes.open(path)


def test_a_run_that_did_not_end_says_so(tmp_path):
    codes = make()
    with pytest.raises(KeyboardInterrupt), CodesWriter(tmp_path / "codes", shard_tokens=15) as writer:  # noqa: PT012
        writer.append(codes)
        raise KeyboardInterrupt
    with pytest.raises(InvalidCodes, match=r"unfinished.*3 shards \(shard-00000.safetensors, shard-00001"):
        Codes.open(tmp_path / "codes")
    with pytest.raises(InvalidCodes, match="already holds 3 shards of a run that did not end"):
        codes.save(tmp_path / "codes")
    assert_same(codes, Codes.open(codes.save(tmp_path / "codes", replace=True)))
    with pytest.raises(InvalidCodes, match="already holds finished codes"):
        codes.save(tmp_path / "codes")


def test_a_shard_of_an_unfinished_run_tells_where_it_belongs(tmp_path):
    writer = CodesWriter(tmp_path / "codes", shard_tokens=15, dictionary="d1")
    writer.append(make())
    with safetensors.safe_open(tmp_path / "codes" / "shard-00001.safetensors", framework="numpy") as stored:
        metadata = stored.metadata()
    assert (metadata["shard"], metadata["rows"], metadata["dictionary"]) == ("1", "10", "d1")
    assert metadata["text_hash"] == "f00d"


def test_directories_that_hold_no_codes(tmp_path):
    with pytest.raises(InvalidCodes, match="no such directory"):
        Codes.open(tmp_path / "nowhere")
    with pytest.raises(InvalidCodes, match="no codes here"):
        Codes.open(tmp_path)
    make().save(tmp_path / "above" / "residual_1")
    with pytest.raises(InvalidCodes, match=r"no codes here.*there are codes below it, in .*residual_1"):
        Codes.open(tmp_path / "above")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidCodes, match="is a file"):
        make().save(tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: "{", "damaged, not JSON"),
        (lambda manifest: "[]", "not a manifest of codes"),
        (lambda manifest: json.dumps({**manifest, "version": 99}), "format version 99"),
        (lambda manifest: json.dumps({k: v for k, v in manifest.items() if k != "layout"}), "layout missing"),
        (lambda manifest: json.dumps({**manifest, "shards": []}), "shards missing"),
    ],
)
def test_a_damaged_manifest(tmp_path, change, message):
    path = make().save(tmp_path / "codes")
    file = path / "manifest.json"
    file.write_text(change(json.loads(file.read_text())))
    with pytest.raises(InvalidCodes, match=rf"manifest.json: .*{message}"):
        Codes.open(path)


def test_batches_that_do_not_fit_each_other(tmp_path):
    codes = make()
    writer = CodesWriter(tmp_path / "codes")
    with pytest.raises(InvalidCodes, match="no tokens were appended"):
        writer.close()
    writer.append(codes)
    for batch, message in (
        (make(latents=8), "after token 40 .*number of latents: 8, was 9"),
        (make(sparse=False), "layout: dense, was sparse"),
        (make(tokens=False), "token table: False, was True"),
        (make(n=60), "other documents"),
    ):
        with pytest.raises(InvalidCodes, match=message):
            writer.append(batch)
    with pytest.raises(InvalidCodes, match="tokens are of text f00d, not beef"):
        CodesWriter(tmp_path / "other", text_hash="beef").append(codes)
    with pytest.raises(InvalidCodes, match="shard_tokens must be at least 1"):
        CodesWriter(tmp_path / "third", shard_tokens=0)
    with pytest.raises(InvalidCodes, match="cannot be written as JSON"):
        CodesWriter(tmp_path / "fourth", provenance={"source": object()})


def of_documents(sizes, as_groups=False):
    """Codes with documents of so many tokens, by number; each value is its row."""
    document = np.repeat(list(sizes), list(sizes.values()))
    rows = np.arange(len(document))
    values = 1.0 + rows[:, None]
    if as_groups:
        return Codes(values, groups=document)
    return Codes(values, TokenTable(document, rows, rows, rows + 1, rows, tuple("abcdefghij"), "f00d"))


@pytest.mark.parametrize("as_groups", [False, True])
@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([3, 3, 3], [6, 3]),
        ([3, 4, 3], [7, 3]),  # a shard that is just full
        ([2, 9, 2, 3], [2, 9, 5]),  # a document longer than a shard
        ([9, 1], [9, 1]),
        ([20], [20]),
        ([7], [7]),
    ],
)
def test_shards_are_cut_between_documents(tmp_path, sizes, expected, batch, as_groups):
    codes = of_documents(dict(enumerate(sizes)), as_groups)
    with CodesWriter(tmp_path / "codes", shard_tokens=7) as writer:
        for start in range(0, codes.n_tokens, batch):
            writer.append(codes.take(np.arange(start, min(start + batch, codes.n_tokens))))
    shards = list(iterate_shards(tmp_path / "codes"))
    assert [shard.n_tokens for shard in shards] == expected
    assert_same(codes, Codes.open(tmp_path / "codes"))


def test_groups_that_do_not_lie_together_are_cut_anywhere(tmp_path):
    with CodesWriter(tmp_path / "codes", shard_tokens=4) as writer:
        writer.append(np.ones((10, 1)), groups=["a", "b"] * 5)
    assert [shard.n_tokens for shard in iterate_shards(tmp_path / "codes")] == [4, 4, 2]


def test_shards_of_given_documents_are_the_same_for_all_codes(tmp_path):
    firsts = [0, 3, 5, 8]
    one, other = of_documents({0: 2, 2: 3, 4: 1, 5: 2}), of_documents({1: 1, 2: 1, 6: 2, 9: 4})
    held = []
    for codes, name in ((one, "one"), (other, "other")):
        again = Codes.open(codes.save(tmp_path / name, shard_documents=firsts))
        assert_same(codes, again)
        held.append([np.unique(shard.groups).tolist() for shard in iterate_shards(tmp_path / name)])
    assert held == [[[0, 2], [4], [5], []], [[1, 2], [], [6], [9]]]
    one.save(tmp_path / "whole", shard_documents=[0])
    assert len(read_manifest(tmp_path / "whole")["shards"]) == 1
    with CodesWriter(tmp_path / "batches", shard_documents=firsts) as writer:
        for row in range(one.n_tokens):
            writer.append(one.take(np.array([row])))
    assert [shard["sha256"] for shard in read_manifest(tmp_path / "batches")["shards"]] == [
        shard["sha256"] for shard in read_manifest(tmp_path / "one")["shards"]
    ]


def test_documents_that_shards_cannot_begin_with(tmp_path):
    codes = of_documents({1: 2, 3: 2, 2: 1})
    with pytest.raises(InvalidCodes, match="document 2 comes after document 3, with which shard 1 begins"):
        codes.save(tmp_path / "unsorted", shard_documents=[0, 3])
    with pytest.raises(InvalidCodes, match=r"document 1 .* or before the first of shard_documents"):
        codes.save(tmp_path / "late", shard_documents=[2])
    with pytest.raises(InvalidCodes, match=r"ascending numbers of documents, at least one, got \[3, 3\]"):
        codes.save(tmp_path / "twice", shard_documents=[3, 3])
    with pytest.raises(InvalidCodes, match="at least one, got"):
        codes.save(tmp_path / "none", shard_documents=[])
    with pytest.raises(InvalidCodes, match="neither a token table nor groups"):
        Codes(np.ones((3, 1))).save(tmp_path / "bare", shard_documents=[0])
