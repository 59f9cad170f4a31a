"""How results look, in figures and on the page: colours, and numbers as text."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

NO_NUMBER, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
MARKS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_CORRECTIONS = (
    ("holm", "Holm"), ("maxt", "step-down maxT"), ("bh", "Benjamini-Hochberg"), ("fdr", "Benjamini-Hochberg"),
)  # fmt: skip
MARKS_KEY = "* p ≤ .05   ** p ≤ .01   *** p ≤ .001"


@dataclass(frozen=True)
class Look:
    """Colours of a figure: paper, ink, quiet ink, lines, the ramp from chance to most alike, one colour per bar.

    `stronger` is the word for the ramp's far end.
    """

    paper: str
    ink: str
    quiet: str
    line: str
    chance: str
    ramp: tuple[str, ...]
    bars: tuple[str, ...]
    stronger: str = "darker"


# One hue whose lightness alone carries the order, so that it survives every kind of colour blindness and a grey print.
# The colours of bars, and the grey of chance, stay apart for each kind of colour blindness.
LIGHT = Look(
    paper="#ffffff", ink="#1b1e23", quiet="#565c66", line="#c9cdd3", chance="#b4b9c1",
    ramp=("#eef2f6", "#b3cee2", "#5d97c4", "#20639f", "#0a3561"), bars=("#1f6aa5", "#c7741c", "#2f8f5b", "#63244f"),
)  # fmt: skip
DARK = Look(
    paper="#14171b", ink="#e8e8e5", quiet="#a9afb8", line="#3a4049", chance="#626974",
    ramp=("#242b34", "#28506f", "#3d83b3", "#86bce0", "#e2f1fb"), bars=("#5aa7e0", "#e39a4a", "#8fd9b8", "#c45ab0"),
    stronger="lighter",
)  # fmt: skip


def ramp(look: Look, steps: int = 256) -> Colormap:
    """The colours from chance (0) to most alike (1)."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("geomsim", list(look.ramp), N=steps)


def ink_on(colour: Any) -> str:
    """Black or white, whichever is easier to read on this colour; WCAG contrast is then at least 4.5."""
    return "#000000" if contrast(colour, "#000000") >= contrast(colour, "#ffffff") else "#ffffff"


def contrast(first: Any, second: Any) -> float:
    """WCAG 2 contrast ratio of two colours, from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"), 6)
    21.0
    """
    from matplotlib.colors import to_rgb

    def luminance(colour: Any) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def significance_mark(p_value: float | None) -> str:
    """`*` for p <= .05, `**` for p <= .01, `***` for p <= .001, nothing above or without a p-value.

    >>> [significance_mark(p) for p in (0.2, 0.05, 0.01, 0.001, None)]
    ['', '*', '**', '***', '']
    """
    if p_value is None or math.isnan(p_value):
        return ""
    return next((mark for bound, mark in MARKS if p_value <= bound), "")


def judged_by(column: str) -> str:
    """Where marks come from, by the column of their p-values: each cell alone, or a correction over many.

    >>> judged_by("p_value"), judged_by("p_holm"), judged_by("q")
    ('each cell judged alone', 'marks from p_holm: corrected by Holm', 'marks from q')
    """
    if column == "p_value":
        return "each cell judged alone"
    name = column.lower().replace("_", "").replace("-", "")
    how = next((what for part, what in _CORRECTIONS if part in name), None)
    return f"marks from {column}" + (f": corrected by {how}" if how else "")


def p_text(p_value: float | None, draws: float | None = None) -> str:
    """A p-value as a person reads it; "≤" where it is the least that so many draws, or numbers, can give.

    >>> p_text(0.001, 999), p_text(0.0312, 999), p_text(4e-12), p_text(sys.float_info.min), p_text(None)
    ('p ≤ 0.001', 'p = 0.031', 'p = 4e−12', 'p ≤ 2.2e−308', 'no p-value')
    """
    if p_value is None or math.isnan(p_value):
        return "no p-value"
    at_floor = p_value <= sys.float_info.min or (
        draws is not None and not math.isnan(draws) and draws > 0 and p_value <= 1 / (draws + 1) + 1e-12
    )
    return f"p {'≤' if at_floor else '='} {f'{p_value:.2g}'.replace('-', MINUS)}"


def number_text(value: float | None) -> str:
    """A number as a person reads it in a table: two to three digits, a true minus sign, a dash for none.

    >>> number_text(0.6249), number_text(-12.34), number_text(0.0213), number_text(1500), number_text(None)
    ('0.62', '−12.3', '0.021', '1500', '–')
    """
    if value is None or math.isnan(value):
        return NO_NUMBER
    size = abs(value)
    if isinstance(value, Integral) or size == 0:
        text = f"{int(value):d}" if isinstance(value, Integral) else "0.00"
    elif size < 0.0995:
        text = f"{value:.3f}" if size >= 0.001 else f"{value:.1g}"
    else:
        text = f"{value:.{2 if size < 9.95 else 1 if size < 99.5 else 0}f}" if size < 1e6 else f"{value:.2g}"
    return text.replace("-", MINUS)


def direction_text(larger_means: str | None) -> str:
    """How to read a metric's number."""
    return {"closer": "larger is closer", "farther": "smaller is closer"}.get(larger_means or "", "no score")
