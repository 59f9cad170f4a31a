"""The compiled loop that lays out a graph by its distances. Import it late: it imports numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@compiled
def move_nodes(places: Floats, ends: Numbers, lengths: Floats, weights: Floats, order: Numbers, step: float) -> None:
    """Move both ends of each term towards the distance that they should have, one term after the other.

    `places` (nodes, 2) is changed. Term t joins the nodes ``ends[t]`` at distance ``lengths[t]``; end e moves by half
    of what is wrong, times ``weights[t, e] * step`` or 1 if that is less. `order` is that of the terms.
    """
    for number in range(len(order)):
        term = order[number]
        first, second = ends[term, 0], ends[term, 1]
        across = places[first, 0] - places[second, 0]
        up = places[first, 1] - places[second, 1]
        apart = np.sqrt(across * across + up * up)
        if apart == 0.0:
            continue  # they have no direction to part in; another term moves one of them
        wrong = 0.5 * (apart - lengths[term]) / apart
        own = min(1.0, weights[term, 0] * step) * wrong
        other = min(1.0, weights[term, 1] * step) * wrong
        places[first, 0] -= own * across
        places[first, 1] -= own * up
        places[second, 0] += other * across
        places[second, 1] += other * up
