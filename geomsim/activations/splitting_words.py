"""A splitting in words: what became of the latents, what chance gives, and whether directions say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geomsim.activations.splitting_classes import SIDES, UNJUDGED

if TYPE_CHECKING:
    from geomsim.activations.splitting_result import Splitting

_MEANS = {
    "one-to-one": "have one counterpart, and both lie inside each other",
    "split": "belong to a latent of the smaller dictionary that several larger ones make up",
    "merged": "belong to a latent of the larger dictionary that several smaller ones make up",
    "tangled": "are linked in other ways: twins, chains, several with several",
    "nested": "lie inside a latent of the other side that is more than they",
    "containing": "contain latents of the other side that cover too little of them",
    "overlapping": "fire together with the other side beyond chance, and are no part of a latent there nor have any",
    "vanished": "have nothing beyond chance in the larger dictionary",
    "new": "have nothing beyond chance in the smaller dictionary",
}


def words_of(found: Splitting) -> str:
    """Some lines of text; see :meth:`geomsim.activations.splitting_result.Splitting.describe`."""
    return "\n".join([*_of_classes(found), *findings(found)])


def _of_classes(found: Splitting) -> list[str]:
    """What became of the latents of each side, a line a class."""
    lines = []
    for side in SIDES:
        n, counts, name = found.judged[side], found.counts[side], found.provenance[side]
        left_out = "".join(f", {counts[word]:,} {word}" for word in UNJUDGED if counts[word])
        lines.append(f"{side} dictionary{f' ({name})' if name else ''}: {n:,} latents judged{left_out}")
        lines += [
            f"  {count:6,} ({count / n:4.0%}) {word}: {_MEANS[word]}"
            for word, count in counts.items()
            if count and word in _MEANS
        ]
    return lines


def findings(found: Splitting) -> list[str]:
    """Splits, what chance gives, and whether directions say the same: a sentence each, of what there is."""
    said = found.provenance
    lines: list[str] = []
    if splits := found.families("split"):
        parts = [len(family.larger) for family in splits]
        lines.append(
            f"{len(splits):,} splits into {np.mean(parts):.1f} parts on average, at most {max(parts)}; in "
            f"{len(found.absorbing):,} of them one part alone covers {said['min_cover']:.0%} or more of the whole, as "
            "where others absorb its tokens."
        )
    by_chance = said["chance"]["larger"]
    if by_chance["threshold"] is not None:
        lines.append(
            f"By chance 5% of larger latents lie inside some smaller one by {by_chance['threshold']:.2f} or more; "
            f"{said['min_share']:.2f} was asked for."
        )
    if (agreement := found.agreement) is not None and agreement["share"] is not None:
        kappa = "" if agreement["kappa"] is None else f" (kappa {agreement['kappa']:.2f})"
        lines.append(
            "Whether the smaller dictionary accounts for a larger latent, directions (cosine of "
            f"{said['min_cosine']:g} or more) and firings agree on {agreement['share']:.0%} of them{kappa}."
        )
        if agreement["same_partner"] is not None:
            lines.append(
                f"Of the larger latents in families, {agreement['same_partner']:.0%} lie nearest to the direction of a "
                "partner."
            )
    return lines
