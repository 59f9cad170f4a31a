"""How alike a cell is, as a shade: from 0 at its own chance (or worse) to 1 at the most alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from geomsim.errors import GeomsimError
from geomsim.report.cells import Record, is_noise_floor, number_in, reference_text
from geomsim.report.look import number_text

Value = Literal["score", "corrected", "z"]

# The strongest colour stands for at least so many standard deviations: a panel of pure chance stays faint.
_LEAST_REACH = 5.0


def shades_of(cells: Sequence[Record], value: Value) -> tuple[list[float | None], tuple[str, str] | None]:
    """A shade for each cell of one metric, or None for no colour; and the ramp's two ends in words.

    Raises GeomsimError where only some of the cells were judged by a noise floor: the two have no common scale.
    """
    numbers = [number_in(cell, value) for cell in cells]
    known = [cell for cell, number in zip(cells, numbers, strict=True) if number is not None]
    if not known:
        return [None] * len(cells), None
    sign = -1.0 if known[0]["larger_means"] == "farther" and value != "corrected" else 1.0
    floors = {is_noise_floor(cell) for cell in known}
    if len(floors) > 1:
        raise GeomsimError(f"{known[0]['metric']} was judged by a noise floor in some cells only; draw them apart")
    references = [number_in(cell, "null_mean") for cell in cells]
    best = max(sign * number for number in numbers if number is not None)
    if value == "corrected":
        return [_within(number, 0.0, 1.0) for number in numbers], ("0: chance", "1: identical")
    if floors == {True}:
        if value == "z":
            return [None] * len(cells), None
        return [
            None if number is None or not floor else (_ratio(floor, number) if sign < 0 else _ratio(number, floor))
            for number, floor in zip(numbers, references, strict=True)
        ], ("far above the floor" if sign < 0 else "far below the floor", _reference_range(known))
    if value == "z":
        best = max(best, _LEAST_REACH)
        return [_within(number, 0.0, sign * best) for number in numbers], ("0: chance", number_text(sign * best))
    if all(reference is None for reference in references):
        worst = min(sign * number for number in numbers if number is not None)
        ends = (f"{number_text(sign * worst)} (no null)", number_text(sign * best))
        return [_within(number, sign * worst, sign * best) for number in numbers], ends
    for cell, reference in zip(cells, references, strict=True):
        if reference is not None:
            best = max(best, sign * reference + _LEAST_REACH * (number_in(cell, "null_sd") or 0.0))
    return [
        None if reference is None else _within(number, reference, sign * best)
        for number, reference in zip(numbers, references, strict=True)
    ], (_reference_range(known), number_text(sign * best))


def _reference_range(cells: Sequence[Record]) -> str:
    """Chance or the floor in words, from the smallest to the largest; crowded cells have no room for their own."""
    known = [cell for cell in cells if number_in(cell, "null_mean") is not None]
    texts = [reference_text(cell) for cell in sorted(known, key=lambda cell: float(cell["null_mean"]))]
    first, last = texts[0], texts[-1]
    return first if first == last else f"{first} to {last.split()[-1]}"


def _within(number: float | None, start: float, end: float) -> float | None:
    """Where a number lies between start (0) and end (1), cut off at both; end may be below start."""
    if number is None:
        return None
    return min(1.0, max(0.0, (number - start) / (end - start))) if end != start else 0.0


def _ratio(small: float, large: float) -> float:
    return 1.0 if large <= small else max(0.0, small / large)
