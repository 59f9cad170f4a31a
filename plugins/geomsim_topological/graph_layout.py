"""Places for the nodes of a graph on a page, and of a second graph near its partners in the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.graphs.graph import MapperGraph

Floats = NDArray[np.float64]

_STRESS_NODES = 400  # distances of all pairs are laid out up to here, springs beyond
_ROUNDS = 300


def graph_layout(graph: MapperGraph, seed: int = 0) -> Floats:
    """Places of the nodes, (nodes, 2), in a box of side about 1; the same for the same graph and seed.

    Up to 400 nodes by stress (Kamada and Kawai 1989), edges having length 1; beyond by springs (Fruchterman and
    Reingold 1991). Components are laid out one by one and packed side by side, the largest first.
    """
    if not graph.names:
        return np.empty((0, 2))
    placed = np.empty((len(graph.names), 2))
    parts = [np.flatnonzero(graph.component_of == component) for component in range(graph.components)]
    parts.sort(key=lambda part: (-len(part), part[0]))
    boxes = [_upright(_connected(graph, part, seed)) for part in parts]
    for part, box, corner in zip(parts, boxes, _packed([box.max(axis=0) for box in boxes]), strict=True):
        placed[part] = box + corner
    span = float(np.ptp(placed, axis=0).max())
    return np.asarray((placed - placed.mean(axis=0)) / (span or 1.0), dtype=np.float64)


def aligned_layout(left: Floats, right: MapperGraph, plan: sparse.csr_matrix | Floats, seed: int = 0) -> Floats:
    r"""Places of the right graph's nodes, (right nodes, 2), turned so that nodes lie near their partners.

    The right graph has its own layout y, which is turned, mirrored, scaled and moved (Procrustes) to come closest to
    the left one's places x along the plan P:

    .. math:: \min_{s, Q, t} \sum_{kl} P_{kl} \lVert x_k - s \, y_l Q - t \rVert^2

    So the shape that one sees is the right graph's own, and only its pose follows the left. Raises GeomsimError for a
    plan of another shape.
    """
    own = graph_layout(right, seed)
    dense = np.asarray(plan.toarray() if sparse.issparse(plan) else plan, dtype=np.float64)
    if dense.shape != (len(left), len(own)):
        raise GeomsimError(f"a plan between {len(left)} and {len(own)} nodes has that shape, got {dense.shape}")
    total = float(dense.sum())
    if not total:
        return own
    p, q = dense.sum(axis=1) / total, dense.sum(axis=0) / total
    x_mean, y_mean = p @ left, q @ own
    x, y = left - x_mean, own - y_mean
    u, stretch, v = np.linalg.svd(y.T @ (dense.T / total) @ x)
    size = float(q @ (y**2).sum(axis=1))
    # A plan that tells nothing would shrink the graph to a point.
    scale = float(np.clip(stretch.sum() / size, 0.5, 2.0)) if size else 1.0
    return np.asarray(scale * y @ (u @ v) + x_mean, dtype=np.float64)


def _connected(graph: MapperGraph, part: NDArray[np.int64], seed: int) -> Floats:
    import networkx

    if len(part) == 1:
        return np.zeros((1, 2))
    drawn = networkx.Graph()
    drawn.add_nodes_from(range(len(part)))
    number = np.full(len(graph.names), -1)
    number[part] = np.arange(len(part))
    inside = number[graph.edges[number[graph.edges[:, 0]] >= 0]]
    drawn.add_edges_from(inside.tolist())
    if len(part) <= _STRESS_NODES:
        places = networkx.kamada_kawai_layout(drawn)
    else:
        places = networkx.spring_layout(drawn, seed=seed, iterations=_ROUNDS)
    found = np.array([places[node] for node in range(len(part))], dtype=np.float64)
    # Edges of like length in all components, whatever the layout's own unit.
    lengths = np.linalg.norm(found[inside[:, 0]] - found[inside[:, 1]], axis=1)
    return found / (float(np.median(lengths)) or 1.0)


def _upright(places: Floats) -> Floats:
    """Turned so that the longer axis lies flat, with the lower left corner at 0."""
    centred = places - places.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2] if len(places) > 1 else np.eye(2)
    turned = centred @ directions.T if directions.shape == (2, 2) else centred
    return np.asarray(turned - turned.min(axis=0), dtype=np.float64)


def _packed(sizes: list[Floats]) -> list[Floats]:
    """Lower left corners of boxes in rows of about the width of all of them as a square."""
    room = 1.0
    width = max(max(float(size[0]) for size in sizes), np.sqrt(sum(float((size + room).prod()) for size in sizes)))
    corners, x, y, height = [], 0.0, 0.0, 0.0
    for size in sizes:
        if x and x + size[0] > width:
            x, y, height = 0.0, y + height + room, 0.0
        corners.append(np.array([x, -y - float(size[1])]))
        x, height = x + float(size[0]) + room, max(height, float(size[1]))
    return corners
