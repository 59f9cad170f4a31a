from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.activations.standard_library import is_held_out, standard_library_documents
from geomsim.activations.text import Document, checked_documents, documents_from_strings, read_documents, text_hash
from geomsim.errors import InvalidText


def test_a_file_is_one_document_kept_as_it_is(tmp_path):
    (tmp_path / "a.txt").write_bytes("één\r\ntwee".encode())
    assert read_documents(tmp_path / "a.txt") == [Document("a.txt", "één\r\ntwee")]


def test_a_folder_is_read_in_the_order_of_posix_names(tmp_path):
    for name in ("b.txt", "a/z.txt", "a.txt", "a/c.md", ".hidden", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [document.name for document in read_documents(tmp_path)] == ["a.txt", "a/c.md", "a/z.txt", "b.txt"]
    assert [document.name for document in read_documents(tmp_path, "**/*.md")] == ["a/c.md"]
    assert [document.name for document in read_documents(tmp_path, "*.txt")] == ["a.txt", "b.txt"]
    with pytest.raises(InvalidText, match=r"no file fits the pattern '\*\.rst'"):
        read_documents(tmp_path, "*.rst")


def test_invalid_utf8_names_file_and_byte(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"fine\xff")
    with pytest.raises(InvalidText, match=r"bad\.txt: not UTF-8: byte 4 is 0xff"):
        read_documents(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(InvalidText, match="no such file or directory"):
        read_documents(tmp_path / "absent")


def test_strings_are_numbered_or_named():
    assert documents_from_strings(["x", ""]) == [Document("0", "x"), Document("1", "")]
    assert documents_from_strings(iter(["x"]), ["mine"]) == [Document("mine", "x")]


@pytest.mark.parametrize(
    ("texts", "names", "match"),
    [
        ("one", None, r"write \[text\]"),
        ([], None, "no documents"),
        (["a", 3], None, "text 1 is a int"),
        (["a"], ["x", "y"], "1 texts but 2 names"),
        (["a", "b"], ["x", "x"], "two documents are named 'x'"),
    ],
)
def test_strings_that_are_no_documents(texts, names, match):
    with pytest.raises(InvalidText, match=match):
        documents_from_strings(texts, names)


def test_no_documents_at_all():
    with pytest.raises(InvalidText, match="no documents"):
        checked_documents([])


def test_hash_is_sha256_of_length_prefixed_parts():
    def part(text):
        data = text.encode()
        return len(data).to_bytes(8, "big") + data

    expected = hashlib.sha256(part("n") + part("é") + part("m") + part("")).hexdigest()
    assert text_hash([Document("n", "é"), Document("m", "")]) == expected


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4), st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_hashes_agree_exactly_for_equal_documents(left, right):
    # st.text() draws no surrogates, which are no text.
    hashes = [text_hash([Document(*pair) for pair in side]) for side in (left, right)]
    assert (hashes[0] == hashes[1]) == (left == right)


def test_half_a_surrogate_pair_is_no_text():
    with pytest.raises(InvalidText, match=r"document '0': character 1 is half of a surrogate"):
        text_hash(documents_from_strings(["a\ud800"]))


def test_the_standard_library_is_prose_of_code_in_the_order_of_paths(tmp_path, monkeypatch):
    names = ["b.py", "a/z.py", "a/tests/t.py", "site-packages/p/q.py", "a.py", "a/b/c.py", "a/notes.txt", "empty.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name == "empty.py" else "text")
    (tmp_path / "latin.py").write_bytes(b"\xe9")
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"stdlib": str(tmp_path)})
    found = [document.name for document in standard_library_documents("all")]
    assert found == ["a/b/c.py", "a/z.py", "a.py", "b.py"]


def test_the_standard_library_splits_by_path_alone():
    held_out, train = standard_library_documents("held-out"), standard_library_documents("train")
    both = standard_library_documents("all")
    assert sorted([*held_out, *train], key=lambda document: document.name) == sorted(both, key=lambda d: d.name)
    assert all(is_held_out(document.name) for document in held_out)
    assert not any(is_held_out(document.name) for document in train)
    assert 0.05 < len(held_out) / len(both) < 0.2
    assert not any("\r" in document.text for document in both)
    # Files of every Python, so that a change of the rule cannot pass: it decides what the models were trained on.
    assert [is_held_out(name) for name in ("bz2.py", "calendar.py", "copyreg.py", "ast.py")] == [
        True,
        True,
        True,
        False,
    ]
