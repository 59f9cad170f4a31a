"""The nodes of two Mapper graphs that a plan sends to each other, as sets of latents.

Read from the folder that ``geomsim mapper LEFT RIGHT --pairing P --out FOLDER`` writes: ``left.json``, ``right.json``
and ``comparison/plan.npz``. Row i of both graphs is pair i of the pairing, so a node of the left graph is a set of left
latents, and one of the right graph a set of right latents.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidPairing
from geomsim.interventions.set_pairs import SetPairs
from geomsim.pairing import Pairing

_FORMAT = "geomsim-mapper-graph"


def matched_nodes(folder: str | Path, pairing: Pairing | None = None, *, least: int = 2) -> SetPairs:
    """Nodes that are each other's best partner in the plan (most mass), each of at least `least` rows.

    Parameters
    ----------
    folder
        what ``geomsim mapper`` wrote for two dictionaries.
    pairing
        the one that the graphs were made with; None where row i of both is latent i.

    Returns
    -------
    SetPairs
        `alike` is Jaccard index of the nodes' rows; nodes of which any latents are a pair are no random pair.

    Raises
    ------
    InvalidPairing
        where a file is missing or damaged, the pairing has another number of pairs than the graphs have rows, or fewer
        than two nodes are matched.
    """
    import scipy.sparse

    folder = Path(folder)
    graphs = {side: _nodes(folder / f"{side}.json") for side in ("left", "right")}
    rows = {side: n_rows for side, (_, n_rows) in graphs.items()}
    for side in ("left", "right"):
        if pairing is not None and rows[side] != len(pairing):
            raise InvalidPairing(
                f"{folder / side}.json is a graph of {rows[side]} rows and the pairing has {len(pairing)} pairs; give "
                "the pairing that `geomsim mapper --pairing` was given"
            )
    if rows["left"] != rows["right"]:
        raise InvalidPairing(f"{folder}: the graphs have {rows['left']} and {rows['right']} rows, not the same")
    path = folder / "comparison" / "plan.npz"
    try:
        plan = scipy.sparse.load_npz(path).toarray()
    except (OSError, ValueError, KeyError) as error:
        raise InvalidPairing(
            f"{path}: no plan could be read ({error}); `geomsim mapper LEFT RIGHT --out FOLDER` writes one"
        ) from None
    members = {side: list(nodes.values()) for side, (nodes, _) in graphs.items()}
    shape = (len(members["left"]), len(members["right"]))
    if plan.shape != shape:
        raise InvalidPairing(f"{path}: the plan is {plan.shape[0]} by {plan.shape[1]}, the graphs have {shape} nodes")
    best_right, best_left = plan.argmax(axis=1), plan.argmax(axis=0)
    matched = [
        (number, int(partner))
        for number, partner in enumerate(best_right)
        if plan[number, partner] > 0 and best_left[partner] == number
        and min(len(members["left"][number]), len(members["right"][partner])) >= least
    ]  # fmt: skip
    if len(matched) < 2:
        raise InvalidPairing(
            f"{folder}: {len(matched)} pairs of nodes of at least {least} rows are each other's best partner; chance "
            "is what other pairs give, so at least 2 are needed"
        )
    left = [members["left"][number] for number, _ in matched]
    right = [members["right"][partner] for _, partner in matched]
    inside = [_indicators(nodes, rows["left"]) for nodes in (left, right)]
    shared = inside[0] @ inside[1].T
    both = np.array([[len(each)] for each in left]) + np.array([[len(each) for each in right]]) - shared
    names = [tuple(graphs[side][0]) for side in ("left", "right")]
    latents = pairing or Pairing.identity(rows["left"])
    return SetPairs(
        tuple(np.unique(latents.left[each]) for each in left),
        tuple(np.unique(latents.right[each]) for each in right),
        tuple(names[0][pair[0]] for pair in matched), tuple(names[1][pair[1]] for pair in matched),
        np.diag(shared / both).copy(), "Jaccard index of the nodes' rows", _related(left, right, latents),
        np.array([len(one) + len(other) for one, other in zip(left, right, strict=True)], dtype=np.float64),
    )  # fmt: skip


def _nodes(path: Path) -> tuple[dict[str, NDArray[np.int64]], int]:
    """Rows by node, and how many rows there are."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidPairing(
            f"{path}: no graph could be read ({error}); `geomsim mapper LEFT RIGHT --pairing P --out FOLDER` writes one"
        ) from None
    if not isinstance(read, dict) or read.get("format") != _FORMAT or not isinstance(read.get("nodes"), dict):
        raise InvalidPairing(f"{path}: this is no Mapper graph of geomsim")
    n_rows = int(read["n_rows"])
    nodes = {name: np.asarray(rows, dtype=np.int64) for name, rows in read["nodes"].items()}
    for name, rows in nodes.items():
        if not len(rows) or rows.min() < 0 or rows.max() >= n_rows:
            raise InvalidPairing(f"{path}: node {name!r} has no rows, or some beyond the {n_rows} there are")
    return nodes, n_rows


def _related(
    left: Sequence[NDArray[np.int64]], right: Sequence[NDArray[np.int64]], pairing: Pairing
) -> NDArray[np.bool_]:
    """(nodes, nodes): whether they are matched, or a latent of the left one is paired with one of the right one."""
    ours, theirs = (
        np.array([np.isin(side, side[rows]) for rows in nodes])
        for side, nodes in ((pairing.left, left), (pairing.right, right))
    )
    return (ours.astype(np.int64) @ theirs.T.astype(np.int64) > 0) | np.eye(len(left), dtype=np.bool_)


def _indicators(nodes: Sequence[NDArray[np.int64]], n_rows: int) -> NDArray[np.int64]:
    """(nodes, rows): 1 where the row is in the node."""
    found = np.zeros((len(nodes), n_rows), dtype=np.int64)
    for number, rows in enumerate(nodes):
        found[number, rows] = 1
    return found
