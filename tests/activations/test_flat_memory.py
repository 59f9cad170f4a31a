"""Memory does not grow with the text: what Python holds at most is measured at one length and at four times it."""

from __future__ import annotations

import tracemalloc
import weakref

import pytest
from letters import letters_dictionary, letters_source

from geomsim.activations.codes_reader import iterate_shards, n_shards
from geomsim.activations.reading import write_codes
from geomsim.activations.text import Document

SHARD = 2000  # characters, and tokens, for each letter is one
TEXTS = 12  # of a shard each


def texts(number):
    """Made one at a time, each a text of its own."""
    for place in range(number):
        yield Document(str(place), f"{place:04d}" + "abcdefgh\n" * ((SHARD - 4) // 9))


def written(folder, documents):
    return write_codes(
        letters_source(), documents, {"0": letters_dictionary(), "1": None},
        {"0": folder / "sparse", "1": folder / "dense"}, shard_characters=SHARD // 2, batch_tokens=256,
    )  # fmt: skip


def most_held(run):
    """The largest number of bytes that Python and numpy held at once while `run` ran, above what was there before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """What was held while one text, and one of four times its length, was written; and where."""
    root = tmp_path_factory.mktemp("flat")
    written(root / "before", texts(2))  # what is imported and kept at the first run is not the text's
    held = {}
    for times in (1, 4):
        held[times] = most_held(lambda times=times: written(root / str(times), texts(times * TEXTS)))
        assert n_shards(root / str(times) / "sparse") == times * TEXTS
    return root, held


def test_writing_codes_holds_one_shard(folders):
    """All shards of the longer text are at least 72 bytes for each of its tokens: 24 dense, 24 sparse, 24 labels."""
    _, held = folders
    all_shards = 72 * SHARD * 4 * TEXTS
    assert held[4] < held[1] * 1.2, held
    assert held[4] < all_shards / 8, held


@pytest.mark.parametrize("site", ["sparse", "dense"])
def test_reading_shard_by_shard_holds_one_shard(folders, site):
    root, _ = folders

    def read(times):
        return sum(shard.n_tokens for shard in iterate_shards(root / str(times) / site))

    read(1)
    held = {times: most_held(lambda times=times: read(times)) for times in (1, 4)}
    # The longer manifest is held, some hundred bytes for each shard; a shard is 48 bytes for each of 2000 tokens.
    assert held[4] - held[1] < SHARD * 48, held


def test_documents_are_let_go_behind_their_shard(tmp_path):
    alive, most = weakref.WeakSet(), [0]

    def watched():
        for document in texts(TEXTS):
            alive.add(document)
            most[0] = max(most[0], len(alive))
            yield document
            del document

    written(tmp_path, watched())
    assert most[0] <= 6
