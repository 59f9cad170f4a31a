from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import geomsim
from geomsim.errors import GeomsimError
from geomsim.report.number_line import score_line, score_lines
from geomsim.report.saving import save_figure


def record(kind="features", score=0.6, metric="rsa", **changes):
    base = {
        "kind": kind, "metric": metric, "score": score, "larger_means": "closer", "null": "shuffle", "null_mean": 0.1,
        "null_sd": 0.02, "p_value": 0.001,
    }  # fmt: skip
    return base | changes


THREE = [record(), record("neurons", 0.4), record("second seed", 0.62)]


def labels(axes):
    return [text.get_text() for text in axes.texts if text.get_text() and "closer" not in text.get_text()]


def dots(axes):
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"]


def strokes(axes):
    return [
        float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "|" and len(line.get_xdata()) == 1
    ]


def overlaps(axes):
    """Pairs of labels whose boxes meet, as drawn."""
    axes.figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in axes.texts if text.get_text()]
    boxes.append(("title", axes.title.get_window_extent()))
    return [
        (a, b)
        for i, (a, first) in enumerate(boxes)
        for b, second in boxes[:i]
        if first.x0 < second.x1 and second.x0 < first.x1 and first.y0 + 1 < second.y1 and second.y0 + 1 < first.y1
    ]


def test_every_score_and_chance_stands_on_the_line_with_its_label():
    axes = score_line(THREE, "rsa")
    assert dots(axes) == [0.6, 0.4, 0.62]
    assert labels(axes) == ["features 0.60", "neurons 0.40", "second seed 0.62", "chance 0.10"]
    assert set(strokes(axes)) == {0.1}
    band = next(line for line in axes.lines if line.get_linewidth() == 5)
    assert band.get_xdata() == pytest.approx([0.08, 0.12])
    assert axes.get_xlabel() == "dot: score; grey: chance ± 1 sd"


@pytest.mark.parametrize(("larger_means", "arrow"), [("closer", "closer →"), ("farther", "← closer")])
def test_the_arrow_points_to_closer(larger_means, arrow):
    axes = score_line([record(larger_means=larger_means)], "rsa")
    assert [text.get_text() for text in axes.texts if "closer" in text.get_text()] == [arrow]


@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("spread", [0.0, 0.002, 0.05])
def test_labels_do_not_overlap_as_drawn(n, spread):
    rows = [record(f"kind number {i}", 0.5 + spread * i, low=0.45, high=0.55 + spread * i) for i in range(n)]
    axes = score_line(rows, "rsa")
    assert overlaps(axes) == []
    inside = axes.figure.bbox
    for text in axes.texts:
        box = text.get_window_extent()
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1


def test_labels_do_not_overlap_in_a_figure_of_lines():
    rows = [record(kind, score, metric) for metric in ("rsa", "cka", "a-metric") for kind, score in
            (("features", 0.6), ("neurons", 0.59), ("second seed", 0.61))]  # fmt: skip
    figure = score_lines(rows, ["rsa", "cka", "a-metric"], "Title")
    assert len(figure.axes) == 3
    for axes in figure.axes:
        assert overlaps(axes) == []
    assert figure.get_supxlabel() == "dot: score; grey: chance ± 1 sd"


def test_chances_apart_say_whose_they_are_and_near_ones_share_a_label():
    rows = [record(), record("neurons", 0.4, null_mean=0.3), record("second seed", 0.62, null_mean=0.102)]
    assert labels(score_line(rows, "rsa"))[3:] == ["chance of features, second\nseed 0.10", "chance of neurons 0.30"]
    rows = [record(), record("neurons", 0.4, null_mean=0.109)]
    assert labels(score_line(rows, "rsa"))[2:] == ["chance 0.10 to 0.11"]


def test_chances_of_many_long_names_are_counted():
    rows = [record(f"a long name of a kind, number {i}", 0.5 + i / 10, null_mean=0.1 + 0.2 * (i % 2)) for i in range(4)]
    assert labels(score_line(rows, "rsa"))[4:] == ["chance of 2 of 4: 0.10", "chance of 2 of 4: 0.30"]


def test_a_noise_floor_is_not_called_chance():
    axes = score_line([record(null="noise-floor", larger_means="farther")], "rsa")
    assert labels(axes)[1] == "noise floor 0.10"
    assert axes.get_xlabel() == "dot: score; grey: noise floor ± 1 sd"


def test_intervals_are_drawn_where_there_are_any():
    axes = score_line([record(low=0.5, high=0.7), record("neurons", 0.4, low=None, high=None)], "rsa")
    bars = [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "|" and len(line.get_xdata()) == 2]
    assert bars == [[0.5, 0.7]]
    assert "bar: its interval" in axes.get_xlabel()
    other = score_line([record(from_=0.2, to=0.9)], "rsa", interval=("from_", "to"))
    assert other.get_xlim()[0] < 0.2
    assert other.get_xlim()[1] > 0.9


def test_without_a_null_nothing_is_called_chance():
    axes = score_line([record(null=None, null_mean=None, null_sd=None, p_value=None)], "rsa")
    assert labels(axes) == ["features 0.60"]
    assert axes.get_xlabel() == "dot: score"


def test_a_failed_score_is_named():
    rows = [record(), record("neurons", None, larger_means=None, null=None, null_mean=None, null_sd=None)]
    assert score_line(rows, "rsa").get_xlabel().endswith("no score: neurons")
    axes = score_line(rows[1:], "rsa")
    assert "no score" in [text.get_text() for text in axes.texts]
    assert "no score: neurons" in score_lines(rows, ["rsa"]).axes[0].get_xlabel()


def test_a_table_with_nan_gives_the_same_line():
    rows = [record(low=0.5, high=0.7), record("neurons", None, null_mean=None, null_sd=None, low=None, high=None)]
    first, second = score_line(rows, "rsa"), score_line(pd.DataFrame(rows), "rsa")
    assert labels(first) == labels(second)
    assert first.get_xlabel() == second.get_xlabel()


def test_labels_of_several_keys():
    rows = [record(layer=0), record(layer=1, score=0.3)]
    assert labels(score_line(rows, "rsa", by=("kind", "layer")))[:2] == ["features, 0 0.60", "features, 1 0.30"]


def test_real_comparisons():
    random = np.random.default_rng(0)
    left = random.normal(size=(40, 4))
    rows = [
        {"kind": kind, **geomsim.compare(left, left + noise * random.normal(size=left.shape), "procrustes",
                                         draws=19, interval="jackknife").to_dict()}
        for kind, noise in (("features", 1.0), ("neurons", 3.0))
    ]  # fmt: skip
    axes = score_line(rows, "procrustes")
    assert dots(axes) == [row["score"] for row in rows]
    assert "bar: its interval" in axes.get_xlabel()
    assert overlaps(axes) == []


def test_the_axes_given_are_returned_and_nothing_global_changes():
    before = dict(mpl.rcParams)
    axes = Figure().add_subplot()
    assert score_line(THREE, "rsa", axes) is axes
    assert dict(mpl.rcParams) == before


def test_twenty_metrics_are_drawn():
    rows = [record(kind, 0.5, f"metric-{i}") for i in range(20) for kind in ("features", "neurons")]
    assert len(score_lines(iter(rows), [f"metric-{i}" for i in range(20)]).axes) == 20


def test_the_same_records_give_the_same_pdf(tmp_path):
    paths = [save_figure(score_line(THREE, "rsa").figure, tmp_path / f"{n}.pdf") for n in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_what_cannot_be_drawn_is_an_error():
    with pytest.raises(GeomsimError, match="2 rows for kind features"):
        score_line([record(), record()], "rsa")
    with pytest.raises(GeomsimError, match="record 1 has no score; it has"):
        score_line([record(), {"kind": "x", "metric": "rsa"}], "rsa")
    with pytest.raises(GeomsimError, match="no rows for 'cka'; its metrics are rsa"):
        score_line(THREE, "cka")
    with pytest.raises(GeomsimError, match="record 0 is a float"):
        score_line([0.5], "rsa")
    with pytest.raises(GeomsimError, match="not one dict"):
        score_line(record(), "rsa")
    with pytest.raises(GeomsimError, match="no column layer"):
        score_line(pd.DataFrame(THREE), "rsa", by="layer")
    with pytest.raises(GeomsimError, match="at least one metric"):
        score_lines(THREE, [])
