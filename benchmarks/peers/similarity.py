"""RSA, distance correlation, CKA and lists of neighbours beside rsatoolbox, dcor, torch and scikit-learn."""

from __future__ import annotations

import importlib
from typing import Any

import draws as benchmark
import numpy as np

from peers.task import Floats, Task

Clouds = tuple[Floats, Floats]
DRAWS, REDRAWN = 999, 20
RESAMPLES = 199
K = 10


def latent(rows: int, width: int) -> Clouds:
    """Two clouds that share 48 directions."""
    return benchmark.clouds("latent", rows, width)


def orders(rows: int, draws: int) -> list[Any]:
    """The first orders of a shuffle null with seed 0."""
    from geomsim.orders import row_orders

    return list(row_orders(rows, draws, 0))


def our_score(name: str, **parameters: Any) -> Any:
    """A function from two clouds to their score."""

    def scored(clouds: Clouds) -> Floats:
        import geomsim

        found = geomsim.compare(*clouds, geomsim.metric(name, **parameters), null=None)
        return np.array([found.score])

    return scored


def our_null(name: str, draws: int, shown: int, **parameters: Any) -> Any:
    """A function from two clouds to the score and the first draws of its null, of which `draws` are made."""

    def scored(clouds: Clouds) -> Floats:
        import geomsim

        found = geomsim.compare(*clouds, geomsim.metric(name, **parameters), draws=draws, seed=0)
        return np.array([found.score, *np.asarray(found.null)[:shown]])

    return scored


def toolbox() -> Any:
    """rsatoolbox, whose types are incomplete."""
    return importlib.import_module("rsatoolbox")


def rdms(clouds: Clouds) -> list[Any]:
    """Squared Euclidean distances, as rsatoolbox makes them."""
    rsatoolbox = toolbox()
    return [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(points), method="euclidean") for points in clouds]


def rsa_of_rsatoolbox(clouds: Clouds) -> Floats:
    """Spearman's correlation of two RDMs."""
    rsatoolbox = toolbox()
    return np.array([rsatoolbox.rdm.compare(*rdms(clouds), method="spearman")[0, 0]])


def rsa_null_of_rsatoolbox(made: list[Any]) -> Floats:
    """One of two RDMs is reordered and compared again, and again."""
    rsatoolbox = toolbox()
    left, right = made
    found = [rsatoolbox.rdm.compare(left, right, method="spearman")[0, 0]]
    for order in orders(right.n_cond, REDRAWN):
        moved = right.copy()
        moved.reorder(order)
        found.append(rsatoolbox.rdm.compare(left, moved, method="spearman")[0, 0])
    return np.array(found)


def our_standard_error(clouds: Clouds) -> Floats:
    """The score and its standard error by a jackknife over 50 blocks of rows."""
    import geomsim

    metric = geomsim.metric("rsa", dissimilarity="sqeuclidean")
    found = geomsim.compare(*clouds, metric, null=None, interval="jackknife")
    assert found.interval is not None
    return np.array([found.score, found.interval.se])


def bootstrapped_by_rsatoolbox(clouds: Clouds) -> Floats:
    """The score and its standard deviation over 199 bootstraps of patterns."""
    rsatoolbox = toolbox()
    np.random.seed(0)  # noqa: NPY002 - rsatoolbox draws from numpy's global numbers
    left, right = rdms(clouds)
    for each in (left, right):
        each.pattern_descriptors["index"] = list(range(each.n_cond))
    model = rsatoolbox.model.ModelFixed("left", left)
    found = rsatoolbox.inference.eval_bootstrap_pattern(
        model, right, method="spearman", N=RESAMPLES, boot_noise_ceil=False
    )
    score = rsatoolbox.rdm.compare(left, right, method="spearman")[0, 0]
    return np.array([score, float(np.nanstd(found.evaluations))])


def dcor_of_dcor(clouds: Clouds) -> Floats:
    """Distance correlation."""
    import dcor

    return np.array([dcor.distance_correlation(*clouds)])


def our_dcor_test(clouds: Clouds) -> Floats:
    """The p-value of a permutation test."""
    import geomsim

    return np.array([geomsim.compare(*clouds, "distance-correlation", draws=RESAMPLES).p_value])


def dcor_test_of_dcor(clouds: Clouds) -> Floats:
    """The p-value of a permutation test."""
    import dcor

    found = dcor.independence.distance_covariance_test(*clouds, num_resamples=RESAMPLES, random_state=0)
    return np.array([found.pvalue])


def cka_of_torch(clouds: Clouds) -> Floats:
    """Linear CKA through the products of columns, or of rows where these are fewer; float64."""
    import torch

    left, right = (torch.from_numpy(points - points.mean(0)) for points in clouds)
    if len(left) < left.shape[1]:
        K, L = left @ left.T, right @ right.T
        return np.array([float((K * L).sum() / K.norm() / L.norm())])
    cross = (left.T @ right).square().sum()
    return np.array([float(cross / (left.T @ left).norm() / (right.T @ right).norm())])


def our_neighbours(clouds: Clouds) -> Floats:
    """Row numbers of the nearest, rising."""
    import torch

    from geomsim_representational.neighbours import neighbour_lists, placed

    return np.asarray(neighbour_lists(placed(torch.from_numpy(clouds[0]), "cosine", True), K).rows.numpy(), dtype=float)


def neighbours_of_sklearn(clouds: Clouds) -> Floats:
    """Row numbers of the nearest, rising; `kneighbors()` without points leaves the row itself out."""
    from sklearn.neighbors import NearestNeighbors

    centred = clouds[0] - clouds[0].mean(0)
    search = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(centred)
    return np.sort(search.kneighbors(return_distance=False), axis=1).astype(float)


SQUARED = {"dissimilarity": "sqeuclidean"}
TASKS = (
    Task(
        "rsa", "RSA: squared distances, Spearman", "rsatoolbox", (1_000, 256), (200, 48), "{:,} rows, width {}", latent,
        our_score("rsa", **SQUARED), rsa_of_rsatoolbox, 1e-9, ("rsatoolbox",),
    ),
    Task(
        "rsa-null", "RSA: 999 draws of a shuffle null", "rsatoolbox", (400, 256), (200, 48), "{:,} rows, width {}",
        latent, our_null("rsa", DRAWS, REDRAWN, **SQUARED), rsa_null_of_rsatoolbox, 1e-9, ("rsatoolbox",),
        note="rsatoolbox has no permutation test: its RDMs, ready made, are reordered and compared",
        draws=(DRAWS + 1, REDRAWN + 1), peer_given=rdms,
    ),
    Task(
        "rsa-error", "RSA: standard error of the score", "rsatoolbox", (200, 64), (200, 48), "{:,} rows, width {}",
        latent, our_standard_error, bootstrapped_by_rsatoolbox, None, ("rsatoolbox",),
        note="another number (score, standard error): a bootstrap of 199 repeats rows, whose distance is 0 and left "
        "out; geomsim makes a jackknife of 50 blocks",
    ),
    Task(
        "distance-correlation", "distance correlation", "dcor", (1_500, 64), (200, 48), "{:,} rows, width {}", latent,
        our_score("distance-correlation"), dcor_of_dcor, 1e-9, ("dcor",),
    ),
    Task(
        "distance-correlation-test", "distance correlation: permutation test, 199 draws", "dcor", (500, 64), (200, 48),
        "{:,} rows, width {}", latent, our_dcor_test, dcor_test_of_dcor, None, ("dcor",),
        note="p-values from other permutations",
    ),
    Task(
        "cka", "linear CKA, float64", "torch", (3_000, 256), (200, 48), "{:,} rows, width {}", latent, our_score("cka"),
        cka_of_torch, 1e-9, ("torch",), note="geomsim keeps what 999 draws need, which one score does not",
    ),
    Task(
        "neighbours", "10 nearest rows by cosine, float64", "scikit-learn", (5_000, 256), (200, 48),
        "{:,} rows, width {}", latent, our_neighbours, neighbours_of_sklearn, 0.0, ("scikit-learn",), ("sklearn",),
        note="geomsim also finds ties",
    ),
)  # fmt: skip
