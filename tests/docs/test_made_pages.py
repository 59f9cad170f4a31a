"""Every installed metric, null and verb has a page, made of itself; every public name has a place."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import api_pages
import made_pages
import metric_pages
import null_pages
import pytest
import verb_pages

import geomsim.report
from geomsim.catalog import entries, instance_of
from geomsim.metric_facts import describe
from geomsim.metric_text import read_metric_text
from geomsim.study_config import metric_of
from geomsim_synthetic import SEPARATING


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    docs = tmp_path_factory.mktemp("docs")
    return {path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8") for path in made_pages.make(docs)}


def test_every_metric_has_a_page_with_formula_nulls_failures_and_card(pages: dict[str, str]) -> None:
    for entry in entries():
        page = pages[f"_generated/metrics/{entry.name}.md"]
        assert f".. autoclass:: {entry.load().__module__}." in page
        for heading in ("## Which null", "## Where it fails and another succeeds", "## Its card"):
            assert heading in page, entry.name
        for null in describe(entry)["nulls"]:
            assert f"(/_generated/nulls/{null}.md)" in page
        assert f"({entry.name}.md)" in pages["_generated/metrics/index.md"]


def test_what_a_metric_misses_comes_first_with_who_sees_it(pages: dict[str, str]) -> None:
    page = pages["_generated/metrics/cka.md"]
    wound = next(line for line in page.splitlines() if line.startswith("| **wound**"))
    assert SEPARATING["wound"].what in wound
    assert "misses it" in wound
    assert "[`mutual-knn`](mutual-knn.md)" in wound
    assert page.index("**wound**") < page.index("**flipped**")


def test_a_card_is_the_one_that_is_shipped(pages: dict[str, str]) -> None:
    assert "Effort full" in pages["_generated/metrics/svcca.md"]
    assert "Effort quick" in pages["_generated/metrics/rtd.md"]
    assert metric_pages.card("no-such-metric") == (
        "No card is shipped. `geomsim validate no-such-metric` measures one."
    )


def test_every_null_has_a_page_with_its_answers(pages: dict[str, str]) -> None:
    for name in null_pages.nulls():
        assert f"_generated/nulls/{name}.md" in pages
    assert "| refuses: SingularValues is unpaired" in pages["_generated/nulls/shuffle.md"]
    assert "mean, spread and p-value, from 9 draws" in pages["_generated/nulls/shuffle.md"]
    assert "mean and spread of its draws, and no p-value" in pages["_generated/nulls/noise-floor.md"]


def test_every_null_answers_what_it_is_for(pages: dict[str, str]) -> None:
    for name in null_pages.nulls():
        page = pages[f"_generated/nulls/{name}.md"]
        answered = page.partition("## What it answers")[2].count("| mean")
        assert answered, name
        assert "(/explanation/what_p_means.md#a-small-p-null-by-null)" in page
    for name, asked in (("random-group", "compare_groups(left, range(30), "), ("random-subset", "subset=range(30)")):
        page = pages[f"_generated/nulls/{name}.md"]
        assert asked in page
        assert "refuses" not in page.partition("## What it answers")[2], name


def test_every_null_has_words_of_what_it_asks(pages: dict[str, str]) -> None:
    assert set(metric_pages.HOW_NULLS) == set(null_pages.nulls())
    assert (
        "`rewired-graph`](/_generated/nulls/rewired-graph.md) | for metrics on graphs"
        in (pages["_generated/metrics/mapper-gromov.md"])
    )
    assert "no question: it gives the mean by chance" in pages["_generated/metrics/knn-jaccard.md"]
    assert "the same question, in closed form" in pages["_generated/metrics/cka.md"]


def test_the_list_of_verbs_says_what_each_does_and_no_more(pages: dict[str, str]) -> None:
    rows = re.findall(r"^\| \[`geomsim .*", pages["_generated/command_line/index.md"], re.MULTILINE)
    assert len(rows) == len(verb_pages.verbs())
    for row in rows:
        assert "Parameters" not in row
        assert len(row) < 200, row


def test_a_metric_is_asked_for_as_its_page_says(pages: dict[str, str]) -> None:
    for entry in entries():
        page = pages[f"_generated/metrics/{entry.name}.md"]
        (line,) = re.findall(r"```bash\ngeomsim compare LEFT RIGHT -m (.*)\n```", page)
        (python,) = re.findall(r"```python\ngeomsim.compare\(left, right, (.*)\)\n```", page)
        written = read_metric_text(*shlex.split(line))
        by_line = instance_of(metric_of(written))
        by_python = instance_of(eval(python, {"geomsim": geomsim}))
        assert by_line == by_python == instance_of(entry.load()), entry.name
    assert "-m 'knn-jaccard(k=10)'" in pages["_generated/metrics/knn-jaccard.md"]


def test_every_verb_has_a_page_with_every_option(pages: dict[str, str]) -> None:
    for name, verb in verb_pages.verbs().items():
        page = pages[f"_generated/command_line/{name}.md"]
        below = [verb[sub] for sub in verb if not sub.startswith("-")]
        for each in below or [verb]:
            for argument in each.assemble_argument_collection():
                option = argument.names[0]
                if option == "*":
                    continue  # a group of options, which come by themselves
                common = option.removeprefix("--").replace("-", "_") in verb_pages._COMMON
                place = pages["_generated/command_line/index.md"] if common else page
                assert f"`{option}" in place, f"geomsim {name} {option}"


def test_every_public_name_has_a_place(pages: dict[str, str]) -> None:
    for module in (name for names in api_pages.GROUPS.values() for name in names):
        page = pages[f"_generated/api/{module}.rst"]
        names = api_pages.public_names(importlib.import_module(module))
        assert names, module
        for name in names:
            assert f"`{name} <" in page, f"{module}.{name}"


def test_every_figure_has_a_place() -> None:
    table = re.split(r"^=+ =+ =+$", geomsim.report.__doc__ or "", flags=re.MULTILINE)[2]
    modules = {f"geomsim.report.{line.split()[0].strip('`')}" for line in table.strip().splitlines()}
    assert modules <= set(api_pages.GROUPS["Figures"])


def test_pages_that_are_no_more_are_removed_and_the_gallery_stays(tmp_path: Path) -> None:
    old, gallery = tmp_path / "_generated/metrics/old.md", tmp_path / "_generated/gallery/plot.rst"
    for path in (old, gallery):
        path.parent.mkdir(parents=True)
        path.write_text("kept from an earlier build")
    write = made_pages.Writer(tmp_path)
    write("_generated/metrics/new.md", "# New\n")
    write.clean()
    assert not old.exists()
    assert gallery.exists()
    assert (tmp_path / "_generated/metrics/new.md").exists()
