from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.codes import Codes
from geomsim.activations.latent_histogram import activation_histogram
from geomsim.activations.latents import firing_rate
from geomsim.errors import InvalidCodes, InvalidConfig

FINITE = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_counted_by_hand(kind):
    #                         [0, 2)  [2, 4)      [4, 6)  [6, 8]
    codes = Codes(kind(np.array([[0, 1, 2, 3, 3.5, 0, 4, 7, 8, 0]], dtype=np.float32).T))
    found = activation_histogram(codes, 0, bins=4)
    assert found.edges.tolist() == [0, 2, 4, 6, 8]
    assert found.counts.tolist() == [1, 3, 1, 2]
    assert (found.firings, found.n_tokens, found.maximum, found.minimum) == (7, 10, 8.0, 0.0)
    assert (found.firing_rate, found.share_of_zeros) == (0.7, 0.3)
    assert found.quantiles[0.5] == 3.5
    assert found.mean == pytest.approx(28.5 / 7)
    assert "7 of 10 tokens active, 4 linear bins, maximum 8" in repr(found)
    assert json.loads(json.dumps(found.to_dict()))["counts"] == [1, 3, 1, 2]


@settings(max_examples=80)
@given(st.lists(st.one_of(st.just(0.0), FINITE), min_size=1, max_size=30), st.integers(1, 9))
def test_every_firing_is_in_one_bin(values, bins):
    codes = Codes(np.array(values, dtype=np.float32)[:, None])
    found = activation_histogram(codes, 0, bins)
    active = [value for value in values if value]
    assert found.counts.sum() == found.firings == len(active)
    assert found.firing_rate == firing_rate(codes, 0)
    assert (found.minimum, found.maximum) == (min(values), max(values))
    assert len(found.counts) == (bins if active else 0)
    if active:
        assert len(found.edges) == bins + 1
        assert found.edges[0] == min(0.0, *active)
        assert found.edges[-1] == max(0.0, *active)
        for low, high, count, last in zip(
            found.edges[:-1], found.edges[1:], found.counts, [False] * (bins - 1) + [True], strict=True
        ):
            assert count == sum(low <= value < high or (last and value == high) for value in active)
        assert list(found.quantiles.values()) == pytest.approx(np.quantile(active, list(found.quantiles)))


@given(st.lists(st.floats(2**-40, 2**40, width=32), min_size=1, max_size=30), st.integers(1, 9))
def test_logarithmic_bins_have_equal_ratios_and_lose_nothing(values, bins):
    found = activation_histogram(Codes(np.array([*values, 0.0], dtype=np.float32)[:, None]), 0, bins, scale="log")
    assert found.counts.sum() == len(values) == found.firings
    ratios = found.edges[1:] / found.edges[:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)
    if min(values) < max(values):
        assert (found.edges[0], found.edges[-1]) == (min(values), max(values))
    else:
        assert (found.edges[0], found.edges[-1]) == (values[0] / 2, values[0] * 2)


def test_a_silent_latent_has_no_bins():
    found = activation_histogram(Codes(np.zeros((5, 2))), 1)
    assert (len(found.edges), len(found.counts), found.firings, found.maximum) == (0, 0, 0, 0.0)
    assert (found.share_of_zeros, found.quantiles) == (1.0, {})
    assert activation_histogram(Codes(np.zeros((5, 2))), 1, scale="log").firings == 0


def test_neurons_on_every_token_have_no_zero_among_their_extremes():
    found = activation_histogram(Codes(np.array([[-3.0], [-1.0]])), 0, 3)
    assert (found.minimum, found.maximum, found.share_of_zeros) == (-3.0, -1.0, 0.0)
    assert found.edges.tolist() == [-3, -2, -1, 0]
    assert found.counts.tolist() == [1, 0, 1]


def test_what_cannot_be_counted():
    codes = Codes(np.array([[1.0], [-1.0]]), name="neurons")
    with pytest.raises(InvalidCodes, match=r"latent 0 of Codes\('neurons'.* negative on 1 of 2 tokens.*scale='linear'"):
        activation_histogram(codes, 0, scale="log")
    with pytest.raises(InvalidCodes, match=r"no latent 1: .* has latents 0 to 0"):
        activation_histogram(codes, 1)
    with pytest.raises(InvalidConfig, match="bins is 0; from 1 to 10,000"):
        activation_histogram(codes, 0, 0)
    with pytest.raises(InvalidConfig, match="scale must be one of linear, log, got 'root'"):
        activation_histogram(codes, 0, scale="root")
