r"""Whose firings lie inside whose: every latent of one dictionary against every one of another, over the same tokens.

The share of a latent's activation that falls on tokens where another one fires says whether it is a part of it. A
container that fires on a share f of all tokens holds that share of anything, so what counts is the share beyond it,

.. math:: h = \frac{s - f}{1 - f},

1 where the latent fires nowhere else and 0 for firings that know nothing of each other. (Counting firings instead of
activation it is Loevinger's coefficient of homogeneity of two items. Psychological Bulletin 45, 1948.)

Nothing of size latents x latents is held: what is kept are the best container of each latent in both directions, and
the pairs of which one lies inside the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_by_chance import ChancePartners, other_text
from geomsim.activations.candidates import Candidates, Partners
from geomsim.activations.coactivation_sparse import even_shares, free_cores, pair_products
from geomsim.activations.coactivation_sums import Columns, slices
from geomsim.activations.codes import Codes
from geomsim.errors import InvalidConfig
from geomsim.memory import batch_budget
from geomsim.parallel import in_threads
from geomsim.progress import track

Weigh = Literal["activation", "firings"]
WEIGHS: tuple[Weigh, ...] = get_args(Weigh)
CONTAINMENT = "containment"
# Latents of like firings whose chance maxima a latent is compared with, as in chance_partners.
_NEIGHBOURS = 100

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Best = tuple[Floats, Integers, Integers]


class Firings:
    """One side by latent and by token: what fires, with which weight (its absolute value, or 1), and sums of these."""

    def __init__(self, codes: Codes, weigh: Weigh, min_firings: int) -> None:
        import scipy.sparse

        by_token = codes.matrix if codes.is_sparse else scipy.sparse.csr_array(codes.matrix)
        by_latent = by_token.tocsc()
        self.by_token = (*_places(by_token), _weights(by_token, weigh))
        self.by_latent = (*_places(by_latent), _weights(by_latent, weigh))
        self.columns = Columns(*_places(by_latent), by_latent.data.astype(np.float32))
        self.n_tokens, self.n_latents = codes.n_tokens, codes.n_latents
        self.firings: Integers = np.diff(by_latent.indptr).astype(np.int64)
        latent, values = np.repeat(np.arange(self.n_latents), self.firings), by_latent.data.astype(np.float64)

        def total(of: Floats) -> Floats:
            return np.bincount(latent, of, self.n_latents).astype(np.float64)

        self.masses = total(self.by_latent[2])
        self.sums = total(values)
        self.squares = total(values**2)
        self.densities: Floats = self.firings / self.n_tokens
        self.eligible: NDArray[np.bool_] = (self.firings >= max(min_firings, 1)) & (self.firings < self.n_tokens)

    def of(self, latent: int) -> tuple[Integers, Floats]:
        """On which tokens a latent fires, in order, and with what weights."""
        starts, tokens, weights = self.by_latent
        part = slice(int(starts[latent]), int(starts[latent + 1]))
        return tokens[part].astype(np.int64), weights[part]


@dataclass(frozen=True, eq=False)
class Containment:
    """The pairs of which one lies inside the other, and the best container of each latent.

    Attributes
    ----------
    smaller, larger
        (pairs,) latents of the two dictionaries, by larger and then smaller latent.
    smaller_share, larger_share
        (pairs,) share of each latent's activation (or firings) on tokens where the other fires, in [0, 1].
    smaller_inside, larger_inside
        (pairs,) these shares beyond chance, at most 1: by how much each lies inside the other.
    r, cofirings
        (pairs,) Pearson's correlation, and tokens on which both fire.
    best
        the best container of each latent, with the share beyond chance where ``r`` stands; smaller latents are left.
    """

    smaller: Integers
    larger: Integers
    smaller_share: Floats
    larger_share: Floats
    smaller_inside: Floats
    larger_inside: Floats
    r: Floats
    cofirings: Integers
    best: Candidates


def containment(
    smaller: Firings, larger: Firings, least: float, min_firings: int, min_cofirings: int, memory: int | None = None
) -> Containment:
    """All pairs of which one lies inside the other by `least` beyond chance; see the module.

    `memory` is how many bytes the pairs of a chunk may take; it changes the speed and not the result.
    """
    found, of_larger, of_smaller = _scan(smaller, larger, least, min_cofirings, memory)
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((pairs["smaller"], pairs["larger"]))]
    small, large = pairs["smaller"], pairs["larger"]
    return Containment(
        small, large, pairs["smaller_share"], pairs["larger_share"],
        beyond_chance(pairs["smaller_share"], larger.densities[large]),
        beyond_chance(pairs["larger_share"], smaller.densities[small]),
        correlation_of(smaller, small, larger, large), pairs["cofirings"],
        best_containers(of_smaller, of_larger, smaller, larger, min_firings, min_cofirings),
    )  # fmt: skip


def containers_by_chance(
    smaller: Codes,
    larger: Firings,
    groups: Integers | None,
    shifts: int,
    seed: int,
    weigh: Weigh,
    min_firings: int,
    min_cofirings: int,
    eligible: NDArray[np.bool_],
) -> ChancePartners:
    """By how much each latent lies inside its best container where nothing corresponds, once for each shift.

    The smaller side is read against other text, documents (`groups`) for documents, as :func:`chance_partners` does;
    `eligible` are its latents that are tested. The left side of the answer are the smaller latents.
    """
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
    maxima = [np.full((n, shifts), -np.inf) for n in (smaller.n_latents, larger.n_latents)]
    documents = 0
    with track(shifts, "containers by chance") as advance:
        for shift in range(shifts):
            rows, documents = other_text(groups, smaller.n_tokens, random)
            shifted = Firings(Codes(smaller.matrix[rows]), weigh, 1)
            shifted.eligible = eligible & (shifted.firings > 0)
            _, of_larger, of_smaller = _scan(shifted, larger, math.inf, min_cofirings, None)
            for kept, (best, partner, _) in zip(maxima, (of_smaller, of_larger), strict=True):
                kept[:, shift] = np.where(partner[:, 0] >= 0, best[:, 0], -np.inf)
            advance(1)
    return ChancePartners(
        left_to_right=maxima[0],
        right_to_left=maxima[1],
        left_firings=smaller.firings(),
        right_firings=larger.firings,
        left_tested=eligible,
        right_tested=larger.eligible,
        n_tokens=smaller.n_tokens,
        neighbours=_NEIGHBOURS,
        provenance={
            "seed": seed, "min_firings": min_firings, "min_cofirings": min_cofirings, "documents": documents,
            "measure": CONTAINMENT,
        },
    )  # fmt: skip


def beyond_chance(share: Floats, density: Floats) -> Floats:
    """(share - density) / (1 - density), element by element; 0 where the density is 1.

    >>> beyond_chance(np.array([1.0, 0.2, 0.6]), np.array([0.2, 0.2, 1.0]))
    array([1., 0., 0.])
    """
    rest = 1.0 - density
    return np.divide(share - density, rest, out=np.zeros_like(share), where=rest > 0)


def best_containers(
    of_smaller: Best, of_larger: Best, smaller: Firings, larger: Firings, min_firings: int, min_cofirings: int
) -> Candidates:
    """The best containers as candidates of one partner, which :class:`ChancePartners` can judge."""

    def partners(best: Floats, partner: Integers, together: Integers) -> Partners:
        nothing = np.full(best.shape, np.nan)
        return Partners(partner.astype(np.int32), np.where(partner < 0, np.nan, best), nothing, together)

    return Candidates(
        partners(*of_smaller), partners(*of_larger), smaller.firings, larger.firings, smaller.n_tokens, 0, "none", {},
        {"measure": CONTAINMENT, "min_firings": min_firings, "min_cofirings": min_cofirings, "top": 1},
    )  # fmt: skip


def _scan(
    smaller: Firings, larger: Firings, least: float, min_cofirings: int, memory: int | None
) -> tuple[list[NDArray[Any]], Best, Best]:
    """Pairs, in no order, and the best containers of larger and of smaller latents."""
    from geomsim.activations import containment_kernels as kernels

    def nobody(n: int) -> Best:
        return np.full((n, 1), -np.inf), np.full((n, 1), -1, dtype=np.int64), np.zeros((n, 1), dtype=np.int64)

    numbers = np.flatnonzero(larger.eligible)
    of_larger, of_smaller = nobody(larger.n_latents), nobody(smaller.n_latents)
    pairs: list[NDArray[Any]] = [np.empty(0, dtype=kernels.FOUND)]
    if not len(numbers) or not smaller.eligible.any():
        return pairs, of_larger, of_smaller
    none_kept = math.isinf(least)

    def scan(chosen: Integers) -> tuple[NDArray[Any], Best]:
        best = nobody(smaller.n_latents)
        room = np.empty(1 if none_kept else len(chosen) * smaller.n_latents, dtype=kernels.FOUND)
        n_found = kernels.containers_of_columns(
            chosen, *larger.by_latent, *smaller.by_token, larger.masses, larger.densities, smaller.masses,
            smaller.densities, smaller.eligible, max(min_cofirings, 1), least, *of_larger, *best, room,
        )  # fmt: skip
        return room[:n_found].copy(), best

    with free_cores() as threads:
        wide = (memory or batch_budget()) // (threads * kernels.FOUND.itemsize * smaller.n_latents)
        width = len(numbers) if none_kept else max(1, wide)
        work = larger.firings * (smaller.firings.sum() / smaller.n_tokens)
        chunks = [
            share[part]
            for share in even_shares(numbers.astype(np.uint32), work, smaller.n_latents, threads)
            for part in slices(len(share), width)
        ]
        for found, best in in_threads(scan, [chunk.astype(np.int64) for chunk in chunks], workers=threads):
            pairs.append(found)
            # Chunks come in the order of their latents, so of a tie the lowest number stays.
            better = best[0] > of_smaller[0]
            for kept, new in zip(of_smaller, best, strict=True):
                kept[better] = new[better]
    return pairs, of_larger, of_smaller


def correlation_of(smaller: Firings, small: Integers, larger: Firings, large: Integers) -> Floats:
    """Pearson's r of the named pairs over all tokens, (pairs,); 0 where a latent never changes."""
    n = smaller.n_tokens
    products = pair_products(smaller.columns, larger.columns, n, small, large)
    cross = products - smaller.sums[small] * larger.sums[large] / n
    spread = [
        side.squares[latents] - side.sums[latents] ** 2 / n for side, latents in ((smaller, small), (larger, large))
    ]
    scale = np.sqrt(np.maximum(spread[0], 0) * np.maximum(spread[1], 0))
    return np.asarray(np.clip(np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0), -1, 1))


def _places(matrix: Any) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    return matrix.indptr.astype(np.uint64), matrix.indices.astype(np.uint32)


def _weights(matrix: Any, weigh: Weigh) -> Floats:
    return np.abs(matrix.data.astype(np.float64)) if weigh == "activation" else np.ones(matrix.nnz)


def check_weigh(weigh: str) -> None:
    """Raise InvalidConfig on a word that is no way to weigh."""
    if weigh not in WEIGHS:
        raise InvalidConfig(f"weigh={weigh!r} must be one of {', '.join(WEIGHS)}")
