"""Places for the nodes of a graph on a page, and of a second graph near its partners in the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.stress_layout import stress_layout

Floats = NDArray[np.float64]

_NEWTON_NODES = 100  # beyond, the same stress is made small by steps that are not dearer for more nodes


def graph_layout(graph: MapperGraph, seed: int = 0) -> Floats:
    """Places of the nodes, (nodes, 2), in a box of side about 1; the same for the same graph and seed.

    By stress, edges having length 1: up to 100 nodes as Kamada and Kawai (1989) do, beyond by
    :func:`geomsim_topological.graphs.stress_layout.stress_layout`, which takes seconds for tens of thousands of nodes.
    Components are laid out one by one and packed side by side, the largest first.
    """
    if not graph.names:
        return np.empty((0, 2))
    placed = np.empty((len(graph.names), 2))
    parts = _components(graph)
    boxes = [_upright(_connected(inside, len(part), seed)) for part, inside in parts]
    for (part, _), box, corner in zip(parts, boxes, _packed([box.max(axis=0) for box in boxes]), strict=True):
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


def as_wide(places: Floats, others: Floats) -> Floats:
    """Places at the extent of others, around their middle; alignment shrinks a graph whose parts lie elsewhere."""
    if len(places) < 2 or len(others) < 2:
        return places
    centre = (others.max(axis=0) + others.min(axis=0)) / 2
    own = (places.max(axis=0) + places.min(axis=0)) / 2
    extent, wanted = float(np.ptp(places, axis=0).max()), float(np.ptp(others, axis=0).max())
    return np.asarray(centre + (places - own) * (wanted / (extent or 1.0)), dtype=np.float64)


def _connected(inside: NDArray[np.int64], n_nodes: int, seed: int) -> Floats:
    """Places of the nodes of one component, of which `inside` are the edges, in its own numbers."""
    if n_nodes <= 2:
        return np.column_stack([np.arange(n_nodes), np.zeros(n_nodes)])
    if n_nodes <= _NEWTON_NODES:
        import networkx

        drawn = networkx.Graph()
        drawn.add_nodes_from(range(n_nodes))
        drawn.add_edges_from(inside.tolist())
        places = networkx.kamada_kawai_layout(drawn)
        found = np.array([places[node] for node in range(n_nodes)], dtype=np.float64)
    else:
        found = stress_layout(inside, n_nodes, seed)
    # Edges of like length in all components, whatever the layout's own unit.
    lengths = np.linalg.norm(found[inside[:, 0]] - found[inside[:, 1]], axis=1)
    return np.asarray(found / (float(np.median(lengths)) or 1.0), dtype=np.float64)


def _components(graph: MapperGraph) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Nodes of each component and its edges in numbers of these, the largest first, of equals the earlier."""
    member, count = graph.component_of, graph.components
    nodes = np.argsort(member, kind="stable")
    number = np.empty(len(member), dtype=np.int64)
    sizes = np.bincount(member, minlength=count)
    starts = np.cumsum(sizes) - sizes
    number[nodes] = np.arange(len(nodes)) - np.repeat(starts, sizes)
    of_edge = member[graph.edges[:, 0]]
    edges = number[graph.edges[np.argsort(of_edge, kind="stable")]]
    parts = np.split(nodes, starts[1:])
    inside = np.split(edges, np.cumsum(np.bincount(of_edge, minlength=count))[:-1])
    order = np.argsort(-sizes, kind="stable")
    return [(parts[component], inside[component]) for component in order.tolist()]


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
