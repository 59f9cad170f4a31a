"""Mapper graphs of two shipped language models: token activations and SAE decoder rows, node by node.

python examples/mapper_graphs/run.py             # a few minutes; results.json, README.md and figures
python examples/mapper_graphs/run.py --render    # README.md again from results.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import latent_graphs
import mapper_reading
import numpy as np
import token_graphs
from mapper_graphs_report import readme
from mapper_reading import Floats

from geomsim import Codes
from geomsim.activations import Document
from geomsim.report.node_link import NodeLink, node_link_pair
from geomsim.report.saving import save_figure
from geomsim_topological.graph_comparison import GraphComparison

HERE = Path(__file__).parent
RESULTS, README, FIGURES = HERE / "results.json", HERE / "README.md", HERE / "figures"

LAYERS = {"left": (0, 1), "right": (1, 2), "left-second-seed": (1,)}
TOKEN_PAIRS = ((0, 1), (1, 2))  # layers of left and right
LATENT_PAIRS = (("right", 2), ("left-second-seed", 1))  # beside layer 1 of left
DRAWS, CONTROLS, CONTROL_DRAWS = 999, 20, 99

Activations = dict[str, dict[int, Codes]]


def main() -> None:
    """Measure, or only write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--render", action="store_true", help="only write README.md from results.json")
    if not parser.parse_args().render:
        results = measured(mapper_reading.documents())
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    README.write_text(readme(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")


def measured(read: list[Document], draws: int = DRAWS, figures: Path | None = FIGURES) -> dict[str, Any]:
    """All numbers of the page."""
    start = time.monotonic()
    found = {name: mapper_reading.activations(name, layers, read) for name, layers in LAYERS.items()}
    said(f"read {len(read)} documents, {found['left'][0].n_tokens} tokens", start)
    tokens = []
    for left, right in TOKEN_PAIRS:
        tokens.append(of_tokens(found, left, right, read, draws, figures if (left, right) == TOKEN_PAIRS[-1] else None))
        said(f"token graphs of layers {left} and {right}", start)
    latents = []
    for model, layer in LATENT_PAIRS:
        latents.append(of_latents(found, model, layer, read, draws, figures if model == LATENT_PAIRS[0][0] else None))
        said(f"graphs of decoder rows with {model}", start)
    return {
        "documents": len(read), "characters": mapper_reading.CHARACTERS, "every": mapper_reading.EVERY,
        "least rows": token_graphs.LEAST_ROWS, "tokens": tokens, "latents": latents,
    }  # fmt: skip


def of_tokens(
    found: Activations, left: int, right: int, read: list[Document], draws: int, figures: Path | None
) -> dict[str, Any]:
    """Graphs of the activations of the same tokens in both models."""
    rows = mapper_reading.spread_rows(found["left"][left])
    documents = np.asarray(found["left"][left].groups)[rows]
    where = mapper_reading.places(found["left"][left], read, rows)
    clouds = [found[name][layer].dense()[rows].astype(np.float64) for name, layer in (("left", left), ("right", right))]
    pair = token_graphs.graph_pair(*clouds)
    words = [where.word(row) for row in range(len(rows))]
    graphs = pair.compared.left, pair.compared.right
    if figures is not None:
        titles = f"left, layer {left}", f"right, layer {right}"
        colours = np.asarray(graphs[0].incidence.T @ pair.lenses[0][:, 0]) / graphs[0].sizes
        drawn(
            pair.compared, pair.lenses, colours, "first UMAP coordinate", titles, figures / f"tokens_{left}_{right}.png"
        )
    return {
        "left layer": left, "right layer": right, "rows": len(rows), "kept documents": len(set(documents.tolist())),
        "setting": dict(pair.setting), "top-3 share": [token_graphs.purity(graph, words) for graph in graphs],
        **token_graphs.judged(pair.compared, documents, words, draws),
        "matches": token_graphs.matches(pair, where, documents, draws),
    }  # fmt: skip


def of_latents(
    found: Activations, model: str, layer: int, read: list[Document], draws: int, figures: Path | None
) -> dict[str, Any]:
    """Graphs of the decoder rows of latents that name each other as most correlated."""
    left = mapper_reading.latents("left", 1, found["left"][1])
    right = mapper_reading.latents(model, layer, found[model][layer])
    pairing = latent_graphs.paired_rows(left, right)
    compared, setting, lenses = latent_graphs.compared_rows(left[1][pairing.left], right[1][pairing.right])
    controls = [latent_graphs.judged(latent_graphs.shuffled(compared, seed), CONTROL_DRAWS) for seed in range(CONTROLS)]
    if figures is not None:
        titles = "left, layer 1", f"{model}, layer {layer}"
        assert pairing.weight is not None
        colours = np.asarray(compared.left.incidence.T @ pairing.weight) / compared.left.sizes
        drawn(compared, lenses, colours, "mean correlation of the latents", titles, figures / f"latents_{model}.png")
    return {
        "model": model, "layer": layer, "pairs": len(pairing), "setting": setting,
        **latent_graphs.judged(compared, draws),
        "controls": {
            "p": [each["p"] for each in controls], "score": [each["score"] for each in controls],
            "draws": CONTROL_DRAWS,
        },
        "matches": latent_graphs.matches(compared, pairing, (left[0], right[0]), read, draws),
    }  # fmt: skip


def drawn(
    compared: GraphComparison,
    lenses: Sequence[Floats],
    colours: Floats,
    colour_name: str,
    names: tuple[str, str],
    path: Path,
) -> None:
    """Both graphs, each node at the mean of its lens values; the right one turned to its partners, in their colours."""
    graphs = compared.left, compared.right
    left, right = (
        np.asarray(graph.incidence.T @ lens) / graph.sizes[:, None] for graph, lens in zip(graphs, lenses, strict=True)
    )
    carried = np.asarray(compared.carry(colours).values, dtype=np.float64)
    sides = [
        NodeLink(at, graph.sizes.astype(np.float64), graph.edges, graph.weights.astype(np.float64), shades, name)
        for graph, at, shades, name in zip(
            graphs, (left, turned(left, right, compared.plan.toarray())), (colours, carried), names, strict=True
        )
    ]
    title = f"mapper-transport {compared.value:.3f}"
    words = f"{colour_name} on the left, carried to the right by the plan"
    save_figure(node_link_pair(*sides, colour_name=words, title=title), path)


def turned(left: Floats, right: Floats, plan: Floats) -> Floats:
    """The right places, turned or mirrored and brought to one size, so that partners lie near each other."""
    p, q = plan.sum(axis=1), plan.sum(axis=0)
    x, y = left - p @ left / p.sum(), right - q @ right / q.sum()
    u, _, v = np.linalg.svd(y.T @ plan.T @ x)
    size = np.sqrt((p @ (x**2).sum(axis=1)) / (q @ (y**2).sum(axis=1)))
    return np.asarray(size * y @ (u @ v) + p @ left / p.sum())


def said(what: str, start: float) -> None:
    """A line of progress."""
    print(f"{time.monotonic() - start:5.0f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
