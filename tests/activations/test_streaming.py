from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from letters import LATENTS, WIDTH, digests, letters_dictionary, letters_source

from geomsim.activations.array_source import ArraySource
from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import iterate_shards, n_shards, open_shard, read_manifest
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.text import Document, documents_from_strings, text_hash
from geomsim.activations.text_streams import documents_from_dataset
from geomsim.activations.tokens import TokenTable
from geomsim.activations.windows import EMPTY, FIRST
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidModel, InvalidText

TEXTS = [
    "to be, or not",
    "",
    "that is the question: whether",
    "x",
    "'tis nobler in the mind",
    "to suffer the slings and",
    "or arms",
]
DOCUMENTS = documents_from_strings(TEXTS)
OPTIONS = {"shard_characters": 30, "batch_tokens": 16}


def write(folder, documents=DOCUMENTS, source=None, sites=("0", "1"), **options):
    dictionaries = {"0": letters_dictionary(), "1": None}
    return write_codes(
        source or letters_source(), documents, {site: dictionaries[site] for site in sites},
        {site: folder / f"site_{site}" for site in sites}, **{**OPTIONS, **options},
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without interruption; not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    write(folder)
    return folder


@pytest.fixture
def there(whole, tmp_path):
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "there")


def unfinished(folder, *shards):
    """Take away the manifests and these shards."""
    for site in folder.iterdir():
        (site / "manifest.json").unlink()
        for shard in shards:
            (site / f"shard-{shard:05d}.safetensors").unlink()
    return folder


def test_each_shard_is_what_its_documents_give_alone(whole):
    assert n_shards(whole / "site_0") == n_shards(whole / "site_1") == 3
    bounds = [(entry["first_document"], entry["n_documents"]) for entry in read_manifest(whole / "site_0")["shards"]]
    assert bounds == [(0, 3), (3, 3), (6, 1)]
    for number, (first, count) in enumerate(bounds):
        documents = DOCUMENTS[first : first + count]
        alone = read_codes(letters_source(), documents, {"0": letters_dictionary(), "1": None}, batch_tokens=16)
        for site in ("0", "1"):
            shard = open_shard(whole / f"site_{site}", number)
            np.testing.assert_array_equal(shard.dense(), alone[site].dense())
            assert shard.is_sparse == (site == "0")
            np.testing.assert_array_equal(shard.tokens.document, alone[site].tokens.document + first)
            np.testing.assert_array_equal(shard.groups, shard.tokens.document)
            for column in ("position", "start", "end", "token_id"):
                np.testing.assert_array_equal(getattr(shard.tokens, column), getattr(alone[site].tokens, column))
            assert shard.tokens.left_out == alone[site].tokens.left_out
            assert shard.tokens.documents == tuple(document.name for document in DOCUMENTS)


def test_the_whole_is_its_shards_and_the_codes_in_memory(whole):
    held = read_codes(letters_source(), DOCUMENTS, {"0": letters_dictionary(), "1": None})
    windows = sum(-(-len(text) // 8) for text in TEXTS)
    for site in ("0", "1"):
        folder = whole / f"site_{site}"
        codes = Codes.open(folder)
        # Batches begin anew with each shard, and the encoder's sums round by their length.
        np.testing.assert_allclose(codes.dense(), held[site].dense(), rtol=1e-6)
        assert codes.tokens.same_tokens(held[site].tokens)
        assert codes.tokens.left_out == held[site].tokens.left_out == {EMPTY: 1, FIRST: windows}
        assert codes.provenance["documents_cut"] == 0
        assert held[site].provenance.items() <= {"dictionary": "", **codes.provenance}.items()
        shards = list(iterate_shards(folder))
        np.testing.assert_array_equal(np.concatenate([shard.dense() for shard in shards]), codes.dense())
        assert TokenTable.concatenate([shard.tokens for shard in shards]).left_out == codes.tokens.left_out
    with pytest.raises(InvalidCodes, match="no shard 3, only 3 counted from 0"):
        open_shard(folder, 3)


def test_the_manifest_says_what_is_where(whole):
    manifest = read_manifest(whole / "site_0")
    assert manifest["text_hash"] == text_hash(DOCUMENTS)
    assert manifest["documents"] == ("0", "1", "2", "3", "4", "5", "6")
    for entry in manifest["shards"]:
        first, count = entry["first_document"], entry["n_documents"]
        assert entry["documents_hash"] == text_hash(DOCUMENTS[first : first + count])
        assert entry["sha256"] == digests(whole / "site_0")[entry["file"]]
        assert entry["bytes"] == (whole / "site_0" / entry["file"]).stat().st_size
    assert sum(entry["nnz"] for entry in manifest["shards"]) == manifest["nnz"]
    assert sum(entry["rows"] for entry in manifest["shards"]) == manifest["n_tokens"]


def test_a_shard_is_a_safetensors_file_with_one_order_of_bytes(whole):
    file = whole / "site_0" / "shard-00000.safetensors"
    arrays = safetensors.numpy.load_file(file)  # the library's own reader checks sizes and gaps
    shard = open_shard(whole / "site_0", 0)
    np.testing.assert_array_equal(arrays["values"], shard.matrix.data)
    np.testing.assert_array_equal(arrays["indices"], shard.matrix.indices)
    np.testing.assert_array_equal(arrays["token.start"], shard.tokens.start)
    with safetensors.safe_open(file, framework="numpy") as stored:
        metadata = stored.metadata()
    assert (metadata["model"], metadata["site"], metadata["dictionary"]) == ("letters", "0", "d" * 64)
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    header = json.loads(data[8 : 8 + length])
    assert list(header) == sorted(header)
    assert list(header["__metadata__"]) == sorted(header["__metadata__"])


def test_arrays_in_a_shard_are_aligned(tmp_path):
    write(tmp_path / "codes", dtype="float16", sites=("0",))
    for file in (tmp_path / "codes" / "site_0").glob("shard-*"):
        data = file.read_bytes()
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        del header["__metadata__"]
        size = {"I64": 8, "I32": 4, "F16": 2}
        assert {entry["dtype"] for entry in header.values()} == set(size)
        assert all(entry["data_offsets"][0] % size[entry["dtype"]] == 0 for entry in header.values())


def test_runs_are_bit_identical_whatever_the_batches_before(whole, tmp_path):
    write(tmp_path / "again", documents=iter(DOCUMENTS))
    assert digests(tmp_path / "again") == digests(whole)
    rows = [{"text": text} for text in TEXTS]
    write(tmp_path / "stream", documents=documents_from_dataset(rows))
    assert digests(tmp_path / "stream") == digests(whole)


@pytest.mark.parametrize("gone", [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_an_unfinished_run_goes_on_to_the_same_bytes(whole, there, gone):
    asked = []
    source = letters_source()
    tokenize = source._tokenization.tokenize

    def counting(text):
        asked.append(text)
        return tokenize(text)

    object.__setattr__(source._tokenization, "tokenize", counting)
    unfinished(there, *gone)
    (there / "site_0" / "shard-00001.safetensors.part").write_bytes(b"half")
    write(there, resume=True, source=source)
    assert digests(there) == digests(whole)
    entries = read_manifest(whole / "site_0")["shards"]
    read = [entries[number] for number in gone]
    bounds = [(entry["first_document"], entry["first_document"] + entry["n_documents"]) for entry in read]
    assert asked == [text for first, last in bounds for text in TEXTS[first:last]]  # the others were kept unread


def test_a_finished_run_is_only_checked(whole, there):
    write(there, resume=True)
    assert digests(there) == digests(whole)
    (there / "site_1" / "shard-00001.safetensors").unlink()  # a hole in one site of finished codes
    write(there, resume=True)
    assert digests(there) == digests(whole)
    manifest = there / "site_1" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"n_tokens": ', '"n_tokens": 1'))
    with pytest.raises(InvalidCodes, match=r"site_1/manifest.json: it does not say what the shards"):
        write(there, resume=True)
    manifest.unlink()
    write(there, resume=True)
    assert digests(there) == digests(whole)


def test_resuming_nothing_begins(whole, tmp_path):
    write(tmp_path / "new", resume=True)
    assert digests(tmp_path / "new") == digests(whole)


def test_a_new_site_beside_old_ones_does_not_change_them(whole, tmp_path):
    write(tmp_path / "codes", sites=("0",))
    write(tmp_path / "codes", resume=True)
    assert digests(tmp_path / "codes") == digests(whole)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_tokens": 32}, "options.batch_tokens: it was 16 and is 32 now"),
        ({"dtype": "float16"}, "options.dtype: it was 'float32' and is 'float16' now"),
        ({"shard_characters": 31}, "options.shard_characters: it was 30 and is 31 now"),
        ({"longest": None}, "options.longest: it was 1048576 and is None now"),
        ({"source": letters_source(context=4)}, "source.context: it was 8 and is 4 now"),
        ({"source": letters_source(keep_first=True)}, "source.keep_first: it was False and is True now"),
        ({"source": letters_source(max_norm_multiple=3)}, "source.max_norm_multiple: it was None and is 3 now"),
        ({"source": letters_source(name="other")}, "model: it was 'letters' and is 'other' now"),
    ],
)
def test_other_options_are_named(whole, there, changes, said):
    with pytest.raises(InvalidCodes, match=rf"begun under other options, {said}; resume under the same"):
        write(unfinished(there, 1), resume=True, **changes)


def test_another_version_or_dictionary_is_named(there, monkeypatch):
    unfinished(there, 1)
    with pytest.raises(InvalidCodes, match="dictionary: it was 'dddd"):
        write_codes(
            letters_source(),
            DOCUMENTS,
            {"0": letters_dictionary("e" * 64)},
            {"0": there / "site_0"},
            resume=True,
            **OPTIONS,
        )
    run = there / "site_0" / "run.json"
    run.write_text(run.read_text().replace('"torch": "', '"torch": "0.'))
    with pytest.raises(InvalidCodes, match=r"versions.torch: it was '0\..* and is '"):
        write(there, resume=True)
    run.write_text("{")
    with pytest.raises(InvalidCodes, match=r"run.json: damaged, not JSON"):
        write(there, resume=True)
    run.unlink()
    with pytest.raises(InvalidCodes, match=r"there is no run.json.*start again with replace=True"):
        write(there, resume=True)


def test_a_dictionary_made_in_memory_is_known_by_its_numbers(tmp_path):
    folders = {"0": tmp_path / "codes"}
    mine = letters_dictionary("")
    write_codes(letters_source(), DOCUMENTS, {"0": mine}, folders, **OPTIONS)
    before = digests(tmp_path)
    write_codes(letters_source(), DOCUMENTS, {"0": letters_dictionary("")}, folders, resume=True, **OPTIONS)
    assert digests(tmp_path) == before
    other = dataclasses.replace(mine, encoder_bias=mine.encoder_bias + 1, sha256="")
    with pytest.raises(InvalidCodes, match="dictionary: it was"):
        write_codes(letters_source(), DOCUMENTS, {"0": other}, folders, resume=True, **OPTIONS)


@pytest.mark.parametrize("change", [lambda text: text + "!", lambda text: ""])
def test_a_changed_text_is_found_at_its_shard(there, change):
    unfinished(there)
    changed = [*DOCUMENTS[:6], Document("6", change(TEXTS[6]))]
    with pytest.raises(InvalidCodes, match=r"shard-00002.safetensors: a foreign shard: its .*was the text changed\?"):
        write(there, documents=changed, resume=True)
    with pytest.raises(InvalidCodes, match=r"shard-00002.safetensors: a shard beyond the 2"):
        write(there, documents=DOCUMENTS[:6], resume=True)


def test_every_damaged_byte_of_a_shard_is_found(there):
    unfinished(there, 2)
    file = there / "site_0" / "shard-00001.safetensors"
    data = file.read_bytes()
    for place in [*range(0, len(data), 97), len(data) - 1]:
        file.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(InvalidCodes, match=r"site_0/shard-00001.safetensors: damaged"):
            write(there, resume=True)
    for shorter in (0, 5, 100, len(data) - 1):
        file.write_bytes(data[:shorter])
        with pytest.raises(InvalidCodes, match=r"site_0/shard-00001.safetensors: damaged"):
            write(there, resume=True)


def test_a_foreign_shard_is_named(whole, there):
    unfinished(there, 2)
    shutil.copy(whole / "site_1" / "shard-00001.safetensors", there / "site_0" / "shard-00001.safetensors")
    with pytest.raises(InvalidCodes, match=r"shard-00001.safetensors: a foreign shard: its site is '1'.* is '0'"):
        write(there, resume=True)
    shutil.copy(whole / "site_0" / "shard-00000.safetensors", there / "site_0" / "shard-00001.safetensors")
    with pytest.raises(InvalidCodes, match=r"shard-00001.safetensors: a foreign shard: its shard is '0'"):
        write(there, resume=True)


def test_what_is_there_is_refused_with_both_ways(whole, there):
    before = digests(there)
    with pytest.raises(InvalidCodes, match=r"already holds finished codes; .*replace=True \(--replace"):
        write(there)
    assert digests(there) == before
    unfinished(there, 2)
    with pytest.raises(
        InvalidCodes, match=r"2 shards of a run that did not end; .*resume=True \(--resume.*replace=True"
    ):
        write(there)
    with pytest.raises(InvalidCodes, match=r"unfinished codes.*only 2 shards.*resume=True .*replace=True"):
        Codes.open(there / "site_0")
    write(there, replace=True)
    assert digests(there) == digests(whole)


def test_nothing_is_made_before_all_is_checked(tmp_path):
    codes = tmp_path / "codes"
    with pytest.raises(InvalidConfig, match="resume keeps what is there and replace deletes it"):
        write(codes, resume=True, replace=True)
    with pytest.raises(InvalidConfig, match="no folder for site '1'"):
        write_codes(letters_source(), DOCUMENTS, {"0": None, "1": None}, {"0": codes})
    with pytest.raises(InvalidConfig, match="two sites would be written to"):
        write_codes(letters_source(), DOCUMENTS, {"0": None, "1": None}, {"0": codes, "1": codes})
    with pytest.raises(InvalidConfig, match="shard_characters is 0"):
        write(codes, shard_characters=0)
    with pytest.raises(InvalidConfig, match="batch_tokens is 0"):
        write(codes, batch_tokens=0)
    with pytest.raises(InvalidCodes, match="not 'int8'"):
        write(codes, dtype="int8")
    with pytest.raises(InvalidModel):
        write_codes(letters_source(), DOCUMENTS, {"nowhere": None}, {"nowhere": codes})
    with pytest.raises(InvalidText, match="no documents"):
        write(codes, documents=[])
    with pytest.raises(InvalidText, match="no documents"):
        write(codes, documents=documents_from_dataset([]))
    with pytest.raises(InvalidText, match="row 0 of the data set: no column 'text'"):
        write(codes, documents=documents_from_dataset([{"body": ""}]))
    with pytest.raises(InvalidText, match="two documents are named"):
        write(codes, documents=[Document("a", "x"), Document("a", "y")])
    with pytest.raises(
        InvalidText, match=rf"no token of the 2 documents was kept \(left out: 1 x {EMPTY}, 1 x {FIRST}"
    ):
        write(codes, documents=documents_from_strings(["", "x"]))
    assert not codes.exists() or not any(codes.iterdir())


def test_text_that_fails_late_leaves_shards_to_resume(whole, tmp_path):
    rows = [{"text": text} for text in TEXTS]
    with pytest.raises(InvalidText, match="row 6 of the data set: column 'text' is null"):
        write(tmp_path / "codes", documents=documents_from_dataset([*rows[:6], {"text": None}]))
    assert sorted(path.name for path in (tmp_path / "codes" / "site_0").iterdir()) == [
        "run.json", "shard-00000.safetensors", "shard-00001.safetensors",
    ]  # fmt: skip
    write(tmp_path / "codes", documents=documents_from_dataset(rows), resume=True)
    assert digests(tmp_path / "codes") == digests(whole)


def test_shards_without_a_token_have_no_rows(tmp_path):
    documents = documents_from_strings(["x", "to be or not", "", "to be"])
    write(tmp_path / "codes", documents=documents, shard_characters=1)
    for site, width in (("0", LATENTS), ("1", WIDTH)):
        folder = tmp_path / "codes" / f"site_{site}"
        shards = list(iterate_shards(folder))
        assert [shard.n_tokens for shard in shards] == [0, 10, 4]
        assert shards[0].n_latents == width
        assert shards[0].is_sparse == (site == "0")
        assert shards[0].tokens.left_out == {FIRST: 1}
        codes = Codes.open(folder)
        assert codes.n_tokens == 14
        assert codes.tokens.left_out == {FIRST: 4, EMPTY: 1}
        assert set(codes.groups) == {1, 3}
    before = digests(tmp_path / "codes")
    unfinished(tmp_path / "codes", 0, 1)
    write(tmp_path / "codes", documents=documents, shard_characters=1, resume=True)
    assert digests(tmp_path / "codes") == before


def test_two_models_have_the_same_documents_in_each_shard(whole, tmp_path):
    write(tmp_path / "other", source=letters_source(context=3, name="other"))
    ours, theirs = (read_manifest(folder / "site_0")["shards"] for folder in (whole, tmp_path / "other"))
    assert [entry["documents_hash"] for entry in ours] == [entry["documents_hash"] for entry in theirs]
    assert [entry["rows"] for entry in ours] != [entry["rows"] for entry in theirs]


def test_long_documents_are_cut_and_counted(tmp_path):
    seen = []
    write(
        tmp_path / "codes", documents=[Document("a", "x" * 25), Document("b", "short"), Document("c", "y" * 11)],
        longest=10, progress=lambda documents, characters: seen.append((documents, characters)),
    )  # fmt: skip
    codes = Codes.open(tmp_path / "codes" / "site_0")
    assert codes.tokens.documents == ("a#1", "a#2", "a#3", "b", "c#1", "c#2")
    assert codes.provenance["documents_cut"] == 2
    assert int(codes.tokens.end.max()) == 10
    assert [documents for documents, _ in seen] == sorted(documents for documents, _ in seen)
    assert [characters for _, characters in seen] == sorted(characters for _, characters in seen)
    assert {(1, 10), (2, 30), (3, 41)} <= set(seen)


def test_arrays_are_cut_by_tokens_between_groups(tmp_path):
    values = np.random.default_rng(0).normal(size=(30, WIDTH)).astype(np.float32)
    source = ArraySource({"mine": values}, groups=np.repeat([0, 1, 2], 10))
    folders = {"mine": tmp_path / "codes"}
    write_codes(source, [], {"mine": letters_dictionary()}, folders, batch_tokens=7, shard_tokens=12)
    codes = Codes.open(tmp_path / "codes")
    held = read_codes(source, [], {"mine": letters_dictionary()}, batch_tokens=7)["mine"]
    np.testing.assert_array_equal(codes.dense(), held.dense())
    assert [shard.n_tokens for shard in iterate_shards(tmp_path / "codes")] == [10, 10, 10]
    assert read_manifest(tmp_path / "codes")["shards"][0]["documents_hash"] is None
    with pytest.raises(InvalidConfig, match="codes of arrays cannot be resumed"):
        write_codes(source, [], {"mine": None}, folders, resume=True)


def test_float16_is_rounded_counted_and_resumed(tmp_path):
    write(tmp_path / "codes", dtype="float16", sites=("1",))
    before = digests(tmp_path / "codes")
    assert Codes.open(tmp_path / "codes" / "site_1").dense().dtype == np.float32
    write(unfinished(tmp_path / "codes", 1), dtype="float16", sites=("1",), resume=True)
    assert digests(tmp_path / "codes") == before


def test_codes_of_a_writer_are_not_resumed(tmp_path):
    with CodesWriter(tmp_path / "site_0") as writer:
        writer.append(np.ones((2, 3)))
    with pytest.raises(InvalidCodes, match=r"there is no run.json, so nobody knows"):
        write(tmp_path, sites=("0",), resume=True)
