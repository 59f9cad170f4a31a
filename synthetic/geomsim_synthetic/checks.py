"""What a setting may hold: numbers are checked where they enter, with a message that says what is possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig


def is_real(value: Any) -> bool:
    """Whether the value is one real number, of Python or numpy; True and False are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def whole(name: str, value: Any, least: int) -> int:
    """The value as a whole number of at least `least`, or InvalidConfig."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InvalidConfig(f"{name}={value!r} must be a whole number of at least {least}")
    return int(value)


def number(name: str, value: Any, least: float = 0.0) -> float:
    """The value as a finite number of at least `least`, or InvalidConfig."""
    if not is_real(value) or not least <= value < np.inf:
        raise InvalidConfig(f"{name}={value!r} must be a finite number of at least {least:g}")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """The value as a number from 0 to 1, or InvalidConfig."""
    if not is_real(value) or not 0.0 <= value <= 1.0:
        raise InvalidConfig(f"{name}={value!r} must be a fraction between 0 and 1")
    return float(value)


def probability(name: str, value: Any) -> float:
    """The value as a number above 0 and below 1, or InvalidConfig."""
    if not is_real(value) or not 0.0 < value < 1.0:
        raise InvalidConfig(
            f"{name}={value!r} is no firing probability: it must be above 0 and below 1, "
            "since what fires never or always correlates with nothing"
        )
    return float(value)


def probabilities(name: str, values: Any, n_expected: int) -> NDArray[np.float64]:
    """The values as one probability per feature, each above 0 and below 1, or InvalidConfig."""
    try:
        given = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidConfig(f"{name}={values!r} must be one probability per feature: {error}") from None
    if given.shape != (n_expected,):
        raise InvalidConfig(
            f"{name} must hold one probability for each of the {n_expected} features, got shape {given.shape}"
        )
    outside = ~((given > 0.0) & (given < 1.0))
    if outside.any():
        first = int(np.argmax(outside))
        raise InvalidConfig(
            f"{name}[{first}] = {given[first]:g} is no firing probability: it must be above 0 and below 1, "
            f"since what fires never or always correlates with nothing ({int(outside.sum())} of {n_expected} are out)"
        )
    return given


def refuse_unknown(names: Iterable[str], known: Sequence[str], what: str) -> None:
    """Raise InvalidConfig on a name that is not known, with the one that may have been meant."""
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise InvalidConfig(
                f"{name!r} is no {what}{f'; did you mean {near[0]!r}?' if near else ''} (there are {', '.join(known)})"
            )


def one_of(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """The value, if it is one of the choices, or InvalidConfig."""
    if value not in choices:
        raise InvalidConfig(f"{name}={value!r} must be one of {', '.join(choices)}")
    return str(value)
