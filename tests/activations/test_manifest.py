"""The manifest of codes on disk: what it says is protected by a hash, and held against itself and its shards."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest
import safetensors.numpy
from letters import letters_dictionary, letters_source

from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import iterate_shards, n_shards, open_shard, read_manifest
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.reading import write_codes
from geomsim.activations.text import documents_from_strings
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes

TEXTS = ["abc def\n" * 4, "x = 1\n" * 6, "for row in rows\n" * 3, "return\n" * 5]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codes") / "site"
    documents = documents_from_strings(TEXTS, ["one", "two", "three", "four"])
    write_codes(letters_source(), documents, {"0": letters_dictionary()}, {"0": folder}, shard_characters=40)
    assert n_shards(folder) >= 3
    return folder


@pytest.fixture
def there(written, tmp_path):
    return shutil.copytree(written, tmp_path / "site")


def hash_of(manifest):
    """The documented hash, written out a second time."""
    said = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def rewrite(folder, change, *, hashed):
    """Change the manifest in place, by hand or as one would who knows how it is hashed."""
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    if hashed:
        manifest["sha256"] = hash_of(manifest)
    file.write_text(json.dumps(manifest, indent=1))


def setting(*path, value):
    def change(manifest):
        *above, last = path
        for key in above:
            manifest = manifest[key]
        manifest[last] = value

    return change


def dropping(*path):
    def change(manifest):
        *above, last = path
        for key in above:
            manifest = manifest[key]
        del manifest[last]

    return change


def drop_the_last_shard(manifest):
    del manifest["shards"][-1]


def swap_two_shards(manifest):
    shards = manifest["shards"]
    shards[0], shards[1] = shards[1], shards[0]


def swap_the_documents_of_two_shards(manifest):
    left, right = manifest["shards"][:2]
    left["first_document"], right["first_document"] = right["first_document"], left["first_document"]


def rename_the_documents(manifest):
    manifest["documents"] = [f"other {name}" for name in manifest["documents"]]


def reverse_the_documents(manifest):
    manifest["documents"].reverse()


def shards_by_name(manifest):
    manifest["shards"] = {shard["file"]: shard for shard in manifest["shards"]}


CHANGES = {
    "last shard dropped": (drop_the_last_shard, "n_tokens"),
    "shards swapped": (swap_two_shards, r"shards\[0\]\.file is 'shard-00001"),
    "documents swapped": (swap_the_documents_of_two_shards, r"shards\[0\]\.first_document is 2 where 0"),
    "n_tokens 1": (setting("n_tokens", value=1), "n_tokens is 1 where"),
    "nnz 1": (setting("nnz", value=1), "nnz is 1 where"),
    "documents null": (setting("documents", value=None), "documents is 'null' where 4 names"),
    "documents cut": (setting("documents", value=["one"]), "documents is '1 names' where 4 names"),
    "documents numbers": (setting("documents", value=[1, 2, 3, 4]), "documents is .* where a list of names"),
    "rows missing": (dropping("shards", 0, "rows"), r"rows missing from shards\[0\]"),
    "rows a text": (setting("shards", 0, "rows", value="a"), r"shards\[0\]\.rows is 'a' where a number"),
    "rows a number too high": (setting("shards", 1, "rows", value=10**6), "n_tokens is .* the sum over its shards"),
    "rows negative": (setting("shards", 1, "rows", value=-1), r"shards\[1\]\.rows is -1 where"),
    "rounded a text": (setting("rounded_to_zero", value="x"), "rounded_to_zero is 'x' where a number"),
    "n_latents a truth": (setting("n_latents", value=True), "n_latents is True where a number"),
    "shards an object": (shards_by_name, "shards is .* where a list"),
    "a shard null": (setting("shards", 0, value=None), r"shards\[0\] is None where an object"),
    "layout unknown": (setting("layout", value="coo"), "layout is 'coo' where csr or dense"),
    "provenance a list": (setting("provenance", value=[]), r"provenance is \[\] where an object"),
    "left_out a text": (setting("left_out", value="3"), "left_out is '3' where a count"),
    "name null": (setting("name", value=None), "name is None where a text"),
    "first_document null": (setting("shards", 1, "first_document", value=None), r"shards\[1\]\.first_document is None"),
    "n_documents negative": (setting("shards", 1, "n_documents", value=-1), r"shards\[1\]\.n_documents is -1"),
    "hash of documents": (setting("shards", 1, "documents_hash", value=3), r"shards\[1\]\.documents_hash is 3"),
}
ONLY_THE_HASH_TELLS = {
    "documents renamed": rename_the_documents,
    "documents reversed": reverse_the_documents,
    "text_hash zeros": setting("text_hash", value="0" * 64),
    "provenance": setting("provenance", "options", "batch_tokens", value=1),
    "left_out": setting("left_out", value={}),
}


def test_an_untouched_manifest_reads(there):
    assert Codes.open(there).tokens.documents == ("one", "two", "three", "four")
    rewrite(there, lambda manifest: None, hashed=True)
    manifest = json.loads((there / "manifest.json").read_text())
    assert manifest["sha256"] == read_manifest(there)["sha256"] == hash_of(manifest)


@pytest.mark.parametrize("read", [read_manifest, Codes.open, lambda path: open_shard(path, 0), n_shards])
@pytest.mark.parametrize(
    "change",
    [change for change, _ in CHANGES.values()] + list(ONLY_THE_HASH_TELLS.values()),
    ids=[*CHANGES, *ONLY_THE_HASH_TELLS],
)
def test_a_manifest_changed_by_hand_is_refused(there, read, change):
    rewrite(there, change, hashed=False)
    # An entry that is not there is told before the hash, of which nothing can be said then.
    with pytest.raises(InvalidCodes, match=r"manifest\.json: damaged or changed by hand: its sha256"):
        read(there)


@pytest.mark.parametrize(("change", "match"), CHANGES.values(), ids=CHANGES)
def test_a_manifest_that_contradicts_itself_is_refused_whatever_its_hash(there, change, match):
    rewrite(there, change, hashed=True)
    with pytest.raises(InvalidCodes, match=rf"manifest\.json: damaged, .*{match}"):
        Codes.open(there)


@pytest.mark.parametrize("hashed", [True, False])
def test_the_last_shard_cannot_be_taken_away_with_its_entry(there, hashed):
    rewrite(there, drop_the_last_shard, hashed=hashed)
    max(there.glob("shard-*")).unlink()
    with pytest.raises(InvalidCodes, match=r"manifest\.json: damaged"):
        list(iterate_shards(there))


def test_shards_that_change_places_with_their_files_are_refused(there):
    def swapped(manifest):
        left, right = manifest["shards"][:2]
        for key in ("rows", "nnz", "bytes", "sha256", "documents_hash"):
            left[key], right[key] = right[key], left[key]

    first, second = sorted(there.glob("shard-*"))[:2]
    first.rename(there / "aside")
    second.rename(first)
    (there / "aside").rename(second)
    rewrite(there, swapped, hashed=True)
    with pytest.raises(InvalidCodes, match=r"shard-00000\.safetensors: a foreign shard: its first_document is '2'"):
        Codes.open(there)


def test_shards_of_no_documents_have_their_place_too(tmp_path):
    """Shards of arrays hold no whole documents; the number in each one's header says where it belongs."""
    with CodesWriter(tmp_path / "codes", shard_tokens=5) as writer:
        writer.append(np.arange(1.0, 21).reshape(10, 2), groups=list("aaaaabbbbb"))
    rewrite(tmp_path / "codes", lambda manifest: None, hashed=True)
    assert Codes.open(tmp_path / "codes").n_tokens == 10

    def swapped(manifest):
        manifest["shards"].reverse()
        manifest["shards"][0]["file"], manifest["shards"][1]["file"] = (
            "shard-00000.safetensors",
            "shard-00001.safetensors",
        )

    first, second = sorted((tmp_path / "codes").glob("shard-*"))
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    rewrite(tmp_path / "codes", swapped, hashed=True)
    with pytest.raises(InvalidCodes, match=r"shard-00000\.safetensors: a foreign shard: its shard is '1'"):
        Codes.open(tmp_path / "codes")


@pytest.mark.parametrize("named", [True, False])
def test_a_token_table_needs_names_of_documents_and_names_a_token_table(tmp_path, named):
    column = np.arange(3)
    tokens = TokenTable(column * 0, column, column, column + 1, column, documents=("one",))
    folder = Codes(np.ones((3, 2)), tokens if named else None).save(tmp_path / "codes")
    rewrite(folder, setting("documents", value=None if named else ["one"]), hashed=True)
    with pytest.raises(InvalidCodes, match=r"shard-00000\.safetensors: damaged: it holds the columns"):
        Codes.open(folder)


def test_names_of_many_scripts_and_numbers_have_one_hash(tmp_path):
    """The hash is of the JSON that is read again: keys that are numbers, tuples, fractions and other scripts."""
    column = np.arange(2)
    tokens = TokenTable(column, column, column, column + 1, column, documents=("naïve 🙂", "\ud800 alone"))
    codes = Codes(np.ones((2, 2)), tokens, name="Ω", provenance={"steps": {10: 1e-7, "9": (0.1, None)}, "x": 1e300})
    assert Codes.open(codes.save(tmp_path / "codes")).tokens.documents == tokens.documents


def test_a_shard_that_says_nothing_of_itself_is_foreign(there):
    file = min(there.glob("shard-*"))
    arrays = safetensors.numpy.load_file(file)
    file.write_bytes(safetensors.numpy.save(arrays, metadata={}))

    def resized(manifest):
        manifest["shards"][0]["bytes"] = file.stat().st_size

    rewrite(there, resized, hashed=True)
    with pytest.raises(InvalidCodes, match="a foreign shard: its dictionary is None"):
        Codes.open(there, verify=False)
