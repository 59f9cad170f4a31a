"""The loops of two networks that learned to add, found, certified, judged and matched; and none in an untrained one.

python run.py                   # some five minutes on two cores; results.json, README.md and figures
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
from adders import HERE, MODELS, PLANES, Floats, Plane, embeddings, residuals
from train import MODULUS
from writing import readme, save_figures

from geomsim import GeomsimError, GeomsimWarning
from geomsim_topological.circular_coordinates import find_loops
from geomsim_topological.loop_matcher import match_loops
from geomsim_topological.loop_significance import loop_significance

DRAWS, PLANE_DRAWS = 999, 99


def frequencies(points: Floats) -> dict[int, float]:
    """The share of the embeddings' variance at each frequency of Z/p, where it is a twentieth or more."""
    power = np.square(np.abs(np.fft.fft(points - points.mean(axis=0), axis=0))).sum(axis=1)[1 : MODULUS // 2 + 1]
    shares = power / power.sum()
    return {int(place) + 1: round(float(shares[place]), 3) for place in np.argsort(-shares) if shares[place] >= 0.05}


def loops_of(name: str) -> dict[str, Any]:
    """The loops of a model's embeddings: the longest against chance, and the frequency that each of two turns at."""
    points = embeddings(name)
    judged = loop_significance(points, landmarks=None, draws=DRAWS)
    found = find_loops(points)
    turning = []
    for loop in range(2):
        try:
            angles = found.coordinates(loop).angles
        except GeomsimError:
            turning.append(None)  # no integer cocycle: a tangle, not a circle
            continue
        if not np.isfinite(angles).all():
            turning.append(None)  # a loop of some of the numbers only
            continue
        strength = np.abs(np.fft.fft(np.exp(1j * angles))) / MODULUS
        place = int(strength.argmax())
        turning.append({"frequency": min(place, MODULUS - place), "share": round(float(strength[place]), 3)})
    return {
        "accuracy": json.loads((HERE / name / "config.json").read_text(encoding="utf-8"))["accuracy"],
        "frequencies": frequencies(points),
        "lengths": judged.diagram.persistence[:4].tolist(),
        "chance": float(judged.lengths.mean()),
        "longest by chance": float(judged.lengths.max()),
        "p": judged.p_value,
        "turning": turning,
    }


def at_the_equals_sign(name: str) -> list[dict[str, float]]:
    """The longest loop of the residual stream over all sums in each plane, when it is certain, and by chance."""
    found = []
    for number in range(PLANES):
        judged = loop_significance(residuals(name), landmarks=500, draws=PLANE_DRAWS, before=Plane(number))
        found.append(
            {
                "longest": judged.length,
                "certain beyond": 4 * judged.diagram.covering_radius,
                "chance": float(judged.lengths.mean()),
                "p": judged.p_value,
            }
        )
    return found


def matched(left: str, right: str) -> dict[str, Any]:
    """Two loops of each against each other at every winding of Z/p; p is corrected over all that is tried."""
    windings = [(turns, 1) for turns in range(1, MODULUS // 2 + 1)]
    match = match_loops(embeddings(left), embeddings(right), loops=2, windings=windings, draws=DRAWS)
    best = [pair for pair in match.pairs if pair.p_corrected <= 0.05]
    return {
        "correlation": match.correlation,
        "p": match.p_value,
        "pairs": [
            {
                "left loop": pair.left_loop + 1,
                "right loop": pair.right_loop + 1,
                "winding": pair.windings[0],
                "correlation": pair.correlation,
                "direction": pair.direction,
                "p": pair.p_corrected,
            }
            for pair in best
        ],
    }


def main() -> None:
    warnings.simplefilter("ignore", GeomsimWarning)  # where no loop is certified; the tables say so
    results: dict[str, Any] = {"draws": DRAWS, "plane draws": PLANE_DRAWS, "models": {}, "sums": {}, "matches": {}}
    for name in MODELS:
        print(f"loops of {name} ...", flush=True)
        results["models"][name] = loops_of(name)
        results["sums"][name] = at_the_equals_sign(name)
    for right in MODELS[1:]:
        print(f"matching left with {right} ...", flush=True)
        results["matches"][f"left, {right}"] = matched("left", right)
    (HERE / "results.json").write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (HERE / "README.md").write_text(readme(results), encoding="utf-8")
    for figure in save_figures():
        print(f"wrote {figure}")


if __name__ == "__main__":
    main()
