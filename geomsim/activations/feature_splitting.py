"""Which features of a dictionary a larger one splits, merges, keeps, loses or adds, from what both do on one text.

1. Whose firings lie inside whose is counted for all pairs (:mod:`geomsim.activations.containment`), and how far they
   would by chance, against other text: documents exchanged and shifted.
2. Each latent that lies mostly inside one of the other side, beyond chance, is taken for a part of it; of several that
   contain it, of the one with the largest correlation. A whole has counterparts where its parts cover most of it.
3. Latents that are linked so make a family. One and one are one-to-one; a smaller latent and its parts a split; a
   larger latent and its parts a merge; anything else is tangled.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geomsim.activations.alignment import align
from geomsim.activations.best_by_chance import ChancePartners, Direction
from geomsim.activations.candidates import Candidates, Partners
from geomsim.activations.codes import Codes
from geomsim.activations.containment import (
    Containment,
    Firings,
    Floats,
    Integers,
    Weigh,
    check_weigh,
    containers_by_chance,
    containment,
)
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.splitting_classes import DIRECTIONS, SIDES, Side
from geomsim.activations.splitting_families import Parts, components, find_parts
from geomsim.activations.splitting_result import Splitting
from geomsim.activations.splitting_shifts import warn_of_few_shifts
from geomsim.activations.splitting_table import LatentFacts, links_frame, result_of
from geomsim.activations.stitching import stitch
from geomsim.corrections import benjamini_hochberg
from geomsim.errors import InvalidCodes, InvalidConfig


def splitting(
    smaller: Codes,
    larger: Codes,
    *,
    smaller_dictionary: Dictionary | None = None,
    larger_dictionary: Dictionary | None = None,
    min_share: float = 0.5,
    min_cover: float = 0.5,
    min_part: float = 0.05,
    min_firings: int = 100,
    min_cofirings: int = 20,
    min_cosine: float = 0.7,
    weigh: Weigh = "activation",
    shifts: int = 5,
    alpha: float = 0.05,
    seed: int = 0,
    memory: int | None = None,
) -> Splitting:
    r"""Say of every latent of two dictionaries of one layer what became of it in the other.

    A latent lies inside another one by :math:`h = (s - f) / (1 - f)`, where s is the share of its activation on tokens
    where the other fires, and f the share of all tokens on which that one fires.

    Parameters
    ----------
    smaller, larger
        codes of the same text by two dictionaries, `smaller` having no more latents than `larger`. Two seeds of one
        size show how much of what is found is the lot of any two dictionaries.
    smaller_dictionary, larger_dictionary
        the dictionaries themselves: cosines of their directions stand beside, and :attr:`Splitting.stitching` tells
        which larger latents are new by direction alone.
    min_share
        by how much a part must lie inside its whole, in (0, 1].
    min_cover
        share of the whole, beyond chance, that its parts must cover together, in (0, 1].
    min_part
        share of the whole's activation that each part after the largest must add, in [0, 1].
    min_firings
        latents that fire on fewer tokens are counted as such and not judged.
    min_cofirings
        tokens on which a latent and its container must both fire.
    min_cosine
        see :func:`geomsim.activations.stitching.stitch`.
    weigh
        "activation": shares are of the sum of absolute values, so that weak firings count little; "firings": of the
        tokens.
    shifts, seed
        how often one side is read against other text, and where its random numbers start.
    alpha
        largest Benjamini-Hochberg q-value of a link.
    memory
        bytes that a chunk of pairs may take.

    Returns
    -------
    Splitting
        each latent of both sides in exactly one class:

        ============== ===============================================================================================
        one-to-one     its counterpart and it lie inside each other
        split          a smaller latent and the larger ones that make it up, each mostly where no bigger part fires
        merged         a larger latent and the smaller ones that make it up
        tangled        linked, but neither of these: twins, chains, several and several
        nested         lies inside a latent of the other side that it, alone or with others, does not make up
        containing     a latent of the other side lies inside it, and those that do cover less than `min_cover` of it
        overlapping    fires together with the other side beyond chance, but is no part of a latent there and has none
        vanished, new  nothing beyond chance on the other side; of a smaller latent, of a larger one
        few firings    on fewer than `min_firings` tokens; "always active" on every one; "dead" on none
        ============== ===============================================================================================

    Raises
    ------
    InvalidCodes
        when the codes are of different texts, `smaller` has more latents, dictionaries have other numbers of latents
        than their codes, or no latent fires often enough.
    InvalidConfig
        when an option is out of range.

    Warns
    -----
    GeomsimWarning
        when so few shifts cannot give a p-value of `alpha`, or a q-value of it to so few latents as are beyond them.

    Notes
    -----
    Absorption (Chanin et al. 2024, "A is for absorption"), where a specific latent takes tokens from a general one that
    goes on, is a split with a main part; see :attr:`Family.main_share`.

    Vanished and new are strict: latents of one layer meet on the same tokens, so that a latent whose like is gone
    mostly overlaps with others. Whether its direction is there (``cosine``), or a latent nearer to it than the next of
    its own dictionary, tells more.

    References: Bricken et al. (2023), "Towards monosemanticity", on feature splitting; Leask et al. (2025), "Sparse
    autoencoders do not find canonical units of analysis".

    >>> random = np.random.default_rng(0)
    >>> fires = random.random((4000, 2)) < 0.1
    >>> half = random.random(4000) < 0.5
    >>> small = Codes.from_dense(1.0 * fires)
    >>> large = Codes.from_dense(np.stack([fires[:, 0] & half, fires[:, 0] & ~half, fires[:, 1]], axis=1) * 1.0)
    >>> found = splitting(small, large, shifts=20)
    >>> found.classes("smaller").tolist(), found.classes("larger").tolist()
    (['split', 'one-to-one'], ['split', 'split', 'one-to-one'])
    """
    refuse_options(min_share, min_cover, min_part, min_firings, min_cofirings, shifts, alpha)
    check_weigh(weigh)
    _refuse_sides(smaller, larger, smaller_dictionary, larger_dictionary)
    stitching = directions = None
    if smaller_dictionary is not None and larger_dictionary is not None:
        stitching = stitch(smaller_dictionary, larger_dictionary, min_cosine)
        directions = smaller_dictionary.directions, larger_dictionary.directions
    small_codes, large_codes, left_out = align(smaller, larger)
    small, large = (Firings(codes, weigh, min_firings) for codes in (small_codes, large_codes))
    for side, firings in (("smaller", small), ("larger", large)):
        if not firings.eligible.any():
            raise InvalidCodes(
                f"no {side} latent fires on {min_firings} of {firings.n_tokens} tokens, so there is nothing to judge; "
                "read more text, or lower min_firings"
            )
    inside = containment(small, large, min_share, min_firings, min_cofirings, memory)
    groups = small_codes.groups if small_codes.groups is not None else large_codes.groups
    chance = containers_by_chance(
        small_codes, large, groups, shifts, seed, weigh, min_firings, min_cofirings, small.eligible
    )
    judged: dict[Side, LatentFacts] = {side: _judge(inside, chance, side, min_share, alpha) for side in SIDES}
    warn_of_few_shifts(chance, judged, alpha)
    splits = _families(small, large, judged["larger"], min_share, min_part, min_cover)
    merges = _families(large, small, judged["smaller"], min_share, min_part, min_cover)
    return result_of(
        components(splits, merges), splits, merges, judged, {"smaller": small, "larger": large},
        links_frame(inside, directions), stitching, chance,
        provenance={
            "smaller": smaller.name, "larger": larger.name, "n_tokens": small.n_tokens, "tokens_left_out": left_out,
            "smaller_latents": small.n_latents, "larger_latents": large.n_latents,
            "min_share": min_share, "min_cover": min_cover, "min_part": min_part, "min_firings": min_firings,
            "min_cofirings": min_cofirings, "min_cosine": min_cosine, "weigh": weigh, "shifts": shifts, "alpha": alpha,
            "seed": seed, "text_hash": smaller.text_hash or larger.text_hash,
        },
    )  # fmt: skip


def _judge(inside: Containment, chance: ChancePartners, side: Side, min_share: float, alpha: float) -> LatentFacts:
    """The best container of each latent of a side, the one that it is a part of, and what chance says of both."""
    own, other = (inside.smaller, inside.larger) if side == "smaller" else (inside.larger, inside.smaller)
    by_how_much = inside.smaller_inside if side == "smaller" else inside.larger_inside
    of_whole = inside.larger_share if side == "smaller" else inside.smaller_share
    direction = DIRECTIONS[side]
    best = inside.best.left_to_right if side == "smaller" else inside.best.right_to_left
    p = chance.p_values(inside.best, direction)
    q = chance.q_values(inside.best, direction)
    n_latents = len(p)
    # Of those that contain it, the one most like it.
    mostly = np.flatnonzero(by_how_much >= min_share)
    order = mostly[np.lexsort((other[mostly], -inside.r[mostly], own[mostly]))]
    latents, first = np.unique(own[order], return_index=True)
    links = order[first]
    whole = np.full(n_latents, -1, dtype=np.int64)
    whole[latents] = other[links]
    excess, share = np.full(n_latents, np.nan), np.zeros(n_latents)
    excess[latents], share[latents] = by_how_much[links], of_whole[links]
    link_q = _link_q(inside.best, chance, direction, whole, excess)
    whole[link_q > alpha] = -1
    return LatentFacts(best.partner[:, 0].astype(np.int64), best.r[:, 0], p, q, q <= alpha, whole, share)


def _link_q(best: Candidates, chance: ChancePartners, direction: Direction, whole: Integers, excess: Floats) -> Floats:
    """Benjamini-Hochberg q-values of the chosen containers, which need not be the best, over the tested latents."""
    nothing = np.full((len(whole), 1), np.nan)
    chosen = Partners(whole[:, None].astype(np.int32), excess[:, None], nothing, np.zeros((len(whole), 1), np.int64))
    left = direction == "left-to-right"
    p = chance.p_values(replace(best, left_to_right=chosen) if left else replace(best, right_to_left=chosen), direction)
    tested = chance.left_tested if left else chance.right_tested
    q = np.ones(len(p))
    q[tested] = benjamini_hochberg(p[tested], int(tested.sum()))
    return q


def _families(
    wholes: Firings, others: Firings, facts: LatentFacts, min_share: float, min_part: float, min_cover: float
) -> dict[int, Parts]:
    """The wholes whose parts cover most of them."""
    found = find_parts(wholes, others, facts.whole, facts.share_of_whole, min_share, min_part, min_cover)
    return {whole: parts for whole, parts in found.items() if parts.beyond_chance >= min_cover}


def refuse_options(
    min_share: float, min_cover: float, min_part: float, min_firings: int, min_cofirings: int, shifts: int, alpha: float
) -> None:
    """InvalidConfig where an option of :func:`splitting` is out of range, before anything is read."""
    for name, value in (("min_share", min_share), ("min_cover", min_cover)):
        if not 0 < value <= 1:
            raise InvalidConfig(f"{name} is a share of a latent's activation, above 0 and at most 1; got {value}")
    if not 0 <= min_part <= 1:
        raise InvalidConfig(f"min_part is a share of a latent's activation, from 0 to 1; got {min_part}")
    if not 0 < alpha < 1:
        raise InvalidConfig(f"alpha must be between 0 and 1, got {alpha}")
    for name, count, least in (
        ("min_firings", min_firings, 1),
        ("min_cofirings", min_cofirings, 1),
        ("shifts", shifts, 1),
    ):
        if count < least:
            raise InvalidConfig(f"{name} must be at least {least}, got {count}")


def _refuse_sides(
    smaller: Codes, larger: Codes, smaller_dictionary: Dictionary | None, larger_dictionary: Dictionary | None
) -> None:
    if smaller.n_latents > larger.n_latents:
        raise InvalidCodes(
            f"the smaller codes {smaller.name!r} have {smaller.n_latents} latents and the larger ones {larger.name!r} "
            f"{larger.n_latents}; give the smaller dictionary first"
        )
    if (smaller_dictionary is None) != (larger_dictionary is None):
        missing = "smaller" if smaller_dictionary is None else "larger"
        raise InvalidConfig(f"directions are compared with directions: give the {missing} dictionary too, or neither")
    for side, codes, dictionary in (("smaller", smaller, smaller_dictionary), ("larger", larger, larger_dictionary)):
        if dictionary is not None and dictionary.latents != codes.n_latents:
            raise InvalidCodes(
                f"the {side} dictionary {dictionary.name!r} has {dictionary.latents} latents and the {side} codes "
                f"{codes.name!r} {codes.n_latents}; give the dictionary that made the codes"
            )
