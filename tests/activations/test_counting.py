from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from counted_codes import KINDS, assert_agree, assert_same_bits, exact_r, related_codes, related_values
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations import coactivation_sparse, counting
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.counting import count
from geomsim.activations.jackknife import blocks_of_tokens
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes

# Few blocks are enough to test with; that users are told of them is tested by name.
pytestmark = pytest.mark.filterwarnings("ignore:.* blocks? of text:geomsim.errors.GeomsimWarning")

UNIT = 2.0**-53


def counted(left, right, blocks=20, measure="pearson", **options):
    """Candidates by way of counted sums, with the blocks that `correlate` takes."""
    block, _ = blocks_of_tokens(left, right, blocks)
    return count(left, right, measure=measure, block=block).candidates(max_blocks=blocks, **options)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 200),
    widths=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    share=st.sampled_from([0.03, 0.2, 0.9]),
    levels=st.sampled_from([0, 1, 3]),
    kinds=st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS))),
    measure=st.sampled_from(["pearson", "cosine", "jaccard"]),
    top=st.sampled_from([1, 4, 100]),
    gates=st.tuples(st.integers(0, 6), st.integers(0, 4)),
    blocks=st.integers(2, 20),
    memory=st.sampled_from([30_000, None]),
)
def test_counted_sums_give_what_correlate_gives(
    seed, n, widths, share, levels, kinds, measure, top, gates, blocks, memory
):
    left, right = related_codes(seed, kinds, document=5, n=n, widths=widths, share=share, levels=levels)
    options = {"top": top, "min_firings": gates[0], "min_cofirings": gates[1], "memory": memory}
    expected = correlate(left, right, max_blocks=blocks, measure=measure, **options)
    found = counted(left, right, blocks, measure, **options)
    assert_agree(found, expected)
    assert found.blocks == expected.blocks
    named = {name: value for name, value in expected.provenance.items() if name in found.provenance}
    assert found.provenance == named


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_partner_is_that_of_numpy(kind):
    left, right = related_values(1)
    found = counted(*related_codes(1, (kind, kind)), min_firings=1, min_cofirings=1)
    with np.errstate(all="ignore"):
        full = np.corrcoef(left.T.astype(np.float64), right.T.astype(np.float64))[:40, 40:]
    latents = np.flatnonzero(found.left_to_right.found)
    partners = found.left_to_right.partner[latents, 0]
    assert len(latents) > 30
    np.testing.assert_allclose(found.left_to_right.r[latents, 0], full[latents, partners], atol=1e-12)
    together = (left != 0).T.astype(int) @ (right != 0)
    allowed = np.where(together[latents] >= 1, full[latents], -np.inf)
    np.testing.assert_allclose(found.left_to_right.r[latents, 0], np.nanmax(allowed, axis=1), atol=1e-12)


def adversarial(name, n=4000):
    """Columns whose plain sums cancel; pairs of a left and a right one."""
    random = np.random.default_rng(7)
    shared, noise = random.normal(size=(2, n))
    # Orthogonal and of one length, so that the true r is 1 / sqrt(2).
    shared -= shared.mean()
    noise -= noise.mean()
    noise -= shared * (noise @ shared) / (shared @ shared)
    noise *= np.linalg.norm(shared) / np.linalg.norm(noise)
    both = shared + noise
    if name == "large mean":
        return shared + 3000, both + 3000
    if name == "drifting mean":
        drift = np.repeat(np.arange(8) * 500.0, n // 8)
        return shared + drift, both - drift
    if name == "steps between blocks":
        step = np.where(np.arange(n) < n // 2, 1e4, -1e4)
        return shared + step, both + step
    if name == "huge and small":
        return shared * 10.0 ** random.integers(-6, 6, n), both * 10.0 ** random.integers(-6, 6, n)
    if name == "one silent token":
        return np.where(np.arange(n) == 17, 0, shared + 3000), both + 3000
    raise AssertionError(name)


@pytest.mark.parametrize("kinds", [("sparse", "sparse"), ("dense", "dense"), ("sparse", "dense")])
@pytest.mark.parametrize(
    "name", ["large mean", "drifting mean", "steps between blocks", "huge and small", "one silent token"]
)
def test_rounding_stays_within_its_bound(kinds, name):
    columns = [column.astype(np.float32) for column in adversarial(name)]
    # Beside latents that are mostly silent, so that sparse codes stay worth their while.
    rest = (np.random.default_rng(0).random((len(columns[0]), 9)) < 0.05).astype(np.float32)
    sides = [np.column_stack([column, rest]) for column in columns]
    left, right = (Codes(KINDS[kind](values)) for kind, values in zip(kinds, sides, strict=True))
    found = count(left, right, block=np.arange(4000) // 500).candidates(top=10, standard_errors=False)
    place = found.left_to_right.partner[0].tolist().index(0)
    silent = min((column == 0).mean() for column in columns) if name == "one silent token" else 0
    condition = 1 / silent if silent else 1.0
    if name == "one silent token" and kinds[0] == "sparse":
        condition = 4000.0  # mean square over variance of what has one zero among n tokens is at most n
    assert found.left_to_right.r[0, place] == pytest.approx(
        exact_r(*columns), abs=4 * (500 + 8) * UNIT * condition + 1e-12
    )


def test_float32_running_sums_would_be_wrong_here():
    # What a sum in float32, token by token, makes of a mean of 3000: the reason for all of the above.
    columns = [column.astype(np.float32) for column in adversarial("large mean")]
    x, y = columns
    products = {"x": x, "y": y, "xx": x * x, "yy": y * y, "xy": x * y}
    sums = {name: float(np.cumsum(values, dtype=np.float32)[-1]) for name, values in products.items()}
    n = len(columns[0])
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((sums["xx"] - sums["x"] ** 2 / n) * (sums["yy"] - sums["y"] ** 2 / n))
    naive = (sums["xy"] - sums["x"] * sums["y"] / n) / spread
    assert not abs(naive - np.sqrt(0.5)) < 0.05
    assert exact_r(*columns) == pytest.approx(np.sqrt(0.5), abs=1e-3)
    for kind in KINDS.values():
        left, right = (Codes(kind(column[:, None])) for column in columns)
        assert count(left, right).candidates().left_to_right.r[0, 0] == pytest.approx(exact_r(*columns), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_latent_is_constant_only_when_it_is_in_all_blocks_alike(kind):
    values = np.zeros((120, 5), dtype=np.float32)
    values[:, 0] = 1e4 / 3
    values[:60, 1], values[60:, 1] = 5, 6
    values[60:, 2] = 7
    values[:, 3] = np.random.default_rng(0).random(120)
    codes = Codes(KINDS[kind](values))
    found = count(codes, codes, block=np.arange(120) // 60).candidates(min_firings=1, min_cofirings=1)
    assert found.removed["left"] == {"silent": 1, "constant": 1, "few_firings": 0, "few_cofirings": 0}
    # 1 and 2 change together, so they tie.
    assert found.left_to_right.partner[:, :2].tolist() == [[-1, -1], [1, 2], [1, 2], [3, 1], [-1, -1]]
    np.testing.assert_array_equal(found.left_to_right.r[[1, 1, 2, 2, 3], [0, 1, 0, 1, 0]], 1)


def test_neither_threads_nor_memory_change_a_bit(monkeypatch):
    left, right = related_codes(3, n=2000, widths=(300, 333), share=0.05)
    block = np.arange(2000) // 100
    options = {"min_firings": 5, "min_cofirings": 2}
    monkeypatch.setattr(coactivation_sparse, "cores", lambda: 1)
    expected = count(left, right, block=block).candidates(**options)
    for n_cores, memory in ((2, None), (5, 1), (3, 100_000)):
        monkeypatch.setattr(coactivation_sparse, "cores", lambda n_cores=n_cores: n_cores)
        assert_same_bits(count(left, right, block=block).candidates(memory=memory, **options), expected)


@pytest.mark.parametrize("kinds", [("sparse", "sparse"), ("sparse", "dense")])
@pytest.mark.parametrize("entries", [1, 100, 1500])
def test_tiles_change_nothing(monkeypatch, kinds, entries):
    left, right = related_codes(4, kinds)
    whole = count(left, right, block=np.arange(600) // 60)
    monkeypatch.setattr(counting, "_ENTRIES_PER_TILE", entries)
    tiled = count(left, right, block=np.arange(600) // 60)
    assert max(len(block.tiles) for block in tiled.blocks) > (1 if entries > 100 else 20)
    options = {"min_firings": 5, "min_cofirings": 1}
    # A dense product of another shape is added up in another order.
    same = assert_same_bits if kinds == ("sparse", "sparse") else assert_agree
    same(tiled.candidates(**options), whole.candidates(**options))


def test_a_tile_is_dense_where_most_pairs_co_fire_and_holds_the_same(monkeypatch):
    left, right = related_codes(5, share=0.5, n=2000)
    dense = count(left, right)
    monkeypatch.setattr(counting, "_DENSE_FROM", 1.0)
    sparse = count(left, right)
    assert [len(sums.blocks[0].tiles[0].latents) > 0 for sums in (dense, sparse)] == [False, True]
    assert_same_bits(dense.candidates(), sparse.candidates())
    # And dense where all there is are latents that never fire: nothing to hold at all.
    silent = Codes(scipy.sparse.csr_array((5, 3)))
    assert count(silent, silent).candidates().removed["left"]["silent"] == 3


def test_only_pairs_that_co_fire_are_held_and_their_sums_are_right():
    left, right = related_values(6, share=0.02)
    block = count(*(Codes(scipy.sparse.csr_array(values)) for values in (left, right))).blocks[0]
    varies = [np.flatnonzero((values == 0).any(axis=0)) for values in (left, right)]
    expected = left.T.astype(np.float64) @ right
    together = (left != 0).T.astype(int) @ (right != 0)
    held = np.zeros((40, 50), dtype=bool)
    for tile in block.tiles:
        for row in range(tile.stop - tile.first):
            part = slice(tile.starts[row], tile.starts[row + 1])
            held[tile.latents[part], tile.first + row] = True
            np.testing.assert_array_equal(tile.cofirings[part], together[tile.latents[part], tile.first + row])
            plain = np.isin(tile.latents[part], varies[0]) & (tile.first + row in varies[1])
            np.testing.assert_allclose(
                tile.sums[part][plain], expected[tile.latents[part], tile.first + row][plain], rtol=1e-14
            )
            assert (np.diff(tile.latents[part].astype(int)) > 0).all()
    np.testing.assert_array_equal(held, together > 0)


def test_tokens_of_one_side_are_left_out_and_blocks_go_with_the_left_ones():
    left, right = related_values(8, n=100)

    def table(rows):
        return TokenTable(rows // 10, rows % 10, rows, rows + 1, rows, tuple(map(str, range(10))), "hash")

    rows, some = np.arange(100), np.flatnonzero(np.arange(100) % 3)
    pair = Codes(left, table(rows)), Codes(right[some], table(some))
    sums = count(*pair, block=rows // 50)
    assert [block.n_tokens for block in sums.blocks] == [33, 33]
    assert [block.documents.tolist() for block in sums.blocks] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    options = {"min_firings": 1, "min_cofirings": 1}
    found = sums.candidates(**options)
    assert found.provenance["tokens_left_out"] == {"left": 34, "right": 0}
    assert_agree(found, correlate(Codes(left[some], groups=some // 50), Codes(right[some]), **options))
    words = [
        Codes(side.matrix, side.tokens, provenance={"words": {"pattern": "x", "pooling": "last"}}) for side in pair
    ]
    assert [block.n_tokens for block in count(*words, block=rows // 50).blocks] == [33, 33]
    with pytest.raises(InvalidCodes, match=r"document 2 is in blocks 0 and 1: .* a block must hold whole documents"):
        count(*pair, block=rows // 25 % 2)


def test_block_numbers_are_checked():
    codes = Codes(np.eye(4, dtype=np.float32))
    for block, shown in ((-1, "-1"), (1.5, "1.5"), ([0, 1], r"int64 of shape \(2,\)")):
        with pytest.raises(InvalidCodes, match=f"one for each of the 4 left tokens, got {shown}"):
            count(codes, codes, block=block)
    with pytest.raises(InvalidCodes, match="unknown measure 'spearman'"):
        count(codes, codes, measure="spearman")
