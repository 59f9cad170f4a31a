"""The CUDA path against the compiled one: on a GPU where there is one, and anywhere with its numbers on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch
from counted_codes import assert_agree, assert_same_bits, related_codes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geomsim.activations import coactivation, coactivation_cuda
from geomsim.activations.coactivation import correlate
from geomsim.activations.coactivation_cuda import cuda_device
from geomsim.activations.coactivation_sums import Side
from geomsim.activations.codes import Codes
from geomsim.activations.device_products import DeviceSide, Products, products
from geomsim.errors import GeomsimError, GeomsimWarning, InvalidConfig

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA")),
]
CPU = torch.device("cpu")


@pytest.fixture
def on_cpu(monkeypatch):
    """The device "cpu" runs the same code as a GPU would, and not the compiled loops."""
    monkeypatch.setattr(coactivation, "cuda_device", lambda device: None if device is None else torch.device(device))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("measure", ["pearson", "cosine", "jaccard"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 300),
    widths=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    levels=st.sampled_from([0, 1, 3]),
    share=st.sampled_from([0.03, 0.2]),
    top=st.sampled_from([1, 3, 16]),
    gates=st.tuples(st.integers(0, 5), st.integers(0, 4)),
    memory=st.sampled_from([1, 300_000, None]),
    negative=st.booleans(),
)
def test_the_bits_are_those_of_the_compiled_loops(
    on_cpu, device, measure, seed, n, widths, levels, share, top, gates, memory, negative
):
    left, right = related_codes(seed, n=n, widths=widths, levels=levels, share=share)
    if negative:
        signs = np.random.default_rng(seed).choice([-1, 1], left.matrix.nnz).astype(np.float32)
        parts = left.matrix.data * signs, left.matrix.indices, left.matrix.indptr
        left = Codes(scipy.sparse.csr_array(parts, shape=left.matrix.shape), groups=left.groups)
    if not all(Side(codes, np.zeros(n, dtype=int), measure).suits_sparse() for codes in (left, right)):
        return
    options = {"top": top, "min_firings": gates[0], "min_cofirings": gates[1], "measure": measure}
    assert_same_bits(correlate(left, right, device=device, memory=memory, **options), correlate(left, right, **options))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kinds", [("dense", "dense"), ("sparse", "dense")])
def test_dense_codes_agree(on_cpu, device, kinds):
    left, right = related_codes(2, kinds)
    options = {"min_firings": 20, "min_cofirings": 5}
    assert_agree(correlate(left, right, device=device, **options), correlate(left, right, **options))


@pytest.mark.parametrize("device", DEVICES)
def test_more_latents_than_a_tile_and_more_tokens_than_a_chunk(on_cpu, device):
    left, right = related_codes(3, n=6000, widths=(700, 650), share=0.02)
    options = {"top": 5, "min_firings": 30, "min_cofirings": 3}
    expected = correlate(left, right, **options)
    assert_same_bits(correlate(left, right, device=device, memory=1_000_000, **options), expected)
    assert_same_bits(correlate(left, right, device=device, **options), expected)


def sides(left, right, device=CPU):
    """Both sides in memory and on the device, all latents."""
    blocks = np.zeros(left.shape[0], dtype=np.int64)
    held = [Side(Codes(scipy.sparse.csr_array(values.astype(np.float32))), blocks) for values in (left, right)]
    return held, [DeviceSide(side, np.arange(side.n_latents), torch.device(device)) for side in held]


def wild(seed, n=2000, widths=(60, 70), signed=False):
    """Values over twelve powers of ten, some too small for half precision beside the largest."""
    random = np.random.default_rng(seed)
    shared = random.random((n, max(widths))) < 0.3
    made = []
    for width in widths:
        values = 10.0 ** random.uniform(-9, 3, (n, width)) * (shared[:, :width] | (random.random((n, width)) < 0.1))
        values[:, : width // 2] = random.exponential(size=(n, width // 2)) * (values[:, : width // 2] != 0)
        made.append((values * (random.choice([-1, 1], (n, width)) if signed else 1)).astype(np.float32))
    return made


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("chunk", [64, 1024, 16384])
def test_rounded_sums_stay_within_their_bound_and_use_some_of_it(device, signed, chunk):
    left, right = wild(0, signed=signed)
    _, (device_left, device_right) = sides(left, right, device)
    everything = slice(0, 60), slice(0, 70)
    found = products(device_left, device_right, *everything, chunk, values=True)
    scaled = [
        values.astype(np.float64) / side.scale
        for values, side in zip((left, right), (device_left, device_right), strict=True)
    ]
    assert all(np.abs(values).max(axis=0).min() >= 0.5 and np.abs(values).max() <= 1 for values in scaled)
    exact, magnitude = scaled[1].T @ scaled[0], np.abs(scaled[1]).T @ np.abs(scaled[0])
    together = (right != 0).T.astype(int) @ (left != 0)
    np.testing.assert_array_equal(found.cofirings.cpu().numpy(), together)
    bound = found.slack.cpu().numpy().astype(np.float64) * magnitude + found.floor * together
    off = np.abs(found.sums.cpu().numpy() - exact)
    assert (off <= bound).all()
    # Half precision, not more: else the test would say nothing about what a GPU rounds.
    assert off.max() > (1e-4 if not signed else 0) * magnitude.max() / 100
    if not signed:
        assert (off / bound).max() > 0.02


@pytest.mark.parametrize("device", DEVICES)
def test_values_too_small_for_half_precision_are_within_the_bound_too(device):
    # The largest values meet nothing; where both sides fire they are near the smallest half-precision numbers.
    random = np.random.default_rng(1)
    left, right = (10.0 ** random.uniform(-8.5, -5, (500, 8)) for _ in range(2))
    left[0], left[1], right[0], right[1] = 1, 0, 0, 1
    left, right = left.astype(np.float32), right.astype(np.float32)
    _, (device_left, device_right) = sides(left, right, device)
    found = products(device_left, device_right, slice(0, 8), slice(0, 8), 512, values=True)
    exact = (right.astype(np.float64) / device_right.scale).T @ (left.astype(np.float64) / device_left.scale)
    off = np.abs(found.sums.cpu().numpy() - exact)
    assert (off <= found.slack.cpu().numpy() * exact + found.floor * 498).all()
    assert (off > found.slack.cpu().numpy() * exact).any()


def close_calls(n=4000, many=120):
    """Right latents whose r with the one left latent differ by less than half precision can tell apart."""
    random = np.random.default_rng(5)
    left = random.exponential(size=(n, 1)) * (random.random((n, 1)) < 0.3)
    noise = random.exponential(size=(n, many)) * (left != 0)
    right = left * (1 + 0.003 * noise)
    return [Codes(scipy.sparse.csr_array(values.astype(np.float32))) for values in (left, right)]


@pytest.mark.parametrize("device", DEVICES)
def test_what_half_precision_cannot_tell_apart_is_told_apart(on_cpu, device):
    left, right = close_calls()
    expected = correlate(left, right, top=5)
    assert np.ptp(expected.left_to_right.r[0]) < 1e-4
    assert_same_bits(correlate(left, right, top=5, device=device), expected)


def test_without_a_margin_it_would_be_seen(on_cpu):
    left, right = (Side(codes, np.zeros(4000, dtype=np.int64)) for codes in close_calls())
    on_device = [DeviceSide(side, np.arange(side.n_latents), CPU) for side in (left, right)]
    search = coactivation_cuda._Search(left, right, *on_device, 5, 20, 0.0)
    with pytest.raises(coactivation_cuda._BoundExceededError):
        search.run(1 << 26)


@pytest.mark.parametrize("device", DEVICES)
def test_few_more_pairs_are_refined_than_are_kept(on_cpu, monkeypatch, device):
    refined = []
    plain = coactivation_cuda.pair_products

    def counted(left, right, n_tokens, of_left, of_right):
        refined.append(len(of_left))
        return plain(left, right, n_tokens, of_left, of_right)

    monkeypatch.setattr(coactivation_cuda, "pair_products", counted)
    left, right = related_codes(6, n=4000, widths=(300, 300), share=0.05)
    found = correlate(left, right, top=4, min_cofirings=5, device=device, standard_errors=False)
    kept = sum(int((side.partner >= 0).sum()) for side in (found.left_to_right, found.right_to_left))
    assert 500 < sum(refined) < 1.1 * kept


def test_a_device_that_rounds_more_than_it_may_is_noticed(on_cpu, monkeypatch):
    left, right = related_codes(7, n=3000, widths=(80, 90))
    expected = correlate(left, right, top=3)

    def worse(by):
        def made(*arguments, **options):
            found = products(*arguments, **options)
            random = torch.Generator().manual_seed(0)
            noise = 1 + by * (2 * torch.rand(found.sums.shape, generator=random) - 1)
            return Products(found.sums * noise, found.cofirings, found.slack, found.floor)

        return made

    monkeypatch.setattr(coactivation_cuda, "products", worse(0.05))
    with pytest.warns(GeomsimWarning, match=r"products on cpu are off by \d+\.?\d* times the bound .* done again"):
        found = correlate(left, right, top=3, device="cpu")
    assert_same_bits(found, expected)
    monkeypatch.setattr(coactivation_cuda, "products", worse(1e6))
    with pytest.raises(GeomsimError, match="times what rounding explains; leave device out"):
        correlate(left, right, top=3, device="cpu")
    monkeypatch.setattr(coactivation_cuda, "products", worse(np.nan))
    with pytest.raises(GeomsimError, match="leave device out"):
        correlate(left, right, top=3, device="cpu")


def test_devices_that_are_none():
    assert cuda_device(None) is None
    assert cuda_device("cpu") is None
    assert cuda_device(CPU) is None
    with pytest.raises(InvalidConfig, match="device 'gpu' is none"):
        cuda_device("gpu")
    with pytest.raises(InvalidConfig, match="runs on cpu or cuda, not on meta"):
        cuda_device("meta")
    with pytest.raises(InvalidConfig, match=r"device 'cuda:99': torch sees \d+ GPUs; leave device out"):
        cuda_device("cuda:99")
    codes = Codes(np.ones((2, 1)))
    with pytest.raises(InvalidConfig, match="torch sees"):
        correlate(codes, codes, device="cuda:99")


def test_no_latent_with_a_partner(on_cpu):
    silent = Codes(scipy.sparse.csr_array((5, 3)))
    found = correlate(silent, silent, device="cpu")
    assert found.removed["left"]["silent"] == 3
    assert not found.left_to_right.found.any()
