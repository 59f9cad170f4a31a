"""Places for the rows of a space on a map of two dimensions, by UMAP with a seed."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import GeomsimError
from geomsim.parallel import one_thread
from geomsim.progress import track
from geomsim.space import Space

Floats = NDArray[np.float64]
Distance = Literal["cosine", "euclidean"]

_BEYOND = 1e15  # coordinates that a page, which holds them as float32, cannot square
_FEWEST = 5  # different rows below which neighbours mean nothing
_ALL_DISTANCES = 4096  # rows up to which umap-learn is given the distances of all pairs; beyond it searches
_LARGE, _EPOCHS = 10_000, (500, 200)  # umap-learn's own numbers of rounds, up to so many rows and beyond


@dataclass(frozen=True, eq=False)
class Layout:
    """Places of rows, (rows, 2), and in words how they were found."""

    places: Floats
    words: str


def umap_layout(
    space: Space,
    seed: int = 0,
    metric: Distance = "cosine",
    neighbours: int = 15,
    min_dist: float = 0.1,
) -> Layout:
    """Places of a space's rows by UMAP (McInnes, Healy and Melville 2018), as the package umap-learn computes it.

    The same rows and seed give the same bytes on one machine: one thread works, with a seed. Axes, distances between
    groups and the sizes of groups mean nothing on such a map; who is beside whom does.

    Rows that equal each other lie on one place. Rows of zeros, which have no direction for `metric` "cosine", lie in
    the middle. Points of one or two columns are their own map, and where fewer than five different rows are there, the
    first two principal components are. The words say each of these.

    Parameters
    ----------
    space
        any number of rows; up to 4,096 of them every two are compared, beyond it umap-learn searches for neighbours.
    seed
        of the random numbers.
    metric
        "cosine" for directions, such as decoder rows; "euclidean".
    neighbours
        rows whose distances each row keeps; fewer where there are fewer rows.
    min_dist
        how near the map may put rows, from 0 to 1.

    Raises GeomsimError for another metric, fewer than two neighbours, or a distance outside 0 to 1.
    """
    if metric not in get_args(Distance):
        raise GeomsimError(f"a map is made by {' or '.join(get_args(Distance))} distance, not {metric!r}")
    if neighbours < 2 or not 0 <= min_dist <= 1:
        raise GeomsimError(
            f"a map needs at least 2 neighbours and min_dist from 0 to 1, got {neighbours} and {min_dist}"
        )
    if space.width <= 2:
        return _themselves(space)
    points = scaled_points(space, directions=metric == "cosine")
    silent = ~points.any(axis=1) if metric == "cosine" else np.zeros(len(points), dtype=bool)
    # Adding zero makes one of the two zeros that floats have.
    rows = points[~silent].astype(np.float32) + np.float32(0)
    different, row_of = np.unique(rows, axis=0, return_inverse=True)
    words = []
    if equal := len(rows) - len(different):
        words.append(f"{_counted(equal, 'row lies', 'rows lie')} on the place of an equal one")
    if zeros := int(silent.sum()):
        which = _counted(zeros, "row of zeros has no direction and lies", "rows of zeros have no direction and lie")
        words.append(f"{which} in the middle")
    if len(different) < _FEWEST:
        how = f"the first two principal components, since only {len(different)} rows differ"
        embedded = _principal(different.astype(np.float64))
    else:
        kept = min(neighbours, len(different) - 1)
        how = f"UMAP, {metric} distance, {kept} neighbours, seed {seed}"
        embedded = _umap(different, seed, metric, kept, min_dist)
        if lost := int((~np.isfinite(embedded).all(axis=1)).sum()):
            raise GeomsimError(f"umap-learn gave no finite place to {lost} of {len(embedded)} rows of {space!r}")
    places = np.zeros((space.n_rows, 2))
    places[~silent] = (embedded - embedded.mean(axis=0) if len(embedded) else embedded)[row_of.reshape(-1)]
    return Layout(places, "; ".join([how, *words]))


def scaled_points(space: Space, *, directions: bool) -> Floats:
    """The points as numbers that neither overflow nor vanish in squares: at length one, or centred, the largest one.

    Rows of zeros stay what they are where lengths are one.
    """
    points = np.array(space.numpy(), dtype=np.float64)
    largest = np.abs(points).max(axis=1 if directions else None, keepdims=True)
    points /= np.where(largest, largest, 1.0)
    if directions:
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
    else:
        points -= points.mean(axis=0)
        lengths = np.abs(points).max(keepdims=True)
    points /= np.where(lengths, lengths, 1.0)
    return points


def _themselves(space: Space) -> Layout:
    """Points of one or two columns as places."""
    places = np.zeros((space.n_rows, 2))
    places[:, : space.width] = space.numpy()
    words = f"the points themselves ({_counted(space.width, 'column', 'columns')})"
    largest = float(np.abs(places).max())
    if largest and not 1 / _BEYOND < largest < _BEYOND:
        places /= largest
        words += f", divided by {largest:.3g}"
    return Layout(places, words)


def _umap(rows: NDArray[np.float32], seed: int, metric: Distance, neighbours: int, min_dist: float) -> Floats:
    epochs = _EPOCHS[len(rows) > _LARGE]
    few = len(rows) <= _ALL_DISTANCES
    with warnings.catch_warnings(), one_thread(), ExitStack() as shown:
        # Of libraries below, and of groups of rows that are joined by no neighbours: the map shows these.
        warnings.simplefilter("ignore")
        try:
            import umap
        except ImportError:
            raise GeomsimError("maps need the package umap-learn: pip install umap-learn") from None
        model = umap.UMAP(
            n_neighbors=neighbours,
            min_dist=min_dist,
            metric="precomputed" if few else metric,
            n_epochs=epochs,
            random_state=seed,
            n_jobs=1,  # more are not repeatable, and it warns
            tqdm_kwds=None if few else _said(len(rows), epochs, shown),
        )
        return np.asarray(model.fit_transform(_distances(rows, metric) if few else rows), dtype=np.float64)


def _distances(rows: NDArray[np.float32], metric: Distance) -> Floats:
    """(rows, rows); umap-learn itself would call a function of Python for every two rows."""
    from scipy.spatial.distance import pdist, squareform

    # Rounding puts some a little below zero.
    return np.asarray(squareform(np.maximum(pdist(rows, metric), 0)))


def _said(rows: int, epochs: int, shown: ExitStack) -> dict[str, Any]:
    """Settings of umap-learn's own progress bar, by which it advances one of ours and writes nothing.

    Ours begins with the first round: the search for neighbours before it says nothing of how long a round takes.
    """

    class Rounds:
        done = 0

        def write(self, text: str) -> None:
            if not (number := text.strip()):
                return
            if not hasattr(self, "advance"):
                self.advance = shown.enter_context(track(epochs, f"map of {rows:,} rows, rounds"))
            if int(number) > self.done:
                self.advance(int(number) - self.done)
                self.done = int(number)

        def flush(self) -> None:
            pass

    bar = {"bar_format": "{n}", "leave": False, "mininterval": 0, "miniters": 1}
    return {"disable": False, "file": Rounds(), **bar}


def _principal(rows: Floats) -> Floats:
    """The first two principal components, (rows, 2); zeros where there are fewer."""
    centred = rows - rows.mean(axis=0) if len(rows) else rows
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(rows), 2))
    found[:, : min(2, len(sizes))] = (left * sizes)[:, :2]
    return found


def _counted(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"
