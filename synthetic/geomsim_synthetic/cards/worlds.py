"""Worlds of which a known share is common to both sides: what power and dose-response are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import Metric, PairedMetric
from geomsim_synthetic.cards.section import generator
from geomsim_synthetic.cards.widths import refuses_unequal_widths
from geomsim_synthetic.generator import two_models
from geomsim_synthetic.population import PopulationValues

Array = NDArray[Any]
_WIDTH = 8


@dataclass(frozen=True)
class World:
    """Both sides, and the population values of paired ones."""

    left: Array
    right: Array
    population: PopulationValues | None = None


def world(metric: Metric[Any], shared: float, rows: int, noise: float, seed: int, number: int) -> World:
    """Data for this metric: activations of tokens where rows are paired, clouds of points where they are not."""
    if isinstance(metric, PairedMetric):
        return tokens(shared, rows, noise, seed, number, equal_widths=refuses_unequal_widths(metric))
    return clouds(shared, rows, noise, seed, number)


def tokens(shared: float, rows: int, noise: float, seed: int, number: int, *, equal_widths: bool = False) -> World:
    """Activations of two simulated networks on the same tokens; each has 24 features in superposition.

    `shared` of the features are common to both. The networks are 8 and 10 neurons wide, or both 8. The noise is that of
    every neuron, whose signal has a standard deviation of .6 to .7.
    """
    width = (_WIDTH, _WIDTH if equal_widths else _WIDTH + 2)
    two = two_models(
        n_features=24, shared=shared, width=width, n_tokens=rows, mean_active=4.0, firing="uniform",
        noise=noise, n_documents=1, seed=int(generator(seed, "tokens", number).integers(2**31)),
    )  # fmt: skip
    return World(two.left.activations, two.right.activations, two.truth.activations)


def clouds(shared: float, rows: int, noise: float, seed: int, number: int) -> World:
    """Two clouds in one space whose rows are drawn apart, so that they do not correspond.

    Rows of the left cloud lie near a circle in a space of falling spread. Of the right rows, `shared` are of the same
    law and lie near left rows; the others are white noise of the same size.
    """
    random = generator(seed, "clouds", number)
    left = _ringed(random, rows)
    n_shared = round(shared * rows)
    white = random.normal(size=(rows, _WIDTH)) * np.sqrt((left**2).mean())
    right = white
    right[:n_shared] = left[random.permutation(rows)[:n_shared]] + 0.05 * random.normal(size=(n_shared, _WIDTH))
    right = right[random.permutation(rows)]
    return World(left, right + noise * random.normal(size=right.shape))


def _ringed(random: np.random.Generator, rows: int) -> Array:
    angle = random.uniform(0.0, 2.0 * np.pi, rows)
    points = random.normal(size=(rows, _WIDTH)) * 0.15 / np.arange(1, _WIDTH + 1)
    points[:, :2] += np.column_stack([np.cos(angle), np.sin(angle)])
    return points
