"""`geomsim words`: codes on disk to codes of words on disk."""

from __future__ import annotations

import json

import numpy as np
import pytest
from word_checks import all_kept, token_codes

from geomsim import Codes, correlate
from geomsim.cli.console import Common
from geomsim.cli.opening import TextOptions
from geomsim.cli.words import words as words_verb
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidText


@pytest.fixture
def read(tmp_path):
    """Codes of two tokenizers over one file, on disk, and the file."""
    text = "one two three"
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    from geomsim.activations.text import read_documents, text_hash
    from geomsim.activations.tokens import TokenTable

    documents = read_documents(tmp_path / "text.txt")
    folders = []
    for name, spans in (("left", [(0, 3), (3, 7), (7, 13)]), ("right", [(0, 2), (2, 3), (3, 4), (4, 7), (8, 13)])):
        made, _ = token_codes([text], all_kept(spans))
        columns = (getattr(made.tokens, column) for column in ("document", "position", "start", "end", "token_id"))
        table = TokenTable(*columns, documents=("text.txt",), text_hash=text_hash(documents))
        folders.append(Codes(made.matrix, table, name=name).save(tmp_path / name))
    return *folders, tmp_path / "text.txt"


def test_codes_of_two_tokenizers_become_codes_of_the_same_words(read, tmp_path, capsys):
    left, right, text = read
    for folder in (left, right):
        out = tmp_path / f"{folder.name}_words"
        assert words_verb(folder, text=str(text), out=out, pool="max", common=Common(json=True)) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["kept_words"], said["words"], said["pool"], said["path"]) == (3, 3, "max", str(out))
    pooled = [Codes.open(tmp_path / f"{name}_words") for name in ("left", "right")]
    assert pooled[0].tokens.same_tokens(pooled[1].tokens)
    assert said["left_out"] == {"token of no word": 1}
    assert pooled[1].dense().ravel().tolist() == [2.0, 4.0, 5.0]
    assert correlate(*pooled, min_firings=1, min_cofirings=1).n_tokens == 3


def test_what_it_would_do_and_what_it_says(read, tmp_path, capsys):
    left, _, text = read
    assert (
        words_verb(left, text=str(text), out=tmp_path / "out", words="code", common=Common(dry_run=True, json=True))
        == 0
    )
    planned = json.loads(capsys.readouterr().out)["details"]
    assert (planned["n_tokens"], planned["words"][:5]) == (3, "[0-9]")
    assert not (tmp_path / "out").exists()
    assert words_verb(left, text=str(text), out=tmp_path / "out", words="t[a-z]+") == 0
    said = capsys.readouterr().out
    assert "2 words in" in said
    assert "tokens of no word" in said
    assert "geomsim pair" in said
    with pytest.raises(InvalidCodes, match="already holds"):
        words_verb(left, text=str(text), out=tmp_path / "out")
    assert words_verb(left, text=str(text), out=tmp_path / "out", replace=True) == 0
    np.testing.assert_array_equal(Codes.open(tmp_path / "out").tokens.start, [0, 4, 8])


def test_documents_that_reading_cut_into_parts_are_cut_again(tmp_path):
    import torch

    from geomsim.activations.module_source import ModuleSource
    from geomsim.activations.reading import write_codes
    from geomsim.activations.text import read_documents

    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("one two\nthree four\n", encoding="utf-8")
    (tmp_path / "text" / "b.md").write_text("no", encoding="utf-8")
    module = torch.nn.Sequential(torch.nn.Embedding(256, 2))
    source = ModuleSource(
        module, lambda text: (list(map(ord, text)), [(i, i + 1) for i in range(len(text))]), context=9, keep_first=True
    )
    documents = read_documents(tmp_path / "text", "*.txt")
    write_codes(source, documents, {"0": None}, {"0": tmp_path / "codes"}, longest=10)
    assert (
        words_verb(tmp_path / "codes", text=str(tmp_path / "text"), out=tmp_path / "out", part=TextOptions("*.txt"))
        == 0
    )
    made = Codes.open(tmp_path / "out")
    assert made.tokens.documents == ("a.txt#1", "a.txt#2", "a.txt#3")
    assert made.tokens.document.tolist() == [0, 0, 1, 2]
    with pytest.raises(InvalidText, match="cut into parts where reading cut them"):
        words_verb(tmp_path / "codes", text=str(tmp_path / "text"), out=tmp_path / "all")


def test_another_text_or_a_pattern_that_is_none(read, tmp_path):
    left, _, text = read
    with pytest.raises(InvalidConfig, match="no regular expression"):
        words_verb(left, text=str(text), out=tmp_path / "out", words="[", common=Common(dry_run=True))
    text.write_text("one two four", encoding="utf-8")
    with pytest.raises(InvalidText, match="of another text"):
        words_verb(left, text=str(text), out=tmp_path / "out")
