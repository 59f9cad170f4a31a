"""What is written by hand: links, commands, Python, formulas, and the numbers that must be explained."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
import repository
from made_tables import TABLES
from mathml import mathml
from page_parts import DOCS, ROOT

from geomsim.activations.matching_methods import _METHODS
from geomsim.catalog import metrics
from geomsim.cli.app import app
from geomsim.preparing.blocks import EITHER, FEATURES, KEPT, LEFT_OUT, TOKENS, Between, Method, Within
from geomsim.preparing.group_jobs import GroupJob
from geomsim.preparing.jobs import Coupling, Job, Reading
from geomsim.preparing.places import Place
from geomsim.report.page.sections import SECTIONS
from geomsim.study_references import _ROLES, REFERENCE, references_of
from geomsim.study_table import COLUMNS

MADE = ("_generated", "_build", "cards")
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[0] not in MADE)
LINKED = sorted(
    {*PAGES, *repository.shown_files(), ROOT / "README.md", *(ROOT / name for name in repository.marked_files())}
)
RUN = [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = "".join(repository._FENCED.split(page.read_text(encoding="utf-8"))[::2])
    for _, label, address in repository._LINK.findall(text):
        path = address.partition("#")[0]
        if not path or re.match(r"[a-z]+:", address):
            continue
        target = (page.parent / path).resolve()
        made = target.is_relative_to(DOCS / "_generated")
        assert made or target.exists(), f"[{label}]({address})"


def test_files_that_pages_show_exist() -> None:
    assert {"examples/feature_splitting/README.md", "examples/audit/README.md"} <= set(repository.marked_files())
    for file in repository.marked_files():
        assert (ROOT / file).exists(), file


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_python_on_pages_does_what_it_says(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert tried
    assert not failed


def commands() -> list[tuple[str, str]]:
    found = []
    for page in [*PAGES, ROOT / "README.md"]:
        for block in re.findall(r"^```(?:bash|console)?\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            found += [
                (name_of(page), line) for line in block.replace("\\\n", " ").splitlines() if line.startswith("geomsim ")
            ]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_on_pages_are_understood(page: str, line: str) -> None:
    app.parse_args(shlex.split(line, comments=True)[1:], exit_on_error=False, print_error=False)


def labels_of_models() -> set[str]:
    """The columns of a study that begins at models, whatever it compares."""
    places = [Place(model, FEATURES, 0, "residual:0") for model in ("left", "right")]
    readings = [Reading(place) for place in places]
    coupling = Coupling(readings[0], readings[1], KEPT, TOKENS, "last", "whitespace", ())
    job = Job(Between("", "left", "right"), coupling, Method("max"), "left-to-right")
    return {*job.labels, *GroupJob(Within("", "left"), readings[0], ("time", "code"), {}).labels("time", "code")}


def explained(page: str, heading: str) -> set[str]:
    """The columns that have a row in a section of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    firsts = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(firsts)))


def test_every_column_is_explained() -> None:
    missing = {*COLUMNS, *labels_of_models(), REFERENCE} - explained("reference/results_table.md", "")
    assert not missing


def test_every_column_of_the_references_is_explained() -> None:
    record = {"role": "cross-model", "score": 0.5, "left_model": "a", "right_model": "b"}
    (row,) = references_of([record], {"a": {"path": "a"}, "b": {"path": "b"}})
    assert explained("reference/results_table.md", "References beside a score") == set(row)


def test_every_role_and_method_is_explained() -> None:
    text = (DOCS / "reference/results_table.md").read_text(encoding="utf-8")
    for word in (*_ROLES, Within("", "").role, *_METHODS, EITHER, KEPT, LEFT_OUT):
        assert f"`{word}`" in text, word


def test_every_section_of_a_report_is_explained() -> None:
    for page in ("reference/report_numbers.md", "explanation/read_the_report.md"):
        text = (DOCS / page).read_text(encoding="utf-8").lower()
        for section in SECTIONS:
            assert section.title.lower() in text, f"{page}: {section.title}"


def test_every_number_beside_the_references_is_explained() -> None:
    view = (ROOT / "geomsim/report/page/assets/references.js").read_text(encoding="utf-8")
    heads = re.findall(r'\["([^"]+)", (?:number|spread|\(row\))', view)
    assert {"score", "second seed"} < set(heads)
    page = (DOCS / "reference/report_numbers.md").read_text(encoding="utf-8")
    section = page.partition("## Beside the references")[2].partition("\n## ")[0]
    for head in heads:
        assert head in section, head


def test_every_correction_and_word_for_chance_is_explained() -> None:
    view = (ROOT / "geomsim/report/page/assets/result_cells.js").read_text(encoding="utf-8")
    corrections = view.partition("CORRECTIONS = [")[2].partition("];")[0]
    words = re.findall(r'\["\w+", "([^"]+)", "[^"]+"\]', corrections)
    chance = re.search(r"return (\{.*\})\[nullKind\(record\.null\)\] \?\? \"(\w+)\"", view)
    assert chance
    words += [*re.findall(r': "([\w ]+)"', chance.group(1)), chance.group(2)]
    assert len(words) >= 8
    page = (DOCS / "reference/report_numbers.md").read_text(encoding="utf-8")
    for word in words:
        assert word.removeprefix("step-down ") in page, word


def test_every_null_is_weighed() -> None:
    from null_pages import nulls

    text = (DOCS / "explanation/what_p_means.md").read_text(encoding="utf-8")
    for name in nulls():
        assert f"[`{name}`](../_generated/nulls/{name}.md)" in text, name


def test_the_table_of_who_sees_what_names_installed_metrics() -> None:
    table = TABLES["separations"]()
    named = set(re.findall(r"/_generated/metrics/([\w-]+)\.md", table))
    assert named <= set(metrics())
    assert "seen by [`cca`](/_generated/metrics/cca.md) |" in table  # nobody else sees a stretched direction


def test_every_formula_can_be_drawn() -> None:
    sources = [file for folder in ("geomsim", "plugins", "synthetic") for file in (ROOT / folder).rglob("*.py")]
    count = 0
    for source in sources:
        text = source.read_text(encoding="utf-8")
        if '"""' not in text or ":math:" not in text:
            continue
        for formula in re.findall(r":math:`([^`]+)`", text):
            assert mathml(" ".join(formula.replace("\\\\", "\\").split())).startswith("<math"), f"{source}: {formula}"
            count += 1
    assert count > 50


def test_an_accent_keeps_its_index_beside_it() -> None:
    assert "munder" not in mathml(r"\bar K_{ij}")
    assert mathml(r"\tfrac12 x").count("<mn>") == 2
