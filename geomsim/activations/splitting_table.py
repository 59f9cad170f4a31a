"""The tables of a splitting: each latent with its class, and each link, from what was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_by_chance import ChancePartners
from geomsim.activations.containment import Containment, Firings, Floats, Integers, beyond_chance, correlation_of
from geomsim.activations.splitting_classes import DIRECTIONS, SIDES, Side
from geomsim.activations.splitting_families import Component, Parts
from geomsim.activations.splitting_result import Family, Splitting, cells
from geomsim.activations.stitching import Stitching

if TYPE_CHECKING:
    import pandas as pd

_COSINES_AT_ONCE = 1 << 22  # numbers of the decoder rows that are multiplied at once


class LatentFacts(NamedTuple):
    """What was found of each latent of one side, (latents,) each.

    The best container, by how much the latent lies inside it, p and q of that, whether it is beyond chance; and the
    latent that this one is a part of (-1 for none), with the share of that whole's activation on this one's tokens.
    """

    container: Integers
    inside: Floats
    p: Floats
    q: Floats
    beyond: NDArray[np.bool_]
    whole: Integers
    share_of_whole: Floats


def links_frame(inside: Containment, directions: tuple[NDArray[Any], NDArray[Any]] | None) -> pd.DataFrame:
    """Each pair of which one lies inside the other, with the cosine of their directions (unit rows), NaN without."""
    import pandas as pd

    cosine = np.full(len(inside.smaller), np.nan)
    if directions is not None:
        step = max(1, _COSINES_AT_ONCE // directions[0].shape[1])
        for start in range(0, len(cosine), step):
            part = slice(start, start + step)
            rows = directions[0][inside.smaller[part]], directions[1][inside.larger[part]]
            cosine[part] = np.einsum("ij,ij->i", *(each.astype(np.float64) for each in rows))
    names = "smaller", "larger", "smaller_share", "larger_share", "smaller_inside", "larger_inside", "r", "cofirings"
    return pd.DataFrame({**{name: getattr(inside, name) for name in names}, "cosine": cosine})


def result_of(
    found: Sequence[Component],
    splits: Mapping[int, Parts],
    merges: Mapping[int, Parts],
    judged: Mapping[Side, LatentFacts],
    firings: Mapping[Side, Firings],
    links: pd.DataFrame,
    stitching: Stitching | None,
    chance: ChancePartners,
    provenance: Mapping[str, Any],
) -> Splitting:
    """Everything put together: families in the order of `found`, a row a latent, smaller latents first."""
    import pandas as pd

    families = tuple(_family(each, splits, merges) for each in found)
    frames = []
    for side, other in (SIDES, SIDES[::-1]):
        wholes = judged[other].whole
        contains = np.unique(wholes[wholes >= 0])
        frames.append(_side(side, families, judged[side], firings[side], firings[other], contains, stitching))
    return Splitting(pd.concat(frames, ignore_index=True), links, families, {**provenance, "chance": _said(chance)})


def _family(component: Component, splits: Mapping[int, Parts], merges: Mapping[int, Parts]) -> Family:
    small, large, relation = component.smaller, component.larger, component.relation
    if relation == "tangled":
        return Family(relation, small, large)
    if relation == "merged":
        parts = merges[large[0]]
        return Family(relation, parts.parts, large, parts.shares, parts.cover)
    if small[0] in splits:
        parts = splits[small[0]]
        return Family(relation, small, parts.parts, parts.shares, parts.cover)
    # The link was made from the other side, which lies inside this one's only part: its shares are of the larger one.
    parts = merges[large[0]]
    return Family(relation, small, large, parts.shares, parts.cover)


def _side(
    side: Side,
    families: Sequence[Family],
    facts: LatentFacts,
    own: Firings,
    other: Firings,
    contains: Integers,
    stitching: Stitching | None,
) -> pd.DataFrame:
    import pandas as pd

    n = own.n_latents
    number, partners = np.full(n, -1, dtype=np.int64), cells([()] * n)
    for place, family in enumerate(families):
        for latent in getattr(family, side):
            number[latent] = place
            partners[latent] = getattr(family, "larger" if side == "smaller" else "smaller")
    container = np.where(facts.whole >= 0, facts.whole, facts.container)
    known = np.flatnonzero(container >= 0)
    inside, r, cover = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    small, large = (known, container[known]) if side == "smaller" else (container[known], known)
    smaller, larger = (own, other) if side == "smaller" else (other, own)
    r[known] = correlation_of(smaller, small, larger, large)
    fires = np.zeros(own.n_tokens, dtype=np.bool_)
    for latent, holds in zip(known.tolist(), container[known].tolist(), strict=True):
        share = _share(own, latent, other, (holds,), fires)
        inside[latent] = float(beyond_chance(np.array(share), other.densities[holds]))
        cover[latent] = _share(own, latent, other, partners[latent], fires) if partners[latent] else share
    return pd.DataFrame({
        "side": side, "latent": np.arange(n), "class": _classes(side, families, number, facts, own, contains),
        "family": number, "partners": partners, "container": container, "inside": inside, "p": facts.p, "q": facts.q,
        "r": r, "cover": cover, "firings": own.firings,
        "nearest": np.full(n, -1) if stitching is None else getattr(stitching, f"{side}_nearest"),
        "cosine": np.full(n, np.nan) if stitching is None else getattr(stitching, f"{side}_cosine"),
    })  # fmt: skip


def _share(own: Firings, latent: int, other: Firings, partners: Sequence[int], fires: NDArray[np.bool_]) -> float:
    """Share of a latent's weight on tokens where any partner fires; `fires` is all False, and again when it returns."""
    places = [other.of(partner)[0] for partner in partners]
    for place in places:
        fires[place] = True
    tokens, weights = own.of(latent)
    share = float(weights[fires[tokens]].sum() / own.masses[latent])
    for place in places:
        fires[place] = False
    return share


def _classes(
    side: Side, families: Sequence[Family], number: Integers, facts: LatentFacts, own: Firings, contains: Integers
) -> NDArray[np.object_]:
    classes = np.full(own.n_latents, "vanished" if side == "smaller" else "new", dtype=object)
    classes[facts.beyond] = "overlapping"
    classes[contains] = "containing"
    classes[facts.whole >= 0] = "nested"
    in_family = number >= 0
    classes[in_family] = [families[place].relation for place in number[in_family].tolist()]
    classes[~own.eligible] = "few firings"
    classes[own.firings == own.n_tokens] = "always active"
    classes[own.firings == 0] = "dead"
    return classes


def _said(chance: ChancePartners) -> dict[str, Any]:
    """By how much latents lie inside another by chance: the mean of the best, and what the best 5% reach."""
    said: dict[str, Any] = {"shifts": chance.shifts, "documents": chance.provenance["documents"]}
    for side, direction in DIRECTIONS.items():
        maxima = chance.maxima(direction)
        finite = maxima[np.isfinite(maxima)]
        threshold = chance.threshold(0.05, direction)
        said[side] = {
            "mean_best": float(finite.mean()) if len(finite) else None,
            "threshold": float(threshold) if np.isfinite(threshold) else None,
            "tested": len(maxima),
        }
    return said
