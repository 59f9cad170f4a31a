"""How much of the truth was found again: pairings against the true correspondence, directions against true ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import DegenerateSpace, InvalidConfig, InvalidSpace, Pairing, Space
from geomsim_synthetic.checks import is_real

Direction = Literal["left-to-right", "right-to-left"]
# Cosines held at one time: 32 MiB of float64.
_CHUNK = 2**22


@dataclass(frozen=True)
class PairingRecovery:
    """A pairing judged by the true correspondence.

    ``precision = n_correct / n_found``, ``recall = n_correct / n_true``, ``f1 = 2 n_correct / (n_found + n_true)``,
    all in [0, 1]. Pairs are counted once each; ``n_repeated`` is how many were repeats.
    """

    precision: float
    recall: float
    f1: float
    n_found: int
    n_true: int
    n_correct: int
    n_repeated: int

    def to_dict(self) -> dict[str, Any]:
        """All numbers, for JSON."""
        return asdict(self)


def pairing_recovery(pairing: Pairing, truth_pairing: Pairing) -> PairingRecovery:
    """Precision, recall and F1 of `pairing` when `truth_pairing` is the true correspondence; weights play no part.

    >>> recovery = pairing_recovery(Pairing([0, 1, 2, 3], [5, 6, 7, 9]), Pairing([0, 1, 2], [5, 6, 8]))
    >>> recovery.precision, round(recovery.recall, 3), round(recovery.f1, 3)
    (0.5, 0.667, 0.571)
    """
    found, true = (
        set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) for pairs in (pairing, truth_pairing)
    )
    n_correct = len(found & true)
    return PairingRecovery(
        precision=n_correct / len(found),
        recall=n_correct / len(true),
        f1=2 * n_correct / (len(found) + len(true)),
        n_found=len(found),
        n_true=len(true),
        n_correct=n_correct,
        n_repeated=len(pairing) - len(found),
    )


def mmcs(left_directions: ArrayLike, right_directions: ArrayLike, *, direction: Direction = "left-to-right") -> float:
    """Mean max cosine similarity: each row's best cosine on the other side, averaged.

    ``mean_i max_j cos(left[i], right[j])`` for ``"left-to-right"``; with ``"right-to-left"`` each right row looks for
    its best left row. The two differ: for a learned dictionary, the direction from the truth asks whether each true
    feature was learned, the other whether each learned row is true. Cosines keep their sign, since codes are >= 0.

    Parameters
    ----------
    left_directions, right_directions
        (rows, width) each, of one width: both must lie in the same space.

    Raises
    ------
    InvalidSpace
        when the points cannot be read or the widths differ.
    DegenerateSpace
        on a row of zeros, which has no direction.

    Sharkey, Braun and Millidge (2022), "Taking features out of superposition with sparse autoencoders".

    >>> mmcs([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0]])
    0.5
    >>> mmcs([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0]], direction="right-to-left")
    1.0
    """
    left, right = _unit_rows({"left": left_directions, "right": right_directions})
    if direction not in ("left-to-right", "right-to-left"):
        raise InvalidConfig(f"direction={direction!r} must be 'left-to-right' or 'right-to-left'")
    best, _ = _best_cosines(left, right) if direction == "left-to-right" else _best_cosines(right, left)
    return float(best.mean())


def share_recovered(found_directions: ArrayLike, true_directions: ArrayLike, *, min_cosine: float = 0.9) -> float:
    """Share of the true rows that have a found row within ``cos >= min_cosine``, in [0, 1]. Raises as :func:`mmcs`.

    >>> share_recovered([[1.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]])
    0.5
    """
    if not is_real(min_cosine) or not -1.0 <= min_cosine <= 1.0:
        raise InvalidConfig(f"min_cosine={min_cosine!r} must be between -1 and 1")
    found, true = _unit_rows({"found": found_directions, "true": true_directions})
    best, _ = _best_cosines(true, found)
    return float((best >= min_cosine).mean())


def uniqueness(found_directions: ArrayLike, true_directions: ArrayLike) -> float:
    """Distinct true rows that are the best match of some found row, over the number of found rows, in (0, 1].

    1 when no two found rows stand for the same truth; split and duplicated features lower it. Raises as :func:`mmcs`.

    >>> uniqueness([[1.0, 0.0], [1.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]])
    0.5
    """
    found, true = _unit_rows({"found": found_directions, "true": true_directions})
    _, partner = _best_cosines(found, true)
    return len(np.unique(partner)) / len(found)


def best_matches(directions: ArrayLike, others: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each row its largest cosine with any row of the others, and which one that is. Raises as :func:`mmcs`.

    >>> best_matches([[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.6, 0.8]])
    (array([0.6, 1. ]), array([1, 0]))
    """
    rows, against = _unit_rows({"left": directions, "right": others})
    return _best_cosines(rows, against)


def _unit_rows(sides: dict[str, ArrayLike]) -> list[NDArray[np.float64]]:
    spaces = {side: Space(points, name=side) for side, points in sides.items()}
    widths = {side: space.width for side, space in spaces.items()}
    if len(set(widths.values())) > 1:
        listed = " and ".join(f"{side} {width}" for side, width in widths.items())
        raise InvalidSpace(
            f"cosines need directions of one width, got {listed}; "
            "directions of two networks can be compared this way only when both live in the same basis"
        )
    units = []
    for side, space in spaces.items():
        points = space.numpy().astype(np.float64)
        length = np.linalg.norm(points, axis=1, keepdims=True)
        if not length.all():
            zero = np.flatnonzero(length[:, 0] == 0.0)
            raise DegenerateSpace(
                f"{len(zero)} of {len(points)} {side} rows are zero and have no direction, the first is row {zero[0]}; "
                "leave dead features out and say how many there were"
            )
        units.append(points / length)
    return units


def _best_cosines(
    rows: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each row its largest cosine with any of the others, and where that one stands."""
    step = max(1, _CHUNK // len(others))
    best, partner = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), step):
        cosines = rows[start : start + step] @ others.T
        partner[start : start + step] = cosines.argmax(axis=1)
        best[start : start + step] = cosines.max(axis=1)
    return best, partner
