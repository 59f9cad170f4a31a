"""A study of 6 x 12 layers, 3,000 pairs, widths 512 and 768: time and peak memory of one process.

Layers share 48 directions of falling strength, as those of trained models do, and a little noise. Four metrics,
999 draws each: 288 comparisons, 287,712 draws.
"""

from __future__ import annotations

import resource
import time
import warnings

import numpy as np

import geomsim

LEFT_LAYERS, RIGHT_LAYERS, ROWS, WIDTHS = 6, 12, 3000, (512, 768)
METRICS = ["svcca", "rsa", "knn-jaccard", "mutual-knn"]


def layers() -> tuple[list[geomsim.Space], list[geomsim.Space]]:
    random = np.random.default_rng(0)
    shared = random.normal(size=(ROWS, 48)) / np.arange(1, 49) ** 0.5
    ids = [f"row {row}" for row in range(ROWS)]
    sides = []
    for number, width in zip((LEFT_LAYERS, RIGHT_LAYERS), WIDTHS, strict=True):
        spaces = []
        for layer in range(number):
            points = shared @ random.normal(size=(48, width)) + 0.02 * random.normal(size=(ROWS, width))
            spaces.append(geomsim.Space(points.astype(np.float32), ids, name=f"layer {layer}"))
        sides.append(spaces)
    return sides[0], sides[1]


def main() -> None:
    warnings.simplefilter("ignore", geomsim.GeomsimWarning)
    left, right = layers()
    pairs = [
        {"left": first, "right": second, "left_layer": i, "right_layer": j}
        for i, first in enumerate(left)
        for j, second in enumerate(right)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = time.perf_counter()
    study = geomsim.run_study({"pairs": pairs, "metrics": METRICS, "draws": 999})
    seconds = time.perf_counter() - started
    table = study.table
    print(f"{len(table)} comparisons of {ROWS} rows, widths {WIDTHS[0]} and {WIDTHS[1]}, 999 draws each\n")
    print("| metric | seconds | mean score | largest maxT p |")
    print("| --- | --- | --- | --- |")
    for name, rows in table.groupby("metric"):
        print(f"| {name} | {rows['seconds'].sum():.0f} | {rows['score'].mean():.3f} | {rows['maxt'].max():.3f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{seconds:.0f} s in all, peak memory {peak:.2f} GiB ({before:.2f} GiB before the study began)")


if __name__ == "__main__":
    main()
