"""Shapes that features can be arranged in, with what is known of each: coordinates, Betti numbers, distances."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig

ShapeName = Literal["circle", "torus", "simplex", "tree", "grid"]


@dataclass(frozen=True)
class Shape:
    """A shape with its invariants.

    Attributes
    ----------
    coordinates
        (cells, dimension) rows, the longest of length 1.
    betti
        Betti numbers of the shape: components, loops, voids.
    rips_scale
        the Vietoris-Rips complex of the rows at this distance has these Betti numbers; None where that is not known.
    equal_distance
        the distance of every two rows, where all are equal.
    tree_lengths
        ``|x - y|**2 / tree_lengths`` is the number of edges between two rows, where the shape is a tree: squared
        distances fulfil the four-point condition.
    """

    coordinates: NDArray[np.float64]
    betti: tuple[int, ...]
    rips_scale: float | None = None
    equal_distance: float | None = None
    tree_lengths: float | None = None


def n_cells(name: ShapeName, size: int | tuple[int, int]) -> int:
    """Number of features of a shape: of a tree (branching, depth), all nodes; of a grid or torus, all cells."""
    if isinstance(size, int):
        return size
    if name == "tree":
        branching, depth = size
        return sum(branching**level for level in range(depth + 1))
    return prod(size)


def shape(name: ShapeName, size: int | tuple[int, int]) -> Shape:
    """The shape of this name and size.

    * circle: ``(cos a, sin a)`` at equal angles;
    * torus: the product of two circles, flat in 4 dimensions (Clifford), cell (i, j) is row ``i * size[1] + j``;
    * simplex: equidistant points in ``size - 1`` dimensions;
    * tree: complete, row = sum of the (orthogonal) steps of the node and all its ancestors; rows by level;
    * grid: a flat square beside the origin, ``(x, y, 1)``, cell (i, j) is row ``i * size[1] + j``.

    >>> shape("simplex", 3).equal_distance
    1.7320508075688772
    """
    if isinstance(size, int):
        return _circle(size) if name == "circle" else _simplex(size)
    makers = {"torus": _torus, "tree": _tree, "grid": _grid}
    return makers[name](*size)


def tree_parents(branching: int, depth: int) -> NDArray[np.int64]:
    """The parent of each node of a complete tree, nodes by level; -1 for the root.

    >>> tree_parents(2, 2)
    array([-1,  0,  0,  1,  1,  2,  2])
    """
    return (np.arange(n_cells("tree", (branching, depth))) - 1) // branching


def check_size(name: ShapeName, size: int | tuple[int, int], reach: int) -> None:
    """Raise InvalidConfig where a shape cannot have this size."""
    single = name in ("circle", "simplex")
    entries = size if isinstance(size, tuple) else (size,)
    wanted = "one whole number" if single else {"tree": "(branching, depth)"}.get(name, "(rows, columns)")
    is_whole = all(isinstance(n, int) and not isinstance(n, bool) for n in entries)
    if not is_whole or single == isinstance(size, tuple) or len(entries) != (1 if single else 2):
        raise InvalidConfig(f"planted {name}: cells={size!r} must be {wanted}")
    least = {"circle": max(4, 2 * reach), "torus": max(4, 2 * reach), "simplex": 3, "tree": 1, "grid": 2}[name]
    if min(entries) < least:
        raise InvalidConfig(
            f"planted {name}: cells={size!r} is too small, {wanted} of at least {least} needed"
            + (f" (2 reach = {2 * reach} cells fire on a token)" if name in ("circle", "torus") else "")
        )


def _angles(n: int) -> NDArray[np.float64]:
    angle = 2.0 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _circle(n: int) -> Shape:
    step = 2.0 * np.sin(np.pi / n)
    # Above the step the complex stays a circle up to a third of the way round; 1.2 steps are clear of rounding.
    return Shape(_angles(n), (1, 1), rips_scale=min(1.2 * step, (step + 2.0 * np.sin(2.0 * np.pi / n)) / 2.0))


def _torus(n_rows: int, n_columns: int) -> Shape:
    rows, columns = _angles(n_rows), _angles(n_columns)
    cells = np.hstack([np.repeat(rows, n_columns, axis=0), np.tile(columns, (n_rows, 1))]) / np.sqrt(2.0)
    steps = [np.sqrt(2.0) * np.sin(np.pi / n) for n in (n_rows, n_columns)]
    two_steps = min(np.sqrt(2.0) * np.sin(2.0 * np.pi / n) for n in (n_rows, n_columns))
    diagonal = float(np.hypot(*steps))
    # Neighbours along both circles and no others: the clique complex is then the product of two circles.
    scale = (diagonal + two_steps) / 2.0 if diagonal < two_steps else None
    return Shape(cells, (1, 2, 1), rips_scale=scale)


def _simplex(n: int) -> Shape:
    # Orthonormal columns at right angles to (1, ..., 1): rows of such a basis are equidistant.
    helmert = np.zeros((n, n - 1))
    for column in range(n - 1):
        helmert[: column + 1, column] = 1.0
        helmert[column + 1, column] = -(column + 1.0)
        helmert[:, column] /= np.sqrt((column + 1.0) * (column + 2.0))
    distance = float(np.sqrt(2.0 * n / (n - 1.0)))
    return Shape(helmert * np.sqrt(n / (n - 1.0)), (n, 0), rips_scale=distance / 2.0, equal_distance=distance)


def _tree(branching: int, depth: int) -> Shape:
    parents = tree_parents(branching, depth)
    steps = np.eye(len(parents))
    for node, parent in enumerate(parents):
        if parent >= 0:
            steps[node] += steps[parent]
    length = 1.0 / (depth + 1.0)
    return Shape(steps * np.sqrt(length), (1, 0), rips_scale=1.2 * float(np.sqrt(length)), tree_lengths=length)


def _grid(n_rows: int, n_columns: int) -> Shape:
    step = 2.0 / (max(n_rows, n_columns) - 1.0)
    x, y = ((np.arange(n) - (n - 1) / 2.0) * step for n in (n_rows, n_columns))
    cells = np.column_stack([np.repeat(x, n_columns), np.tile(y, n_rows), np.ones(n_rows * n_columns)])
    longest = float(np.linalg.norm(cells, axis=1).max())
    return Shape(cells / longest, (1, 0, 0), rips_scale=1.5 * step / longest)
