"""What `explain` returns is an Explanation that can be written down."""

from __future__ import annotations

import json
from typing import Any

from geomsim.contract import Explanation, Metric
from geomsim.promises.clouds import largest
from geomsim.promises.outcomes import Broken


def explains(metric: Metric[Any]) -> str:
    """Tables have columns of one length, and facts go into JSON."""
    left, right = largest()
    found = metric.explain(metric.prepare(left), metric.prepare(right))
    if found is None:
        return "explains nothing"
    if not isinstance(found, Explanation):
        raise Broken(f"explain must return an Explanation or None, returned {type(found).__name__}")
    for table, columns in found.tables.items():
        if len({len(column) for column in columns.values()}) > 1:
            raise Broken(f"table {table!r} of explain has columns of unequal length")
    json.dumps(dict(found.facts))
    return f"facts: {', '.join(found.facts) or 'none'}; tables: {', '.join(found.tables) or 'none'}"
