"""What a pair of spaces is called: its labels in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LAYERS = ("left_layer", "right_layer")
_KIND = "kind"


def pair_name(labels: Mapping[str, Any]) -> str:
    """Labels as one says them: a kind by itself, both layers together, everything else with its name.

    >>> pair_name({"kind": "features", "left_layer": 0, "right_layer": 1})
    'features, layers 0 and 1'
    >>> pair_name({"left_layer": 0, "planted_share": 0.5})
    'left layer 0, planted share 0.5'
    >>> pair_name({})
    ''
    """
    both = all(labels.get(name) is not None for name in _LAYERS)
    told = []
    for name, value in labels.items():
        if value is None or (both and name == _LAYERS[1]):
            continue
        if both and name == _LAYERS[0]:
            told.append(f"layers {_text(value)} and {_text(labels[_LAYERS[1]])}")
        else:
            told.append(_text(value) if name == _KIND else f"{name.replace('_', ' ')} {_text(value)}")
    return ", ".join(told)


def _text(value: Any) -> str:
    """Whole numbers come back from a table as floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
