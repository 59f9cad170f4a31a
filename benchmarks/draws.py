"""1,000 draws of a shuffle null against recomputing the metric as often, for every installed paired metric.

Recomputing means what code without `prepare` does: both sides anew for each order. Peers are timed in the same run:
geomsim's own `prepare` and `score` each time; for some the textbook recipe in numpy, scipy and scikit-learn; for
`svcca` the recipe that published code follows, which whitens through the covariances after the SVDs. A few
recomputations are timed and their mean taken; draws are timed whole, as `geomsim.compare` makes them. The ratio is
one recomputation over one draw. A second table times nulls that need no draws at all.

Clouds: "latent" has 48 shared directions of falling strength and a little noise; "power law" has principal components
whose standard deviations fall like 1 / i; "noise" is white. An SVCCA draw costs what the kept components cost (99% of
the variance), so their number stands in the table; of noise it keeps nearly all.
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
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim.nulls import Shuffle, Trial

ROWS, WIDTH, DRAWS, RECOMPUTED = 1000, 256, 1000, 8
KINDS = ("latent", "power law", "noise")
# Where the number of rows and columns that a study typically has is another one.
SIZES = {"rsa": (400, 256), "cka": (200, 500), "debiased-cka": (200, 500)}
FEW_DRAWS = {"linear-predictivity": 100}
EXACT = ("cka", "debiased-cka", "rsa", "mutual-knn", "cknna", "rank-biased-overlap")
Points = NDArray[np.float64]


def clouds(kind: str, rows: int = ROWS, width: int = WIDTH) -> tuple[Points, Points]:
    random = np.random.default_rng(0)
    fall = 1 / np.arange(1, width + 1)
    shared = random.normal(size=(rows, 48)) / np.arange(1, 49) ** 0.5
    sides = []
    for _ in range(2):
        noise = random.normal(size=(rows, width))
        mixing = random.normal(size=(width, width))
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


def plain_cka(left: Points, right: Points) -> float:
    K, L = ((points - points.mean(0)) @ (points - points.mean(0)).T for points in (left, right))
    return float((K * L).sum() / np.linalg.norm(K) / np.linalg.norm(L))


def plain_knn(left: Points, right: Points) -> float:
    lists = []
    for points in (left, right):
        centred = points - points.mean(0)
        search = NearestNeighbors(n_neighbors=11, metric="cosine").fit(centred)
        found = search.kneighbors(centred, return_distance=False)
        lists.append([set(row) - {i} for i, row in enumerate(found)])
    return float(np.mean([len(a & b) / len(a | b) for a, b in zip(*lists, strict=True)]))


PLAIN: dict[str, Callable[[Points, Points], float]] = {
    "svcca": plain_svcca, "rsa": plain_rsa, "cka": plain_cka, "knn-jaccard": plain_knn,
}  # fmt: skip
PUBLISHED: dict[str, Callable[[Points, Points], float]] = {"svcca": covariance_svcca}


def seconds_each(work: Callable[[NDArray[np.int64]], object], rows: int) -> float:
    """Mean seconds of one recomputation for a random order, after one to warm up."""
    random = np.random.default_rng(1)
    work(random.permutation(rows))
    started = time.perf_counter()
    for _ in range(RECOMPUTED):
        work(random.permutation(rows))
    return (time.perf_counter() - started) / RECOMPUTED


def seconds_of_a_draw(metric: geomsim.PairedMetric, left: torch.Tensor, right: torch.Tensor, draws: int) -> float:
    """Seconds per draw of the shuffle null of `geomsim.compare`, from the prepared states to the p-value."""
    states = metric.prepare(left), metric.prepare(right)
    observed = float(metric.score(*states, torch.arange(len(left))))
    trial = Trial(metric, left, right, *states, observed, draws=draws)
    Shuffle().judge(replace(trial, draws=20))
    started = time.perf_counter()
    Shuffle().judge(trial)
    return (time.perf_counter() - started) / draws


def table_of_draws(names: list[str]) -> None:
    heads = ["metric", "n, width", "data", "components", "one draw, ms", "recompute, ms", "ratio", "plain numpy, ms"]
    heads += ["ratio", "published recipe, ms", "ratio"]
    print(f"| {' | '.join(heads)} |")
    print("| --- " * len(heads) + "|")
    for name in names:
        metric = geomsim.metric(name)
        if not isinstance(metric, geomsim.PairedMetric):
            continue
        rows, width = SIZES.get(name, (ROWS, WIDTH))
        identity = torch.arange(rows)
        for kind in KINDS if name in PLAIN else KINDS[:1]:
            left, right = clouds(kind, rows, width)
            first, second = torch.from_numpy(left), torch.from_numpy(right)

            def anew(order, first=first, second=second, metric=metric, identity=identity):  # type: ignore[no-untyped-def]
                return metric.score(metric.prepare(first), metric.prepare(second[order]), identity)

            own = seconds_each(anew, rows)
            draw = seconds_of_a_draw(metric, first, second, FEW_DRAWS.get(name, DRAWS))
            found = geomsim.compare(left, right, metric, null=None)
            kept = str(found.facts.get("components left", "")) if "cca" in name else ""
            cells = [name, f"{rows}, {width}", kind, kept, f"{draw * 1e3:.2f}", f"{own * 1e3:.1f}", f"{own / draw:.0f}"]
            for peers in (PLAIN, PUBLISHED):
                if name not in peers:
                    cells += ["", ""]
                    continue
                peer = peers[name]
                expected = peer(left, right)
                assert abs(found.score - expected) < 1e-8, (name, kind, found.score, expected)
                seconds = seconds_each(lambda order: peer(left, right[order]), rows)  # noqa: B023 - called at once
                cells += [f"{seconds * 1e3:.1f}", f"{seconds / draw:.0f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def table_of_exact_nulls() -> None:
    print("\n| metric | n | exact null, s | p | 1,000 draws, s | p |")
    print("| --- " * 6 + "|")
    random = np.random.default_rng(2)
    for name in EXACT:
        for rows in (300, ROWS):
            shared = random.normal(size=(rows, 20))
            left, right = (0.25 * shared + random.normal(size=(rows, 20)) for _ in range(2))
            cells = [name, str(rows)]
            for null in ("exact", "shuffle"):
                geomsim.compare(left, right, name, null=null, draws=5)
                started = time.perf_counter()
                found = geomsim.compare(left, right, name, null=null, draws=DRAWS)
                cells += [f"{time.perf_counter() - started:.2f}", f"{found.p_value:.2g}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    warnings.simplefilter("ignore", geomsim.GeomsimWarning)
    print(f"{torch.get_num_threads()} threads, {DRAWS} draws\n")
    table_of_draws(geomsim.metrics())
    table_of_exact_nulls()
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
