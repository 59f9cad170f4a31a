from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.visible_text import visible, visible_token
from geomsim.errors import GeomsimError
from geomsim.report.heatmap import layer_heatmap
from geomsim.report.look import NO_NUMBER, contrast
from geomsim.report.summary import (
    Noted,
    Picture,
    ReadablePair,
    Table,
    score_tables,
    write_summary,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7*7 }}"
SVG = b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x" "http://www.w3.org/svg11.dtd">\n<svg xmlns="http://www.w3.org/2000/svg"/>'
VOID = {"meta", "img", "source", "br", "link"}


class Page(HTMLParser):
    """A page as elements (tag, attributes, text directly inside) in order; asserts that tags nest."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.open = []
        self.html = html
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag):
        return [element for element in self.elements if element[0] == tag]

    def text(self, tag):
        return [element[2] for element in self.all(tag)]


def page_of(folder, **changes):
    content = {"title": "Left and right", "sentences": ["One.", "Two.", "Three."]} | changes
    return Page(write_summary(Path(folder) / "summary.html", **content).read_text("utf-8"))


def full_content(text="plain"):
    pair = ReadablePair(f"left {text}", f"right {text}", 0.7, [(text, text, text)], [(text, text, text)])
    return {
        "title": text,
        "sentences": [text] * 4,
        "tables": [Table(text, [text, "n", Noted("rsa", text)], [[text, 3, Noted("0.5", text, "***")]], [text])],
        "figures": [Picture(f"alt {text}", SVG, text, SVG, SVG, SVG)],
        "pairs": [pair],
        "provenance": {text: {text: text}, "Configuration": {"nested": [text]}},
        "notes": [text],
    }


def tags(page):
    return [(tag, sorted(attributes)) for tag, attributes, _ in page.elements]


def test_words_come_first_then_pictures_tables_pairs_warnings_provenance(tmp_path):
    page = page_of(tmp_path, **full_content())
    headings = [element[2] for element in page.elements if element[0] in ("h1", "h2")]
    assert headings == ["plain", "At a glance", "The numbers", "Pairs you can read", "Warnings", "Provenance"]
    assert page.html.index("<p>") < page.html.index("<figure") < page.html.index("<table") < page.html.index("<details")
    assert [tag for tag, _, _ in page.elements if tag in ("h1", "main", "footer")] == ["h1", "main", "footer"]


def test_empty_parts_are_left_out_but_no_warnings_are_said(tmp_path):
    page = page_of(tmp_path)
    assert page.text("h2") == ["Warnings"]
    assert "None." in page.text("p")
    assert page.all("table") == page.all("figure") == page.all("details") == []


def test_hostile_text_is_inert_everywhere(tmp_path):
    plain, hostile = page_of(tmp_path, **full_content()), page_of(tmp_path, **full_content(HOSTILE))
    assert tags(plain) == tags(hostile)
    assert hostile.all("script") == []
    assert "49" not in hostile.text("h1")[0]
    assert hostile.text("h1") == hostile.text("title") == [HOSTILE]
    assert hostile.all("img")[0][1]["alt"] == f"alt {HOSTILE}"
    assert hostile.text("mark") == [HOSTILE, HOSTILE]
    assert hostile.text("caption") == [HOSTILE]
    assert json.loads(hostile.text("pre")[0]) == {"nested": [HOSTILE]}


@settings(max_examples=40, deadline=None)
@given(st.text())
def test_any_text_leaves_the_page_as_it_is(text):
    with TemporaryDirectory() as folder:
        plain, other = page_of(folder, **full_content()), page_of(folder, **full_content(f"x{text}"))
    assert tags(plain) == tags(other)
    assert other.text("h1") == [visible(f"x{text}").replace("\r", "\n")]
    assert other.text("mark")[0] == visible_token(f"x{text}")


def test_the_policy_allows_this_style_and_data_pictures_only(tmp_path):
    page = page_of(tmp_path, **full_content())
    policy = next(a["content"] for _, a, _ in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.text("style")[0].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert len(page.all("style")) == 1
    assert not any("style" in attributes for _, attributes, _ in page.elements)
    assert page.elements.index(page.all("style")[0]) > page.elements.index(page.all("meta")[1])


def test_nothing_is_asked_of_anybody(tmp_path):
    page = page_of(tmp_path, **full_content())
    assert not re.search(r"https?:|url\(|@import|//[a-z]", page.html)
    for _, attributes, _ in page.elements:
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "#").startswith(("data:image/svg+xml;base64,", "#"))
        assert not any(name.startswith("on") for name in attributes)
    for uri in [page.all("img")[0][1]["src"], *(a["srcset"] for _, a, _ in page.all("source"))]:
        svg = base64.b64decode(uri.split(",", 1)[1]).decode()
        assert svg.startswith("<svg")
        assert "DOCTYPE" not in svg


def test_a_drawn_picture_asks_for_nothing_either(tmp_path):
    cell = {
        "left_layer": 0, "right_layer": 0, "metric": "rsa", "score": 0.4, "larger_means": "closer",
        "null": "shuffle", "null_mean": 0.0, "null_sd": 0.1, "p_value": 0.01,
    }  # fmt: skip
    calls = []

    def draw(look, columns):
        calls.append((look, columns))
        return layer_heatmap(pd.DataFrame([cell]), "rsa", look=look).figure

    picture = Picture.drawn(draw, alt="one cell", caption="One cell")
    assert len(set(calls)) == 4
    page = page_of(tmp_path, figures=[picture])
    assert [a["media"] for _, a, _ in page.all("source")] == [
        "(prefers-color-scheme: dark) and (max-width: 44rem)",
        "(max-width: 44rem)",
        "(prefers-color-scheme: dark)",
    ]
    svg = base64.b64decode(page.all("img")[0][1]["src"].split(",", 1)[1]).decode()
    assert set(re.findall(r"https?://[^\"' ]+", svg)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_a_dark_screen_never_gets_a_light_picture_where_there_is_a_dark_one(tmp_path):
    page = page_of(tmp_path, figures=[Picture("alt", SVG, "caption", dark=SVG, narrow=SVG)])
    assert [a["media"] for _, a, _ in page.all("source")] == ["(prefers-color-scheme: dark)"]


def test_the_same_input_gives_the_same_bytes(tmp_path):
    first = write_summary(tmp_path / "a" / "one.html", **full_content()).read_bytes()
    second = write_summary(tmp_path / "b" / "two.html", **full_content()).read_bytes()
    assert first == second
    assert b"\r" not in first
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["one.html"]


def test_structure_for_those_who_do_not_see_it(tmp_path):
    page = page_of(tmp_path, **full_content())
    assert page.all("html")[0][1] == {"lang": "en"}
    skip = page.all("a")[0]
    assert skip[1]["href"] == "#main"
    assert page.all("main")[0][1]["id"] == "main"
    assert {a["scope"] for _, a, _ in page.all("th")} == {"col", "row"}
    identities = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(identities) == len(set(identities))
    labels = [a["aria-labelledby"] for _, a, _ in page.elements if "aria-labelledby" in a]
    assert labels
    assert set(labels) <= set(identities)
    region = next(a for _, a, _ in page.elements if a.get("class") == "scroll")
    assert (region["role"], region["tabindex"]) == ("region", "0")
    assert all(a["alt"] for _, a, _ in page.all("img"))
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_colours_are_readable_in_both_themes(tmp_path):
    style = page_of(tmp_path).text("style")[0]
    themes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r":root \{([^}]*)\}", style)
    ]
    assert len(themes) == 2
    for theme in themes:
        for ink in ("ink", "quiet", "accent", "warn"):
            for ground in ("paper", "tint"):
                assert contrast(theme[ink], theme[ground]) >= 4.5
        assert contrast(theme["mark-ink"], theme["mark"]) >= 4.5


def test_numbers_stand_flush_right_and_text_does_not(tmp_path):
    rows = [["a", 1, 0.25, "mutual", Noted("0.5", "chance 0.1", "**")], ["b", 20, None, "max", None]]
    page = page_of(tmp_path, tables=[Table("caption", ["name", "n", "r", "how", "rsa"], rows)])
    assert [a.get("class") for _, a, _ in page.all("th")][:5] == [None, "number", "number", None, "number marked"]
    assert page.text("td") == ["1", "0.25", "mutual", "0.5** chance 0.1", "20", NO_NUMBER, "max", NO_NUMBER]


def test_equal_warnings_are_counted(tmp_path):
    page = page_of(tmp_path, notes=["again", "once", "again"])
    assert page.text("li") == ["again (2 times)", "once"]


def test_unseen_characters_are_shown_by_their_code_point(tmp_path):
    assert visible("a\u202eb\ud800\x07") == "a⟨U+202E⟩b⟨U+D800⟩⟨U+0007⟩"
    assert visible_token("x\r\n\ty") == "x↵⇥y"
    assert page_of(tmp_path, title="\ud800").text("h1") == ["⟨U+D800⟩"]


def test_a_row_that_does_not_fit_is_named(tmp_path):
    with pytest.raises(GeomsimError, match="table 'caption': row 1 has 1 cells for 2 columns"):
        page_of(tmp_path, tables=[Table("caption", ["a", "b"], [[1, 2], [3]])])


@pytest.mark.parametrize(
    ("picture", "message"),
    [(Picture(" ", SVG, "c"), "give it alt"), (Picture("alt", b"PNG", "c"), "'c' is not SVG")],
)
def test_a_bad_picture_is_refused(tmp_path, picture, message):
    with pytest.raises(GeomsimError, match=message):
        page_of(tmp_path, figures=[picture])


def test_provenance_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(GeomsimError, match="provenance 'config' cannot be written as JSON"):
        page_of(tmp_path, provenance={"config": {"space": object()}})


def study_table():
    cell = {
        "kind": "features", "left_layer": 0, "right_layer": 1, "metric": "rsa", "n": 90, "score": 0.4,
        "p_value": 0.01, "larger_means": "closer", "null": "shuffle", "null_mean": 0.05, "error": None,
    }  # fmt: skip
    failed = dict.fromkeys(("n", "score", "p_value", "larger_means", "null", "null_mean"))
    return pd.DataFrame(
        [
            cell,
            cell | {"metric": "spectrum", "larger_means": "farther", "null": "noise-floor", "p_value": None},
            cell | {"kind": "neurons", "n": 20},
            cell | failed | {"kind": "neurons", "metric": "spectrum", "error": "one row is constant"},
        ]
    )


def test_score_tables_have_a_table_per_kind_a_row_per_layer_pair_a_column_per_metric():
    features, neurons = score_tables(study_table())
    assert (features.caption, neurons.caption) == ("Features", "Neurons")
    assert features.columns[2:] == [Noted("rsa", "larger is closer"), Noted("spectrum", "smaller is closer")]
    assert features.rows == [["0 and 1", "90", Noted("0.40", "chance 0.050", "**"), Noted("0.40", "floor 0.050", "")]]
    assert neurons.rows == [["0 and 1", "20", Noted("0.40", "chance 0.050", "**"), None]]
    assert neurons.notes[-1] == "Left layer 0, right layer 1, spectrum: one row is constant"
    assert "*** p ≤ .001" in neurons.notes[0]


def test_score_tables_refuse_two_rows_for_one_cell():
    with pytest.raises(GeomsimError, match="features has two rows for rsa at left layer 0, right layer 1"):
        score_tables(pd.concat([study_table(), study_table()]))


def test_score_tables_name_missing_columns():
    with pytest.raises(GeomsimError, match="no column kind, error"):
        score_tables(study_table().drop(columns=["kind", "error"]))
