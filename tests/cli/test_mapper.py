"""`geomsim mapper`: what it makes, writes, refuses and says; on files small enough to know the answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geomsim import Codes, Pairing, Space
from geomsim.activations import Document, TokenTable
from geomsim.activations.text import text_hash
from geomsim.cli.app import run
from geomsim.report.page.writing import page_html
from geomsim.report.views.stored_page import read_page
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.verb import tokens
from geomsim_topological.verb.options import in_options
from geomsim_topological.verb.results import files
from geomsim_topological.verb.token_contexts import token_contexts

SAE = Path(__file__).parents[2] / "examples" / "code_models" / "left" / "saes" / "layer_0"
N = 240


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A circle, the same circle turned, noise, and what goes wrong; in the folder where commands are called."""
    random = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(N) / N + random.uniform(0, 0.02, N)  # no row on the border of a cube
    circle = np.column_stack([np.cos(angle), 0.9 * np.sin(angle), np.zeros(N)])
    turned = circle @ np.linalg.qr(random.normal(size=(3, 3)))[0]
    np.save(tmp_path / "circle.npy", circle)
    np.save(tmp_path / "turned.npy", turned)
    np.save(tmp_path / "noise.npy", random.normal(size=(N, 3)))
    np.save(tmp_path / "short.npy", circle[:200])
    np.save(tmp_path / "constant.npy", np.ones((50, 4)))
    np.save(tmp_path / "one.npy", np.ones((1, 4)))
    (tmp_path / "labels.txt").write_text("\n".join("north" if np.sin(a) > 0 else "south" for a in angle) + "\n")
    (tmp_path / "few.txt").write_text("a\nb\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What is on standard output, which is one JSON document."""
    assert run(["mapper", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What an error says."""
    assert run(["mapper", *arguments]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert "This is a fault" not in shown.err
    return shown.err


def test_a_circle_is_one_component_with_one_loop(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (side,) = answer(capsys, "circle.npy", "--relative-eps", "0.1")["sides"]
    assert (side["rows"], side["components"], side["loops"], side["noise rows"]) == (N, 1, 1, 0)
    assert side["certified loops"] == 1
    assert side["edges"] - side["nodes"] + 1 > 1  # the bare graph has cycles that go around nothing


def test_a_turned_copy_is_at_distance_0_and_nodes_match_by_their_rows(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(
        capsys, "circle.npy", "turned.npy", "--relative-eps", "0.1", "--draws", "49", "--labels", "labels.txt"
    )
    comparison = found["comparison"]
    assert comparison["value"] == pytest.approx(0.0, abs=1e-12)
    assert comparison["edges preserved left-to-right"] == 1.0
    assert comparison["p_value"] == 1 / 50
    assert comparison["chance"] > 0.5
    for match in found["matches"]:
        assert match["Jaccard"] == 1.0
        assert match["left words"] == match["right words"]
    assert {word for match in found["matches"] for word in match["left words"]} == {"north", "south"}


def test_unrelated_rows_are_as_far_apart_as_by_chance(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["circle.npy", "noise.npy", "--draws", "49", "--no-persistence"]
    assert answer(capsys, *arguments)["comparison"]["p_value"] > 0.05


def test_equal_commands_give_equal_answers_and_seeds_matter(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["circle.npy", "noise.npy", "--draws", "19", "--no-persistence"]
    first, again, other = (answer(capsys, *arguments, "--seed", seed) for seed in ("1", "1", "2"))
    assert first == again
    assert first["comparison"]["value"] == other["comparison"]["value"]
    assert first["comparison"]["chance"] != other["comparison"]["chance"]


def test_pairs_of_a_table_say_which_rows_belong_together(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = np.random.default_rng(1).permutation(N)
    np.save("moved.npy", np.load("turned.npy")[order])
    Pairing(order, np.arange(N)).save(here / "pairs.parquet")
    wide = ["--relative-eps", "0.1", "--draws", "19", "--no-persistence"]
    by_row = answer(capsys, "circle.npy", "moved.npy", *wide)
    by_pair = answer(capsys, "circle.npy", "moved.npy", "--pairing", "pairs.parquet", *wide, "--labels", "labels.txt")
    assert by_pair["comparison"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert by_row["comparison"]["value"] > 0.3
    assert "left words" in by_pair["matches"][0]
    assert "right words" not in by_pair["matches"][0]  # the right rows have another order, and no words


def test_decoder_rows_of_a_dictionary(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (side,) = answer(capsys, str(SAE), "--rows", "120", "--no-persistence")["sides"]
    assert side["rows"] == 120


@pytest.mark.parametrize("sides", [["circle.npy"], ["circle.npy", "turned.npy"]])
def test_files_are_those_that_a_dry_run_names(sides: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*sides, "--sweep", "--draws", "9", "--out", "found"]
    planned = answer(capsys, *arguments, "--dry-run")
    assert not (here / "found").exists()
    assert planned["would_read"] == sides
    answer(capsys, *arguments)
    written = {path.name for path in (here / "found").iterdir()}
    assert written == set(files(len(sides), persistence=True, sweep=True))
    assert {Path(path).name for path in planned["would_write"]} == written
    graph = MapperGraph.from_json(here / "found" / "left.json")
    record = json.loads((here / "found" / "run.json").read_text())
    assert len(graph.names) == record["sides"][0]["nodes"]
    for figure in (here / "found").glob("*.pdf"):
        assert figure.read_bytes().startswith(b"%PDF")
    if len(sides) == 2:
        plan = pd.read_csv(here / "found" / "comparison" / "plan.csv")
        assert plan["mass"].sum() == pytest.approx(1.0)
        assert len(pd.read_csv(here / "found" / "agreement.csv")) == 25


def test_a_sweep_suggests_one_setting_and_says_how_well_both_agree_everywhere(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["mapper", "circle.npy", "turned.npy", "--sweep", "--draws", "19", "--no-persistence", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["suggestion"] in shown.err
    assert f"{found['setting']['cubes']} cubes" in found["suggestion"]
    assert found["agreement"] == {"p_value": 1 / 20, "settings": 25, "draws": 19}


def test_quiet_leaves_standard_error_empty_and_the_answer_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["mapper", "circle.npy", "turned.npy", "--draws", "9", "--out", "found", "-q"]
    assert run(arguments) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "mapper-transport" in shown.out
    assert "loops: of the nerve" in shown.out


def test_files_of_an_earlier_run_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["mapper", "circle.npy", "--out", "found"]
    assert run([*arguments, "--sweep"]) == 0
    assert "earlier run" not in capsys.readouterr().err
    assert run([*arguments, "--no-persistence"]) == 0
    assert "note: loops.pdf, stability.pdf in found are of an earlier run" in capsys.readouterr().err


def test_two_dictionaries_without_a_pairing_are_remarked_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Pairing(np.arange(100), np.arange(100)).save(here / "pairs.parquet")
    arguments = [str(SAE), str(SAE.parent / "layer_1"), "--no-persistence", "--draws", "9"]
    assert "latent i is compared with latent i" in answer(capsys, *arguments, "--rows", "100")["notes"][0]
    assert answer(capsys, *arguments, "--pairing", "pairs.parquet")["notes"] == []
    assert answer(capsys, "circle.npy", "turned.npy", *arguments[2:])["notes"] == []


def test_where_every_row_is_a_landmark_every_loop_is_certified_and_that_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("many.npy", np.random.default_rng(0).normal(size=(301, 3)))
    for name, said in (("noise.npy", True), ("many.npy", False)):
        assert run(["mapper", name]) == 0
        assert ("every loop is certified" in " ".join(capsys.readouterr().out.split())) == said


@pytest.mark.filterwarnings("default::geomsim.errors.GeomsimWarning")
def test_a_graph_without_nodes_is_said_to_be_empty(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapper", "noise.npy", "--relative-eps", "0.001", "--out", "found"]) == 0
    assert "warning: noise.npy: no row is in a node" in capsys.readouterr().err
    assert (here / "found" / "graphs.pdf").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("circl.npy", "circl.npy: no such file or folder"),
        ("circle.npy turnd.npy --dry-run", "turnd.npy: no such file or folder"),
        ("circle.npy turned.npy --pairing pairs.parquet", "pairs.parquet: no such file or folder"),
        ("circle.npy --labels nowhere.txt", "nowhere.txt: no such file or folder"),
        ("circle.npy short.npy", "circle.npy has 240 rows and short.npy has 200: .*--pairing.*--rows"),
        ("constant.npy", "constant.npy: all rows are equal"),
        ("one.npy", "one.npy: all rows are equal"),
        ("circle.npy constant.npy --rows 50", "constant.npy: all rows are equal"),
        ("circle.npy --labels few.txt", "few.txt has 2 lines, and circle.npy has 240 rows"),
        ("circle.npy --labels circle.npy", "circle.npy is no text in UTF-8"),
        ("circle.npy --labels .", r"\. is no text in UTF-8"),
        ("circle.npy --right-labels labels.txt", "--right-labels is for two sides that --pairing joins"),
        ("circle.npy --pairing few.txt", "--pairing pairs the rows of two sides"),
        ("circle.npy --text python", "--text gives the tokens of codes, and circle.npy holds none"),
        ("circle.npy --rows 0", "--rows is a whole number of at least 1, got 0"),
        ("circle.npy --cubes 0", "--cubes is a whole number of at least 1, got 0"),
        ("circle.npy --components 0", "--components is a whole number of at least 1, got 0"),
        ("circle.npy --min-samples 0", "--min-samples is a whole number of at least 1, got 0"),
        ("circle.npy --overlap 1", "--overlap is a share of a box, from 0 to below 1, got 1"),
        ("circle.npy --relative-eps 0", "--relative-eps is a length above 0"),
        ("circle.npy --relative-eps nan", "--relative-eps is a length above 0"),
        ("circle.npy turned.npy --draws 0", "--draws is a whole number of at least 1, got 0"),
        ("circle.npy --lens norm --components 2", "--components says how many --lens pca or umap has"),
        ("circle.npy --sweep --cubes 5", "--sweep finds --cubes and --overlap itself: leave out --cubes"),
        ("circle.npy --sweep --cover balanced", "leave out --cover balanced, or --sweep"),
        ("circle.npy --out few.txt", "few.txt is a file; results go to a folder, so name another with --out"),
        ("noise.npy --sweep --relative-eps .001", "sweep over larger --relative-eps or fewer --cubes$"),
        ("circle.npy noise.npy --relative-eps .001", "use a larger --relative-eps, fewer --cubes"),
        (str(SAE.parents[1]), "no dictionary in a known format"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_of_the_command_line(
    arguments: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    said = refusal(capsys, *arguments.split())
    assert re.search(message, said.strip()), said
    assert sorted(here.rglob("*")) == before


def test_json_of_an_error_is_one_document(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapper", "circl.npy", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "InvalidConfig"


def test_a_misspelled_option_is_a_fault_of_usage(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapper", "circle.npy", "--cube", "5"]) == 2


def test_an_interrupted_run_leaves_whole_files(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("geomsim_topological.verb.results.diagrams", interrupted)
    assert run(["mapper", "circle.npy", "--out", "found"]) == 130
    assert {path.name for path in (here / "found").iterdir()} == {"left.json", "left.kmapper.json", "graphs.pdf"}
    MapperGraph.from_json(here / "found" / "left.json")


@pytest.fixture
def documents(here: Path) -> list[Document]:
    """Two codes of the same text, whose documents have lengths of their own."""
    read = [Document(f"{number}.txt", "ab" * (10 + number)) for number in range(12)]
    save_codes(here / "codes", read, seed=0)
    save_codes(here / "others", read, seed=1)
    (here / "text").mkdir()
    for each in read:
        (here / "text" / each.name).write_text(each.text)
    return read


def save_codes(folder: Path, read: list[Document], seed: int) -> None:
    """Codes of a token to each character, active by the character and a little noise."""
    places = [(number, place) for number, each in enumerate(read) for place in range(len(each.text))]
    which, start = np.array(places).T
    random = np.random.default_rng(seed)
    letter = np.array([read[document].text[place] == "a" for document, place in places])
    values = np.column_stack([letter, ~letter, 0 * letter]) + np.array([1, 1, 0]) * random.random((len(places), 3)) / 5
    names = tuple(each.name for each in read)
    table = TokenTable(which, start, start, start + 1, letter.astype(np.int32), names, text_hash(read))
    Codes(values.astype(np.float32), tokens=table).save(folder)


def test_nodes_of_tokens_are_named_by_the_text(documents: list[Document], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["codes", "others", "--text", "text", "--cubes", "4", "--relative-eps", "0.3", "--draws", "19"]
    found = answer(capsys, *arguments, "--groups", "equal", "--no-persistence")
    assert {tuple(each["left words"]) for each in found["matches"]} == {("a",), ("b",)}
    assert all(each["left words"] == each["right words"] for each in found["matches"])
    assert "documents" in found["notes"][0]


def test_documents_of_unlike_lengths_are_refused_by_the_options_that_help(
    documents: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, "codes", "others", "--cubes", "4", "--relative-eps", "0.3")
    assert "are in documents of a length that no other has" in said
    assert "--groups equal" in said
    assert "--groups ignored" in said
    assert "equal_blocks" not in said
    wide = ["--cubes", "4", "--relative-eps", "0.3", "--draws", "9", "--no-persistence"]
    for groups in ("equal", "ignored"):
        found = answer(capsys, "codes", "others", *wide, "--groups", groups)
        whole = sum(len(each.text) for each in documents)
        assert (found["sides"][0]["rows"] == whole) == (groups == "ignored")


def test_equal_documents_change_places_whole_by_default(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("circle", "noise"):
        Space(np.load(f"{name}.npy"), groups=np.repeat(np.arange(N // 20), 20), name=name).save(here / f"{name}.npz")
    one, other = (
        answer(capsys, "circle.npz", "noise.npz", "--draws", "19", "--no-persistence", "--groups", groups)
        for groups in ("blocks", "ignored")
    )
    assert one["comparison"]["value"] == other["comparison"]["value"]
    assert one["comparison"]["chance"] != other["comparison"]["chance"]


def test_codes_of_different_texts_are_refused(
    documents: list[Document], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_codes(here / "foreign", [Document(each.name, each.text[::-1]) for each in documents], seed=0)
    assert "read different texts" in refusal(capsys, "codes", "foreign")


def test_codes_that_are_too_large_say_how_many_rows_would_do(
    documents: list[Document], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_MOST_BYTES", 800)
    found = re.search(r"--rows (\d+) would do", refusal(capsys, "codes"))
    assert found is not None
    assert found[1] == "100"  # 100 tokens of 2 active latents of 4 bytes
    answer(capsys, "codes", "--rows", found[1], "--lens", "norm", "--relative-eps", "1", "--no-persistence")


@pytest.mark.parametrize(
    ("said", "in_words"),
    [
        ("use a larger eps, fewer cubes or fewer rows for a cluster",
         "use a larger --relative-eps, fewer --cubes or smaller --min-samples"),
        ("separates nothing: leave it out", "separates nothing: choose another --lens"),
        ("steps", "steps"),
    ],
)  # fmt: skip
def test_advice_is_in_words_of_the_command_line(said: str, in_words: str) -> None:
    assert in_options(said) == in_words


def test_a_page_is_written_and_the_folder_gives_the_same_one_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["circle.npy", "turned.npy", "--relative-eps", "0.1", "--draws", "19", "--labels", "labels.txt"]
    planned = answer(capsys, *arguments, "--report", "page.html", "--dry-run")
    assert planned["would_write"] == ["page.html"]
    answer(capsys, *arguments, "--report", "page.html", "--out", "found")
    kept = read_page(here / "found" / "views")
    assert page_html(kept) == (here / "page.html").read_text("utf-8")
    (pair,) = kept.graphs
    graph = MapperGraph.from_json(here / "found" / "left.json")
    assert [rows.tolist() for rows in pair.left.members] == [rows.tolist() for rows in graph.nodes.values()]
    assert pair.texts is not None
    assert set(pair.texts) == {"left: north / right: north", "left: south / right: south"}
    assert (pair.what, pair.n_rows) == ("row", N)
    assert len(kept.diagrams) == 2
    assert "0.000; 0 is the same nodes" in kept.sentences[1]


def test_a_page_of_one_graph_needs_no_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(capsys, "circle.npy", "--relative-eps", "0.1", "--report", "page.html", "--no-persistence")
    assert (here / "page.html").read_text("utf-8").startswith("<!")
    assert "let its name end in .html" in refusal(capsys, "circle.npy", "--report", "page.pdf")


def test_tokens_stand_in_their_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = [Document("a", "one two three " * 20), Document("b", "four five six " * 20)]
    spans = [[match.span() for match in re.finditer(r"\S+", each.text)] for each in documents]
    table = TokenTable(
        document=np.repeat([0, 1], [len(each) for each in spans]),
        start=np.array([start for each in spans for start, _ in each]),
        end=np.array([end for each in spans for _, end in each]),
        position=np.concatenate([np.arange(len(each)) for each in spans]),
        token_id=np.zeros(sum(map(len, spans)), dtype=np.int64),
        documents=("a", "b"),
        text_hash=text_hash(documents),
    )
    values = np.random.default_rng(0).normal(size=(len(table.start), 3)).astype(np.float32)
    found = token_contexts(Codes(values, tokens=table), documents)
    assert len(found) == len(values)
    middle = found[30]
    assert (middle.document, middle.pieces[middle.focus], len(middle.pieces)) == ("a", "one ", 17)
    assert "".join(middle.pieces) in documents[0].text
    assert middle.value == pytest.approx(float(np.linalg.norm(values[30])))
    assert middle.activations == pytest.approx(np.linalg.norm(values[22:39], axis=1).tolist())
    assert found[0].focus == 0
    assert "".join(found[-1].pieces).endswith("five six")


def test_the_results_of_a_study_are_not_written_over(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "study").mkdir()
    (here / "study" / "results.csv").write_text("left,right,metric,score\n")
    assert "name another folder with --out" in refusal(capsys, "circle.npy", "--out", "study")
