"""999 draws of a shuffle null against recomputing the metric 999 times, for every installed paired metric.

Recomputing means what code without `prepare` does: both sides anew for each order. Two peers are timed in the same run:
geomsim's own `prepare` and `score` each time, and, for `svcca` and `rsa`, the textbook recipe in plain numpy and scipy;
for `svcca` also the recipe that published code follows, which whitens through the covariances after the SVDs. A few recomputations are timed and their mean taken; draws are timed whole, as `geomsim.compare` makes them. The ratio
is (999 x one recomputation) / (999 draws).

Clouds of n = 1,000 rows: "latent" has 48 shared directions of falling strength and a little noise; "power law" has
principal components whose standard deviations fall like 1 / i; "noise" is white. An SVCCA draw costs what the kept
components cost (99% of the variance), so their number stands in the table; of noise it keeps nearly all.
"""

from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

import geomsim
from geomsim.nulls import Shuffle, Trial

ROWS, WIDTH, DRAWS, RECOMPUTED = 1000, 256, 999, 8
Points = NDArray[np.float64]


def clouds(kind: str) -> tuple[Points, Points]:
    random = np.random.default_rng(0)
    fall = 1 / np.arange(1, WIDTH + 1)
    shared = random.normal(size=(ROWS, 48)) / np.arange(1, 49) ** 0.5
    sides = []
    for _ in range(2):
        noise = random.normal(size=(ROWS, WIDTH))
        mixing = random.normal(size=(WIDTH, WIDTH))
        if kind == "latent":
            sides.append(shared @ mixing[:48] + 0.02 * noise)
        else:
            sides.append(noise * fall @ np.linalg.qr(mixing)[0] if kind == "power law" else noise)
    return sides[0], sides[1]


def plain_svcca(left: Points, right: Points) -> float:
    bases = []
    for points in (left, right):
        U, s, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
        share = np.cumsum(s**2) / np.sum(s**2)
        bases.append(U[:, : int((share < 0.99).sum()) + 1])
    return float(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False).mean())


def covariance_svcca(left: Points, right: Points) -> float:
    """SVD of each side, then CCA of what is kept by inverse square roots of the covariances, as published code does."""
    kept = []
    for points in (left, right):
        centred = points - points.mean(0)
        _, s, Vh = np.linalg.svd(centred, full_matrices=False)
        share = np.cumsum(s**2) / np.sum(s**2)
        kept.append(centred @ Vh[: int((share < 0.99).sum()) + 1].T)
    k = kept[0].shape[1]
    covariance = np.cov(np.hstack(kept), rowvar=False)
    whitening = []
    for block in (covariance[:k, :k], covariance[k:, k:]):
        values, vectors = np.linalg.eigh(block)
        whitening.append(vectors / np.sqrt(values) @ vectors.T)
    cross = whitening[0] @ covariance[:k, k:] @ whitening[1]
    return float(np.linalg.svd(cross, full_matrices=True)[1].mean())


def plain_rsa(left: Points, right: Points) -> float:
    ranks = [rankdata(pdist(points, "correlation")) for points in (left, right)]
    return float(np.corrcoef(*ranks)[0, 1])


PLAIN: dict[str, Callable[[Points, Points], float]] = {"svcca": plain_svcca, "rsa": plain_rsa}
PUBLISHED: dict[str, Callable[[Points, Points], float]] = {"svcca": covariance_svcca}


def seconds_each(work: Callable[[NDArray[np.int64]], object]) -> float:
    """Mean seconds of one recomputation for a random order, after one to warm up."""
    random = np.random.default_rng(1)
    work(random.permutation(ROWS))
    started = time.perf_counter()
    for _ in range(RECOMPUTED):
        work(random.permutation(ROWS))
    return (time.perf_counter() - started) / RECOMPUTED


def seconds_of_draws(metric: geomsim.PairedMetric, left: torch.Tensor, right: torch.Tensor) -> float:
    """Seconds of the shuffle null of `geomsim.compare`: all draws from the prepared states, and the p-value."""
    states = metric.prepare(left), metric.prepare(right)
    observed = float(metric.score(*states, torch.arange(ROWS)))
    trial = Trial(metric, left, right, *states, observed, draws=DRAWS)
    Shuffle().judge(replace(trial, draws=20))
    started = time.perf_counter()
    Shuffle().judge(trial)
    return time.perf_counter() - started


def main() -> None:
    warnings.simplefilter("ignore", geomsim.GeomsimWarning)
    print(f"{torch.get_num_threads()} threads, n = {ROWS}, width {WIDTH}, {DRAWS} draws\n")
    heads = ["metric", "data", "components", "one draw, ms", "recompute, ms", "ratio", "plain numpy, ms", "ratio"]
    heads += ["published recipe, ms", "ratio"]
    print(f"| {' | '.join(heads)} |")
    print("| --- " * len(heads) + "|")
    identity = torch.arange(ROWS)
    for name in geomsim.metrics():
        metric = geomsim.metric(name)
        if not isinstance(metric, geomsim.PairedMetric):
            continue
        for kind in ("latent", "power law", "noise"):
            left, right = clouds(kind)
            first, second = torch.from_numpy(left), torch.from_numpy(right)

            def anew(order, first=first, second=second, metric=metric):  # type: ignore[no-untyped-def]
                return metric.score(metric.prepare(first), metric.prepare(second[order]), identity)

            own = seconds_each(anew)
            draw = seconds_of_draws(metric, first, second) / DRAWS
            found = geomsim.compare(left, right, metric, null=None)
            kept = str(found.facts.get("components left", ""))
            cells = [name, kind, kept, f"{draw * 1e3:.2f}", f"{own * 1e3:.0f}", f"{own / draw:.0f}"]
            for peers in (PLAIN, PUBLISHED):
                if name not in peers:
                    cells += ["", ""]
                    continue
                peer = peers[name]
                expected = peer(left, right)
                assert abs(found.score - expected) < 1e-8, (name, kind, found.score, expected)
                seconds = seconds_each(lambda order: peer(left, right[order]))  # noqa: B023 - called at once
                cells += [f"{seconds * 1e3:.0f}", f"{seconds / draw:.0f}"]
            print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
