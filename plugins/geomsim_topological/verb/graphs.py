"""The graphs of `geomsim mapper`: one setting for all sides, given or found by a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim.progress import track
from geomsim_topological.clusters.clusterer import Dbscan
from geomsim_topological.covers.balanced_intervals import BalancedIntervals
from geomsim_topological.covers.cover import Cubes
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_features import graph_features
from geomsim_topological.lenses.lens import Density, Eccentricity, Norm, PrincipalComponents, Umap, lens_values
from geomsim_topological.mapper import mapper_graph
from geomsim_topological.settings_choice import Suggestion, suggest_settings
from geomsim_topological.stability import Stability, sweep_stability
from geomsim_topological.sweep import Setting, Sweep, mapper_sweep
from geomsim_topological.verb.options import OVERLAPS, RESOLUTIONS, GraphOptions, in_options
from geomsim_topological.verb.side import Side

# Finding the loops of a nerve takes half a minute at 2,000 nodes, and grows with their square.
_MOST_NODES = 2_000


@dataclass(frozen=True, eq=False)
class Made:
    """The graphs, the lens values of the rows of each, and how the setting was found."""

    graphs: tuple[MapperGraph, ...]
    lenses: tuple[NDArray[np.float64], ...]
    setting: dict[str, Any]
    sweeps: tuple[Sweep, ...] = ()
    stabilities: tuple[Stability, ...] = ()
    suggestion: Suggestion | None = None


@dataclass(frozen=True)
class GraphMaker:
    """Makes the graphs of all sides at one setting."""

    options: GraphOptions
    seed: int

    def make(self, sides: Sequence[Side], names: Sequence[str]) -> Made:
        """The graph of each side, at the given setting or at the one that a sweep suggests for all.

        Errors name the side, and the options that would help.
        """
        asked = self.options
        clouds = [side.space.numpy() for side in sides]
        lenses, scales = [], []
        for cloud, name in zip(clouds, names, strict=True):
            with within(name):
                lenses.append(lens_values(self._lens(), cloud))
                scales.append(self._eps(cloud))
        cubes, overlap = asked.resolution, asked.share
        sweeps: tuple[Sweep, ...] = ()
        stabilities: tuple[Stability, ...] = ()
        suggestion = None
        if asked.sweep:
            sweeps = self._sweeps(clouds, lenses, scales, names)
            stabilities = tuple(sweep_stability(each) for each in sweeps)
            with within(""):
                suggestion = suggest_settings(stabilities[0], *stabilities[1:2])
            cubes, overlap = suggestion.setting.n, suggestion.setting.overlap
        cover = (BalancedIntervals if asked.cover == "balanced" else Cubes)(cubes, overlap)
        graphs = []
        for cloud, lens, eps, name in zip(clouds, lenses, scales, names, strict=True):
            with within(name):
                graphs.append(mapper_graph(cloud, lens, cover, Dbscan(eps, asked.min_samples)))
        setting = {
            "lens": asked.lens, "dimensions": lenses[0].shape[1], "cover": asked.cover, "cubes": cubes,
            "overlap": overlap, "relative eps": asked.relative_eps, "min samples": asked.min_samples,
        }  # fmt: skip
        return Made(tuple(graphs), tuple(lenses), setting, sweeps, stabilities, suggestion)

    def _sweeps(
        self,
        clouds: Sequence[NDArray[Any]],
        lenses: Sequence[NDArray[np.float64]],
        scales: Sequence[float | Literal["knee"]],
        names: Sequence[str],
    ) -> tuple[Sweep, ...]:
        made = []
        with track(len(clouds) * len(RESOLUTIONS), "sweep, resolutions") as advance:
            for cloud, lens, eps, name in zip(clouds, lenses, scales, names, strict=True):
                settings: list[Setting] = []
                graphs: list[MapperGraph] = []
                for resolution in RESOLUTIONS:
                    with within(name):
                        part = mapper_sweep(cloud, lens, (resolution,), OVERLAPS, (eps,), self.options.min_samples)
                    settings += part.settings
                    graphs += part.graphs
                    advance(1)
                made.append(Sweep(tuple(settings), tuple(graphs)))
        return tuple(made)

    def _lens(self) -> Any:
        asked = self.options
        match asked.lens:
            case "norm":
                return Norm()
            case "eccentricity":
                return Eccentricity()
            case "density":
                return Density()
            case "umap":
                return Umap(asked.dimensions, seed=self.seed)
        return PrincipalComponents(asked.dimensions)

    def _eps(self, cloud: NDArray[Any]) -> float | Literal["knee"]:
        if self.options.relative_eps is None:
            return "knee"
        centred = cloud - cloud.mean(axis=0, dtype=np.float64)
        return self.options.relative_eps * float(np.sqrt(np.square(centred).sum(axis=1).mean()))


def summary(name: str, graph: MapperGraph) -> dict[str, Any]:
    """A graph in numbers, ready for JSON.

    Its loops are those of the nerve, in which three nodes with a row in common fill their triangle; the cycles of the
    bare graph are mostly such triangles where the lens has two dimensions. None where there are too many nodes to tell.
    """
    few = len(graph.names) <= _MOST_NODES
    return {
        "side": name,
        "rows": graph.n_rows,
        "nodes": len(graph.names),
        "edges": len(graph.edges),
        "components": graph.components,
        "loops": len(graph_features(graph).loops) if few else None,
        "noise rows": len(graph.noise),
        "eps": graph.eps,
    }


@contextmanager
def within(name: str) -> Iterator[None]:
    """Errors say on which side they happened, and name options."""
    try:
        yield
    except GeomsimError as error:
        error.args = (in_options(str(error)), *error.args[1:])
        raise (error.within(name) if name else error) from None
