from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from geomsim.errors import GeomsimError
from geomsim.report.look import LIGHT
from geomsim.report.multiplicity import bucket_score_panels, bucket_scores
from geomsim.report.saving import save_figure


def record(bucket="1", n=800, score=0.46, metric="rsa", **changes):
    base = {
        "bucket": bucket, "n": n, "score": score, "metric": metric, "null_mean": 0.34, "null_sd": 0.01,
        "p_value": 0.001, "draws": 999, "larger_means": "closer",
    }  # fmt: skip
    return base | changes


def empty(bucket="more", **changes):
    return record(bucket, 0, None, null_mean=None, null_sd=None, p_value=None) | changes


FOUR = [record("11-100", 90, 0.33, p_value=0.62), record(), record("2-10", 1340, 0.4, p_value=0.004), empty()]


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def ticks(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


def bands(axes):
    return [patch for patch in axes.patches if to_rgb(patch.get_facecolor()) == to_rgb(LIGHT.chance)]


def test_buckets_stand_in_order_with_n_score_and_p():
    axes = bucket_scores(FOUR, "rsa")
    assert ticks(axes) == ["1\nn = 800", "2-10\nn = 1,340", "11-100\nn = 90", "more\nn = 0"]
    assert texts(axes) == [
        "0.46", "p ≤ 0.001", "0.40", "p = 0.004", "0.33", "p = 0.62", "empty", "larger is closer",
    ]  # fmt: skip
    scores = axes.lines[-1].get_ydata()
    assert scores[:3] == pytest.approx([0.46, 0.4, 0.33])
    assert np.isnan(scores[3])


def test_the_band_is_mean_and_central_95_percent():
    axes = bucket_scores(FOUR, "rsa")
    assert len(bands(axes)) == 3
    assert bands(axes)[0].get_y() == pytest.approx(0.34 - 1.96 * 0.01)
    assert bands(axes)[0].get_height() == pytest.approx(2 * 1.96 * 0.01)
    assert axes.lines[0].get_ydata() == pytest.approx([0.34, 0.34])
    assert "± 1.96 sd" in axes.get_xlabel()


def test_quantiles_of_the_draws_take_the_place_of_the_normal_law():
    axes = bucket_scores([record(null_low=0.3, null_high=0.37)], "rsa")
    assert bands(axes)[0].get_y() == pytest.approx(0.3)
    assert bands(axes)[0].get_height() == pytest.approx(0.07)
    assert "central 95%" in axes.get_xlabel()
    assert "1.96" not in axes.get_xlabel()


def test_no_line_leads_across_an_empty_bucket():
    rows = [record(), empty("2-10"), record("11-100", 90, 0.3)]
    assert np.isnan(bucket_scores(rows, "rsa").lines[-1].get_ydata()[1])


def test_a_bucket_that_failed_is_striped_and_not_called_empty():
    axes = bucket_scores([record(), record("2-10", 3, None, p_value=None)], "rsa")
    assert "no score" in texts(axes)
    assert "empty" not in texts(axes)
    assert [patch.get_hatch() for patch in axes.patches if patch.get_hatch()] == ["////"]
    assert ticks(axes)[1] == "2-10\nn = 3"


def test_all_buckets_empty():
    axes = bucket_scores([empty("1"), empty("2-10")], "rsa")
    assert texts(axes) == ["empty", "empty", "no score"]
    assert not bands(axes)


def test_without_a_null_nothing_is_banded():
    axes = bucket_scores([record(null_mean=None, null_sd=None, p_value=None)], "rsa")
    assert not bands(axes)
    assert "no p-value" in texts(axes)
    assert "no random subsets" in axes.get_xlabel()


def test_numbers_stand_above_all_marks():
    axes = bucket_scores(FOUR, "rsa")
    axes.figure.draw_without_rendering()
    lowest = min(text.get_window_extent().y0 for text in axes.texts if text.get_text().startswith("p "))
    assert axes.transData.transform((0, 0.46))[1] + 5 < lowest
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text().startswith("p ")]
    assert all(first.x1 < second.x0 for first, second in pairwise(boxes))


def test_a_corrected_p_is_used_and_named():
    axes = bucket_scores([record(holm=0.03)], "rsa", significance="holm")
    assert "p = 0.03" in texts(axes)
    assert texts(axes)[-1] == "larger is closer; p from holm: corrected by Holm"


def test_buckets_of_other_names_keep_their_order():
    rows = [record("many partners"), record("few")]
    assert [tick.split("\nn =")[0].replace("\n", " ") for tick in ticks(bucket_scores(rows, "rsa"))] == [
        "many partners", "few",
    ]  # fmt: skip


def test_a_table_read_back_gives_the_same_figure(tmp_path):
    path = tmp_path / "buckets.csv"
    pd.DataFrame(FOUR).to_csv(path, index=False)
    first, second = bucket_scores(FOUR, "rsa"), bucket_scores(pd.read_csv(path), "rsa")
    assert texts(first) == texts(second)
    assert ticks(first) == ticks(second)


def test_panels_share_a_key():
    rows = [*FOUR, *(dict(row, metric="cka") for row in FOUR)]
    figure = bucket_score_panels(iter(rows), ["rsa", "cka"], "Title")
    assert [axes.get_title(loc="left").strip() for axes in figure.axes] == ["rsa", "cka"]
    assert figure.get_supxlabel().count("grey") == 1
    assert all(axes.get_xlabel() == "" for axes in figure.axes)


def test_the_axes_given_are_returned_and_nothing_global_changes():
    before = dict(mpl.rcParams)
    axes = Figure().add_subplot()
    assert bucket_scores(FOUR, "rsa", axes) is axes
    assert dict(mpl.rcParams) == before


def test_the_same_records_give_the_same_pdf(tmp_path):
    paths = [save_figure(bucket_scores(FOUR, "rsa").figure, tmp_path / f"{n}.pdf") for n in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_what_cannot_be_drawn_is_an_error():
    with pytest.raises(GeomsimError, match=r"bucket 'more' has n = 0 and the score 0\.5; an empty bucket has no score"):
        bucket_scores([empty(score=0.5)], "rsa")
    with pytest.raises(GeomsimError, match="2 rows for bucket 1"):
        bucket_scores([record(), record()], "rsa")
    with pytest.raises(GeomsimError, match="no rows for 'cka'; its metrics are rsa"):
        bucket_scores(FOUR, "cka")
    with pytest.raises(GeomsimError, match="record 0 has no holm"):
        bucket_scores(FOUR, "rsa", significance="holm")
    with pytest.raises(GeomsimError, match="at least one metric"):
        bucket_score_panels(FOUR, [])
