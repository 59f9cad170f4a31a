"""Draws as bars, contexts as short lists: nothing is lost that the page shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.report.page.contents import Context
from geomsim.report.page.manifest import _context, _histogram


@given(st.integers(2, 900), st.floats(-3, 3), st.integers(0, 5))
def test_every_draw_is_in_a_bar_and_bars_are_in_the_tail_or_not(n, observed, seed):
    draws = np.random.default_rng(seed).normal(size=n)
    counts, low, high = _histogram(draws, observed)
    assert counts.sum() == n
    assert low <= draws.min()
    assert high >= draws.max()
    edges = np.linspace(low, high, len(counts) + 1)
    if draws.min() < observed < draws.max():
        edge = np.abs(edges - observed).argmin()
        assert edges[edge] == pytest.approx(observed, abs=1e-9)
        assert counts[edge:].sum() == (draws >= observed).sum()


def test_draws_that_are_all_alike_are_one_bar():
    counts, low, high = _histogram(np.full(9, 0.5), 0.7)
    assert (counts.tolist(), low, high) == ([9], 0.5, 0.5)


pieces = st.lists(st.tuples(st.text(max_size=3), st.sampled_from([0.0, 0.0, 0.5, -1.0])), min_size=1, max_size=12)


@given(pieces, st.data())
def test_a_context_keeps_its_text_its_token_and_every_activation(given_pieces, data):
    texts, activations = zip(*given_pieces, strict=True)
    focus = data.draw(st.integers(0, len(texts) - 1))
    value, document, short, strengths, place = _context(Context(1.5, "a.py", texts, activations, focus))
    assert (value, document) == (1.5, "a.py")
    assert "".join(short) == "".join(texts)
    assert short[place] == texts[focus]
    assert "".join(short[:place]) == "".join(texts[:focus])
    assert [each for each in strengths if each] == [each for each in activations if each]
    assert len(short) == len(strengths)
    # What is silent and stands together is one piece, beside the token itself.
    for at in range(1, len(short)):
        assert strengths[at] or strengths[at - 1] or place in (at, at - 1)


@pytest.mark.parametrize("observed", [None, 2.0, 1.0])
@pytest.mark.parametrize("size", [1.0, 1e300, 1e-300, -7.3])
def test_draws_that_differ_by_rounding_alone_are_one_bar(size, observed):
    draws = size * (1 + np.finfo(float).eps * np.array([0, 1, 2, 2, 1]))
    counts, low, high = _histogram(draws, observed)
    assert (counts.tolist(), low, high) == ([5], draws.min(), draws.max())
