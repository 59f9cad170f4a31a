"""Codes to be counted: small sides that belong together, with silent and constant latents and ties; exact answers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import scipy.sparse

from geomsim.activations.codes import Codes

KINDS = {"sparse": scipy.sparse.csr_array, "dense": np.asarray}


def related_values(seed=0, n=600, widths=(40, 50), share=0.15, levels=0):
    """Two float32 matrices of which some columns belong together; with `levels`, few distinct values and many ties."""
    random = np.random.default_rng(seed)
    hidden = random.exponential(size=(n, max(widths))) * (random.random((n, max(widths))) < share)
    sides = []
    for width in widths:
        noise = random.exponential(size=(n, width)) * (random.random((n, width)) < share / 3)
        values = hidden[:, random.permutation(max(widths))[:width]] + noise
        if levels:
            values = np.ceil(values * levels) % (levels + 1) - (random.random((n, width)) < share / 4)
        values[:, random.random(width) < 0.05] = 0
        values[:, random.random(width) < 0.05] = 2.5
        sides.append(values.astype(np.float32))
    return sides


def related_codes(seed=0, kinds=("sparse", "sparse"), document=20, **options):
    """The same as codes with documents of `document` tokens."""
    return [
        Codes(KINDS[kind](values), groups=np.arange(len(values)) // document)
        for kind, values in zip(kinds, related_values(seed, **options), strict=True)
    ]


def exact_r(left, right):
    """Pearson's r of two float32 columns in rational numbers, rounded once at the end."""
    x, y = ([Fraction(float(value)) for value in column] for column in (left, right))
    n = len(x)
    shared = sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y) / n
    variations = [sum(a * a for a in values) - sum(values) ** 2 / n for values in (x, y)]
    return float(shared) / math.sqrt(float(variations[0])) / math.sqrt(float(variations[1]))


def assert_same_bits(one, other):
    """Two candidates are equal, bit by bit."""
    for direction in ("left_to_right", "right_to_left"):
        for what in ("partner", "r", "standard_error", "cofirings"):
            np.testing.assert_array_equal(
                getattr(getattr(one, direction), what), getattr(getattr(other, direction), what), err_msg=what
            )
    assert one.removed == other.removed


def assert_agree(one, other, r=1.01e-12, error=1e-10):
    """Equal but for rounding: r is rounded to 12 decimals, so rounding errors may move it by one in the last.

    Where that changes the order of a tie, partners may change places.
    """
    for direction in ("left_to_right", "right_to_left"):
        here, there = getattr(one, direction), getattr(other, direction)
        np.testing.assert_allclose(here.r, there.r, rtol=0, atol=r)
        same = here.partner == there.partner
        moved = np.flatnonzero(~same.all(axis=1))
        gaps = np.abs(np.diff(here.r[moved], axis=1, append=-np.inf))
        near = np.minimum(gaps, np.concatenate([np.full((len(moved), 1), np.inf), gaps[:, :-1]], axis=1)) <= 2 * r
        near[:, -1] = True  # what ties with the last may have been left out
        assert near[~same[moved]].all()
        np.testing.assert_array_equal(here.cofirings[same], there.cofirings[same])
        np.testing.assert_allclose(here.standard_error[same], there.standard_error[same], rtol=1e-9, atol=error)
    assert one.removed == other.removed
    assert one.n_tokens == other.n_tokens
    np.testing.assert_array_equal(one.left_firings, other.left_firings)
    np.testing.assert_array_equal(one.right_firings, other.right_firings)
