from __future__ import annotations

import numpy as np
import pytest

from geomsim.report.look import DARK, LIGHT, MINUS, NO_NUMBER, contrast, ink_on, number_text, ramp


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable_on_every_shade(look):
    shades = ramp(look)
    for shade in np.linspace(0, 1, 101):
        colour = shades(shade)
        assert contrast(colour, ink_on(colour)) >= 4.5
    for ink in (look.ink, look.quiet):
        assert contrast(ink, look.paper) >= 4.5


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_the_ramp_is_ordered_by_lightness_alone(look):
    light = [contrast(ramp(look)(shade), "#000000") for shade in np.linspace(0, 1, 64)]
    assert light == sorted(light, reverse=look is LIGHT)
    assert max(light) / min(light) > 7


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.50"), (-0.25, "-0.25"), (0.0, "0.00"), (3, "3"), (np.int64(12), "12"), (np.float64(1.0), "1.00"),
        (0.0996, "0.10"), (0.0994, "0.099"), (0.00012, "0.0001"), (12.34, "12.3"), (123.4, "123"),
        (float("nan"), NO_NUMBER), (None, NO_NUMBER),
    ],
)  # fmt: skip
def test_numbers_as_text(value, text):
    assert number_text(value) == text.replace("-", MINUS)
