"""The conformance kit: every promise of the metric contract, tried on data. Ours and other people's metrics pass it.

    >>> import geomsim
    >>> geomsim.testing.check_metric("procrustes")

In a plugin's own tests::

    def test_keeps_the_contract():
        geomsim.testing.check_metric(MyMetric())
"""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from geomsim.cards import Card as Card
from geomsim.cards import Promise as Promise
from geomsim.catalog import metric as metric_by_name
from geomsim.contract import Metric
from geomsim.errors import BrokenPromise, GeomsimError, GeomsimWarning
from geomsim.promises import PROMISES, Broken, Skipped


def check_metric(metric: str | Metric[Any] | type[Metric[Any]]) -> None:
    """Raise BrokenPromise on the first promise that the metric does not keep, with the smallest example found."""
    subject = _instance(metric)
    for promise in _promises(subject):
        if not promise.kept:
            raise BrokenPromise(f"{type(subject).__name__}: {promise.name}: {promise.evidence}")


def metric_card(metric: str | Metric[Any] | type[Metric[Any]]) -> Card:
    """Try every promise and return them all, kept or not."""
    subject = _instance(metric)
    name = metric if isinstance(metric, str) else type(subject).__name__
    parameters: dict[str, Any] = subject.parameters() if dataclasses.is_dataclass(subject) else {}
    return Card(name, tuple(_promises(subject)), parameters)


def _instance(metric: Any) -> Metric[Any]:
    if isinstance(metric, str):
        return metric_by_name(metric)
    if inspect.isclass(metric) and issubclass(metric, Metric):
        return metric()
    if isinstance(metric, Metric):
        return metric
    raise BrokenPromise(f"{metric!r} is no metric: derive from PairedMetric or UnpairedMetric")


def _promises(metric: Metric[Any]) -> Iterator[Promise]:
    for name, check in PROMISES:
        # Inside the loop: a generator that is left early must not leave the filters changed.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)  # the kit's clouds are small on purpose
            promise = _promise(metric, name, check)
        yield promise


def _promise(metric: Metric[Any], name: str, check: Callable[[Metric[Any]], str | None]) -> Promise:
    try:
        return Promise(name, True, check(metric) or "kept")
    except Broken as evidence:
        return Promise(name, False, str(evidence))
    except Skipped as reason:
        return Promise(name, True, f"not tried: {reason}")
    except GeomsimError as error:
        return Promise(name, False, f"raised {type(error).__name__} on ordinary points: {error}")
    except Exception as error:  # a third-party metric may fail in any way; the card says how
        return Promise(name, False, f"crashed with {type(error).__name__}: {error}")


CHECKS: tuple[str, ...] = tuple(name for name, _ in PROMISES)
"""The names of all promises, in the order in which they are tried."""
