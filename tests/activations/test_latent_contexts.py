from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations import latent_contexts
from geomsim.activations.codes import Codes
from geomsim.activations.latent_contexts import contexts_table, read_contexts, save_contexts
from geomsim.activations.latents import top_contexts
from geomsim.activations.text import Document, text_hash
from geomsim.activations.tokens import TokenTable
from geomsim.errors import GeomsimError, InvalidCodes
from geomsim.tables import write_parquet


def written(spans, matrix, gap=1):
    """Codes over tokens given as (document, start, end), and documents of letters that reach `gap` beyond them."""
    documents = []
    for number in range(max((span[0] for span in spans), default=-1) + 1):
        size = max((end for document, _, end in spans if document == number), default=0) + gap
        documents.append(Document(f"text {number}", "".join(chr(97 + place % 26) for place in range(size))))
    document, start, end = np.array(spans).T
    names = tuple(document.name for document in documents)
    table = TokenTable(document, np.arange(len(spans)), start, end, np.zeros(len(spans)), names, text_hash(documents))
    return Codes(matrix, table, name="some codes"), documents


def plainly(codes, documents, n, context, one_per_document):
    """What the table holds, by loops over latents, tokens and pieces."""
    table, texts = codes.tokens, {document.name: document.text for document in documents}
    rows = range(codes.n_tokens)
    found = []
    for latent in range(codes.n_latents):
        values = codes.latent(latent)
        seen, rank = set(), 0
        for row in sorted((row for row in rows if values[row]), key=lambda row: -values[row]):
            document = int(table.document[row])
            if (one_per_document and document in seen) or rank == n:
                continue
            seen.add(document)
            rank += 1
            text = texts[table.documents[document]]
            beside = [other for other in rows if table.document[other] == document]
            starts = sorted({int(table.start[other]) for other in beside})
            last = max(int(table.end[other]) for other in beside if table.start[other] == starts[-1])
            pieces, activations = [], []
            for start, end in zip(starts, [*starts[1:], last], strict=True):
                pieces.append(text[start:end])
                here = [float(values[other]) for other in beside if table.start[other] == start]
                activations.append(max(here, key=lambda value: (abs(value), value)))
            focus = starts.index(int(table.start[row]))
            activations[focus] = float(values[row])
            first, stop = max(0, focus - context), focus + context + 1
            found.append(
                (latent, rank, float(values[row]), table.documents[document], int(table.start[row]), focus - first,
                 pieces[first:stop], activations[first:stop])
            )  # fmt: skip
    return found


def listed(table):
    frame = table.frame.assign(activations=[list(map(float, numbers)) for numbers in table.frame["activations"]])
    return list(frame.itertuples(index=False, name=None))


@st.composite
def tables_of_tokens(draw):
    """Tokens in reading order: with gaps, with several at one character, and with overlaps."""
    spans, starts = [], {}
    for number in draw(st.lists(st.integers(0, 3), min_size=1, max_size=14)):
        start = starts.get(number, 0) + draw(st.integers(0, 3))
        starts[number] = start
        spans.append((number, start, start + draw(st.integers(0, 3))))
    return sorted(spans, key=lambda span: span[:2])


@settings(max_examples=150)
@given(data=st.data(), n=st.integers(1, 3), context=st.integers(0, 3), one=st.booleans(), sparse=st.booleans())
def test_all_latents_at_once_equal_a_plain_search(data, n, context, one, sparse):
    spans = data.draw(tables_of_tokens())
    shape = len(spans), data.draw(st.integers(1, 4))
    numbers = st.sampled_from([0.0, 0.0, 1.0, 2.0, -2.0, -3.0])
    matrix = np.array(data.draw(st.lists(numbers, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])))
    matrix = matrix.reshape(shape)
    codes, documents = written(spans, scipy.sparse.csr_array(matrix) if sparse else matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent_contexts, "batch_budget", lambda: data.draw(st.sampled_from([1, 700, 1 << 20])))
        table = contexts_table(codes, documents, n, context, one_per_document=one)
    assert listed(table) == plainly(codes, documents, n, context, one)
    for latent in range(shape[1]):
        expected = top_contexts(codes, latent, documents, n, one_per_document=one)
        found = table.contexts(latent)
        assert [(place.value, place.document, place.start) for place in found] == [
            (place.value, place.document, place.start) for place in expected
        ]


def test_real_numbers_and_many_latents_in_whatever_order_the_rows_come():
    random = np.random.default_rng(0)
    spans = [(number // 37, 4 * (number % 37), 4 * (number % 37) + 3) for number in range(400)]
    matrix = scipy.sparse.random(400, 60, density=0.1, random_state=0, format="csr")
    codes, documents = written(spans, matrix)
    table = contexts_table(codes, documents, context=4)
    assert listed(table) == plainly(codes, documents, 3, 4, True)
    assert listed(contexts_table(codes.take(random.permutation(400)), documents, context=4)) == listed(table)


def test_text_between_tokens_is_shown_with_the_one_before():
    #  "abcdefghij": tokens b, ef, and the two bytes of h
    codes, documents = written([(0, 1, 2), (0, 4, 6), (0, 7, 8), (0, 7, 8)], [[0.5], [3.0], [-1.0], [0.25]], gap=2)
    found = contexts_table(codes, documents, n=1).contexts(0)[0]
    assert found.pieces == ("bcd", "efg", "h")
    assert found.activations == (0.5, 3.0, -1.0)
    assert (found.focus, found.start, found.value, found.document) == (1, 4, 3.0, "text 0")


def test_of_bytes_that_pull_as_much_both_ways_the_positive_one_is_shown():
    codes, documents = written([(0, 0, 1), (0, 1, 2), (0, 1, 2)], [[5.0], [-2.0], [2.0]])
    assert contexts_table(codes, documents).contexts(0)[0].activations == (5.0, 2.0)


def test_silent_latents_and_latents_that_do_not_exist():
    codes, documents = written([(0, 0, 1), (1, 0, 1)], [[0.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    table = contexts_table(codes, documents)
    assert [len(table.contexts(latent)) for latent in range(3)] == [0, 2, 0]
    assert (len(table), table.silent) == (3, 2)
    assert repr(table) == "ContextTable(2 places of 3 latents, 2 of them silent)"
    for latent in (3, -1):
        with pytest.raises(InvalidCodes, match=f"there is no latent {latent}: .* has latents 0 to 2"):
            table.contexts(latent)


def test_a_table_comes_back_from_its_file(tmp_path):
    codes, documents = written([(0, 0, 1), (0, 1, 4), (1, 0, 2)], [[1.0, 0.1], [2.0, 0], [0, 0]])
    table = contexts_table(codes, documents)
    back = read_contexts(save_contexts(table, tmp_path / "deep" / "contexts.parquet"))
    assert listed(back) == listed(table)
    assert [back.contexts(latent) for latent in (0, 1)] == [table.contexts(latent) for latent in (0, 1)]
    assert back.frame["activations"][0].dtype == np.float32
    made = {"n": 3, "context": 10, "one_per_document": True}
    assert back.provenance == table.provenance == {"codes": "some codes", "text_hash": codes.text_hash, **made}


def test_codes_without_a_firing_come_back_too(tmp_path):
    codes, documents = written([(0, 0, 1)], np.zeros((1, 2)))
    back = read_contexts(save_contexts(contexts_table(codes, documents), tmp_path / "contexts.parquet"))
    assert back.n_latents == 2
    assert back.contexts(1) == []


GOOD = {
    "latent": [2, 2], "rank": [2, 1], "value": [1.0, 2.0], "document": ["a", "b"], "start": [0, 4], "focus": [0, 1],
    "pieces": [["x"], ["y", " z"]], "activations": [[1.0], [0.0, 2.0]],
}  # fmt: skip


def test_a_file_of_other_origin(tmp_path):
    table = read_contexts(write_parquet(pd.DataFrame({**GOOD, "more": 1}), tmp_path / "contexts.parquet"))
    assert table.n_latents == 3
    assert [(place.document, place.pieces) for place in table.contexts(2)] == [("b", ("y", " z")), ("a", ("x",))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"focus": None}, "this file lacks focus"),
        ({"latent": [0.5, 1.0]}, "column 'latent' must hold whole numbers from 0"),
        ({"start": [-1, 0]}, "column 'start' must hold whole numbers from 0"),
        ({"value": [1.0, np.nan]}, "column 'value' must hold finite numbers"),
        ({"value": ["1", "2"]}, "column 'value' must hold finite numbers"),
        ({"document": ["a", None]}, "row 1 has no text as its document"),
        ({"pieces": ["x", "yz"]}, "row 0 has no list of texts"),
        ({"pieces": [[None], ["y", "z"]]}, "row 0 has no list of texts"),
        ({"activations": [[1.0], None]}, "row 1 has no list of numbers"),
        ({"activations": [[1.0], [2.0]]}, "row 1 has 2 pieces and 1 activations"),
        ({"activations": [[np.inf], [0.0, 2.0]]}, "row 0 has an activation that is not finite"),
        ({"focus": [1, 1]}, "row 0 has its focus at 1, and 1 pieces"),
        ({"rank": [1, 1]}, "latent 2 has more than one place of rank 1"),
    ],
)
def test_a_file_that_is_no_table_of_contexts(tmp_path, changes, message):
    columns = {name: values for name, values in {**GOOD, **changes}.items() if values is not None}
    path = write_parquet(pd.DataFrame(columns), tmp_path / "contexts.parquet")
    with pytest.raises(InvalidCodes, match=rf"contexts\.parquet: .*{message}"):
        read_contexts(path)


def test_a_file_that_contradicts_itself(tmp_path):
    path = write_parquet(pd.DataFrame(GOOD), tmp_path / "contexts.parquet", metadata={"contexts": {"n_latents": 2}})
    with pytest.raises(InvalidCodes, match="latent 2 lies outside, the file says it is of 2 latents"):
        read_contexts(path)


def test_other_suffixes_and_missing_files(tmp_path):
    codes, documents = written([(0, 0, 1)], np.ones((1, 1)))
    with pytest.raises(InvalidCodes, match=r"c\.csv: contexts are saved as \.parquet"):
        save_contexts(contexts_table(codes, documents), tmp_path / "c.csv")
    with pytest.raises(InvalidCodes, match=r"c\.csv: contexts are read from \.parquet"):
        read_contexts(tmp_path / "c.csv")
    with pytest.raises(GeomsimError, match="no such file"):
        read_contexts(tmp_path / "c.parquet")
    (tmp_path / "c.parquet").write_bytes(b"nothing")
    with pytest.raises(GeomsimError, match=r"c\.parquet: not a readable"):
        read_contexts(tmp_path / "c.parquet")


def test_what_cannot_be_shown():
    codes, documents = written([(0, 0, 1)], np.ones((1, 1)))
    with pytest.raises(InvalidCodes, match="no token table"):
        contexts_table(Codes(np.ones((2, 1))), documents)
    with pytest.raises(InvalidCodes, match="was read but is not among the 0 documents given"):
        contexts_table(codes, [])
    for wrong in ({"n": 0}, {"context": -1}):
        with pytest.raises(InvalidCodes, match="at least one place per latent and no negative context, got "):
            contexts_table(codes, documents, **wrong)
