"""Pairs of clouds whose rows correspond: left row i and right row i share something, or nothing in the control.

Each maker draws from a generator and returns left and right points. It draws both what is shared and what takes its
place in the control, so that the left side of twins is the same to the bit.
"""

from __future__ import annotations

import numpy as np

from geomsim_synthetic.separating.setting import Points

Generator = np.random.Generator


def stretched(random: Generator, shared: bool) -> tuple[Points, Points]:
    """Three shared directions of standard deviation .1 beside nine of each side's own, of .3 to 4.8."""
    rows = 150
    here, there = latents(random, rows, 3, shared)
    sides = []
    for latent in (here, there):
        own = random.normal(size=(rows, 9)) * 0.3 * np.sqrt(2.0) ** np.arange(9)
        sides.append(np.hstack([0.1 * latent, own]) @ rotation(random, 12))
    return sides[0], sides[1]


def outlying(random: Generator, shared: bool) -> tuple[Points, Points]:
    """Eight shared directions, and one column on each side that is 30 times as large and shared with nobody."""
    rows = 150
    sides = []
    for latent in latents(random, rows, 8, shared):
        usual = latent @ rotation(random, 8) + 0.5 * random.normal(size=(rows, 8))
        sides.append(np.hstack([usual, 30.0 * random.normal(size=(rows, 1))]))
    return sides[0], sides[1]


def few_rows(random: Generator, shared: bool) -> tuple[Points, Points]:
    """Six shared directions in width 94, seen in 100 rows only, under noise."""
    rows, width = 100, 94
    left, right = (
        0.3 * latent @ random.normal(size=(6, width)) + random.normal(size=(rows, width))
        for latent in latents(random, rows, 6, shared)
    )
    return left, right


def wound(random: Generator, shared: bool) -> tuple[Points, Points]:
    """Left rows go round a circle once while right rows go round twice; both in eight dimensions, with noise."""
    rows, width = 150, 8
    here, elsewhere = random.uniform(0.0, 2.0 * np.pi, size=(2, rows))
    there = 2.0 * (here if shared else elsewhere)
    sides = []
    for angle in (here, there):
        circle = np.column_stack([np.cos(angle), np.sin(angle)]) @ rotation(random, width)[:2]
        sides.append(circle + 0.15 * random.normal(size=(rows, width)))
    return sides[0], sides[1]


def radius(random: Generator, shared: bool) -> tuple[Points, Points]:
    """Left rows lie in any direction at a distance that is, on the right, the position along one line."""
    rows, width = 150, 5
    here, elsewhere = random.uniform(1.0, 5.0, size=(2, rows))
    away = random.normal(size=(rows, width))
    left = away / np.linalg.norm(away, axis=1, keepdims=True) * here[:, None]
    along = (here if shared else elsewhere)[:, None] * rotation(random, width)[:1]
    return left, along + random.normal(size=(rows, width))


def faint(random: Generator, shared: bool) -> tuple[Points, Points]:
    """Ten directions that correlate by .17 each."""
    rows, width, correlation = 200, 10, 0.17
    here, there = latents(random, rows, width, shared)
    noise = random.normal(size=(rows, width))
    return here, (correlation * there + np.sqrt(1.0 - correlation**2) * noise) @ rotation(random, width)


def regrouped(random: Generator, shared: bool) -> tuple[Points, Points]:
    """25 groups of six rows, one after the other; the places of the groups are drawn anew on each side."""
    groups, members, width = 25, 6, 10
    here = np.repeat(np.arange(groups), members)
    elsewhere = random.permutation(here)
    sides = []
    for group in (here, here if shared else elsewhere):
        places = 3.0 * random.normal(size=(groups, width))
        sides.append(places[group] + random.normal(size=(len(group), width)))
    return sides[0], sides[1]


def flipped(random: Generator, shared: bool) -> tuple[Points, Points]:
    """The right side is the left one with every sign turned, and noise."""
    rows, width = 150, 8
    here, there = latents(random, rows, width, shared)
    return here, -there + 0.5 * random.normal(size=(rows, width))


def latents(random: Generator, rows: int, width: int, shared: bool) -> tuple[Points, Points]:
    """What each side carries: the same standard normal rows, or independent ones."""
    here, elsewhere = random.normal(size=(2, rows, width))
    return here, here if shared else elsewhere


def rotation(random: Generator, width: int) -> Points:
    """A random orthogonal matrix (width, width), uniformly distributed (Haar).

    >>> turn = rotation(np.random.default_rng(0), 3)
    >>> np.allclose(turn @ turn.T, np.eye(3))
    True
    """
    q, r = np.linalg.qr(random.normal(size=(width, width)))
    return np.asarray(q * np.sign(np.diag(r)), dtype=np.float64)
