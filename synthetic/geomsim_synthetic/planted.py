"""Planted geometry: a group of features whose directions lie on a shape, and that fire by where a token lies on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import one_of, probability, whole
from geomsim_synthetic.plain import keep_plain
from geomsim_synthetic.shapes import Shape, ShapeName, check_size, n_cells, shape, tree_parents
from geomsim_synthetic.structure import Events, Moments, Structure, Where
from geomsim_synthetic.tuning import axis_moments, axis_probabilities, bumps


@dataclass(frozen=True)
class Planted(Structure):
    """A group of features on a shape.

    On a token where the group is active, a place on the shape is drawn. On a circle, torus or grid the cells near it
    fire, by how near they are (a raised cosine of half-width `reach` cells along each axis); on a simplex one cell
    fires and no other; on a tree a node is drawn, which fires with all its ancestors. All that fire on a token have one
    magnitude, times their tuning.

    Parameters
    ----------
    name
        "circle", "torus", "simplex", "tree" or "grid". See `shapes.shape` for the directions.
    cells
        their number in a circle or simplex; (rows, columns) of a torus or grid; (branching, depth) of a tree, whose
        nodes are its cells.
    where
        "both" networks carry these features, or "left" or "right" alone.
    arranged
        for features of both networks: which network has the shape. In the other the same features fire, but their
        directions are reordered by a random rotation among the rows: mean and covariance of the directions are
        exactly the same, the shape is gone. None: wherever the features are.
    probability
        how likely the group is active on a token.
    reach
        half-width of the tuning curve, in cells.

    Raises
    ------
    InvalidConfig
        on an unknown shape, a size it cannot have, or a probability outside (0, 1).

    >>> Planted("torus", (6, 5)).size, Planted("tree", (2, 3)).size
    (30, 15)
    """

    one_magnitude: ClassVar[bool] = True

    name: ShapeName
    cells: int | tuple[int, int]
    where: Where = "both"
    arranged: Where | None = None
    probability: float = 0.2
    reach: int = 2

    def __post_init__(self) -> None:
        keep_plain(self)
        one_of("planted shape", self.name, get_args(ShapeName))
        one_of("where", self.where, get_args(Where))
        probability("probability", self.probability)
        whole("reach", self.reach, 1)
        check_size(self.name, self.cells, self.reach)
        if self.arranged not in (None, "both", "left", "right") or (
            self.where != "both" and self.arranged not in (None, self.where)
        ):
            raise InvalidConfig(
                f"planted {self.name}: arranged={self.arranged!r} does not fit where={self.where!r}; it says which of "
                "two networks that both carry the features has the shape"
            )

    @property
    def size(self) -> int:
        """Number of features."""
        return n_cells(self.name, self.cells)

    @property
    def place(self) -> Where:
        """Which networks carry them."""
        return self.where

    @property
    def shape(self) -> Shape:
        """Coordinates and invariants."""
        return shape(self.name, self.cells)

    def has_shape(self, side: str) -> bool:
        """Whether the directions of this network lie on the shape."""
        return (self.arranged or self.where) in ("both", side)

    def probabilities(self, profile: NDArray[np.float64]) -> NDArray[np.float64]:
        """Firing probability of each cell; the profile plays no part."""
        if self.name == "simplex":
            return np.full(self.size, self.probability / self.size)
        if self.name == "tree":
            return self.moments(profile).first
        cells = _product([axis_probabilities(n, self.reach, self._round) for n in self._axes])
        return self.probability * cells

    def draw(self, generator: np.random.Generator, probabilities: NDArray[np.float64], n_tokens: int) -> Events:
        """Tokens where the group is active, a place on the shape for each, and the cells that fire there."""
        # Places are drawn for all tokens, so that they do not depend on the probability.
        active = np.flatnonzero(generator.random(n_tokens) < self.probability)
        places = generator.random((n_tokens, 2))[active]
        if self.name in ("simplex", "tree"):
            node = (places[:, 0] * self.size).astype(np.int64)
            if self.name == "simplex":
                return Events(active, node, np.ones(len(node), dtype=np.float32))
            which, on_line = np.nonzero(self._tree_lines[node])
            return Events(active[which], on_line, np.ones(len(which), dtype=np.float32))
        member: NDArray[np.int64] = np.zeros((len(active), 1), dtype=np.int64)
        tuning: NDArray[np.float64] = np.ones((len(active), 1))
        for axis, n in enumerate(self._axes):
            cell, height = bumps(places[:, axis], n, self.reach, self._round)
            member = (member[:, :, None] * n + cell[:, None, :]).reshape(len(active), -1)
            tuning = (tuning[:, :, None] * height[:, None, :]).reshape(len(active), -1)
        token, column = np.nonzero(tuning.astype(np.float32))
        return Events(active[token], member[token, column], tuning[token, column].astype(np.float32))

    def moments(self, probabilities: NDArray[np.float64]) -> Moments:
        """Expected tunings, from the tuning curves' integrals."""
        if self.name == "simplex":
            first = np.full(self.size, self.probability / self.size)
            return Moments(first, np.diag(first))
        if self.name == "tree":
            lines = self._tree_lines.astype(np.float64)
            return Moments(self.probability * lines.mean(axis=0), self.probability * lines.T @ lines / self.size)
        axes = [axis_moments(n, self.reach, self._round) for n in self._axes]
        first = self.probability * _product([axis[0] for axis in axes])
        second: NDArray[np.float64] = axes[0][1]
        if len(axes) == 2:
            second = np.asarray(np.kron(second, axes[1][1]), dtype=np.float64)
        return Moments(first, self.probability * second)

    @property
    def _axes(self) -> tuple[int, ...]:
        return (self.cells,) if isinstance(self.cells, int) else self.cells

    @property
    def _round(self) -> bool:
        return self.name != "grid"

    @cached_property
    def _tree_lines(self) -> NDArray[np.bool_]:
        """(nodes, nodes): row i has the node i and all its ancestors."""
        branching, depth = self._axes
        lines = np.eye(self.size, dtype=bool)
        for node, parent in enumerate(tree_parents(branching, depth)):
            if parent >= 0:
                lines[node] |= lines[parent]
        return lines


def _product(axes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Row i * n + j of a product shape has the product of entry i of one axis and entry j of the other."""
    return axes[0] if len(axes) == 1 else np.outer(*axes).ravel()
