"""Mapper graphs of SAE decoder rows: pairs of two dictionaries, a control, nodes named by what latents fire on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mapper_reading import Floats
from token_graphs import described, large, ranked, spread

import geomsim
from geomsim import Codes
from geomsim.activations import Document, top_tokens
from geomsim_topological.comparison.evidence import enrichment
from geomsim_topological.graph_comparison import GraphComparison, compare_graphs
from geomsim_topological.lenses.lens import Umap, lens_values
from geomsim_topological.settings_choice import suggest_settings
from geomsim_topological.stability import sweep_stability
from geomsim_topological.sweep import mapper_sweep

RESOLUTIONS, OVERLAPS, SCALES = (5, 6, 7, 8), (0.2, 0.3, 0.4, 0.5), (1.15, 1.2, 1.25)
NEIGHBOURS = 2
MATCHES, TOP, SHOWN = 5, 2, 8
LEAST_ROWS = 5  # of a node that is shown
LEAST_SHARE = 0.05  # of the rows: smaller components and loops do not count for the choice of a setting


def paired_rows(left: tuple[Codes, Floats], right: tuple[Codes, Floats]) -> geomsim.Pairing:
    """Latents that name each other as most correlated."""
    return geomsim.pair(left[0], right[0], method="mutual")


def compared_rows(left: Floats, right: Floats) -> tuple[GraphComparison, dict[str, Any], list[Floats]]:
    """The graphs of paired rows at that setting of the grid which suits both (agreement unseen); setting; lenses."""
    sweeps, stabilities, lenses = [], [], []
    for cloud in (left, right):
        lens = lens_values(Umap(2), cloud)
        lenses.append(lens)
        scales = [share * spread(cloud) for share in SCALES]
        sweep = mapper_sweep(cloud, lens, RESOLUTIONS, OVERLAPS, scales, NEIGHBOURS)
        sweeps.append(sweep)
        stabilities.append(sweep_stability(sweep, least_share=LEAST_SHARE))
    chosen = suggest_settings(*stabilities)
    setting = {
        "cubes": chosen.setting.n, "overlap": chosen.setting.overlap,
        "relative eps": SCALES[chosen.index % len(SCALES)], "region": len(chosen.region),
        "settings": len(sweeps[0].settings), "text": chosen.text,
    }  # fmt: skip
    return compare_graphs(*(sweep.graphs[chosen.index] for sweep in sweeps)), setting, lenses


def shuffled(compared: GraphComparison, seed: int) -> GraphComparison:
    """A control: the same two graphs, the rows of the right one in another order."""
    order = np.random.default_rng(seed).permutation(compared.right.n_rows)
    nodes = {name: np.sort(order[rows]).tolist() for name, rows in compared.right.nodes.items()}
    right = type(compared.right).from_kmapper({"nodes": nodes}, compared.right.n_rows)
    return compare_graphs(compared.left, right)


def judged(compared: GraphComparison, draws: int) -> dict[str, Any]:
    """Score, chance, p-value and edges."""
    found, facts = compared.significance(draws), compared.facts
    return {
        "score": compared.value, "chance": found.null_mean, "z": found.z, "p": found.p_value, "draws": draws,
        **{name: facts[name] for name in facts if name.startswith("edges preserved") and "weighted" not in name},
        "sides": [described(graph) for graph in (compared.left, compared.right)],
    }  # fmt: skip


def matches(
    compared: GraphComparison,
    pairing: geomsim.Pairing,
    codes: Sequence[Codes],
    read: Sequence[Document],
    draws: int,
) -> list[dict[str, Any]]:
    """Five matched pairs of nodes, named by what their latents fire on, on each side by itself.

    Of overlapping nodes the first pair is taken: most of what two nodes share must not have been shown.
    """
    table = enrichment(*(large(graph, LEAST_ROWS) for graph in (compared.left, compared.right)), draws=draws).table
    family = dict(zip(zip(table["left node"], table["right node"], strict=True), table["p (family-wise)"], strict=True))
    nodes = compared.left.nodes, compared.right.nodes
    found: list[dict[str, Any]] = []
    shown = np.empty(0, dtype=np.int64)
    for left, right, shared, jaccard in ranked(compared):
        rows = compared.shared_rows(left, right)
        if min(len(nodes[0][left]), len(nodes[1][right])) < LEAST_ROWS or len(np.setdiff1d(rows, shown)) <= shared / 2:
            continue
        shown = np.union1d(shown, rows)
        assert pairing.weight is not None
        rows = rows[np.argsort(-pairing.weight[rows], kind="stable")][:SHOWN]
        found.append(
            {
                "left node": left, "right node": right, "left rows": len(nodes[0][left]),
                "right rows": len(nodes[1][right]), "shared rows": shared, "Jaccard": jaccard,
                "p family-wise": family[left, right],
                "latents": [
                    {
                        "left": int(pairing.left[row]), "right": int(pairing.right[row]),
                        "left tokens": _tokens(codes[0], int(pairing.left[row]), read),
                        "right tokens": _tokens(codes[1], int(pairing.right[row]), read),
                    }
                    for row in rows.tolist()
                ],
            }
        )  # fmt: skip
        if len(found) == MATCHES:
            break
    return found


def _tokens(codes: Codes, latent: int, read: Sequence[Document]) -> list[list[Any]]:
    return [[each.token, each.share] for each in top_tokens(codes, latent, read, TOP)]
