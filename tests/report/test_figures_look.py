from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from geomsim.report.look import DARK, LIGHT, MINUS, contrast, p_text

# How linear sRGB is seen without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour, seen):
    """CIE L*a*b* of a colour, as it is seen."""
    coded = np.array(to_rgb(colour))
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(seen) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    cube = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * cube[1] - 16, 500 * (cube[0] - cube[1]), 200 * (cube[1] - cube[2])])


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN.keys())
@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_the_colours_of_bars_and_chance_stay_apart(look, seen):
    for first, second in combinations([*look.bars, look.chance], 2):
        assert np.linalg.norm(lab(first, seen) - lab(second, seen)) > 15, (first, second)


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_the_colours_of_bars_stand_out_from_the_paper(look):
    assert all(contrast(colour, look.paper) >= 3 for colour in look.bars)


@pytest.mark.parametrize(
    ("p", "draws", "text"),
    [
        (0.001, 999, "p ≤ 0.001"), (0.002, 999, "p = 0.002"), (0.001, None, "p = 0.001"),
        (0.001, float("nan"), "p = 0.001"), (1.0, 99, "p = 1"), (None, 99, "no p-value"),
        (float("nan"), None, "no p-value"), (3.2e-12, None, f"p = 3.2e{MINUS}12"),
    ],
)  # fmt: skip
def test_p_in_words(p, draws, text):
    assert p_text(p, draws) == text
