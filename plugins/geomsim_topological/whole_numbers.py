"""A check that parameters share: whole numbers from some least one on."""

from __future__ import annotations

from geomsim import InvalidConfig


def check_whole(name: str, value: object, least: int) -> None:
    """Raise InvalidConfig where a parameter is no whole number, or less than the least that it may be.

    >>> check_whole("draws", 99, least=1)
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidConfig(f"{name} is a whole number, at least {least}; got {value!r}")
