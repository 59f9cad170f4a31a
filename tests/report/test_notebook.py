"""Results in a notebook: static summaries, and the report in a frame that reaches nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import geomsim
from geomsim import Pairing, Space, compare, run_study
from geomsim.activations import Codes
from geomsim.errors import InvalidConfig
from geomsim.report.comparison_contents import contents_of_comparison
from geomsim.report.missing import MISSING
from geomsim.report.notebook import Shown

HOSTILE = "</script><img src=x onerror=\"alert(1)\"> & 'q'"
RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(50, 4))
OTHER = POINTS + RANDOM.normal(size=(50, 4))


class Read(HTMLParser):
    """Tags, attributes and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def comparison(**options):
    left, right = (Space(points, name=HOSTILE) for points in (POINTS, OTHER))
    return compare(left, right, "rsa", draws=39, **options)


def study(**options):
    pairs = [{"left": Space(POINTS, name="a"), "right": Space(OTHER, name="b"), "kind": HOSTILE}]
    return run_study({"pairs": pairs, "metrics": ["rsa", "singular-values"], "draws": 39, **options})


def candidates():
    codes = [Codes.from_dense(np.maximum(RANDOM.normal(size=(300, 6)), 0)) for _ in range(2)]
    return geomsim.correlate(*codes, top=2, min_firings=1, min_cofirings=1)


@pytest.mark.parametrize(
    "make", [comparison, study, lambda: Pairing([0, 1], [0, 0], weight=[0.1, 0.2], provenance={HOSTILE: HOSTILE})]
)
def test_summaries_are_escaped_static_and_of_the_notebooks_own_colours(make):
    html = make()._repr_html_()
    read = Read(html)
    assert {tag for tag, _ in read.tags} <= {"table", "thead", "tbody", "tr", "th", "td", "p", "code"}
    assert all(set(attributes) <= {"style"} for _, attributes in read.tags)
    assert "color" not in html
    assert "background" not in html
    assert "</script>" in read.text


def test_a_study_tells_what_it_found_and_where_the_rest_is():
    found = study()
    assert repr(found) == "Study(2 comparisons by 2 metrics)"
    text = Read(found._repr_html_()).text
    assert "1 pair of spaces" in text
    assert "p ≤ 0.025" in text
    assert "study.show()" in text
    many = run_study({
        "pairs": [{"left": POINTS, "right": OTHER, "subsets": {str(i): range(i, i + 20) for i in range(8)}}],
        "metrics": ["rsa"], "draws": 9,
    })  # fmt: skip
    assert "and 5 more: study.table has all." in Read(many._repr_html_()).text


def test_a_failed_cell_says_why():
    found = run_study({"pairs": [{"left": np.ones((20, 3)), "right": POINTS[:20]}], "metrics": ["rsa"], "draws": 9})
    assert repr(found) == "Study(1 comparison by 1 metric, 1 without a score)"
    assert f"no score: {found.failed[0].error}" in Read(found._repr_html_()).text


def test_a_pairing_tells_how_many_share_a_partner():
    text = Read(Pairing([0, 1, 2], [5, 5, 7], weight=[0.9, 0.8, 0.7], mass=[1, 1, 0.5])._repr_html_()).text
    for part in ("pairs3", "right rows2 (by number of partners 1: 1, 2-10: 1)", "0.7 to 0.9, median 0.8", "2.5 in all"):
        assert part in text


def test_candidates_tell_how_many_have_a_partner():
    found = candidates()
    text = Read(found._repr_html_()).text
    assert f"{int(found.left_to_right.found.sum())} of 6 have a partner" in text
    assert f"tokens{found.n_tokens}" in text


@pytest.mark.parametrize("make", [comparison, study])
def test_the_report_stands_in_a_frame_that_reaches_nothing(make, tmp_path, monkeypatch):
    # Maps of a study take half a minute, and have tests of their own.
    from geomsim.report import assembling

    result = make()
    contents = contents_of_comparison(comparison())
    monkeypatch.setattr(assembling, "contents_of_study", {result: contents}.__getitem__)
    shown = result.show(height=640)
    assert isinstance(shown, Shown)
    ((tag, attributes),) = Read(shown._repr_html_()).tags
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts allow-downloads"
    assert attributes["height"] == "640"
    path = shown.save(tmp_path / "sub" / "report.html")
    # The frame holds the very page that the file holds.
    assert attributes["srcdoc"] == path.read_text("utf-8")
    assert "Content-Security-Policy" in attributes["srcdoc"]
    assert "img" not in {name for name, _ in Read(attributes["srcdoc"]).tags}
    assert f"{len(shown.html.encode()) / 1e6:.1f} MB" in repr(shown)
    assert '.save("report.html")' in repr(shown)


def test_the_same_result_is_shown_by_the_same_bytes():
    found = comparison()
    assert found.show().html == found.show().html


@pytest.mark.parametrize("height", ["tall", 12.5, 20, -1, None])
def test_a_height_that_is_none_is_refused(height):
    with pytest.raises(InvalidConfig, match=r"whole number of pixels, at least 100.*height=800"):
        Shown("<p>", "title", 1, height)


def test_a_report_is_saved_as_html_alone(tmp_path):
    with pytest.raises(InvalidConfig, match=r"let its name end in \.html"):
        Shown("<p>", "title", 1).save(tmp_path / "report.pdf")


def test_one_comparison_is_one_cell_with_its_draws_and_its_card():
    found = comparison(interval="jackknife")
    contents = contents_of_comparison(found)
    (record,) = contents.scores.records
    assert record["score"] == found.score
    assert record["holm"] == record["p_value"] == found.p_value
    assert np.array_equal(contents.scores.draws[0], found.null)
    assert contents.scores.pair_of == [0]
    assert [space.n_rows for space in contents.spaces] == [50, 50]
    assert [card.metric for card in contents.cards] == ["rsa"]
    assert len(contents.sentences) == 3
    assert set(contents.missing) == set(MISSING)
    assert contents.provenance["Comparison"]["seed"] == 0
    assert "/" not in contents.title.replace("</script>", "")


def test_a_comparison_without_a_null_and_one_of_unequal_sides():
    without = contents_of_comparison(compare(POINTS, OTHER, "rsa", null=None))
    assert not without.scores.draws
    assert "No p-value exists" in without.sentences[1]
    unequal = contents_of_comparison(compare(POINTS, OTHER[:30], "singular-values", draws=9))
    assert [space.n_rows for space in unequal.spaces] == [50, 30]
    assert "noise floor" in unequal.sentences[1]
