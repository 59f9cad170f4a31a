"""Every installed metric, and the parameters that change what a metric promises, through the conformance kit."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch

import geomsim
from geomsim import contract
from geomsim.testing import CHECKS, Card, metric_card

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *(
        ("rsa", {"dissimilarity": dissimilarity, "compare": compare})
        for dissimilarity, compare in product(
            ("correlation", "euclidean", "sqeuclidean", "cosine"), ("spearman", "pearson", "cosine", "whitened-cosine")
        )
    ),
    *(
        ("knn-jaccard", {"k": k, "distance": distance, "centre": centre})
        for k, distance, centre in product((1, 5), ("cosine", "euclidean"), (True, False))
    ),
    *(
        ("singular-values", {"normalize": normalize, "distance": distance, "centre": centre})
        for normalize, distance, centre in product(("l2", "sum", "max", None), ("l2", "wasserstein"), (True, False))
    ),
    *(("rsa", {"dissimilarity": kind, "compare": "kendall"}) for kind in ("correlation", "euclidean")),
    ("svcca", {"kept_variance": 0.8}),
    ("svcca", {"statistic": "mean-squared"}),
    ("cca", {"statistic": "mean-squared"}),
    ("pwcca", {"side": "left"}),
    ("pwcca", {"side": "right"}),
    ("cka", {"kernel": "rbf"}),
    ("debiased-cka", {"kernel": "rbf"}),
    ("distance-correlation", {"debiased": True}),
    ("linear-predictivity", {"direction": "right-to-left"}),
    ("mmcs", {"direction": "right-to-left"}),
    ("svcca", {"components": 2}),
    *(
        (f"persistence-{name}", parameters)
        for name in ("bottleneck", "landscape", "wasserstein")
        for parameters in ({"dimension": 0}, {"normalise": False}, {"landmarks": 40})
    ),
    ("persistence-wasserstein", {"order": 2}),
    ("persistence-bottleneck", {"dimension": 2, "landmarks": 40}),
    *(
        (f"mapper-{name}", parameters)
        for name in ("cka", "transport", "hypergraph", "persistence", "gromov", "fused")
        for parameters in ({"components": 1, "n_cubes": 2}, {"relative_eps": 0.8, "n_cubes": 4, "min_samples": 1})
    ),
    ("mapper-persistence", {"component": 1, "filled": False}),
    ("mapper-gromov", {"normalise": True}),
    ("mapper-fused", {"alpha": 0.0}),
    ("mapper-fused", {"alpha": 1.0}),
    ("gromov-wasserstein", {"landmarks": 6}),
    ("gromov-wasserstein", {"normalise": "rms"}),
    ("gromov-wasserstein", {"normalise": None}),
    ("rtd", {"rows": 12}),
    ("rtd", {"scale": "root-mean-square"}),
    ("rtd-lite", {"scale": "root-mean-square"}),
    ("heat-trace", {"k": 2}),
    ("geometry-score", {"repeats": 5, "landmarks": 16, "gamma": 0.05}),
]
SUBJECTS = [(name, {}) for name in geomsim.metrics()] + VARIANTS


def called(subject: tuple[str, dict[str, Any]]) -> str:
    name, parameters = subject
    return name + "".join(f" {key}={value}" for key, value in parameters.items())


@cache
def card(place: int) -> Card:
    """All promises of one metric, tried once."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        name, parameters = SUBJECTS[place]
        return metric_card(geomsim.metric(name, **parameters), measure=None)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("place", range(len(SUBJECTS)), ids=[called(subject) for subject in SUBJECTS])
def test_keeps_the_contract(place: int, check: str) -> None:
    promise = next(promise for promise in card(place).promises if promise.name == check)
    assert promise.kept, promise.evidence
    if promise.evidence.startswith("not tried"):
        pytest.skip(promise.evidence)


@pytest.mark.parametrize("subject", VARIANTS, ids=called)
def test_variants_are_of_installed_metrics(subject: tuple[str, dict[str, Any]]) -> None:
    assert geomsim.metric(subject[0], **subject[1]).parameters().items() >= subject[1].items()


def test_the_example_of_the_contract_is_complete() -> None:
    page = inspect.getdoc(contract) or ""
    example = textwrap.dedent(page.partition("A complete metric::")[2])
    names = {"dataclass": dataclass, "torch": torch, "Tensor": torch.Tensor, **vars(geomsim)}
    exec(example, names)
    geomsim.testing.check_metric(names["SpreadAgreement"]())
