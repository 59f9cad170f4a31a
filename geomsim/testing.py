"""The conformance kit and the metric card: what a metric promises, tried on data, and what is measured of it.

Ours and other people's metrics pass it, and plain functions of other libraries can be put through it.

    >>> import geomsim
    >>> geomsim.testing.check_metric("procrustes")

In a plugin's own tests::

    def test_keeps_the_contract():
        geomsim.testing.check_metric(MyMetric())
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from geomsim.cards import Card as Card
from geomsim.cards import Measurement as Measurement
from geomsim.cards import Promise as Promise
from geomsim.catalog import metric as metric_by_name
from geomsim.catalog import name_of
from geomsim.conformance import CHECKS as CHECKS
from geomsim.conformance import promises_of
from geomsim.contract import Metric
from geomsim.errors import BrokenPromise
from geomsim.function_metric import function_metric as function_metric


def check_metric(metric: str | Metric[Any] | type[Metric[Any]]) -> None:
    """Raise BrokenPromise on the first promise that the metric does not keep, with the smallest example found."""
    subject = _instance(metric)
    for promise in promises_of(subject):
        if not promise.kept:
            raise BrokenPromise(f"{type(subject).__name__}: {promise.name}: {promise.evidence}")


def metric_card(
    metric: str | Metric[Any] | type[Metric[Any]] | Callable[[Any, Any], float],
    *,
    measure: Literal["quick", "full"] | None = "quick",
    seed: int = 0,
    **claims: Any,
) -> Card:
    """All promises of a metric, kept or not, and what was measured of it on synthetic truth.

    Parameters
    ----------
    metric
        an installed metric's name, an instance, a class to be used with its defaults, or a plain function of two
        arrays.
    measure
        how much: "quick" takes seconds for most metrics, "full" minutes to an hour (500 data sets for each null,
        5,000 rows); None tries the promises of the contract and looks for known faults.
    seed
        where everything random starts. Equal seeds give equal cards, but for what is measured of the machine.
    claims
        of a plain function, see :func:`function_metric`: whether rows are paired, what a larger score means, ...

    Returns
    -------
    Card
        `promises`, `measured` (calibration, power, dose and response, confounding, loops, cost), `faults`, `remarks`.

    >>> card = metric_card("procrustes", measure=None)
    >>> card.kept, len(card.promises) == len(CHECKS)
    (True, True)
    """
    subject = _instance(metric, claims)
    name = metric if isinstance(metric, str) else name_of(subject)
    from geomsim.validation import validate

    return next(iter(validate({name: subject}, effort=measure, seed=seed)))


def _instance(metric: Any, claims: Mapping[str, Any] = MappingProxyType({})) -> Metric[Any]:
    is_function = callable(metric) and not inspect.isclass(metric) and not isinstance(metric, Metric)
    if is_function:
        return function_metric(metric, **claims)
    if claims:
        raise BrokenPromise(f"claims ({', '.join(claims)}) are made of plain functions; a metric makes its own")
    if isinstance(metric, str):
        return metric_by_name(metric)
    if inspect.isclass(metric) and issubclass(metric, Metric):
        return metric()
    if isinstance(metric, Metric):
        return metric
    raise BrokenPromise(f"{metric!r} is no metric: derive from PairedMetric or UnpairedMetric")
