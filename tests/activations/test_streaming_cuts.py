from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.activations.text import Document, text_hash
from geomsim.activations.text_cuts import DocumentParts, DocumentPieces, cut_document, document_shards
from geomsim.activations.text_streams import stream_documents
from geomsim.errors import InvalidConfig, InvalidText

LETTERS = st.text(st.sampled_from("ab \n\r\u0301\u200d🙂🏽"), max_size=60)


def cut(text, longest, name="a"):
    return [part.text for part in cut_document(DocumentPieces(name, [text]), longest)]


def test_cuts_are_at_a_line_end_else_white_space_else_anywhere():
    assert cut("one two\nthree four\n", 12) == ["one two\n", "three four\n"]
    assert cut("one two three", 9) == ["one two ", "three"]
    assert cut("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert cut("a\nbcdefghij", 8) == ["a\nbcdefg", "hij"]  # a line end in the first half would leave little
    assert cut("abcd", 4) == ["abcd"]
    assert cut("", 4) == [""]
    assert cut("ab" * 9, None) == ["ab" * 9]


def test_what_makes_one_character_stays_together():
    assert cut("abce\u0301fg", 4) == ["abc", "e\u0301fg"]
    assert cut("abc🙂\u200d🙂f", 4) == ["abc", "🙂\u200d🙂f"]
    assert cut("abc👍🏽fg", 4) == ["abc", "👍🏽fg"]
    assert cut("abcd\r\nef", 5) == ["abcd", "\r\nef"]
    assert cut("e" + "\u0301" * 9, 4)[0] == "e\u0301\u0301\u0301"  # no end to it within reach


@given(LETTERS, st.integers(1, 12), st.lists(st.integers(0, 60), max_size=4))
def test_parts_make_the_text_again_and_do_not_depend_on_the_pieces(text, longest, edges):
    whole = cut(text, longest)
    assert "".join(whole) == text
    assert all(0 < len(part) <= longest for part in whole) or whole == [""]
    assert len(whole) <= max(1, 2 * len(text) // longest + 2) or longest < 4  # none but the last is short
    ends = sorted(min(edge, len(text)) for edge in edges)
    pieces = [text[begin:end] for begin, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert [part.text for part in cut_document(DocumentPieces("a", pieces), longest)] == whole


def test_parts_are_documents_of_their_own():
    parts = DocumentParts([Document("short", "ab"), Document("long", "abcdefgh"), Document("end", "")], 3)
    listed = list(parts)
    assert [document.name for _, document in listed] == parts.names == ["short", "long#1", "long#2", "long#3", "end"]
    assert [whole for whole, _ in listed] == [1, 2, 2, 2, 3]
    assert parts.cut == 1
    assert parts.text_hash == text_hash(document for _, document in listed)
    with pytest.raises(InvalidText, match="two documents are named 'a#1'"):
        list(DocumentParts([Document("a", "12345"), Document("a#1", "x")], 3))
    with pytest.raises(InvalidText, match="half of a surrogate"):
        list(DocumentParts([Document("a", "\ud800")]))
    with pytest.raises(InvalidConfig, match="longest is 0"):
        DocumentParts([], 0)


def test_a_long_document_in_memory_is_cut_like_a_long_file(tmp_path):
    text = "".join(f"line {number} é\n" for number in range(30_000))
    (tmp_path / "long.txt").write_bytes(text.encode())
    stream = stream_documents(tmp_path / "long.txt")
    assert len(text) > 350_000
    from_file = [document for _, document in DocumentParts(stream.pieces(), 100_000)]
    assert from_file == [document for _, document in DocumentParts([Document("long.txt", text)], 100_000)]
    assert len(from_file) == 4
    assert all(part.text.endswith("\n") for part in from_file)
    assert [document.name for document in stream] == ["long.txt"]  # a million characters fit
    (tmp_path / "long.txt").write_bytes(text.encode() * 3)
    assert list(stream) == [document for _, document in DocumentParts(stream.pieces())]
    assert [document.name for document in stream] == ["long.txt#1", "long.txt#2"]


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 20))
def test_shards_are_the_shortest_runs_that_are_long_enough(lengths, characters):
    documents = [(number, Document(str(number), "x" * length)) for number, length in enumerate(lengths)]
    shards = list(document_shards(documents, characters))
    assert [document for shard in shards for document in shard.documents] == [document for _, document in documents]
    assert [shard.number for shard in shards] == list(range(len(shards)))
    first = 0
    for shard in shards:
        assert shard.first_document == first
        assert shard.documents_hash == text_hash(shard.documents)
        first += len(shard.documents)
        until_last = sum(len(document.text) for document in shard.documents[:-1])
        assert until_last < characters
        if shard is not shards[-1]:
            assert until_last + len(shard.documents[-1].text) >= characters
    with pytest.raises(InvalidConfig, match="shard_characters is 0"):
        document_shards(documents, 0)
