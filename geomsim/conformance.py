"""The promises of the metric contract, tried one after the other on one metric."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from geomsim.cards import Promise
from geomsim.contract import Metric
from geomsim.errors import GeomsimError, GeomsimWarning
from geomsim.promises import PROMISES, Broken, Skipped

CHECKS: tuple[str, ...] = tuple(name for name, _ in PROMISES)
"""The names of all promises, in the order in which they are tried."""


def promises_of(metric: Metric[Any]) -> Iterator[Promise]:
    """Each promise, kept or not, as soon as it was tried."""
    for name, check in PROMISES:
        # Inside the loop: a generator that is left early must not leave the filters changed.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)  # the kit's clouds are small on purpose
            promise = _tried(metric, name, check)
        yield promise


def parameters_of(metric: Metric[Any]) -> dict[str, Any]:
    """The parameters of a metric that may be none of a dataclass."""
    return metric.parameters() if dataclasses.is_dataclass(metric) else {}


def _tried(metric: Metric[Any], name: str, check: Callable[[Metric[Any]], str | None]) -> Promise:
    try:
        return Promise(name, True, check(metric) or "kept")
    except Broken as evidence:
        return Promise(name, False, str(evidence), getattr(evidence, "example", None))
    except Skipped as reason:
        return Promise(name, True, f"not tried: {reason}")
    except GeomsimError as error:
        return Promise(name, False, f"raised {type(error).__name__} on ordinary points: {error}")
    except Exception as error:  # a third-party metric may fail in any way; the card says how
        return Promise(name, False, f"crashed with {type(error).__name__}: {error}")
