"""At which setting the report draws Mapper graphs of two sides: found by a small sweep, without looking at both."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError, GeomsimWarning
from geomsim_topological.clusters.clusterer import Dbscan
from geomsim_topological.covers.cover import Cubes
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.lenses.lens import PrincipalComponents, lens_values
from geomsim_topological.mapper import mapper_graph
from geomsim_topological.settings_choice import suggest_settings
from geomsim_topological.stability import sweep_stability
from geomsim_topological.sweep import mapper_sweep

_FEW = 100  # rows: spread over squares, most of these would be alone
_RESOLUTIONS, _RESOLUTIONS_OF_FEW = (7, 10, 14), (4, 5, 7)
_OVERLAPS = (0.3, 0.4, 0.5)
# A sweep takes a second at 1,000 rows, several at 10,000 and a minute at 30,000; one graph is a tenth of that.
_SWEEP_ROWS = 10_000
_FIXED = Cubes(10, 0.4)
# Of the rows; a few that hang together by chance come and go with every setting.
_LEAST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class DrawnSides:
    """The graphs of both sides at one setting, the lens values of the rows, and the setting in words."""

    graphs: tuple[MapperGraph, MapperGraph]
    lenses: tuple[NDArray[np.float64], NDArray[np.float64]]
    setting: str
    stable: bool
    """Whether neighbouring settings have as many components and loops."""


def drawn_sides(left: NDArray[Any], right: NDArray[Any]) -> DrawnSides:
    """Mapper graphs of both sides through their own first two principal components, at a setting that suits both.

    Cubes, and DBSCAN at the knee of the neighbour distances. Up to 10,000 rows the setting is that of nine (7, 10 or
    14 cubes to a dimension, overlap 0.3, 0.4 or 0.5) around which the components and loops of either side change least
    (:func:`geomsim_topological.settings_choice.suggest_settings`): how well the sides agree is not looked at, so a
    p-value stands as it is. Beyond, 10 cubes and overlap 0.4. Below 100 rows one component, and 4, 5 or 7 cubes.

    Raises GeomsimError, naming the side, where a side has no such graph.
    """
    few = len(left) < _FEW
    clouds = {"left": left, "right": right}
    lenses = []
    for side, cloud in clouds.items():
        with _within(side):
            lenses.append(lens_values(PrincipalComponents(1 if few else min(2, cloud.shape[1])), cloud))
    if len(left) > _SWEEP_ROWS:
        graphs = []
        for (side, cloud), lens in zip(clouds.items(), lenses, strict=True):
            with _within(side):
                graphs.append(mapper_graph(cloud, lens, _FIXED, Dbscan()))
        words = f"{_FIXED.n} cubes, overlap {_FIXED.overlap:g}, eps knee: fixed, as {len(left):,} rows are many"
        return DrawnSides((graphs[0], graphs[1]), (lenses[0], lenses[1]), words, stable=True)
    sweeps = []
    for (side, cloud), lens in zip(clouds.items(), lenses, strict=True):
        with _within(side):
            sweeps.append(mapper_sweep(cloud, lens, _RESOLUTIONS_OF_FEW if few else _RESOLUTIONS, _OVERLAPS))
    stabilities = [sweep_stability(each, least_share=_LEAST_SHARE) for each in sweeps]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)  # that no setting is stable is in `stable`
        chosen = suggest_settings(*stabilities)
    return DrawnSides(
        (sweeps[0].graphs[chosen.index], sweeps[1].graphs[chosen.index]),
        (lenses[0], lenses[1]),
        chosen.text,
        len(chosen.region) > 1,
    )


@contextmanager
def _within(side: str) -> Iterator[None]:
    """Errors say on which side they happened."""
    try:
        yield
    except GeomsimError as error:
        raise error.within(side) from None
