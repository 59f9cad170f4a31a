"""Metrics with parameters on one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.errors import InvalidConfig
from geomsim.metric_text import metric_text, read_metric_text, told_apart

_VALUES = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()


@given(st.dictionaries(st.text().filter(lambda key: key != "name"), _VALUES))
def test_what_is_written_is_read(parameters):
    found = read_metric_text(metric_text("knn-jaccard", parameters))
    assert found == ({"name": "knn-jaccard", **parameters} if parameters else "knn-jaccard")
    if parameters:
        assert [type(value) for value in parameters.values()] == [type(found[key]) for key in parameters]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rsa(k=2", "closing bracket"),
        ("rsa(k=2) then", "closing bracket"),
        ("rsa(compare=pearson)", "words in quotes"),
        ("rsa(k=1, k=2)", "cannot be read"),
        ('rsa(name="cka")', "its name stands before the bracket"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(text, message):
    with pytest.raises(InvalidConfig, match=message):
        read_metric_text(text)


def test_a_distribution_and_brackets_within_words_are_read():
    assert read_metric_text('dist:mine (word="a (b)", k=2)') == {"name": "dist:mine", "word": "a (b)", "k": 2}


def test_only_parameters_that_differ_are_told():
    every = [
        ("a", {"k": 1, "l": 2}),
        ("a", {"k": 3, "l": 2}),
        ("b", {"k": 1}),
        ("b", {"k": 1}),
        ("a", {"k": 1, "l": 2}),
    ]
    assert told_apart(every) == ["a(k=1)", "a(k=3)", "b", "b", "a(k=1)"]
    assert told_apart([("a", {}), ("a", {"k": None}), ("a", {"k": 2})]) == ["a", "a", "a(k=2)"]
    assert told_apart([]) == []
