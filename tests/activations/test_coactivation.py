from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes


def related(seed=0, n=400, left_width=12, right_width=15, density=0.3):
    """Two sparse matrices of which some columns belong together; float32, as codes hold them."""
    rng = np.random.default_rng(seed)
    hidden = rng.random((n, max(left_width, right_width))) * (rng.random((n, max(left_width, right_width))) < density)
    sides = []
    for width in (left_width, right_width):
        noise = rng.random((n, width)) * (rng.random((n, width)) < density / 3)
        sides.append((hidden[:, rng.permutation(hidden.shape[1])[:width]] + noise).astype(np.float32))
    return sides


def oracle(left, right, top, min_firings, min_cofirings):
    """Best partners of each left latent by plain loops: (right latent, r, co-firings), best first."""
    best = []
    for i in range(left.shape[1]):
        found = []
        for j in range(right.shape[1]):
            x, y = left[:, i].astype(np.float64), right[:, j].astype(np.float64)
            together = int(((x != 0) & (y != 0)).sum())
            enough = min((x != 0).sum(), (y != 0).sum()) >= min_firings and together >= min_cofirings
            if enough and np.ptp(x) and np.ptp(y):
                found.append((-round(float(np.corrcoef(x, y)[0, 1]), 9), j, together))
        best.append([(j, -r, together) for r, j, together in sorted(found)[:top]])
    return best


def assert_partners(partners, expected, ties=True):
    for latent, row in enumerate(expected):
        found = partners.partner[latent]
        assert (found >= 0).sum() == len(row)
        assert (found[len(row) :] == -1).all()
        assert np.isnan(partners.r[latent, len(row) :]).all()
        np.testing.assert_allclose(partners.r[latent, : len(row)], [r for _, r, _ in row], atol=2e-9)
        if ties:
            assert found[: len(row)].tolist() == [j for j, _, _ in row]
            assert partners.cofirings[latent, : len(row)].tolist() == [together for _, _, together in row]


KINDS = {"sparse": scipy.sparse.csr_array, "dense": np.asarray}


@pytest.mark.parametrize("left_kind", KINDS)
@pytest.mark.parametrize("right_kind", KINDS)
def test_r_is_that_of_corrcoef_and_pearsonr(left_kind, right_kind):
    left, right = related()
    candidates = correlate(
        Codes(KINDS[left_kind](left)), Codes(KINDS[right_kind](right)), top=15, min_firings=1, min_cofirings=0
    )
    full = np.corrcoef(left.T.astype(np.float64), right.T.astype(np.float64))[:12, 12:]
    for latent in range(12):
        order = candidates.left_to_right.partner[latent]
        assert sorted(order) == list(range(15))
        np.testing.assert_allclose(candidates.left_to_right.r[latent], full[latent, order], atol=1e-12)
        assert (np.diff(candidates.left_to_right.r[latent]) <= 0).all()
        by_scipy = scipy.stats.pearsonr(left[:, latent].astype(float), right[:, order[0]].astype(float)).statistic
        assert candidates.left_to_right.r[latent, 0] == pytest.approx(by_scipy, abs=1e-12)
    for latent in range(15):
        order = candidates.right_to_left.partner[latent, :12]
        np.testing.assert_allclose(candidates.right_to_left.r[latent, :12], full[order, latent], atol=1e-12)
        assert (candidates.right_to_left.partner[latent, 12:] == -1).all()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    n=st.integers(2, 40),
    top=st.integers(1, 10),
    gates=st.tuples(st.integers(0, 6), st.integers(0, 4)),
    levels=st.integers(1, 3),
    kinds=st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS))),
    memory=st.sampled_from([1, 2_000, 100_000]),
)
def test_the_best_are_those_of_plain_loops(seed, widths, n, top, gates, levels, kinds, memory):
    # Few levels make ties and constant latents common.
    rng = np.random.default_rng(seed)
    left, right = ((rng.integers(-1, levels, (n, w)) * (rng.random((n, w)) < 0.7)).astype(np.float32) for w in widths)
    codes = [Codes(KINDS[kind](values)) for kind, values in zip(kinds, (left, right), strict=True)]
    candidates = correlate(*codes, top=top, min_firings=gates[0], min_cofirings=gates[1], memory=memory)
    assert_partners(candidates.left_to_right, oracle(left, right, top, *gates))
    assert_partners(candidates.right_to_left, oracle(right, left, top, *gates))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("memory", [1, 5_000, 50_000])
def test_tiles_do_not_change_the_result(kind, memory):
    left, right = (Codes(KINDS[kind](values)) for values in related(seed=3))
    whole = correlate(left, right, top=4, min_firings=5, min_cofirings=2)
    tiled = correlate(left, right, top=4, min_firings=5, min_cofirings=2, memory=memory)
    for one, other in ((whole.left_to_right, tiled.left_to_right), (whole.right_to_left, tiled.right_to_left)):
        np.testing.assert_array_equal(one.partner, other.partner)
        np.testing.assert_array_equal(one.cofirings, other.cofirings)
        np.testing.assert_allclose(one.r, other.r, atol=1e-12)
        np.testing.assert_allclose(one.standard_error, other.standard_error, atol=1e-10)
    assert whole.removed == tiled.removed


def test_dense_is_sparse():
    left, right = related(seed=5, n=1000)
    results = [
        correlate(Codes(make(left)), Codes(make(right)), top=3, min_firings=10, min_cofirings=5)
        for make in KINDS.values()
    ]
    for name in ("left_to_right", "right_to_left"):
        one, other = (getattr(result, name) for result in results)
        np.testing.assert_array_equal(one.partner, other.partner)
        np.testing.assert_array_equal(one.cofirings, other.cofirings)
        np.testing.assert_allclose(one.r, other.r, atol=1e-12)
        np.testing.assert_allclose(one.standard_error, other.standard_error, atol=1e-12)
    assert results[0].removed == results[1].removed


@pytest.mark.parametrize("kind", KINDS)
def test_a_mean_far_above_the_spread_costs_no_digits(kind):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(3000, 4))
    left = (1e4 + shared + rng.normal(size=(3000, 4))).astype(np.float32)
    right = (-1e4 + shared + 0.5 * rng.normal(size=(3000, 4))).astype(np.float32)
    # The oracle reads the same float32 values, in which the offset has already cost digits.
    full = np.corrcoef(left.T.astype(np.float64), right.T.astype(np.float64))[:4, 4:]
    candidates = correlate(Codes(KINDS[kind](left)), Codes(KINDS[kind](right)), top=4, memory=40_000)
    order = candidates.left_to_right.partner
    np.testing.assert_allclose(candidates.left_to_right.r, np.take_along_axis(full, order, 1), atol=1e-11)
    assert (candidates.left_to_right.cofirings == 3000).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_far_from_zero_has_no_r(kind):
    left = np.full((300, 2), 1e4 / 3, dtype=np.float32)
    left[:, 1] += np.random.default_rng(0).normal(size=300)
    candidates = correlate(Codes(KINDS[kind](left)), Codes(KINDS[kind](left)), top=2)
    assert candidates.removed["left"]["constant"] == 1
    assert candidates.left_to_right.partner.tolist() == [[-1, -1], [1, -1]]


def test_sparse_sums_keep_enough_digits_of_a_latent_that_always_fires():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(20_000, 1))
    left, right = ((900 + shared + rng.normal(size=(20_000, 2))).astype(np.float32) for _ in range(2))
    full = np.corrcoef(left.T.astype(np.float64), right.T.astype(np.float64))[:2, 2:]
    candidates = correlate(Codes.from_dense(left, sparse=True), Codes.from_dense(right, sparse=True), top=2)
    order = candidates.left_to_right.partner
    np.testing.assert_allclose(candidates.left_to_right.r, np.take_along_axis(full, order, 1), atol=1e-8)


def test_equal_latents_tie_and_the_lowest_number_wins():
    rng = np.random.default_rng(1)
    left = rng.normal(size=(300, 5)).astype(np.float32)
    right = np.concatenate([rng.normal(size=(300, 40)), *[left[:, [0]]] * 30], axis=1).astype(np.float32)
    for make in (np.asarray, scipy.sparse.csr_array):
        candidates = correlate(Codes(make(left)), Codes(make(right)), top=3)
        assert candidates.left_to_right.partner[0].tolist() == [40, 41, 42]
        assert candidates.left_to_right.r[0].tolist() == [1, 1, 1]


def test_gates_are_counted_and_no_latent_is_lost():
    left, right = related(seed=2, n=200)
    left[:, 0] = 0
    left[:, 1] = 3
    left[1:, 2] = 0
    right[:, :] = np.where(np.arange(200)[:, None] < 100, right, 0)
    left[:100, 3] = 0
    left[100:, 3] = np.arange(100)
    for make in KINDS.values():
        candidates = correlate(Codes(make(left)), Codes(make(right)), min_firings=10, min_cofirings=4)
        assert candidates.removed["left"] == {"silent": 1, "constant": 1, "few_firings": 1, "few_cofirings": 1}
        assert candidates.left_to_right.found.sum() == 12 - 4
        assert sum(candidates.removed["left"].values()) + candidates.left_to_right.found.sum() == 12
        assert sum(candidates.removed["right"].values()) + candidates.right_to_left.found.sum() == 15
        eligible = [(v != 0).sum(0) >= 10 for v in (left, right)]
        eligible[0][1] = False
        together = (left != 0).T.astype(int) @ (right != 0)
        expected = int((together < 4)[np.ix_(*eligible)].sum())
        assert candidates.removed["pairs"] == {"few_cofirings": expected}
        np.testing.assert_array_equal(candidates.left_firings, (left != 0).sum(axis=0))


def jackknife(x, y, blocks):
    values = [np.corrcoef(x[blocks != b], y[blocks != b])[0, 1] for b in np.unique(blocks)]
    count = len(values)
    return np.sqrt((count - 1) / count * ((values - np.mean(values)) ** 2).sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("documents", [None, 7])
def test_standard_errors_are_those_of_a_plain_jackknife(kind, documents):
    left, right = related(seed=4, n=350)
    groups = None if documents is None else np.random.default_rng(0).integers(0, documents, 350)
    candidates = correlate(
        Codes(KINDS[kind](left), groups=groups), Codes(KINDS[kind](right), groups=groups), top=3, min_firings=5
    )
    assert candidates.blocks == (documents or 20)
    assert candidates.block_kind == ("documents" if documents else "tokens")
    blocks = np.arange(350) * 20 // 350 if groups is None else groups
    for partners, own, other in ((candidates.left_to_right, left, right), (candidates.right_to_left, right, left)):
        for latent, rank in zip(*np.nonzero(partners.partner >= 0), strict=True):
            x, y = own[:, latent].astype(float), other[:, partners.partner[latent, rank]].astype(float)
            assert partners.standard_error[latent, rank] == pytest.approx(jackknife(x, y, blocks), rel=1e-9)


def test_many_documents_make_twenty_even_blocks_of_whole_documents():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), rng.integers(1, 30, 200))
    left = rng.random((len(groups), 3)).astype(np.float32)
    candidates = correlate(Codes(left, groups=groups), Codes(left), top=1)
    assert candidates.blocks == 20
    # r of a latent with itself is 1 whatever is left out.
    np.testing.assert_allclose(candidates.left_to_right.standard_error[:, 0], 0, atol=1e-7)
    np.testing.assert_array_equal(candidates.left_to_right.partner[:, 0], [0, 1, 2])
    assert candidates.left_to_right.r[:, 0].tolist() == [1, 1, 1]


def test_standard_errors_agree_with_theory_for_independent_tokens():
    # For a bivariate normal, sd(r) is about (1 - rho**2) / sqrt(n).
    rng = np.random.default_rng(0)
    n, rho = 20_000, 0.6
    shared = rng.normal(size=(n, 40))
    noise = rng.normal(size=(n, 40))
    left = Codes(shared.astype(np.float32))
    right = Codes((rho * shared + np.sqrt(1 - rho**2) * noise).astype(np.float32))
    errors = correlate(left, right, top=1).left_to_right.standard_error[:, 0]
    assert np.sqrt((errors**2).mean()) == pytest.approx((1 - rho**2) / np.sqrt(n), rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_r_that_rests_on_one_document_has_an_infinite_error(kind):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(5), 50)
    left = rng.random((250, 2)).astype(np.float32)
    left[50:, 0] = 0
    candidates = correlate(
        Codes(KINDS[kind](left), groups=groups), Codes(KINDS[kind](left), groups=groups), top=1, min_firings=10
    )
    assert candidates.left_to_right.partner[:, 0].tolist() == [0, 1]
    assert np.isinf(candidates.left_to_right.standard_error[0, 0])
    assert np.isfinite(candidates.left_to_right.standard_error[1, 0])


def test_frame_lists_each_candidate_once():
    left, right = related()
    candidates = correlate(Codes(left), Codes(right), top=2, min_firings=5, min_cofirings=2)
    frame = candidates.to_frame()
    found = (candidates.left_to_right.partner >= 0).sum() + (candidates.right_to_left.partner >= 0).sum()
    assert len(frame) == found
    assert not frame.isna().any().any()
    first = frame[(frame.direction == "left-to-right") & (frame.latent == 3) & (frame["rank"] == 1)].iloc[0]
    assert first.partner == candidates.left_to_right.partner[3, 0]
    assert first.r == candidates.left_to_right.r[3, 0]
    assert first.latent_firings == (left[:, 3] != 0).sum()
    assert first.partner_firings == (right[:, int(first.partner)] != 0).sum()


def test_only_common_tokens_count_and_the_others_are_counted():
    left, right = related(n=100)

    def table(rows):
        return TokenTable(rows // 10, rows % 10, rows, rows + 1, rows, tuple(map(str, range(10))), "hash")

    all_rows, some = np.arange(100), np.arange(0, 100, 3)
    candidates = correlate(
        Codes(left, table(all_rows)), Codes(right[some], table(some)), top=1, min_firings=1, min_cofirings=1
    )
    expected = correlate(Codes(left[some]), Codes(right[some]), top=1, min_firings=1, min_cofirings=1)
    assert candidates.n_tokens == 34
    assert candidates.provenance["tokens_left_out"] == {"left": 66, "right": 0}
    assert candidates.block_kind == "documents"
    np.testing.assert_array_equal(candidates.left_to_right.partner, expected.left_to_right.partner)


def test_no_latent_without_enough_tokens():
    candidates = correlate(Codes(np.ones((1, 3))), Codes(np.ones((1, 2))))
    assert candidates.removed["left"] == {"silent": 0, "constant": 3, "few_firings": 0, "few_cofirings": 0}
    assert len(candidates.to_frame()) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, "top must be at least 1, got 0"),
        ({"min_firings": -1}, "min_firings must be at least 0"),
        ({"min_cofirings": -1}, "min_cofirings must be at least 0"),
        ({"max_blocks": 1}, "at least 2 blocks"),
    ],
)
def test_options_out_of_range(options, message):
    codes = Codes(np.ones((2, 1)))
    with pytest.raises(InvalidCodes, match=message):
        correlate(codes, codes, **options)
