"""Candidates: for every latent of both sides its best few partners, and how they are put together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_partners import Best
from geomsim.activations.coactivation_sums import Floats, Integers, OneSided
from geomsim.errors import InvalidCodes

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

    def _repr_html_(self) -> str:
        from geomsim.html_tables import facts_table

        facts = {"tokens": f"{self.n_tokens:,}", "partners kept": f"{self.top} for each latent"}
        for side, partners in (("left", self.left_to_right), ("right", self.right_to_left)):
            best = partners.r[partners.found, 0]
            without = ", ".join(f"{reason} {n:,}" for reason, n in self.removed.get(side, {}).items() if n)
            facts[f"{side} latents"] = (
                f"{int(partners.found.sum()):,} of {len(partners.found):,} have a partner"
                + (f", median of the best {np.median(best):.3f}" if len(best) else "")
                + (f"; without: {without}" if without else "")
            )
        facts |= {"blocks of the jackknife": f"{self.blocks} ({self.block_kind})"}
        return facts_table({**facts, "measure": str(self.provenance.get("measure", "pearson"))})


def refuse_options(top: int, min_firings: int, min_cofirings: int, max_blocks: int) -> None:
    """Raise InvalidCodes where an option of the choice of candidates is out of range."""
    for name, value, least in (("top", top, 1), ("min_firings", min_firings, 0), ("min_cofirings", min_cofirings, 0)):
        if value < least:
            raise InvalidCodes(f"{name} must be at least {least}, got {value}")
    if max_blocks < 2:
        raise InvalidCodes(f"a jackknife needs at least 2 blocks, got max_blocks={max_blocks}")


def eligible_latents(side: OneSided, min_firings: int) -> NDArray[np.bool_]:
    """Which latents may have a partner at all: they vary, and fire often enough."""
    return np.asarray(~side.constant & (side.firings >= min_firings))


def named_pairs(best_left: Best, best_right: Best) -> tuple[Integers, Integers]:
    """Left and right latents of all candidates: those of left latents first, in the order of :meth:`Best.pairs`."""
    left_to_right, right_to_left = best_right.pairs(), best_left.pairs()
    return (
        np.concatenate([left_to_right[0], right_to_left[1]]),
        np.concatenate([left_to_right[1], right_to_left[0]]),
    )


def assemble(
    left: OneSided,
    right: OneSided,
    eligible: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    best_left: Best,
    best_right: Best,
    enough: int,
    errors: Floats | None,
    block_kind: str,
    provenance: Mapping[str, Any],
) -> Candidates:
    """Candidates of the best that were found; `errors` are in the order of :func:`named_pairs`, None without jackknife.

    `enough` is how many pairs of eligible latents co-fire often enough.
    """
    cut = int(np.count_nonzero(best_right.partner >= 0))
    return Candidates(
        left_to_right=_partners(best_right, None if errors is None else errors[:cut]),
        right_to_left=_partners(best_left, None if errors is None else errors[cut:]),
        left_firings=left.firings,
        right_firings=right.firings,
        n_tokens=left.n_tokens,
        blocks=left.n_blocks,
        block_kind=block_kind,
        removed={
            "left": _reasons(left, eligible[0], best_right),
            "right": _reasons(right, eligible[1], best_left),
            "pairs": {"few_cofirings": math.prod(int(mask.sum()) for mask in eligible) - enough},
        },
        provenance=provenance,
    )


def _partners(best: Best, errors: Floats | None) -> Partners:
    """The best as a result, with one standard error per candidate in the order of :meth:`Best.pairs`."""
    empty = best.partner < 0
    standard_error = np.full(best.r.shape, np.nan)
    if errors is not None:
        standard_error[~empty] = errors
    return Partners(best.partner.astype(np.int32), np.where(empty, np.nan, best.r), standard_error, best.cofirings)


def _reasons(side: OneSided, eligible: NDArray[np.bool_], best: Best) -> dict[str, int]:
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
