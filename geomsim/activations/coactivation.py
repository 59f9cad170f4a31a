r"""Which latents of two dictionaries are active together: every left latent against every right one, exactly.

Pearson's r over the n tokens needs five sums only,

.. math:: r = \frac{S_{xy} - S_x S_y / n}{\sqrt{(S_{xx} - S_x^2 / n)\,(S_{yy} - S_y^2 / n)}},

and a latent that is zero on a token adds nothing to any of them. So

1. the one-sided sums are taken once per latent,
2. :math:`S_{xy}` and the co-firings of all pairs come tile by tile (sparse codes: of their non-zeros, in compiled
   loops on all cores; dense codes: centred first, as products of blocks of rows), and each tile is reduced at once to
   the best partners of each latent in both directions,
3. for the kept candidates alone, the sums of each block of documents give the delete-one-block jackknife.

All sums are float64; r is rounded to 12 decimals so that equal latents tie, and of a tie the lowest number wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_partners import Best, offer_dense
from geomsim.activations.coactivation_sparse import offer_sparse
from geomsim.activations.coactivation_sums import MEASURES, Floats, Integers, Measure, Side
from geomsim.activations.codes import Codes, align
from geomsim.activations.jackknife import blocks_of_tokens
from geomsim.activations.jackknife import standard_errors as jackknife_errors
from geomsim.errors import InvalidCodes
from geomsim.memory import batch_budget
from geomsim.parallel import in_threads

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Partners:
    """The best partners of each latent of one side, best first; each array is (n_latents, top).

    ``partner`` is -1, ``r`` and ``standard_error`` are NaN and ``cofirings`` is 0 where there are fewer than `top`.
    ``standard_error`` is NaN throughout where no jackknife was asked for.
    ``standard_error`` is infinite where leaving one block of documents out leaves a latent constant: r rests on it.
    """

    partner: NDArray[np.int32]
    r: Floats
    standard_error: Floats
    cofirings: Integers

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which latents have any partner, (n_latents,)."""
        return np.asarray(self.partner[:, 0] >= 0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """For every latent of both sides, its best few partners on the other side.

    ``left_to_right.partner[i]`` are right latents, ``right_to_left.partner[j]`` left ones. `removed` counts, for each
    side, the latents without any partner by reason (``silent``: never fires; ``constant``: no variance, so no Pearson's
    r; ``few_firings``; ``few_cofirings``: with every other latent), and under ``pairs`` the pairs that had firings
    enough but too few co-firings. `blocks` is the number of blocks of the jackknife, `block_kind` what
    they are made of.
    """

    left_to_right: Partners
    right_to_left: Partners
    left_firings: Integers
    right_firings: Integers
    n_tokens: int
    blocks: int
    block_kind: str
    removed: Mapping[str, Mapping[str, int]]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def top(self) -> int:
        """How many partners are kept per latent."""
        return int(self.left_to_right.partner.shape[1])

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate: direction, latent, rank (from 1), partner, r, standard_error, firings, cofirings."""
        import pandas as pd

        frames = []
        for direction, partners, own, other in (
            ("left-to-right", self.left_to_right, self.left_firings, self.right_firings),
            ("right-to-left", self.right_to_left, self.right_firings, self.left_firings),
        ):
            latent, rank = np.nonzero(partners.partner >= 0)
            partner = partners.partner[latent, rank].astype(np.int64)
            columns = {
                "direction": direction,
                "latent": latent,
                "rank": rank + 1,
                "partner": partner,
                "r": partners.r[latent, rank],
                "standard_error": partners.standard_error[latent, rank],
                "cofirings": partners.cofirings[latent, rank],
                "latent_firings": own[latent],
                "partner_firings": other[partner],
            }
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def __repr__(self) -> str:
        found = int(self.left_to_right.found.sum()), int(self.right_to_left.found.sum())
        sides = f"{found[0]} of {len(self.left_firings)} left and {found[1]} of {len(self.right_firings)} right latents"
        return f"Candidates(top {self.top} of {sides}, {self.n_tokens} tokens)"


def correlate(
    left_codes: Codes,
    right_codes: Codes,
    top: int = 16,
    min_firings: int = 100,
    min_cofirings: int = 20,
    *,
    max_blocks: int = 20,
    measure: Measure = "pearson",
    standard_errors: bool = True,
    memory: int | None = None,
) -> Candidates:
    """Pearson's r of every left latent with every right one over their common tokens, reduced to the best `top` each.

    Parameters
    ----------
    left_codes, right_codes
        codes over the same text; tokens that only one of them has are left out and counted in ``provenance``.
    top
        partners to keep per latent, in each direction.
    min_firings
        non-zeros that both latents of a pair need.
    min_cofirings
        tokens on which both latents of a pair are non-zero.
    max_blocks
        most blocks of the jackknife: of whole documents where there are groups, else of neighbouring tokens.
    measure
        ``pearson``; ``cosine``, r about zero instead of the mean, in [-1, 1]; or ``jaccard``, tokens on which both fire
        over tokens on which either fires, in [0, 1], whatever the values. It stands where ``r`` stands, in the columns
        of :meth:`Candidates.to_frame` too, and ``provenance["measure"]`` names it.
    standard_errors
        False leaves the jackknife out, which takes about half of the time; every ``standard_error`` is then NaN.
    memory
        bytes that one tile may take; changes the speed, not the result.

    Raises
    ------
    InvalidCodes
        when the codes are of different texts, a measure is unknown, or an option is out of range.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> right = Codes.from_dense([[0.0, 2.0], [0.0, 4.0], [5.0, 0.0], [9.0, 0.0]])
    >>> candidates = correlate(left, right, top=1, min_firings=1, min_cofirings=1)
    >>> candidates.left_to_right.partner.ravel(), candidates.left_to_right.r.ravel().round(3)
    (array([1, 0], dtype=int32), array([1.   , 0.973]))
    """
    for name, value, least in (("top", top, 1), ("min_firings", min_firings, 0), ("min_cofirings", min_cofirings, 0)):
        if value < least:
            raise InvalidCodes(f"{name} must be at least {least}, got {value}")
    if max_blocks < 2:
        raise InvalidCodes(f"a jackknife needs at least 2 blocks, got max_blocks={max_blocks}")
    if measure not in MEASURES:
        raise InvalidCodes(f"unknown measure {measure!r}; there are {', '.join(MEASURES)}")
    budget = memory or batch_budget()
    left_aligned, right_aligned, left_out = align(left_codes, right_codes)
    blocks, block_kind = blocks_of_tokens(left_aligned, right_aligned, max_blocks)

    def side(codes: Codes) -> Side:
        return Side(_supports(codes) if measure == "jaccard" else codes, blocks, measure)

    left, right = in_threads(side, (left_aligned, right_aligned), workers=2)
    if not (left.suits_sparse() and right.suits_sparse()):
        left.centre(budget)
        right.centre(budget)
    eligible = _eligible(left, min_firings), _eligible(right, min_firings)
    best_right, best_left = Best(left.n_latents, top), Best(right.n_latents, top)
    offer = offer_dense if left.centred else offer_sparse
    enough = offer(left, right, eligible, best_left, best_right, min_cofirings, budget)
    too_few = math.prod(int(mask.sum()) for mask in eligible) - enough
    errors = _errors(left, right, best_left, best_right, budget) if standard_errors else (None, None)
    return Candidates(
        left_to_right=_partners(best_right, errors[0]),
        right_to_left=_partners(best_left, errors[1]),
        left_firings=left.firings,
        right_firings=right.firings,
        n_tokens=left.n_tokens,
        blocks=left.n_blocks,
        block_kind=block_kind,
        removed={
            "left": _reasons(left, eligible[0], best_right),
            "right": _reasons(right, eligible[1], best_left),
            "pairs": {"few_cofirings": too_few},
        },
        provenance={
            "left": left_codes.name,
            "right": right_codes.name,
            "text_hash": left_codes.text_hash or right_codes.text_hash,
            "measure": measure,
            "top": top,
            "min_firings": min_firings,
            "min_cofirings": min_cofirings,
            "tokens_left_out": left_out,
        },
    )


def _supports(codes: Codes) -> Codes:
    """1 where a latent fires, else 0."""
    if not codes.is_sparse:
        return Codes(codes.matrix != 0)
    fires = codes.matrix.copy()
    fires.data = np.ones_like(fires.data)
    return Codes(fires)


def _eligible(side: Side, min_firings: int) -> NDArray[np.bool_]:
    return np.asarray(~side.constant & (side.firings >= min_firings))


def _errors(left: Side, right: Side, best_left: Best, best_right: Best, budget: int) -> tuple[Floats, Floats]:
    """Standard errors of the partners of left latents and of right ones, in the order of :meth:`Best.pairs`."""
    left_to_right, right_to_left = best_right.pairs(), best_left.pairs()
    of_left = np.concatenate([left_to_right[0], right_to_left[1]])
    of_right = np.concatenate([left_to_right[1], right_to_left[0]])
    errors = jackknife_errors(left, right, of_left, of_right, budget)
    return errors[: len(left_to_right[0])], errors[len(left_to_right[0]) :]


def _partners(best: Best, errors: Floats | None) -> Partners:
    """The best as a result, with one standard error per candidate in the order of :meth:`Best.pairs`."""
    empty = best.partner < 0
    standard_error = np.full(best.r.shape, np.nan)
    if errors is not None:
        standard_error[~empty] = errors
    return Partners(best.partner.astype(np.int32), np.where(empty, np.nan, best.r), standard_error, best.cofirings)


def _reasons(side: Side, eligible: NDArray[np.bool_], best: Best) -> dict[str, int]:
    """Why latents have no partner; each is counted once, under the first reason that holds."""
    silent = side.firings == 0
    constant = side.constant & ~silent
    lonely = best.partner[:, 0] < 0
    counts = {
        "silent": silent,
        "constant": constant,
        "few_firings": ~eligible & ~side.constant,
        "few_cofirings": eligible & lonely,
    }
    return {reason: int(mask.sum()) for reason, mask in counts.items()}
