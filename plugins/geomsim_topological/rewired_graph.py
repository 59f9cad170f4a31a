"""A null for metrics on graphs: the right graph with its edges rewired, every node keeping its degree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from geomsim import InapplicableNull, Null, UnpairedMetric
from geomsim.nulls import Chance, Trial, check_finite, judged, redrawn_scores


@runtime_checkable
class Rewirable(Protocol):
    """A metric whose states are graphs that can be rewired."""

    def rewired(self, state: Any, random: np.random.Generator) -> Any:
        """The state with its edges in random places, degrees kept."""


@dataclass(frozen=True)
class RewiredGraph(Null):
    """Rewire the right graph: do the graphs resemble each other more than their degrees make them?

    Each draw swaps the ends of edges of the right graph many times, so that nodes keep their number of edges and their
    mass, and everything else of the graph's shape is lost (of a hypergraph, groups of rows change nodes: each row keeps
    the number of its nodes, each node that of its groups in one, two, three, ... nodes). p is the share of draws at
    least as close to the left graph as the observed one. No point is looked at again and no graph is fitted. It judges
    the unpaired metrics on graphs, ``mapper-gromov``, ``mapper-hypergraph`` and ``mapper-persistence``; paired ones
    have the shuffle.

    Maslov and Sneppen (2002), "Specificity and stability in topology of protein networks".
    """

    name: ClassVar[str] = "rewired-graph"

    def judge(self, trial: Trial) -> Chance:
        """Scores against rewired graphs. Raises InapplicableNull for metrics that know no graph."""
        metric, rewirable = trial.metric, trial.metric
        if not isinstance(metric, UnpairedMetric) or not isinstance(rewirable, Rewirable):
            raise InapplicableNull(
                f"{type(metric).__name__} is no unpaired metric on graphs that could be rewired: use null='auto', or a "
                "metric such as mapper-gromov, mapper-hypergraph or mapper-persistence"
            )

        def scored(random: np.random.Generator) -> float:
            return float(metric.score(trial.left_state, rewirable.rewired(trial.right_state, random)))

        scores = redrawn_scores(trial, scored, "the right graph with rewired edges")
        check_finite(scores, metric, "rewired graphs")
        same = np.ptp(scores) == 0 and scores[0] == trial.observed
        notes = ("no rewiring changes the score: the right graph has too few edges to be told from its degrees",)
        return judged(self.name, trial, scores, notes=notes if same else ())
