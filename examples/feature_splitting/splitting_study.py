"""What is measured of a family of dictionaries: classes of latents, their stability, families, geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sae_family import Instance

from geomsim import Codes, correlate
from geomsim.activations import Dictionary, Document, top_contexts, top_tokens
from geomsim.activations.feature_splitting import splitting
from geomsim.activations.splitting_classes import SIDES, UNJUDGED, classes_of
from geomsim.activations.splitting_result import Family, Splitting
from geomsim.dictionary_family import Member, compare_family
from geomsim.progress import tracked

SHIFTS = 4
MIN_FIRINGS = 100
REMOVED = 0.1  # of the latents, for what a latent without its like is called
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "as above": {},
    "threshold .4": {"min_share": 0.4, "min_cover": 0.4},
    "threshold .6": {"min_share": 0.6, "min_cover": 0.6},
    "a part adds .1 or more": {"min_part": 0.1},
    "firings, not activation": {"weigh": "firings"},
    "judged from 300 firings": {"min_firings": 300},
}
METRICS = ("svcca", "rsa", "procrustes", "knn-jaccard", "mmcs")
DRAWS = 29
FAMILIES, TOKENS, CONTEXTS = 6, 4, 2

Read = Mapping[Instance, tuple[Codes, Dictionary]]
Found = dict[tuple[Instance, Instance], Splitting]


def split_each(read: Read) -> Found:
    """The splitting of each two dictionaries, the smaller one first; of one size, that of the lower seed."""
    pairs = list(combinations(sorted(read, key=lambda each: (each.size, each.seed)), 2))
    return {
        (small, large): split(read, small, large)
        for small, large in tracked(pairs, len(pairs), "pairs of dictionaries")
    }


def split(read: Read, small: Instance, large: Instance, **changed: Any) -> Splitting:
    """One splitting, with directions."""
    return splitting(
        read[small][0], read[large][0], smaller_dictionary=read[small][1], larger_dictionary=read[large][1],
        **{"shifts": SHIFTS, "min_firings": MIN_FIRINGS, **changed},
    )  # fmt: skip


def recorded(small: Instance, large: Instance, found: Splitting) -> dict[str, Any]:
    """One splitting as numbers."""
    stitching = found.stitching
    assert stitching is not None
    links = found.links.set_index(["smaller", "larger"])["cosine"]
    cosines = [
        float(links[small, large]) for family in found.families("split") for small in family.smaller
        for large in family.larger
    ]  # fmt: skip
    return {
        "smaller": small.name, "larger": large.name, "smaller size": small.size, "larger size": large.size,
        "counts": found.counts, "shares": {side: found.shares(side) for side in SIDES},
        "splits": sorted(len(family.larger) for family in found.families("split")),
        "absorbing": len(found.absorbing), "agreement": found.agreement, "novel": int(stitching.novel.sum()),
        "no direction": {
            side: float(np.mean(cosine[~np.isnan(cosine)] < stitching.min_cosine))
            for side, cosine in (("smaller", stitching.smaller_cosine), ("larger", stitching.larger_cosine))
        },
        "cosine of parts": float(np.mean(cosines)) if cosines else None,
        "by chance": found.provenance["chance"]["larger"]["threshold"],
    }  # fmt: skip


def stability(found: Found) -> list[dict[str, Any]]:
    """Whether a latent is in the same class against two larger dictionaries that differ in their seed alone."""
    records = []
    for (small, one), (again, other) in combinations(found, 2):
        if small != again or one.size != other.size or one.size == small.size:
            continue
        classes = [found[small, each].classes("smaller") for each in (one, other)]
        judged = ~np.isin(classes[0], UNJUDGED)
        first, second = (each[judged] for each in classes)
        names = sorted(set(first) | set(second))
        by_chance = float(sum(np.mean(first == name) * np.mean(second == name) for name in names))
        alike = float(np.mean(first == second))
        records.append({
            "smaller": small.name, "smaller size": small.size, "larger size": one.size,
            "seeds": [one.seed, other.seed], "same": alike, "by chance": by_chance,
            "kappa": (alike - by_chance) / (1 - by_chance),
            "split once": int((first == "split").sum()),
            "split twice": int(((first == "split") & (second == "split")).sum()),
            "split expected": float(np.mean(second == "split") * (first == "split").sum()),
        })  # fmt: skip
    return records


def sensitivity(read: Read, pairs: Sequence[tuple[Instance, Instance]]) -> list[dict[str, Any]]:
    """The classes of smaller latents with other settings, one changed at a time."""
    each = [(name, pair) for name in SETTINGS for pair in pairs]
    return [
        {
            "setting": name, "smaller": pair[0].name, "larger": pair[1].name,
            "shares": split(read, *pair, **SETTINGS[name]).shares("smaller"),
        }
        for name, pair in tracked(each, len(each), "other settings")
    ]  # fmt: skip


def without_their_like(read: Read, chosen: Sequence[Instance]) -> list[dict[str, Any]]:
    """What latents are called whose copy was taken out of the other dictionary, which is their own otherwise."""
    records = []
    for instance in tracked(chosen, len(chosen), "latents without their like"):
        codes = read[instance][0]
        random = np.random.Generator(np.random.PCG64(0))
        gone = np.sort(random.choice(codes.n_latents, int(REMOVED * codes.n_latents), replace=False))
        rest = np.setdiff1d(np.arange(codes.n_latents), gone)
        fewer = Codes(codes.matrix[:, rest], tokens=codes.tokens, name="the rest")
        classes = splitting(fewer, codes, shifts=SHIFTS, min_firings=MIN_FIRINGS).classes("larger")[gone]
        counts = {name: int((classes == name).sum()) for name in classes_of("larger")}
        records.append({"name": instance.name, "counts": counts})
    return records


def not_nearer(read: Read, pairs: Sequence[tuple[Instance, Instance]]) -> list[dict[str, float]]:
    """Share of the latents of each side to which none of the other dictionary is nearer than the next of their own.

    Nearness is Pearson's r; latents on fewer tokens than are judged are left out.
    """
    home = {instance: _best_r(codes, codes) for instance, (codes, _) in read.items()}
    judged = {instance: codes.firings() >= MIN_FIRINGS for instance, (codes, _) in read.items()}
    records = []
    for small, large in tracked(pairs, len(pairs), "nearest latents"):
        record = {}
        for side, one, other in (("smaller", small, large), ("larger", large, small)):
            away = _best_r(read[one][0], read[other][0])
            record[side] = float(np.mean((away <= home[one])[judged[one]]))
        records.append(record)
    return records


def _best_r(codes: Codes, others: Codes) -> NDArray[np.float64]:
    """The largest r of each latent with any of the others but itself, (latents,); -inf where there is none."""
    found = correlate(codes, others, top=2, min_firings=MIN_FIRINGS, standard_errors=False).left_to_right
    itself = (found.partner == np.arange(len(found.partner))[:, None]) & (codes is others)
    r: NDArray[np.float64] = np.where(itself | (found.partner < 0), -np.inf, found.r).max(axis=1)
    return r


def geometry(read: Read) -> dict[str, Any]:
    """How alike the directions of each two dictionaries are, and the spread over each two sizes."""
    members = [Member(instance.name, codes, dictionary.directions) for instance, (codes, dictionary) in read.items()]
    family = compare_family(members, METRICS, draws=DRAWS)
    spread = family.spread()
    spread["chance"] = family.spread("null_mean")["mean"]
    r = family.frame.groupby(["left_size", "right_size"])["mean_r"].mean().reset_index()
    return {
        "pairs": family.pairs, "draws": DRAWS, "mean r": r.to_dict("records"),
        "spread": [_plain(record) for record in spread.to_dict("records")],
        "scores": [_plain(record) for record in family.frame.to_dict("records")],
    }  # fmt: skip


def readable(found: Splitting, read: Read, small: Instance, large: Instance, text: Sequence[Document]) -> list[Any]:
    """Splits whose latents a person can name: those whose parts differ most in their tokens."""
    codes = {"smaller": read[small][0], "larger": read[large][0]}
    splits = [(family, _described(family, codes, text)) for family in found.families("split")]
    ranked = sorted(splits, key=lambda each: (-_told_apart(each[1]), each[0].smaller))
    return [_with_contexts(family, said, codes, text) for family, said in ranked[:FAMILIES]]


def _described(family: Family, codes: Mapping[str, Codes], text: Sequence[Document]) -> dict[str, Any]:
    sides: dict[str, Any] = {
        side: [
            {"latent": latent, "tokens": [
                {"token": each.token, "share": each.share} for each in top_tokens(codes[side], latent, text, TOKENS)
            ]}
            for latent in getattr(family, side)
        ]
        for side in SIDES
    }  # fmt: skip
    return {**sides, "shares": list(family.shares), "cover": family.cover}


def _told_apart(said: Mapping[str, Any]) -> float:
    """Activation of each part on its listed tokens that are in no other part's list, the least of all parts."""
    lists = [{each["token"]: each["share"] for each in part["tokens"]} for part in said["larger"]]
    apart = [
        sum(share for token, share in own.items() if not any(token in other for other in lists if other is not own))
        for own in lists
    ]
    return float(min(apart))


def _with_contexts(
    family: Family, said: dict[str, Any], codes: Mapping[str, Codes], text: Sequence[Document]
) -> dict[str, Any]:
    for part, latent in zip(said["larger"], family.larger, strict=True):
        part["contexts"] = [
            [each.before, each.token, each.after]
            for each in top_contexts(codes["larger"], latent, text, CONTEXTS, context=24)
        ]
    return said


def _plain(record: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of a table as JSON can hold it; None where there is no number."""
    return {str(key): None if isinstance(value, float) and np.isnan(value) else value for key, value in record.items()}
