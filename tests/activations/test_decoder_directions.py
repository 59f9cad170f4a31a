"""Partners by decoder direction, against plain products of unit rows, and what is said where there is no one space."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import geomsim
from geomsim.activations.decoder_directions import decoder_cosine
from geomsim.activations.dictionary import Dictionary, read_dictionary
from geomsim.activations.matching import match_latents
from geomsim.activations.matching_methods import Hungarian
from geomsim.activations.pairing_summary import pairing_report
from geomsim.errors import GeomsimWarning, InvalidCodes, InvalidModel, InvalidPairing

MODELS = Path(__file__).parents[2] / "examples" / "code_models"
METHODS = ("max", "mutual", "one-to-one", "greedy", "hungarian", "transport")


def dictionary_of(decoder, *, name="", site=None, model=None):
    torch = pytest.importorskip("torch")
    rows = torch.tensor(np.asarray(decoder, dtype=np.float32))
    latents, width = rows.shape
    provenance = {} if model is None else {"model_name": model}
    return Dictionary(
        torch.zeros(width, latents), torch.zeros(latents), rows, torch.zeros(width), name=name, site=site,
        provenance=provenance,
    )  # fmt: skip


def cosines(left, right):
    """Plain float64, NaN where a row is zero."""
    with np.errstate(invalid="ignore"):
        units = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (left, right)]
    return units[0] @ units[1].T


def check_lists(partners, expected, top):
    """Best first, whatever the sign."""
    for latent, row in enumerate(expected):
        order = np.argsort(-row, kind="stable")[:top]
        np.testing.assert_allclose(partners.r[latent], row[order], atol=2e-7)
        # Those that tie within the rounding of float32 may stand in either order.
        np.testing.assert_allclose(row[partners.partner[latent]], row[order], atol=2e-7)


@pytest.mark.parametrize("share", [1.0, 0.05])
def test_the_cosines_of_unit_rows_both_ways(share):
    random = np.random.default_rng(0)
    left, right = (
        (random.normal(size=(n, 40)) * random.uniform(0.1, 9, (n, 1)) * (random.random((n, 40)) < share))
        for n in (30, 50)
    )
    # Sparse rows may all be zero; those are for the next test.
    left[:, 0], right[:, 1] = 0.5, -0.5
    left, right = (np.asarray(rows, dtype=np.float32).astype(np.float64) for rows in (left, right))
    found = decoder_cosine(dictionary_of(left, name="one"), dictionary_of(right, name="other"), top=7)
    expected = cosines(left, right)
    check_lists(found.left_to_right, expected, 7)
    check_lists(found.right_to_left, expected.T, 7)
    assert (expected < -0.3).any()
    assert np.isnan(found.left_to_right.standard_error).all()
    np.testing.assert_array_equal(found.left_firings, np.count_nonzero(left, axis=1))
    together = (left != 0).astype(int) @ (right != 0).T
    np.testing.assert_array_equal(
        found.left_to_right.cofirings, np.take_along_axis(together, found.left_to_right.partner.astype(int), axis=1)
    )
    assert (found.n_tokens, found.top) == (40, 7)
    said = found.provenance
    assert (said["measure"], said["left"], said["right"]) == ("decoder-cosine", "one", "other")
    assert said["min_firings"] == said["min_cofirings"] == found.removed["pairs"]["few_cofirings"] == 0


def test_the_lists_hold_negative_cosines_and_nothing_of_a_row_of_zeros():
    left = [[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]
    right = [[-3.0, 0.0], [-4.0, -3.0]]
    found = decoder_cosine(dictionary_of(left), dictionary_of(right), top=2)
    assert found.left_to_right.partner.tolist() == [[1, 0], [-1, -1], [0, 1]]
    np.testing.assert_allclose(found.left_to_right.r[[0, 2]], [[-0.8, -1], [0, -0.6]], atol=1e-7)
    assert found.right_to_left.partner.tolist() == [[2, 0], [2, 0]]
    assert found.removed["left"] == {"silent": 1, "constant": 0, "few_firings": 0, "few_cofirings": 0}
    matching = match_latents(found, method="max")
    assert matching.left.reasons.tolist() == ["", "silent", ""]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("min_weight", [None, 0.5])
def test_every_method_recovers_a_permutation(method, min_weight):
    random = np.random.default_rng(1)
    rows = random.normal(size=(40, 24))
    order = random.permutation(40)
    other = rows[order] * random.uniform(0.1, 5, (40, 1)) + random.normal(size=(40, 24)) * 0.01
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairing = geomsim.pair(
            decoder_cosine(dictionary_of(rows), dictionary_of(other)), method=method, min_weight=min_weight
        )
    expected = {(int(row), place) for place, row in enumerate(order)}
    strong = pairing.weight > 0.9
    assert set(zip(pairing.left[strong].tolist(), pairing.right[strong].tolist(), strict=True)) == expected
    assert min_weight is None or pairing.weight.min() >= min_weight
    assert pairing.provenance["measure"] == "decoder-cosine"
    assert any(line.split() == ["measure", "decoder-cosine"] for line in pairing_report(pairing).splitlines())


def test_hungarian_is_the_dense_solution():
    from scipy.optimize import linear_sum_assignment

    random = np.random.default_rng(2)
    left, right = random.normal(size=(20, 8)), random.normal(size=(20, 8))
    found = decoder_cosine(dictionary_of(left), dictionary_of(right), top=20)
    r = np.maximum(cosines(left, right), 0.2)
    expected = r[linear_sum_assignment(r, maximize=True)]
    assert geomsim.pair(found, method=Hungarian(0.2)).weight.sum() == pytest.approx(
        expected[expected > 0.2].sum(), abs=1e-5
    )


def test_what_is_no_space_of_both():
    rows = np.eye(3)
    with pytest.raises(InvalidModel, match=r"different width, 3 and 4, so .* no cosine; pair them by what they do on"):
        decoder_cosine(dictionary_of(rows), dictionary_of(np.eye(4)))
    with pytest.raises(InvalidCodes, match="top must be at least 1, got 0"):
        decoder_cosine(dictionary_of(rows), dictionary_of(rows), top=0)
    left = dictionary_of(rows, model="owner/one", site="residual:1")
    for other, said in (
        (
            dictionary_of(rows, model="two", site="residual:1"),
            "of the model 'one' and the right one of 'two': equal wid",
        ),
        (
            dictionary_of(rows, model="one", site="neurons:1"),
            "of the site 'residual:1' and the right one of 'neurons:1'",
        ),
        (dictionary_of(rows, site="h.0.attn"), "of the site 'residual:1' and the right one of 'h.0.attn'"),
    ):
        with pytest.warns(GeomsimWarning, match=said) as caught:
            decoder_cosine(left, other)
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoder_cosine(left, other, same_space=True)
        # One model's residual stream is one space after every block; what is not known is not compared.
        for other in (
            dictionary_of(rows, model="one", site="residual:5"),
            dictionary_of(rows),
            dictionary_of(rows, model="not in the file", site="residual:1"),
            dictionary_of(rows, model="one (from the path)"),
        ):
            decoder_cosine(left, other)


def test_candidates_of_directions_take_no_part_in_what_needs_tokens():
    found = decoder_cosine(dictionary_of(np.eye(3)), dictionary_of(np.eye(3)))
    with pytest.raises(InvalidPairing, match="chosen by decoder-cosine; leave one out"):
        geomsim.pair(found, chance=3)
    with pytest.raises(InvalidPairing, match="chosen by decoder-cosine; leave one out"):
        geomsim.pair(found, cross_fit=True)


def shipped(name, layer):
    folder = MODELS / name / "saes" / f"layer_{layer}"
    if not folder.exists():
        pytest.skip("the example models are not here")
    return read_dictionary(folder)


def test_the_shipped_dictionaries_of_one_model_and_of_two():
    left = shipped("left", 0)
    later, second = shipped("left", 1), shipped("left-second-seed", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_space = decoder_cosine(left, later)
    with pytest.warns(GeomsimWarning, match="of the model 'left' and the right one of 'left-second-seed'"):
        two_spaces = decoder_cosine(left, second)
    for found, other in ((one_space, later), (two_spaces, second)):
        expected = cosines(left.directions.astype(np.float64), other.directions.astype(np.float64))
        check_lists(found.left_to_right, expected, 16)
        check_lists(found.right_to_left, expected.T, 16)
    # Random directions are as alike as those of two models; those of one are not.
    random = np.random.default_rng(0).normal(size=(second.latents, left.width))
    chance = np.median(cosines(left.directions, random).max(axis=1))
    assert abs(np.median(two_spaces.left_to_right.r[:, 0]) - chance) < 0.04
    assert np.median(one_space.left_to_right.r[:, 0]) > chance + 0.15
    twice = decoder_cosine(left, replace(left, site=None))
    pairing = geomsim.pair(twice, min_weight=0.99)
    np.testing.assert_array_equal(pairing.left, pairing.right)
    assert len(pairing) == left.latents
