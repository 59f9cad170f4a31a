"""How much of what Mapper graphs show stays when their settings change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.graphs.graph_features import KINDS, GraphFeatures, Kind, graph_features
from geomsim_topological.settings.feature_matching import MatchedFeatures, match_features
from geomsim_topological.settings.setting_grid import SettingGrid
from geomsim_topological.sweep import Setting, Sweep

Integers = NDArray[np.int64]

_ONE_OF: dict[Kind, str] = {"components": "component", "loops": "loop", "branches": "branch"}


@dataclass(frozen=True, eq=False)
class Stability:
    """What stays over a sweep, feature by feature, and where on the grid of settings nothing changes."""

    settings: tuple[Setting, ...]
    grid: SettingGrid
    """The settings as a grid; `grid.field` lays out one number per setting for a picture."""
    features: Mapping[Kind, MatchedFeatures]
    """Components, loops and branches: in which settings each is alive, and its rows."""
    by_setting: Mapping[str, NDArray[Any]]
    """Per setting, (settings,) each: components, loops, branches, leaves, branch_points, nodes, edges, noise (share of
    the rows in no node), and left_out_components, left_out_loops, left_out_branches: those with too few rows, which
    are not counted among the others and are no feature."""
    region: Integers
    """(settings,) the number of the region of each setting, 0 is the largest: connected settings, by one step of
    resolution, overlap or eps at a time, with equally many components and loops."""
    threshold: float
    least_share: float

    @property
    def signatures(self) -> tuple[tuple[int, int], ...]:
        """(components, loops) of each setting."""
        columns = self.by_setting["components"].tolist(), self.by_setting["loops"].tolist()
        return tuple(zip(*columns, strict=True))

    @property
    def stable_share(self) -> NDArray[np.float64]:
        """(settings,) the share of the sweep that the region of each setting fills."""
        sizes = np.bincount(self.region)
        return np.asarray(sizes[self.region] / len(self.region))

    def members(self, region: int = 0) -> Integers:
        """The numbers of the settings in a region."""
        return np.flatnonzero(self.region == region)

    def centre(self, region: int = 0) -> int:
        """The number of the setting deepest inside a region, see :meth:`SettingGrid.centre`."""
        return self.grid.centre(self.members(region))

    def to_frame(self, kind: Kind | None = None) -> Any:
        """A pandas table: of all settings, or of the features of one kind (id, rows, share alive, medoid's setting)."""
        import pandas as pd

        if kind is None:
            own = {name: [getattr(each, name) for each in self.settings] for name in ("n", "overlap", "eps")}
            return pd.DataFrame({**own, **self.by_setting, "region": self.region, "stable_share": self.stable_share})
        found = self.features[kind]
        return pd.DataFrame(
            {
                "id": [f"{_ONE_OF[kind]} {number}" for number in range(len(found.rows))],
                "rows": [len(rows) for rows in found.rows],
                "share_alive": found.share_alive,
                "representative_setting": found.representative,
            }
        )


def sweep_stability(sweep: Sweep, threshold: float = 0.5, least_share: float = 0.01) -> Stability:
    """The share of the settings of a sweep in which each component, loop and branch is alive.

    Features of each graph are those of :func:`~geomsim_topological.graphs.graph_features.graph_features`. Two of two
    settings are the same where their rows have a Jaccard index of at least `threshold` and each is the other's best,
    gathered as in :func:`~geomsim_topological.settings.feature_matching.match_features`.

    Parameters
    ----------
    sweep
        its graphs are on the same rows; a graph may have no nodes.
    threshold
        above 0, at most 1.
    least_share
        features with a smaller share of the rows are counted by themselves, as left out: a few rows that hang together
        by chance come and go with every setting, and would cut every region to pieces.

    Raises GeomsimError for graphs on different rows, settings that are there twice, a sweep without settings, and
    parameters outside their range.
    """
    if not 0 <= least_share < 1:
        raise GeomsimError(f"least_share is a share of the rows from 0 to below 1, got {least_share}")
    grid = SettingGrid.of(sweep.settings)
    n_rows = row_count(sweep)
    found = [graph_features(graph) for graph in sweep.graphs]
    least = least_share * n_rows
    sets = {kind: [[rows for rows in getattr(each, kind) if len(rows) >= least] for each in found] for kind in KINDS}
    by_setting = _by_setting(sweep, found, sets)
    signatures = list(zip(by_setting["components"].tolist(), by_setting["loops"].tolist(), strict=True))
    return Stability(
        settings=sweep.settings,
        grid=grid,
        features={kind: match_features(sets[kind], n_rows, threshold) for kind in KINDS},
        by_setting=by_setting,
        region=grid.regions(signatures),
        threshold=threshold,
        least_share=least_share,
    )


def row_count(sweep: Sweep) -> int:
    """The rows of all graphs of a sweep. Raises GeomsimError where they differ, or graphs and settings do not fit."""
    if len(sweep.graphs) != len(sweep.settings):
        raise GeomsimError(f"the sweep has {len(sweep.graphs)} graphs for {len(sweep.settings)} settings")
    counts = sorted({graph.n_rows for graph in sweep.graphs})
    if len(counts) > 1:
        raise GeomsimError(
            f"the graphs of a sweep are on the same rows, got graphs on {counts[0]} and on {counts[-1]} rows: "
            "sweep over the same points"
        )
    return counts[0] if counts else 0


def _by_setting(
    sweep: Sweep, found: list[GraphFeatures], sets: Mapping[Kind, list[list[Integers]]]
) -> dict[str, NDArray[Any]]:
    counts = {kind: np.array([len(each) for each in sets[kind]]) for kind in KINDS}
    return {
        **{str(kind): count for kind, count in counts.items()},
        "leaves": np.array([each.leaves for each in found]),
        "branch_points": np.array([each.branch_points for each in found]),
        "nodes": np.array([len(graph.names) for graph in sweep.graphs]),
        "edges": np.array([len(graph.edges) for graph in sweep.graphs]),
        "noise": np.array([len(graph.noise) / graph.n_rows for graph in sweep.graphs]),
        **{f"left_out_{kind}": np.array([len(getattr(each, kind)) for each in found]) - counts[kind] for kind in KINDS},
    }
