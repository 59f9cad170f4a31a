"""Mapper graphs of token activations: one setting for both models, nodes matched and named by their tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mapper_reading import Floats, Integers, Places

import geomsim
from geomsim_topological.comparison.evidence import enrichment
from geomsim_topological.comparison.graph_null import TransportOfGraphs
from geomsim_topological.graph_comparison import GraphComparison, compare_graphs
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.membership import membership
from geomsim_topological.lenses.lens import Umap, lens_values
from geomsim_topological.node_labels import node_labels
from geomsim_topological.settings_choice import suggest_settings
from geomsim_topological.sweep import mapper_sweep

RESOLUTIONS, OVERLAPS, SCALES = (10, 14, 20, 28), (0.2, 0.3, 0.4, 0.5), (0.7, 0.8, 0.9, 1.0)
NEIGHBOURS = 5
TOP, CONTEXTS, MATCHES = 5, 3, 5
LEAST_ROWS = 15  # of a node that is shown
_READABLE = 0.5  # of its rows, on the tokens that are listed


@dataclass(frozen=True, eq=False)
class Pair:
    """The graphs of two layers at one setting, with the comparison."""

    compared: GraphComparison
    setting: Mapping[str, Any]
    lenses: tuple[Floats, Floats]


def graph_pair(left: Floats, right: Floats) -> Pair:
    """Both graphs at that setting of the grid which suits both, chosen within it without a look at their agreement."""
    clouds = left, right
    lenses = tuple(lens_values(Umap(2), cloud) for cloud in clouds)
    lengths = [spread(cloud) for cloud in clouds]
    sweeps = [
        mapper_sweep(cloud, lens, RESOLUTIONS, OVERLAPS, [share * length for share in SCALES], NEIGHBOURS)
        for cloud, lens, length in zip(clouds, lenses, lengths, strict=True)
    ]
    chosen = suggest_settings(*sweeps)
    graphs = [sweep.graphs[chosen.index] for sweep in sweeps]
    setting = {
        "cubes": chosen.setting.n,
        "overlap": chosen.setting.overlap,
        "relative eps": SCALES[chosen.index % len(SCALES)],
        "region": len(chosen.region),
        "settings": len(sweeps[0].settings),
        "text": chosen.text,
    }
    return Pair(compare_graphs(*graphs), setting, (lenses[0], lenses[1]))


def spread(cloud: Floats) -> float:
    """The root mean square distance to the mean."""
    return float(np.sqrt(np.square(cloud - cloud.mean(axis=0)).sum(axis=1).mean()))


def purity(graph: MapperGraph, words: Sequence[str]) -> float:
    """How readable a graph is by itself: the share of all nodes' rows that bear one of a node's 3 commonest tokens."""
    found = [
        (len(rows), sum(count for _, count in Counter(words[row] for row in rows.tolist()).most_common(3)))
        for rows in graph.nodes.values()
    ]
    sizes, common = np.array(found).T
    return float(common.sum() / sizes.sum())


def judged(compared: GraphComparison, documents: Integers, words: Sequence[str], draws: int) -> dict[str, Any]:
    """Score and p-value by three ideas of chance: documents change places whole, rows do one by one, or rows do that
    bear the same token.
    """
    whole, single = (compared.significance(draws, groups=groups) for groups in (documents, None))
    within = same_token(compared, words, draws)
    facts = compared.facts
    return {
        "score": compared.value,
        "nulls": {
            name: {"chance": found.null_mean, "z": found.z, "p": found.p_value}
            for name, found in (("whole documents", whole), ("rows", single), ("rows of the same token", within))
        },
        "draws": draws,
        **{name: facts[name] for name in facts if name.startswith("edges preserved") and "weighted" not in name},
        "sides": [described(graph) for graph in (compared.left, compared.right)],
    }


def same_token(compared: GraphComparison, words: Sequence[str], draws: int) -> geomsim.Comparison:
    """The null in which a row changes places with rows of its own token alone; tokens that occur once make one group.

    What is left beyond this chance is agreement about context: it does not follow from which token a row is.
    """
    counts = Counter(words)
    strata = [word if counts[word] > 1 else "" for word in words]
    first, second = (
        geomsim.Space(np.full((len(words), 1), side), groups=strata, name=name)
        for side, name in ((0.0, "left"), (1.0, "right"))
    )
    metric = TransportOfGraphs(left=membership(compared.left), right=membership(compared.right))
    return geomsim.compare(first, second, metric, null="shuffle", draws=draws, groups="within")


def large(graph: MapperGraph, least: int = LEAST_ROWS) -> MapperGraph:
    """The nodes that may be shown. The others say little, and in a family of tests each counts."""
    nodes = {name: rows for name, rows in graph.nodes.items() if len(rows) >= least}
    return MapperGraph.from_kmapper({"nodes": nodes}, graph.n_rows)


def described(graph: MapperGraph) -> dict[str, Any]:
    """A graph in numbers."""
    return {
        "nodes": len(graph.names), "edges": len(graph.edges), "components": graph.components,
        "rows": graph.n_rows, "noise": len(graph.noise),
    }  # fmt: skip


def matches(pair: Pair, where: Places, documents: Integers, draws: int) -> list[dict[str, Any]]:
    """Five matched pairs of nodes, a different commonest token each, those first that bring the graphs closest.

    The tokens of each side are found on that side by itself.
    """
    compared = pair.compared
    table = enrichment(large(compared.left), large(compared.right), draws=draws, groups=documents).table
    family = dict(zip(zip(table["left node"], table["right node"], strict=True), table["p (family-wise)"], strict=True))
    words = [where.word(row) for row in range(compared.left.n_rows)]
    tokens = [over_represented(graph, words) for graph in (compared.left, compared.right)]
    sizes = [dict(zip(graph.names, graph.sizes.tolist(), strict=True)) for graph in (compared.left, compared.right)]
    found: list[dict[str, Any]] = []
    for left, right, shared, jaccard in ranked(compared):
        if min(sizes[0][left], sizes[1][right]) < LEAST_ROWS or not (
            readable(tokens[0][left]) and readable(tokens[1][right])
        ):
            continue
        if any({left, right} & {each["left node"], each["right node"]} for each in found):
            continue
        own = [each["token"] for each in tokens[0][left]]
        if any(set(own[:2]) & {each["token"] for each in match["left tokens"]} for match in found):
            continue
        rows = compared.shared_rows(left, right)
        found.append(
            {
                "left node": left, "right node": right, "left rows": sizes[0][left], "right rows": sizes[1][right],
                "shared rows": shared, "Jaccard": jaccard, "p family-wise": family[left, right],
                "left tokens": tokens[0][left], "right tokens": tokens[1][right],
                "contexts": contexts(rows, where),
            }
        )  # fmt: skip
        if len(found) == MATCHES:
            break
    return found


def readable(tokens: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the tokens that stand out make up half of a node."""
    return bool(sum(each["share"] for each in tokens) >= _READABLE)


def ranked(compared: GraphComparison) -> list[tuple[str, str, int, float]]:
    """Cells of the plan by mass times Jaccard, which add up to 1 less the score."""
    plan = compared.tables["plan"]
    order = np.argsort(-np.array(plan["mass"]) * np.array(plan["Jaccard"]), kind="stable")
    return [
        (plan["left node"][cell], plan["right node"][cell], plan["shared rows"][cell], plan["Jaccard"][cell])
        for cell in order.tolist()
        if plan["shared rows"][cell]
    ]


def over_represented(graph: MapperGraph, words: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """For each node its tokens that stand out most, with the share of the node's rows that bear each."""
    table = node_labels(graph, list(words), top=TOP).table
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in graph.names}
    for node, label, rows, size, q in zip(
        table["node"], table["label"], table["rows"], table["rows in node"], table["q (BY)"], strict=True
    ):
        if q <= 0.05:
            found[node].append({"token": label, "share": rows / size})
    return found


def contexts(rows: Integers, where: Places) -> list[list[str]]:
    """Three of the rows in the text, each of another document where there are so many."""
    first = np.unique(where.document[rows], return_index=True)[1]
    chosen = [*first.tolist(), *(place for place in range(len(rows)) if place not in set(first.tolist()))]
    spaced = chosen[:: max(1, len(first) // CONTEXTS)][:CONTEXTS] if len(first) >= CONTEXTS else chosen[:CONTEXTS]
    return [list(where.context(int(rows[place]))) for place in spaced]
