"""The promises of the metric contract, each as a check on data: what :mod:`geomsim.testing` runs.

A check returns its evidence in words (None: nothing to add), raises `Broken` with the smallest example that breaks the
promise, or `Skipped` with the reason why it could not be tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geomsim.contract import Metric
from geomsim.promises.declarations import declares, through_json
from geomsim.promises.degenerate import degenerate, two_rows, unequal_widths
from geomsim.promises.devices import cpu_equals_cuda
from geomsim.promises.direction import self_is_best, symmetry
from geomsim.promises.explanation import explains
from geomsim.promises.invariances import invariances
from geomsim.promises.orders import many_orders, moments, order_law, row_order
from geomsim.promises.outcomes import Broken as Broken
from geomsim.promises.outcomes import Skipped as Skipped
from geomsim.promises.triangle import triangle_inequality
from geomsim.promises.values import finite, inputs_untouched, precision, repeatable

PROMISES: tuple[tuple[str, Callable[[Metric[Any]], str | None]], ...] = (
    ("declarations", declares),
    ("parameters through JSON", through_json),
    ("finite 0-d score within its range", finite),
    ("inputs untouched", inputs_untouched),
    ("repeatable, nothing kept on the metric", repeatable),
    ("order law", order_law),
    ("many orders like one by one", many_orders),
    ("exact moments", moments),
    ("indifferent to row order", row_order),
    ("self is best", self_is_best),
    ("float32 close to float64", precision),
    ("symmetry", symmetry),
    ("triangle inequality", triangle_inequality),
    ("invariances, both ways", invariances),
    ("degenerate points", degenerate),
    ("two rows", two_rows),
    ("unequal widths", unequal_widths),
    ("explanation", explains),
    ("CPU equals CUDA", cpu_equals_cuda),
)
"""Name and check of every promise, in the order in which they are tried."""
