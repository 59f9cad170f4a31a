"""Persistent homology of the Vietoris-Rips complex of a distance matrix, by ripser or gudhi."""

from __future__ import annotations

from math import comb
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError, InvalidConfig

Floats = NDArray[np.float64]
Cocycle = NDArray[np.int64]
Engine = Literal["ripser", "gudhi"]

MOST_LANDMARKS_FOR_VOIDS = 200
# ripser keeps a coefficient in eight bits, one of them for the sign: beyond, it computes forever.
_LARGEST_FIELD: dict[str, int] = {"ripser": 127, "gudhi": 251}
_MOST_RANKS = 1 << 24  # whole numbers that float32 can tell apart
# Bars shorter than this share of the largest distance are made by the rounding of equal distances.
_SPECK = 1e-12
# Measured peaks in normal points of 20 dimensions, about doubled.
_BYTES_PER_DISTANCE = 160
_BYTES_PER_RIPSER_SIMPLEX = 100
_BYTES_PER_GUDHI_SIMPLEX = 120


def check_request(dimension: int, engine: str, field: int) -> None:
    """Raise InvalidConfig for a dimension, engine or coefficient field that does not exist."""
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 0:
        raise InvalidConfig(f"dimension is 0 (components), 1 (loops), 2 (voids) or more, got {dimension!r}")
    if engine not in get_args(Engine):
        raise InvalidConfig(f"engine is one of {', '.join(get_args(Engine))}; got {engine!r}")
    prime = isinstance(field, int) and field >= 2 and all(field % divisor for divisor in range(2, int(field**0.5) + 1))
    if not prime or field > _LARGEST_FIELD[engine]:
        raise InvalidConfig(
            f"field is a prime up to {_LARGEST_FIELD[engine]} in {engine}, the p of the coefficients Z/p; got {field!r}"
        )


def check_size(landmarks: int, dimension: int, engine: Engine, budget: int | None = None) -> None:
    """Raise InvalidConfig where so many landmarks are too many for this dimension, or for `budget` bytes of memory.

    Without a budget it is half of the memory that is free. The message names a number of landmarks that fits.
    """
    if dimension >= 2 and landmarks > MOST_LANDMARKS_FOR_VOIDS:
        raise InvalidConfig(
            f"dimension {dimension} of {landmarks} points takes too long: voids are looked for among at most "
            f"{MOST_LANDMARKS_FOR_VOIDS} points; ask for landmarks={MOST_LANDMARKS_FOR_VOIDS} or fewer"
        )
    if budget is None:
        import psutil

        budget = int(psutil.virtual_memory().available) // 2
    needed = memory_needed(landmarks, dimension, engine)
    if needed > budget:
        # Bisection: the need grows with the landmarks.
        fits, too_many = 2, landmarks
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            fits, too_many = (
                (middle, too_many) if memory_needed(middle, dimension, engine) <= budget else (fits, middle)
            )
        raise InvalidConfig(
            f"dimension {dimension} of {landmarks} points may need {needed / 2**20:,.0f} MiB in {engine}, and "
            f"{budget / 2**20:,.0f} MiB are to be had: landmarks={fits} would fit"
        )


def memory_needed(landmarks: int, dimension: int, engine: Engine) -> int:
    """An estimate of the bytes needed, for a complex in which no edge is left out.

    gudhi keeps every simplex of one dimension more than that of the bars, ripser those of the bars' dimension.

    >>> memory_needed(300, 1, "gudhi") > 10 * memory_needed(300, 1, "ripser")
    True
    """
    matrix = _BYTES_PER_DISTANCE * landmarks**2
    if engine == "ripser":
        return matrix + _BYTES_PER_RIPSER_SIMPLEX * comb(landmarks, dimension + 1)
    return matrix + _BYTES_PER_GUDHI_SIMPLEX * sum(comb(landmarks, size) for size in range(1, dimension + 3))


def rips_bars(distances: Floats, dimension: int, engine: Engine, field: int) -> Floats:
    """The bars of one dimension, (bars, 2), births and deaths being distances in float64.

    `distances` is (points, points), symmetric, zero on the diagonal, at least one point. The complex ends at the
    enclosing radius, the smallest radius of a ball around a point that holds all others: there it is a cone, and all
    has died but one component. Bars that are no longer than 1e-12 of the largest distance are left out.
    """
    if len(distances) == 1:
        return np.array([[0.0, np.inf]]) if dimension == 0 else np.empty((0, 2))
    enclosing = float(distances.max(axis=1).min())
    run = _by_ripser if engine == "ripser" else _by_gudhi
    bars = run(distances, enclosing, dimension, field)
    longer = bars[:, 1] - bars[:, 0] > _SPECK * distances.max()
    return np.asarray(bars[longer])


def loop_cocycles(distances: Floats, field: int) -> tuple[Floats, list[Cocycle]]:
    """The bars of dimension 1 as :func:`rips_bars` gives them, and a cocycle modulo `field` for each, by ripser.

    A cocycle is (edges, 3): two points and the value, 0 to `field` - 1, of the edge from the first to the second; the
    edge the other way round has the negative. It is a cocycle at every scale before the bar's death, where edges that
    are longer than the scale are left out.
    """
    if len(distances) == 1:
        return np.empty((0, 2)), []
    bars, cocycles = _ripser(distances, float(distances.max(axis=1).min()), 1, field, cocycles=True)
    longer = np.flatnonzero(bars[:, 1] - bars[:, 0] > _SPECK * distances.max())
    return bars[longer], [cocycles[bar] for bar in longer]


def _by_ripser(distances: Floats, enclosing: float, dimension: int, field: int) -> Floats:
    return _ripser(distances, enclosing, dimension, field)[0]


def _ripser(
    distances: Floats, enclosing: float, dimension: int, field: int, cocycles: bool = False
) -> tuple[Floats, list[Cocycle]]:
    """The bars of one dimension in float64, and their cocycles where they are asked for."""
    from ripser import ripser

    # Persistence asks only which distance is larger: given their ranks, ripser's float32 loses nothing.
    values, ranks = np.unique(distances, return_inverse=True)
    if len(values) > _MOST_RANKS:
        raise GeomsimError(
            f"ripser tells {_MOST_RANKS} distances apart, and {len(distances)} points have {len(values)}: ask for "
            "fewer landmarks or engine='gudhi'"
        )
    place = float(np.searchsorted(values, enclosing))
    answer = ripser(
        ranks.reshape(distances.shape).astype(np.float32),
        maxdim=dimension,
        thresh=place,
        coeff=field,
        distance_matrix=True,
        do_cocycles=cocycles,
    )
    found = answer["dgms"][dimension]
    ends = np.append(values, np.inf)
    at = np.where(np.isfinite(found), found, len(values)).astype(np.int64)
    bars = np.asarray(ends[at].reshape(-1, 2), dtype=np.float64)
    return bars, list(answer["cocycles"][dimension]) if cocycles else []


def _by_gudhi(distances: Floats, enclosing: float, dimension: int, field: int) -> Floats:
    from gudhi.rips_complex import RipsComplex

    edges = RipsComplex(distance_matrix=distances, max_edge_length=enclosing)
    tree = edges.create_simplex_tree(max_dimension=1)
    tree.collapse_edges()
    tree.expansion(dimension + 1)
    tree.compute_persistence(homology_coeff_field=field, min_persistence=0.0)
    return np.asarray(tree.persistence_intervals_in_dimension(dimension), dtype=np.float64).reshape(-1, 2)
