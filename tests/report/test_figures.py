from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import geomsim
from geomsim.errors import GeomsimError
from geomsim.report.bars import paired_bar_panels, paired_bars
from geomsim.report.heatmap import layer_heatmap, layer_heatmaps
from geomsim.report.look import DARK, LIGHT, NO_NUMBER, contrast, number_text, significance_mark
from geomsim.report.saving import svg

METRICS = ("rsa", "singular-values", "mapper-transport")


def cell(metric="rsa", left=0, right=0, score=0.5, kind="features", **changes):
    row = {
        "left_layer": left, "right_layer": right, "kind": kind, "metric": metric, "n": 100, "score": score,
        "corrected": score, "larger_means": "closer", "null": "shuffle", "null_mean": 0.0, "null_sd": 0.02,
        "z": None if score is None else score / 0.02, "p_value": 0.001, "error": None,
    }  # fmt: skip
    return row | changes


def study(scores, **common):
    """One cell per score: a left layer per row."""
    return pd.DataFrame(
        [cell(left=i, right=j, score=score, **common) for i, row in enumerate(scores) for j, score in enumerate(row)]
    )


def small_study():
    rows = []
    for kind in ("features", "neurons"):
        for left in (0, 1):
            rows.append(cell("rsa", left, kind=kind))
            rows.append(cell("singular-values", left, kind=kind, score=0.2, larger_means="farther", null="noise-floor",
                             null_mean=0.1, p_value=None, corrected=None))  # fmt: skip
            rows.append(cell("mapper-transport", left, kind=kind, score=0.3, larger_means="farther", null_mean=0.6))
    return pd.DataFrame(rows)


def cell_texts(axes):
    """What stands in each cell, by (row, column)."""
    texts: dict[tuple[int, int], list[str]] = {}
    for text in axes.texts:
        if text.get_transform() == axes.transData:
            x, y = text.get_position()
            texts.setdefault((round(y), round(x)), []).append(text.get_text())
    return texts


def lightness(axes):
    """The luminance of each cell in drawing order."""
    return [contrast(patch.get_facecolor()[:3], "#000000") for patch in axes.patches]


def all_text(figure):
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_rows_are_left_layers_and_columns_are_right_layers():
    axes = layer_heatmap(study([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), "rsa")
    texts = cell_texts(axes)
    assert {place: content[0] for place, content in texts.items()} == {
        (0, 0): "0.10***", (0, 1): "0.20***", (0, 2): "0.30***",
        (1, 0): "0.40***", (1, 1): "0.50***", (1, 2): "0.60***",
    }  # fmt: skip
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("left layer", "right layer")
    assert axes.yaxis_inverted()


def test_layers_are_ordered_by_number_whatever_the_order_of_rows():
    table = study([[0.1, 0.2], [0.3, 0.4]]).iloc[::-1]
    assert cell_texts(layer_heatmap(table, "rsa"))[0, 1][0] == "0.20***"


@pytest.mark.parametrize(
    ("p", "mark"),
    [(0.0501, ""), (0.05, "*"), (0.0101, "*"), (0.01, "**"), (0.0011, "**"), (0.001, "***"), (1e-9, "***"),
     (None, ""), (float("nan"), "")],
)  # fmt: skip
def test_marks_follow_p(p, mark):
    assert significance_mark(p) == mark
    assert cell_texts(layer_heatmap(study([[0.5]], p_value=p), "rsa"))[0, 0][0] == "0.50" + mark


def test_the_key_says_what_marks_mean_and_that_cells_are_judged_alone():
    text = all_text(layer_heatmap(study([[0.5]]), "rsa").figure)
    for part in ("* p ≤ .05", "** p ≤ .01", "*** p ≤ .001", "each cell judged alone", "darker is closer"):
        assert part in text
    assert "lighter is closer" in all_text(layer_heatmap(study([[0.5]]), "rsa", look=DARK).figure)


def test_marks_from_corrected_p_values_say_so():
    axes = layer_heatmap(study([[0.5]], p_holm=0.04), "rsa", significance="p_holm")
    assert cell_texts(axes)[0, 0][0] == "0.50*"
    assert "from p_holm" in all_text(axes.figure)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("holm", "corrected by Holm"),
        ("p_bh", "corrected by Benjamini-Hochberg"),
        ("max_t", "corrected by step-down maxT"),
    ],
)
def test_the_key_names_the_correction(column, words):
    axes = layer_heatmap(study([[0.5]], **{column: 0.2}), "rsa", significance=column)
    assert cell_texts(axes)[0, 0][0] == "0.50"
    assert f"marks from {column}: {words}" in all_text(axes.figure)
    assert "judged alone" not in all_text(axes.figure)


def test_chance_stands_beside_each_score():
    assert cell_texts(layer_heatmap(study([[0.5]], null_mean=0.31), "rsa"))[0, 0] == ["0.50***", "chance 0.31"]


def test_a_crowded_grid_says_chance_once():
    axes = layer_heatmap(study([np.linspace(0.2, 0.9, 12), np.linspace(0.1, 0.5, 12)], null_mean=0.1), "rsa")
    assert cell_texts(axes)[1, 11] == ["0.50***"]
    assert "chance 0.10" in all_text(axes.figure)


def test_closer_is_darker_in_the_light_and_lighter_in_the_dark_for_both_directions():
    closer = study([[0.1, 0.3, 0.6]])
    farther = study([[0.5, 0.3, 0.1]], larger_means="farther", null_mean=0.6)
    for table in (closer, farther):
        light = lightness(layer_heatmap(table, "rsa"))
        assert light == sorted(light, reverse=True)
        assert len(set(light)) == 3
        dark = lightness(layer_heatmap(table, "rsa", look=DARK))
        assert dark == sorted(dark)


def test_the_title_says_the_direction():
    assert "larger is closer" in all_text(layer_heatmap(study([[0.5]]), "rsa").figure)
    assert "smaller is closer" in all_text(layer_heatmap(study([[0.5]], larger_means="farther"), "rsa").figure)
    assert "smaller is closer" in all_text(paired_bars(study([[0.5]], larger_means="farther"), "rsa").figure)


def test_colour_starts_at_each_cells_own_chance():
    table = pd.DataFrame(
        [
            cell(left=0, score=0.5, null_mean=0.5),
            cell(left=1, score=0.5, null_mean=0.1),
            cell(left=2, score=0.4, null_mean=0.6),
        ]
    )
    at_chance, above, below = lightness(layer_heatmap(table, "rsa"))
    faintest = contrast(LIGHT.ramp[0], "#000000")
    assert at_chance == pytest.approx(faintest)
    assert below == pytest.approx(faintest)
    assert above < 0.5 * faintest


def test_a_panel_of_pure_chance_stays_faint():
    table = study([[0.01, -0.02, 0.0]], null_sd=0.02)
    assert min(lightness(layer_heatmap(table, "rsa"))) > 0.8 * contrast(LIGHT.ramp[0], "#000000")


def test_corrected_scores_share_the_scale_from_chance_to_identical():
    table = study([[0.0, 1.0]])
    axes = layer_heatmap(table, "rsa", value="corrected")
    low, high = lightness(axes)
    assert low == pytest.approx(contrast(LIGHT.ramp[0], "#000000"))
    assert high == pytest.approx(contrast(LIGHT.ramp[-1], "#000000"))
    assert "0: chance" in all_text(axes.figure)
    assert "1: identical" in all_text(axes.figure)


def test_negative_z_is_closer_where_smaller_is_closer():
    table = pd.DataFrame([cell(left=i, z=z, larger_means="farther") for i, z in enumerate((2.0, -3.0, -9.0))])
    away, near, nearest = lightness(layer_heatmap(table, "rsa", value="z"))
    assert away > near > nearest
    assert away == pytest.approx(contrast(LIGHT.ramp[0], "#000000"))


def test_a_noise_floor_is_not_called_chance():
    table = study([[0.1, 0.2, 0.9]], larger_means="farther", null="noise-floor", null_mean=0.1, p_value=None)
    axes = layer_heatmap(table, "rsa")
    assert cell_texts(axes)[0, 1] == ["0.20", "floor 0.10"]
    light = lightness(axes)
    assert light == sorted(light)
    assert light[0] == pytest.approx(contrast(LIGHT.ramp[-1], "#000000"))
    text = all_text(axes.figure)
    assert [label.get_text() for label in axes.figure.axes[1].get_xticklabels()] == [
        "far above the floor",
        "floor 0.10",
    ]
    assert "chance" not in text
    assert "no p-values" in text


def test_a_value_that_the_null_does_not_give_is_said():
    table = study([[0.1]], null="noise-floor", corrected=None)
    assert "no corrected value under this null" in all_text(layer_heatmap(table, "rsa", value="corrected").figure)


def test_a_cell_without_a_score_is_hatched_and_dashed():
    failed = cell(left=1, score=None, larger_means=None, null=None, null_mean=None, null_sd=None, z=None, p_value=None)
    axes = layer_heatmap(pd.DataFrame([cell(), failed]), "rsa")
    assert cell_texts(axes)[1, 0] == [NO_NUMBER]
    hatches = [patch.get_hatch() for patch in axes.patches if isinstance(patch, Rectangle)]
    assert hatches == [None, "////"]


def test_failed_empty_and_missing_cells_look_different_and_are_explained():
    nothing = {"score": None, "larger_means": None, "null": None, "null_mean": None, "null_sd": None, "p_value": None}
    table = pd.DataFrame([cell(), cell(right=1, **nothing), cell(left=1, n=0, **nothing)])
    axes = layer_heatmap(table, "rsa")
    looks = {
        (round(patch.get_y() + 0.5), round(patch.get_x() + 0.5)): (patch.get_hatch(), patch.get_linestyle())
        for patch in axes.patches
    }
    assert looks == {
        (0, 0): (None, "solid"), (0, 1): ("////", "solid"), (1, 0): ("....", "solid"), (1, 1): (None, ":"),
    }  # fmt: skip
    text = all_text(axes.figure)
    for part in ("striped: no score, 1 failed", "dotted: empty, 1 without rows", "blank: 1 not compared"):
        assert part in text
        assert part not in all_text(layer_heatmap(study([[0.5]]), "rsa").figure)
    assert "striped: no score, 1 failed" in layer_heatmaps(table, ["rsa"]).get_supxlabel()


def test_cells_without_the_value_asked_for_are_explained():
    nothing = {"score": None, "larger_means": None, "null": None, "null_mean": None, "null_sd": None, "p_value": None}
    table = pd.DataFrame([cell(), cell(right=1, corrected=None), cell(right=2, corrected=None, **nothing)])
    assert "striped: no corrected value, 1 failed" in all_text(layer_heatmap(table, "rsa", value="corrected").figure)
    assert "striped: no score, 1 failed" in all_text(layer_heatmap(table, "rsa").figure)


def test_numbers_without_room_are_left_out_and_that_is_said():
    table = study(np.linspace(0.1, 0.9, 24).reshape(2, 12))
    narrow = Figure(figsize=(3.3, 2)).add_subplot()
    texts = cell_texts(layer_heatmap(table, "rsa", ax=narrow))
    assert {text[0] for text in texts.values()} == {"***"}
    assert "numbers: no room" in all_text(narrow.figure)
    assert "no room" not in all_text(layer_heatmap(table, "rsa").figure)


def test_numbers_stay_inside_their_cells():
    table = study(np.linspace(0.01, 0.099, 24).reshape(2, 12))
    for axes in (layer_heatmap(table, "rsa"), layer_heatmap(study([[0.5, 0.4]]), "rsa")):
        axes.figure.draw_without_rendering()
        column = axes.get_window_extent().width / len(axes.get_xticks())
        inside = [text for text in axes.texts if text.get_transform() == axes.transData]
        assert max(text.get_window_extent().width for text in inside) <= column


def test_long_layer_names_do_not_run_into_each_other():
    table = pd.DataFrame([cell(left="embedding of the left model", right=f"transformer.h.{i}.mlp") for i in range(4)])
    axes = layer_heatmap(table, "rsa")
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {40}
    assert "\n" in axes.get_yticklabels()[0].get_text()
    assert {label.get_rotation() for label in layer_heatmap(study([[0.5]]), "rsa").get_xticklabels()} == {0}


def test_a_table_read_back_from_csv_looks_the_same(tmp_path):
    path = tmp_path / "results.csv"
    small_study().to_csv(path, index=False)
    table = small_study()
    again = pd.read_csv(path)
    for metric in METRICS:
        first, second = (layer_heatmap(each[each["kind"] == "features"], metric) for each in (table, again))
        assert cell_texts(first) == cell_texts(second)


def test_bars_stand_beside_chance_with_its_sd():
    table = pd.DataFrame(
        [
            cell(left=i, score=score, null_mean=chance, null_sd=sd)
            for i, (score, chance, sd) in enumerate([(0.4, 0.1, 0.03), (0.6, 0.3, 0.04)])
        ]
    )
    axes = paired_bars(table, "rsa")
    score, chance = (patch.get_width() for patch in axes.patches)
    assert score == pytest.approx(0.5)
    assert chance == pytest.approx(0.2)
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert dots.get_xdata() == pytest.approx([0.4, 0.6])
    whisker = axes.collections[0].get_segments()[0][:, 0]
    half = np.sqrt((0.03**2 + 0.04**2) / 2)
    assert whisker == pytest.approx([0.2 - half, 0.2 + half])


def test_bars_of_kinds_come_in_the_order_asked_for():
    axes = paired_bars(small_study(), "rsa", kinds=["neurons", "features"])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["neurons", "features"]


def test_dots_have_their_intervals_where_the_table_has_them():
    table = pd.DataFrame([cell(left=0, score=0.4, low=0.3, high=0.5), cell(left=1, score=0.6, low=None, high=None)])
    axes = paired_bars(table, "rsa")
    intervals = [line for line in axes.lines if line.get_marker() in ("", "None") and len(set(line.get_ydata())) == 1]
    assert [list(line.get_xdata()) for line in intervals] == [[0.3, 0.5]]
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert len(set(dots.get_ydata())) == 2
    assert intervals[0].get_ydata()[0] == dots.get_ydata()[0]
    assert "line: its interval" in axes.get_xlabel()


def test_bars_explain_their_colours():
    assert paired_bars(study([[0.5]]), "rsa").get_xlabel() == (
        "coloured: mean score\ndot: a layer pair\ngrey: by chance, whisker ± 1 sd"
    )
    nothing = study([[0.5]], null=None, null_mean=None, null_sd=None, p_value=None)
    assert paired_bars(nothing, "rsa").get_xlabel() == "coloured: mean score\ndot: a layer pair"
    assert paired_bars(study([[0.5]]), "rsa", key=False).get_xlabel() == ""
    floor = study([[0.5]], null="noise-floor", larger_means="farther")
    assert "grey: noise floor, whisker ± 1 sd" in paired_bars(floor, "rsa").get_xlabel()


def test_long_names_of_kinds_are_set_in_lines():
    axes = paired_bars(study([[0.5]], kind="a second seed of the same model, layer by layer"), "rsa")
    assert axes.get_yticklabels()[0].get_text().count("\n") >= 1
    axes.figure.draw_without_rendering()
    assert axes.get_position().width > 0.5


def test_twenty_metrics_have_twenty_panels():
    names = [f"metric-{i}" for i in range(20)]
    table = pd.concat([study([[0.5]], metric=name) for name in names])
    assert len(paired_bar_panels(table, names).axes) == 20
    assert sum(bool(axes.get_title(loc="left")) for axes in layer_heatmaps(table, names).axes) == 20


def test_cells_left_out_of_a_mean_are_counted():
    table = pd.DataFrame([cell(left=0), cell(left=1, score=None)])
    labels = [label.get_text() for label in paired_bars(table, "rsa").get_yticklabels()]
    assert labels == ["features\n(1 of 2 scored)"]


def test_panels_one_per_metric_with_one_key():
    table = small_study()
    features = table[table["kind"] == "features"]
    for figure in (layer_heatmaps(features, METRICS, "Title"), paired_bar_panels(table, METRICS, "Title")):
        titles = [axes.get_title(loc="left").strip() for axes in figure.axes]
        assert [title for title in titles if title] == list(METRICS)
        assert figure.get_suptitle() == "Title"
    assert all_text(layer_heatmaps(features, METRICS)).count("*** p ≤ .001") == 1


def test_the_axes_given_are_the_axes_returned_and_nothing_global_changes():
    before = dict(mpl.rcParams)
    figure = Figure()
    axes = figure.add_subplot()
    assert layer_heatmap(study([[0.5]]), "rsa", ax=axes) is axes
    assert paired_bars(study([[0.5]]), "rsa", ax=Figure().add_subplot()).figure is not figure
    svg(figure)
    assert dict(mpl.rcParams) == before


def test_neither_pyplot_nor_matplotlib_is_imported_early():
    code = (
        "import sys, geomsim.report.bars, geomsim.report.heatmap, geomsim.report.words; "
        "from geomsim.report import multiplicity, null_distribution, number_line, scree; "
        "from geomsim.report import look, panels, saving; "
        "heavy = {'matplotlib', 'jinja2', 'pandas', 'torch'} & set(sys.modules); assert not heavy, heavy; "
        "saving.svg(panels.new_figure(1, 1, look.LIGHT)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_metric_is_named_with_the_ones_there_are():
    with pytest.raises(GeomsimError, match="no rows for 'cka'; its metrics are rsa"):
        layer_heatmap(study([[0.5]]), "cka")


def test_missing_columns_are_named():
    with pytest.raises(GeomsimError, match="no column left_layer, null_mean"):
        layer_heatmap(study([[0.5]]).drop(columns=["left_layer", "null_mean"]), "rsa")


def test_two_rows_for_one_cell_are_refused():
    table = pd.concat([study([[0.5]]), study([[0.6]], kind="neurons")])
    with pytest.raises(GeomsimError, match=r"2 rows for left_layer 0, right_layer 0.*filter the table first"):
        layer_heatmap(table, "rsa")
    assert paired_bars(table, "rsa") is not None
    with pytest.raises(GeomsimError, match="2 rows for kind features, left_layer 0"):
        paired_bars(pd.concat([table, table]), "rsa")


def test_a_kind_that_was_not_scored_is_named():
    with pytest.raises(GeomsimError, match="rsa was not scored on kind second seed; the table has features"):
        paired_bars(study([[0.5]]), "rsa", kinds=["features", "second seed"])


@pytest.mark.parametrize("panels", [layer_heatmaps, paired_bar_panels])
def test_no_metrics_make_no_figure(panels):
    with pytest.raises(GeomsimError, match="at least one metric"):
        panels(study([[0.5]]), [])


def test_a_real_study_can_be_drawn():
    random = np.random.default_rng(0)
    left = random.normal(size=(60, 4))
    right = left + random.normal(size=left.shape)
    pairs = [{"left": left, "right": right, "left_layer": 0, "right_layer": layer} for layer in (0, 1)]
    table = geomsim.run_study({"pairs": pairs, "metrics": ["procrustes"], "draws": 19}).table
    texts = cell_texts(layer_heatmap(table, "procrustes"))
    assert texts[0, 1][0] == number_text(table["score"][1]) + "*"
    assert to_rgb(layer_heatmap(table, "procrustes").patches[0].get_facecolor()) != to_rgb(LIGHT.paper)


def test_groups_of_one_space_are_the_rows_and_columns():
    couples = [("months", "days"), ("months", "numbers"), ("days", "numbers")]
    table = pd.DataFrame(
        [{**cell(score=score), "left_group": left, "right_group": right}
         for score, (left, right) in zip((0.2, 0.4, 0.6), couples, strict=True)]
    )  # fmt: skip
    for groups in (table, table.drop(columns=["left_layer", "right_layer"])):
        axes = layer_heatmap(groups, "rsa")
        assert {place: text[0] for place, text in cell_texts(axes).items()} == {
            (0, 0): "0.20***", (0, 1): "0.40***", (1, 1): "0.60***",
        }  # fmt: skip
        assert [label.get_text() for label in axes.get_yticklabels()] == ["months", "days"]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["days", "numbers"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("right group", "left group")
        assert "not compared" not in all_text(axes.figure)  # a group with itself is no question
    assert "blank: 1 not compared" in all_text(layer_heatmap(table[[True, False, True]], "rsa").figure)


def test_one_couple_of_groups_in_several_layers_is_a_heatmap_of_layers():
    axes = layer_heatmap(study([[0.2, 0.4]], left_group="months", right_group="days"), "rsa")
    assert axes.get_xlabel() == "right layer"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
