"""Mapper graphs of the same points over many settings of cover and scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

from geomsim_topological.graph import MapperGraph
from geomsim_topological.mapper import Cubes, Dbscan, Lens, PrincipalComponents, mapper_graph

_TWO_COMPONENTS = PrincipalComponents(2)


@dataclass(frozen=True)
class Setting:
    """One setting of a sweep."""

    n: int
    """Cubes to each dimension of the lens."""
    overlap: float
    """Share of a cube that its neighbour covers."""
    eps: float | Literal["knee"] = "knee"
    """Distance of DBSCAN, or the knee of each setting's own neighbour distances."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The graphs of a sweep: ``graphs[i]`` is that of ``settings[i]``."""

    settings: tuple[Setting, ...]
    graphs: tuple[MapperGraph, ...]
    reused: Mapping[str, int | str] = field(default_factory=dict)
    """What was computed once for several settings."""


def mapper_sweep(
    points: Any,
    lens: Lens = _TWO_COMPONENTS,
    resolutions: Sequence[int] = (5, 7, 10, 14, 20),
    overlaps: Sequence[float] = (0.2, 0.3, 0.4, 0.5, 0.6),
    eps: Sequence[float | Literal["knee"]] = ("knee",),
    min_samples: int = 3,
) -> Sweep:
    """The Mapper graph of each resolution, overlap and eps, resolutions varying slowest and eps fastest."""
    settings = tuple(Setting(*each) for each in product(resolutions, overlaps, eps))
    graphs = tuple(
        mapper_graph(points, lens, Cubes(each.n, each.overlap), Dbscan(each.eps, min_samples)) for each in settings
    )
    return Sweep(settings, graphs)
