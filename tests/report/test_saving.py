from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure

from geomsim.errors import GeomsimError
from geomsim.report.heatmap import layer_heatmaps
from geomsim.report.saving import save_figure

METRICS = ("rsa", "singular-values", "mapper-transport")


def drawn():
    cells = [
        {
            "left_layer": layer, "right_layer": 0, "metric": metric, "score": 0.3, "larger_means": "closer",
            "null": "shuffle", "null_mean": 0.0, "null_sd": 0.02, "p_value": 0.001,
        }
        for layer in (0, 1) for metric in METRICS
    ]  # fmt: skip
    return layer_heatmaps(pd.DataFrame(cells), METRICS)


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_the_same_input_gives_the_same_bytes(tmp_path, suffix):
    contents = [save_figure(drawn(), tmp_path / f"{n}{suffix}").read_bytes() for n in range(2)]
    assert contents[0] == contents[1]
    assert b"Date" not in contents[0]


def test_pdf_keeps_text_as_truetype(tmp_path):
    path = save_figure(drawn(), tmp_path / "sub" / "figure.pdf")
    assert b"/FontFile2" in path.read_bytes()
    assert b"/Type3" not in path.read_bytes()
    assert [each.name for each in path.parent.iterdir()] == ["figure.pdf"]


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(GeomsimError, match=r"written as .svg, .pdf or .png, not .jpg"):
        save_figure(Figure(), tmp_path / "figure.jpg")
