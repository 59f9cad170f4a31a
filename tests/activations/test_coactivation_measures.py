from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.errors import InvalidCodes

KINDS = {"sparse": scipy.sparse.csr_array, "dense": np.asarray}


def by_scipy(left, right, measure):
    """(left latents, right latents), of columns that fire."""
    if measure == "jaccard":
        return 1 - cdist(left.T != 0, right.T != 0, "jaccard")
    return 1 - cdist(left.T.astype(np.float64), right.T.astype(np.float64), "cosine")


def sides(seed, n=200, widths=(8, 70), share=0.3):
    random = np.random.default_rng(seed)
    return [
        (random.normal(0.5, 1, (n, width)) * (random.random((n, width)) < share)).astype(np.float32) for width in widths
    ]


@pytest.mark.parametrize("measure", ["cosine", "jaccard"])
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    widths=st.tuples(st.integers(1, 9), st.integers(1, 80)),
    share=st.sampled_from([0.1, 0.5, 1.0]),
    kinds=st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS))),
    memory=st.sampled_from([1, None]),
)
def test_other_measures_are_those_of_scipy(measure, seed, n, widths, share, kinds, memory):
    left, right = sides(seed, n, widths, share)
    codes = [Codes(KINDS[kind](values)) for kind, values in zip(kinds, (left, right), strict=True)]
    top = max(widths)
    found = correlate(*codes, top=top, min_firings=1, min_cofirings=0, measure=measure, memory=memory)
    fires = [np.flatnonzero((values != 0).any(axis=0)) for values in (left, right)]
    expected = by_scipy(left[:, fires[0]], right[:, fires[1]], measure)
    for partners, own, other, full in (
        (found.left_to_right, fires[0], fires[1], expected),
        (found.right_to_left, fires[1], fires[0], expected.T),
    ):
        assert np.flatnonzero(partners.found).tolist() == (own.tolist() if len(other) else [])
        for row, latent in enumerate(own if len(other) else []):
            order = partners.partner[latent, : len(other)]
            assert sorted(order) == other.tolist()
            np.testing.assert_allclose(
                partners.r[latent, : len(other)], full[row, np.searchsorted(other, order)], atol=1e-11
            )
            assert (np.diff(partners.r[latent, : len(other)]) <= 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("measure", ["cosine", "jaccard"])
def test_their_standard_errors_are_those_of_a_plain_jackknife(kind, measure):
    left, right = sides(3)
    blocks = np.random.default_rng(0).integers(0, 7, len(left))
    codes = [Codes(KINDS[kind](values), groups=blocks) for values in (left, right)]
    found = correlate(*codes, top=3, min_firings=1, min_cofirings=1, measure=measure)
    for latent in range(left.shape[1]):
        for rank, partner in enumerate(found.left_to_right.partner[latent]):
            without = [
                by_scipy(left[blocks != b][:, [latent]], right[blocks != b][:, [partner]], measure)[0, 0]
                for b in range(7)
            ]
            error = np.sqrt(6 / 7 * ((without - np.mean(without)) ** 2).sum())
            assert found.left_to_right.standard_error[latent, rank] == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_latent_has_a_cosine_and_an_overlap_but_no_r(kind):
    left, right = sides(4)
    left[:, 0], left[:, 1] = 2, 0
    codes = [Codes(KINDS[kind](values)) for values in (left, right)]
    for measure, removed in (("pearson", (1, 1)), ("cosine", (1, 0)), ("jaccard", (1, 0))):
        found = correlate(*codes, min_firings=1, min_cofirings=1, measure=measure)
        assert (found.removed["left"]["silent"], found.removed["left"]["constant"]) == removed
        assert found.left_to_right.found.tolist()[:2] == [not removed[1], False]
        assert found.provenance["measure"] == measure


def test_values_do_not_change_an_overlap():
    left, right = (Codes(scipy.sparse.csr_array(values)) for values in sides(5))
    tripled = Codes(-3 * left.matrix)
    one, other = (correlate(codes, right, min_firings=1, measure="jaccard") for codes in (left, tripled))
    np.testing.assert_array_equal(one.left_to_right.partner, other.left_to_right.partner)
    np.testing.assert_array_equal(one.left_to_right.r, other.left_to_right.r)


def test_an_unknown_measure_is_refused():
    codes = Codes(np.ones((2, 1)))
    with pytest.raises(InvalidCodes, match="unknown measure 'spearman'; there are pearson, cosine, jaccard"):
        correlate(codes, codes, measure="spearman")
