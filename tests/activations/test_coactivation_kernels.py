from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations import coactivation_sparse
from geomsim.activations.coactivation import correlate
from geomsim.activations.coactivation_sparse import free_cores
from geomsim.activations.codes import Codes


def patterns(seed, n, widths, levels, share):
    """Two sparse matrices with empty rows, silent latents, doubled tokens, latents that copy each other, and ties."""
    random = np.random.default_rng(seed)
    sides = []
    for width in widths:
        values = random.integers(1, levels + 1, (n, width)) * random.choice([-0.5, 1.0, 3.0], (n, width))
        values *= random.random((n, width)) < share
        values[random.random(n) < 0.2] = 0
        values[:, random.random(width) < 0.1] = 0
        copied = random.random(width) < 0.2
        values[:, copied] = values[:, random.integers(0, width, int(copied.sum()))]
        sides.append(values)
    doubled = random.random(n) < 0.2
    shared = min(widths) // 2
    sides[1][:, :shared] = sides[0][:, :shared]
    rows = random.integers(0, n, int(doubled.sum()))
    return [_with(values, doubled, values[rows]).astype(np.float32) for values in sides]


def _with(values, places, others):
    values = values.copy()
    values[places] = others
    return values


def assert_same(one, other):
    for direction in ("left_to_right", "right_to_left"):
        for what in ("partner", "r", "cofirings", "standard_error"):
            np.testing.assert_array_equal(
                getattr(getattr(one, direction), what), getattr(getattr(other, direction), what), err_msg=what
            )
    assert one.removed == other.removed


def dense_best(left, right, top, min_firings, min_cofirings):
    """Every r and co-firing at once in float64, and the best of each left latent: (right latents, r, co-firings)."""
    firings = [(side != 0).sum(axis=0) for side in (left, right)]
    together = (left != 0).T.astype(np.int64) @ (right != 0)
    with np.errstate(all="ignore"):
        r = np.corrcoef(left.T.astype(np.float64), right.T.astype(np.float64))[: left.shape[1], left.shape[1] :]
    allowed = together >= min_cofirings
    for axis, (side, fires) in enumerate(zip((left, right), firings, strict=True)):
        fine = (fires >= min_firings) & (np.ptp(side, axis=0) > 0)
        allowed &= fine[:, None] if axis == 0 else fine[None, :]
    best = []
    for latent in range(left.shape[1]):
        partners = np.flatnonzero(allowed[latent])
        order = np.lexsort((partners, -np.round(r[latent, partners], 9)))[:top]
        best.append((partners[order], r[latent, partners[order]], together[latent, partners[order]]))
    return best, allowed


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 150),
    widths=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    levels=st.integers(1, 3),
    share=st.sampled_from([0.02, 0.1, 0.5]),
    top=st.sampled_from([1, 3, 16]),
    gates=st.tuples(st.integers(0, 5), st.integers(0, 4)),
    memory=st.sampled_from([1, 20_000, None]),
)
def test_sparse_codes_give_what_the_dense_matrix_of_all_pairs_gives(seed, n, widths, levels, share, top, gates, memory):
    left, right = patterns(seed, n, widths, levels, share)
    codes = [Codes(scipy.sparse.csr_array(values)) for values in (left, right)]
    candidates = correlate(*codes, top=top, min_firings=gates[0], min_cofirings=gates[1], memory=memory)
    for partners, own, other in (
        (candidates.left_to_right, left, right),
        (candidates.right_to_left, right, left),
    ):
        expected, allowed = dense_best(own, other, top, *gates)
        for latent, (numbers, r, together) in enumerate(expected):
            found = partners.partner[latent] >= 0
            assert partners.partner[latent][found].tolist() == numbers.tolist()
            np.testing.assert_allclose(partners.r[latent][found], r, atol=1e-11)
            assert partners.cofirings[latent][found].tolist() == together.tolist()
        fine = [((side != 0).sum(0) >= gates[0]) & (np.ptp(side, axis=0) > 0) for side in (left, right)]
        possible = int(fine[0].sum()) * int(fine[1].sum())
        assert candidates.removed["pairs"]["few_cofirings"] == possible - int(allowed.sum())


def many(seed=0, n=3000, widths=(300, 333)):
    left, right = patterns(seed, n, widths, 3, 0.05)
    groups = np.arange(n) // 37
    return [Codes(scipy.sparse.csr_array(values), groups=groups) for values in (left, right)]


@pytest.mark.parametrize("n_cores", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("memory", [1, 100_000, None])
def test_neither_threads_nor_tiles_change_a_bit(monkeypatch, n_cores, memory):
    left, right = many()
    monkeypatch.setattr(coactivation_sparse, "cores", lambda: 1)
    expected = correlate(left, right, min_firings=20, min_cofirings=3)
    monkeypatch.setattr(coactivation_sparse, "cores", lambda: n_cores)
    assert_same(correlate(left, right, min_firings=20, min_cofirings=3, memory=memory), expected)


def test_more_latents_than_a_tile_holds(monkeypatch):
    left, right = many(seed=1)
    expected = correlate(left, right, top=5, min_firings=20, min_cofirings=0)
    monkeypatch.setattr(coactivation_sparse, "_WIDEST_TILE", 70)
    assert_same(correlate(left, right, top=5, min_firings=20, min_cofirings=0), expected)


def test_a_latent_that_fires_more_often_than_a_chunk_is_long():
    # Far more firings than are listed at once when the jackknife looks up who fires together.
    random = np.random.default_rng(0)
    values = (random.random((5000, 6)) * (random.random((5000, 6)) < 0.5)).astype(np.float32)
    groups = np.arange(5000) // 40
    sparse, dense = (Codes(make(values), groups=groups) for make in (scipy.sparse.csr_array, np.asarray))
    one, other = correlate(sparse, sparse, top=6), correlate(dense, dense, top=6)
    np.testing.assert_array_equal(one.left_to_right.partner, other.left_to_right.partner)
    np.testing.assert_allclose(one.left_to_right.standard_error, other.left_to_right.standard_error, atol=1e-9)


def test_without_standard_errors_nothing_else_changes():
    left, right = many(seed=2)
    with_them, without = (correlate(left, right, min_firings=20, standard_errors=asked) for asked in (True, False))
    assert np.isnan(without.left_to_right.standard_error).all()
    assert np.isnan(without.right_to_left.standard_error).all()
    for direction in ("left_to_right", "right_to_left"):
        for what in ("partner", "r", "cofirings"):
            one, other = (getattr(getattr(found, direction), what) for found in (with_them, without))
            np.testing.assert_array_equal(one, other)
    found = with_them.left_to_right.partner >= 0
    np.testing.assert_array_equal(np.isfinite(with_them.left_to_right.standard_error[found]), True)


def test_memory_mapped_codes_are_only_read(tmp_path):
    left, right = many(seed=3)
    for name, codes in (("left", left), ("right", right)):
        codes.save(tmp_path / name)
    opened = [Codes.open(tmp_path / name) for name in ("left", "right")]
    one = correlate(left, right, min_firings=20, min_cofirings=3, max_blocks=2)
    other = correlate(*opened, min_firings=20, min_cofirings=3, max_blocks=2)
    np.testing.assert_array_equal(one.left_to_right.partner, other.left_to_right.partner)
    np.testing.assert_array_equal(one.left_to_right.r, other.left_to_right.r)


def test_the_caller_s_codes_stay_as_they_are():
    left, right = many(seed=4)
    before = [codes.matrix.copy() for codes in (left, right)]
    correlate(left, right, min_firings=20)
    for codes, old in zip((left, right), before, strict=True):
        for part in ("indptr", "indices", "data"):
            np.testing.assert_array_equal(getattr(codes.matrix, part), getattr(old, part))


def test_whoever_comes_second_leaves_the_cores_to_the_first(monkeypatch):
    monkeypatch.setattr(coactivation_sparse, "cores", lambda: 4)
    with free_cores() as first, free_cores() as second:
        assert (first, second) == (4, 1)
    with free_cores() as again:
        assert again == 4


def test_many_at_once_give_what_one_gives():
    left, right = many(seed=5)
    expected = correlate(left, right, min_firings=20, min_cofirings=3)
    found = [None] * 6

    def work(place):
        found[place] = correlate(left, right, min_firings=20, min_cofirings=3)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in found:
        assert_same(one, expected)


SECOND_PROCESS = """
import sys
import geomsim
assert not {"numba", "llvmlite"} & set(sys.modules), "numba is imported before it is needed"
import numpy as np, scipy.sparse
codes = geomsim.Codes(scipy.sparse.csr_array(np.eye(8, 3, dtype=np.float32)))
geomsim.correlate(codes, codes, min_firings=1, min_cofirings=1)
from geomsim.activations import coactivation_kernels as kernels
loops = [kernels.best_of_columns, kernels.merge_best, kernels.sums_of_columns, kernels.products_of_pairs]
print(sum(sum(loop.stats.cache_misses.values()) for loop in loops))
"""


def test_machine_code_is_made_once_and_numba_is_imported_late(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    misses = [
        subprocess.run(
            [sys.executable, "-c", SECOND_PROCESS], env=environment, check=True, capture_output=True, text=True
        )
        for _ in range(2)
    ]
    assert [int(run.stdout) for run in misses] == [4, 0]


def test_without_a_place_to_keep_machine_code_it_is_made_each_time(tmp_path):
    # What numba says when neither the folder of the source nor the user's cache can be written.
    from geomsim.activations import coactivation_kernels as kernels

    assert kernels.compiled(_unlocated())(3) == 4


def _unlocated():
    scope: dict[str, object] = {}
    exec(compile("def plus(number):\n    return number + 1\n", str(Path("/nowhere/at/all.py")), "exec"), scope)
    return scope["plus"]
