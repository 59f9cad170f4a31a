"""What all figures promise: the same input gives the same bytes, text stays text, and nothing global changes."""

from __future__ import annotations

import re

import matplotlib as mpl
import pytest
from figure_samples import FIGURES
from matplotlib.axes import Axes

import geomsim.report
from geomsim.report.look import DARK, LIGHT
from geomsim.report.panels import figure_of
from geomsim.report.saving import save_figure


def test_the_samples_are_all_figures_that_there_are():
    table = re.split(r"^=+ =+ =+$", geomsim.report.__doc__, flags=re.MULTILINE)[2]
    listed = {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line)[1:]}
    assert listed == set(FIGURES)


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_the_same_input_gives_the_same_file_and_nothing_global_changes(tmp_path, name, look):
    before = dict(mpl.rcParams)
    contents = []
    for _ in range(2):
        found = FIGURES[name](look)
        figure = figure_of(found) if isinstance(found, Axes) else found
        contents.append([
            save_figure(figure, tmp_path / f"figure{suffix}").read_bytes() for suffix in (".pdf", ".svg")
        ])  # fmt: skip
    assert contents[0] == contents[1]
    assert dict(mpl.rcParams) == before
    pdf = contents[0][0]
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    for content in contents[0]:
        assert not re.search(rb"CreationDate|<dc:date>|/tmp/|/home/", content)


@pytest.mark.parametrize("name", FIGURES)
def test_no_type_is_too_small_to_read(name):
    found = FIGURES[name](LIGHT)
    figure = figure_of(found) if isinstance(found, Axes) else found
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(mpl.text.Text) if text.get_text().strip() and text.get_visible()]
    small = {text.get_text(): text.get_fontsize() for text in texts if text.get_fontsize() < 6.5}
    assert not small
