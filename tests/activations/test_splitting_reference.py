"""All classes and families against the definitions written out once more: sets of tokens, loops, other libraries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import networkx
import numpy as np
import pytest
from scipy.stats import false_discovery_control

from geomsim import Codes
from geomsim.activations.best_by_chance import other_text
from geomsim.activations.feature_splitting import splitting
from geomsim.activations.splitting_classes import SIDES, classes_of

N_TOKENS, N_DOCUMENTS = 2400, 24
OPTIONS: dict[str, Any] = {
    "min_share": 0.5, "min_cover": 0.5, "min_part": 0.05, "min_firings": 40, "min_cofirings": 8, "shifts": 4,
    "alpha": 0.05, "seed": 3,
}  # fmt: skip


@dataclass
class Plain:
    """The two sides as (tokens, latents) arrays, and the answers."""

    values: dict[str, np.ndarray]
    groups: np.ndarray
    weigh: str
    options: dict[str, Any]
    whole: dict[tuple[str, int], int] = field(default_factory=dict)
    beyond: set[tuple[str, int]] = field(default_factory=set)

    def weights(self, side: str, latent: int) -> np.ndarray:
        column = self.values[side][:, latent]
        return np.abs(column) if self.weigh == "activation" else (column != 0).astype(float)

    def fires(self, side: str, latent: int) -> np.ndarray:
        return np.asarray(self.values[side][:, latent] != 0)

    def tested(self, side: str) -> list[int]:
        return [
            latent for latent in range(self.values[side].shape[1])
            if self.options["min_firings"] <= self.fires(side, latent).sum() < N_TOKENS
        ]  # fmt: skip

    def inside(self, side: str, latent: int, other: str, container: int) -> float:
        """By how much a latent lies inside another; -inf where they meet too seldom."""
        where = self.fires(other, container)
        if (where & self.fires(side, latent)).sum() < self.options["min_cofirings"]:
            return -np.inf
        weights = self.weights(side, latent)
        share, density = weights[where].sum() / weights.sum(), where.mean()
        return float((share - density) / (1 - density))

    def best(self, side: str, other: str) -> dict[int, float]:
        return {
            latent: max((self.inside(side, latent, other, each) for each in self.tested(other)), default=-np.inf)
            for latent in self.tested(side)
        }


def other(side: str) -> str:
    return "larger" if side == "smaller" else "smaller"


def chance_of(plain: Plain) -> dict[str, np.ndarray]:
    """The best by chance of all tested latents of each side, over all shifts of the smaller side's text."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(plain.options["seed"], spawn_key=(2,))))
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    kept = {side: plain.tested(side) for side in SIDES}
    for _ in range(plain.options["shifts"]):
        rows, _ = other_text(plain.groups, N_TOKENS, random)
        moved = {"smaller": plain.values["smaller"][rows], "larger": plain.values["larger"]}
        # Who is tested is decided on the text as read.
        shifted = Plain({side: moved[side][:, kept[side]] for side in SIDES}, plain.groups, plain.weigh,
                        {**plain.options, "min_firings": 1})  # fmt: skip
        for side in SIDES:
            found[side] += shifted.best(side, other(side)).values()
    return {side: np.array(values) for side, values in found.items()}


def judge(plain: Plain) -> None:
    """Who lies inside somebody beyond chance, and whose part each latent is."""
    chance = chance_of(plain)
    for side in SIDES:
        tested, against = plain.tested(side), other(side)
        assert len(tested) <= 100  # so that all are in one pool

        def q_values(observed: dict[int, float], pool: np.ndarray = chance[side]) -> dict[int, float]:
            p = [
                1.0 if value == -np.inf else (1 + (pool >= value).sum()) / (1 + len(pool))
                for value in observed.values()
            ]
            return dict(zip(observed, false_discovery_control(p), strict=True))

        best = plain.best(side, against)
        plain.beyond |= {(side, latent) for latent, q in q_values(best).items() if q <= plain.options["alpha"]}
        chosen, by_how_much = {}, {}
        for latent in tested:
            holding = [
                each for each in plain.tested(against)
                if plain.inside(side, latent, against, each) >= plain.options["min_share"]
            ]  # fmt: skip
            like = [
                np.corrcoef(plain.values[side][:, latent], plain.values[against][:, each])[0, 1] for each in holding
            ]
            chosen[latent] = holding[int(np.argmax(like))] if holding else -1
            by_how_much[latent] = plain.inside(side, latent, against, chosen[latent]) if holding else -np.inf
        for latent, q in q_values(by_how_much).items():
            if chosen[latent] >= 0 and q <= plain.options["alpha"]:
                plain.whole[side, latent] = chosen[latent]


def parts_of(plain: Plain, side: str, whole: int) -> tuple[list[int], list[int], float]:
    """Parts and twins of a whole, and by how much beyond chance the parts cover it."""
    weights, against = plain.weights(side, whole), other(side)

    def share(tokens: np.ndarray) -> float:
        return float(weights[tokens].sum() / weights.sum())

    members = [latent for (of, latent), found in plain.whole.items() if of == against and found == whole]
    members.sort(key=lambda latent: (-share(plain.fires(against, latent)), latent))
    parts: list[int] = []
    twins: list[int] = []
    covered = np.zeros(N_TOKENS, dtype=bool)
    for latent in members:
        fires, own = plain.fires(against, latent), plain.weights(against, latent)
        within = plain.fires(side, whole)
        mostly_new = own[within & ~covered].sum() >= plain.options["min_share"] * own[within].sum()
        if not parts or (share(fires & ~covered) >= plain.options["min_part"] and mostly_new):
            parts.append(latent)
            covered |= fires
        elif share(fires) >= plain.options["min_cover"]:
            twins.append(latent)
    density = covered.mean()
    return parts, twins, (share(covered) - density) / (1 - density)


def plain_classes(plain: Plain) -> tuple[dict[str, list[str]], set[tuple[str, frozenset[int], frozenset[int]]]]:
    """The class of each latent, and the families."""
    judge(plain)
    parts: dict[tuple[str, int], list[int]] = {}
    graph = networkx.Graph()
    for side in SIDES:
        for whole in {whole for (of, _), whole in plain.whole.items() if of == other(side)}:
            found, twins, beyond = parts_of(plain, side, whole)
            if beyond >= plain.options["min_cover"]:
                parts[side, whole] = found
                graph.add_edges_from(((side, whole), (other(side), latent)) for latent in [*found, *twins])
    answer, families = {}, set()
    for component in networkx.connected_components(graph):
        members = {side: {latent for of, latent in component if of == side} for side in SIDES}
        relation = "tangled"
        for side, name in (("smaller", "split"), ("larger", "merged")):
            if len(members[side]) == 1:
                (whole,) = members[side]
                if set(parts.get((side, whole), [])) == members[other(side)]:
                    relation = name
        if len(members["smaller"]) == len(members["larger"]) == 1:
            relation = "one-to-one"
        families.add((relation, frozenset(members["smaller"]), frozenset(members["larger"])))
        answer |= dict.fromkeys(component, relation)
    classes: dict[str, list[str]] = {side: [] for side in SIDES}
    wholes = {(other(side), whole) for (side, _), whole in plain.whole.items()}
    for side in SIDES:
        for latent in range(plain.values[side].shape[1]):
            node, n = (side, latent), int(plain.fires(side, latent).sum())
            if n in (0, N_TOKENS):
                name = "dead" if n == 0 else "always active"
            elif n < plain.options["min_firings"]:
                name = "few firings"
            elif node in answer:
                name = answer[node]
            elif node in plain.whole:
                name = "nested"
            elif node in wholes:
                name = "containing"
            elif node in plain.beyond:
                name = "overlapping"
            else:
                name = "vanished" if side == "smaller" else "new"
            classes[side].append(name)
    return classes, families


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents that are unions, parts and noisy copies of common features, some of them of one side alone."""
    random = np.random.default_rng(seed)
    features = random.random((N_TOKENS, 22)) < random.uniform(0.03, 0.12, size=22)
    strength = random.gamma(2.0, size=features.shape)
    coins = random.random((N_TOKENS, 40))

    def latent(fires: np.ndarray, of: int) -> np.ndarray:
        noisy = fires & (random.random(N_TOKENS) < random.uniform(0.75, 1.0))
        noisy |= random.random(N_TOKENS) < random.uniform(0, 0.01)
        return np.where(noisy, strength[:, of] + 0.1, 0.0)

    sides: dict[str, list[np.ndarray]] = {"smaller": [], "larger": []}
    for of in range(20):
        fires = features[:, of]
        for side in SIDES:
            what = random.choice(["whole", "cut", "part", "joined", "twice", "gone", "overlap"],
                                 p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])  # fmt: skip
            cut = coins[:, of] < random.uniform(0.2, 0.5)
            if what in ("whole", "twice"):
                sides[side] += [latent(fires, of) for _ in range(1 + (what == "twice"))]
            elif what == "cut":
                sides[side] += [latent(fires & cut, of), latent(fires & ~cut, of)]
            elif what == "part":
                sides[side].append(latent(fires & cut, of))
            elif what == "joined":
                sides[side].append(latent(fires | features[:, (of + 1) % 20], of))
            elif what == "overlap":
                sides[side].append(latent((fires & cut) | features[:, 20 if side == "smaller" else 21], of))
    few = np.zeros(N_TOKENS)
    few[random.choice(N_TOKENS, 9, replace=False)] = 1.0
    for side in SIDES:
        sides[side] += [few, np.zeros(N_TOKENS), np.ones(N_TOKENS)]
    order = sorted(sides.values(), key=len)
    groups = np.sort(random.integers(0, N_DOCUMENTS, N_TOKENS))
    smaller, larger = (np.stack(each, axis=1).astype(np.float32) for each in order)
    return smaller, larger, groups


CHANGED = (
    {},
    {"min_share": 0.35, "min_cover": 0.7},
    {"min_share": 0.7, "min_cover": 0.3, "min_part": 0.2},
    {"min_share": 0.05, "min_cover": 0.4, "min_cofirings": 3},  # so low that chance gives some as much
)


@pytest.mark.parametrize("weigh", ["activation", "firings"])
def test_classes_and_families_are_those_of_the_definitions(weigh: Any) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for seed in range(len(CHANGED)):
        smaller, larger, groups = world(seed)
        options = {**OPTIONS, **CHANGED[seed]}
        values = {"smaller": smaller.astype(np.float64), "larger": larger.astype(np.float64)}
        classes, families = plain_classes(Plain(values, groups, weigh, options))
        sides = [Codes.from_dense(each, groups=groups) for each in (smaller, larger)]
        found = splitting(*sides, weigh=weigh, **options)
        for side in SIDES:
            assert found.classes(side).tolist() == classes[side], seed
            seen.update((side, name) for name in classes[side])
        got = {(each.relation, frozenset(each.smaller), frozenset(each.larger)) for each in found.all_families}
        assert got == families, seed
    assert set(seen) == {(side, name) for side in SIDES for name in classes_of(side)}
