"""The published formulas as metrics that a recipe can name, each with what is wrong and what takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geomsim
from geomsim import DegenerateSpace, InvalidConfig, PairedMetric, metric, metrics
from geomsim_audit.published import cka_not_centred, cka_with_epsilon, leading_components, neighbour_jaccard_with_self

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OneComponentSVCCA(PairedMetric[Any]):
    """:func:`geomsim_audit.published.svcca_of_one_component`, its one-sided work done once.

    The kept components of both sides and the mean of their canonical correlations: |corr(PC1, PC1')| wherever the
    variance of the points is above 1 (and only there unchanged by scaling). Range [0, 1].
    """

    threshold: float = 0.99

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> Tensor:
        """The kept left singular vectors, (rows, kept), in float64; DegenerateSpace for constant points."""
        import torch

        array = points.detach().double().cpu().numpy()
        if not (array != array[:1]).any():
            raise DegenerateSpace("all rows are equal, so there is no component")
        return torch.from_numpy(leading_components(array, self.threshold).copy())

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """Mean canonical correlation of the kept components."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        """One small product per order."""
        import torch

        products = torch.einsum("na,mnb->mab", left, right[orders.cpu()])
        scores: Tensor = torch.linalg.svdvals(products).mean(-1)
        return scores


@dataclass(frozen=True)
class PublishedMetric:
    """A name for recipes.

    Attributes
    ----------
    make
        the metric.
    meant
        the installed metric that it is said to be.
    corrected
        the installed metric that takes its place.
    measures
        whether its number depends on what the claim is about at all; where it does not, the claim was never tested.
    fault
        what is wrong with it, in one sentence.
    """

    make: Callable[[], PairedMetric[Any]]
    meant: str
    corrected: str
    measures: bool
    fault: str


def _function(function: Callable[[Any, Any], float], name: str) -> Callable[[], PairedMetric[Any]]:
    def make() -> PairedMetric[Any]:
        made = geomsim.testing.function_metric(function, score_range=(0.0, 1.0), name=name)
        assert isinstance(made, PairedMetric)
        return made

    return make


PUBLISHED = {
    "svcca-of-one-component": PublishedMetric(
        OneComponentSVCCA, "svcca", "svcca", False,
        "the cut for the components is never reached, so one is kept: the number is |corr(PC1, PC1')|, and says "
        "nothing about all other directions",
    ),
    "cka-not-centred": PublishedMetric(
        _function(cka_not_centred, "cka-not-centred"), "cka", "debiased-cka", False,
        "columns were not centred, so two clouds off the origin are alike whatever their shape",
    ),
    "cka-with-epsilon": PublishedMetric(
        _function(cka_with_epsilon, "cka-with-epsilon"), "cka", "debiased-cka", True,
        "a constant in the denominator makes the score depend on the unit, and few rows make it high",
    ),
    "knn-jaccard-with-self": PublishedMetric(
        _function(neighbour_jaccard_with_self, "knn-jaccard-with-self"), "knn-jaccard", "knn-jaccard", True,
        "each row is among its own neighbours, which adds up to 1 / (2k - 1)",
    ),
}  # fmt: skip
"""Metrics as published, by the name that a recipe gives them."""

_BIASED = {
    "cka": (
        "debiased-cka",
        "it is high where rows are few for the width: noise, 50 rows of width 500, has .91",
    )
}


def made(name: str) -> PairedMetric[Any]:
    """A metric as published, or an installed one; InvalidConfig for one that no pair of rows can be scored by."""
    if name in PUBLISHED:
        return PUBLISHED[name].make()
    if name not in metrics():
        raise InvalidConfig(
            f"there is no metric {name!r}; as published there are {', '.join(PUBLISHED)}, and installed are "
            f"{', '.join(sorted(metrics()))}"
        )
    found = metric(name)
    if not isinstance(found, PairedMetric):
        raise InvalidConfig(f"{name} knows no pairs of rows, and a claim here is about pairs; name a paired metric")
    return found


def corrected_name(name: str) -> str:
    """The metric that takes the place of a published one; an installed metric without a known trap is its own."""
    if name in PUBLISHED:
        return PUBLISHED[name].corrected
    return _BIASED[name][0] if name in _BIASED else name


def fault_of(name: str) -> str:
    """What is wrong with a metric, or "" where nothing is known to be."""
    if name in PUBLISHED:
        return PUBLISHED[name].fault
    return _BIASED[name][1] if name in _BIASED else ""


def sentence_of(name: str) -> str:
    """What a metric measures, in the first sentence of its own words; "" where it has none.

    >>> sentence_of("svcca-of-one-component")
    'Meant as svcca. Mean canonical correlation of the leading principal components of both sides.'
    """
    if name in PUBLISHED:
        meant = PUBLISHED[name].meant
        return f"Meant as {meant}. {sentence_of(meant)}"
    first = (type(metric(name)).__doc__ or "").strip().split("\n\n")[0]
    return " ".join(first.replace("`", "").split())


def measures(name: str) -> bool:
    """Whether the number of this metric depends on what a claim of likeness is about.

    >>> measures("svcca-of-one-component"), measures("rsa")
    (False, True)
    """
    return name not in PUBLISHED or PUBLISHED[name].measures
