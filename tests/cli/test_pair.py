"""`geomsim pair`: methods with their parameters, filters, decoys, and the table of reasons."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geomsim import Codes, Pairing
from geomsim.activations import TokenTable, TopTokens, read_top_tokens, save_top_tokens
from geomsim.cli.app import run


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Two codes of 20 latents: 15 alike, 5 of each side's own."""
    rng = np.random.default_rng(0)
    hidden = rng.random((1500, 25)) * (rng.random((1500, 25)) < 0.1)
    noise = rng.random((1500, 25)) < 0.8
    sides = {"left": hidden[:, :20], "right": (hidden * noise)[:, [*range(15), *range(20, 25)]]}
    for side, values in sides.items():
        Codes.from_dense(values, groups=np.arange(1500) // 50).save(tmp_path / side)
    return [str(tmp_path / side) for side in sides]


@pytest.fixture
def top_tokens(tmp_path: Path) -> list[str]:
    """Latents 0 and 1 of the left are commas and line ends, latent 2 of the right is."""
    paths = []
    for side, bad in (("left", {0: ",", 1: "\n"}), ("right", {2: ";"})):
        rows = [(latent, rank, bad.get(latent, "tea")) for latent in range(20) for rank in (1, 2, 3)]
        table = TopTokens(pd.DataFrame(rows, columns=["latent", "rank", "token"]), 20)
        paths.append(str(save_top_tokens(table, tmp_path / f"{side}.parquet")))
    return paths


@pytest.fixture
def pair(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    gates = ["--min-firings", "20", "--min-cofirings", "5", "--chance", "0"]

    def paired(*more: str) -> dict:
        code = run(["pair", *folders, "--out", str(tmp_path / "pairs.parquet"), *gates, "--json", *more])
        streams = capsys.readouterr()
        found = json.loads(streams.out)
        assert code == (1 if "error" in found else 0), streams.err
        return found

    return paired


@pytest.mark.parametrize("method", ["max", "mutual", "one-to-one", "greedy", "hungarian", "transport"])
def test_every_method_finds_what_is_alike(method: str, pair, tmp_path: Path) -> None:
    found = pair("--method", method, "--min-weight", ".4")
    assert found["method"] == method
    pairing = Pairing.open(tmp_path / "pairs.parquet")
    assert pairing.left.tolist() == pairing.right.tolist() == list(range(15))
    assert (pairing.mass is not None) == (method == "transport")


def test_parameters_go_to_their_method(pair) -> None:
    assert pair("--method", "hungarian", "--unmatched-at", ".4")["pairs"] == 15
    found = pair("--method", "transport", "--epsilon", ".02", "--marginal", ".3", "--min-share", ".4")["transport"]
    assert (found["epsilon"], found["marginal"], found["min_share"]) == (0.02, 0.3, 0.4)
    assert "'mutual' does not take epsilon; it takes no parameters" in pair("--epsilon", ".02")["error"]["message"]


def test_non_concepts_are_left_out_before_anything_is_paired(pair, top_tokens: list[str], tmp_path: Path) -> None:
    reasons = tmp_path / "reasons.parquet"
    found = pair("--non-concepts", *top_tokens, "--reasons", str(reasons))
    assert found["unmatched"]["left"]["non_concept: punctuation"] == 1
    assert found["unmatched"]["left"]["non_concept: line_end"] == 1
    assert found["unmatched"]["right"]["non_concept: punctuation"] == 1
    assert not {0, 1, 2} & set(Pairing.open(found["path"]).left.tolist())
    frame = pd.read_parquet(found["reasons"])
    assert list(frame.columns) == ["side", "latent", "paired", "reason"]
    assert len(frame) == 40
    assert int(frame["paired"].sum()) == 2 * found["pairs"]
    assert (frame["paired"] == (frame["reason"] == "")).all()
    assert frame.query("side == 'left' and latent == 1")["reason"].item() == "non_concept: line_end"


def test_lists_are_written_edited_and_used(
    pair, top_tokens: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = tmp_path / "lists.toml"
    assert run(["pair", "--write-non-concept-lists", str(lists)]) == 0
    assert "--non-concept-lists" in capsys.readouterr().out
    text = lists.read_text(encoding="utf-8")
    assert tomllib.loads(text)["rules"]["punctuation"]
    lists.write_text(text.replace("punctuation = true", "punctuation = false"), encoding="utf-8")
    arguments = ["--non-concepts", *top_tokens, "--non-concept-lists", str(lists), "--non-concept-rule", "any"]
    found = pair(*arguments)
    assert found["unmatched"]["left"]["non_concept: line_end"] == 1
    assert "non_concept: punctuation" not in found["unmatched"]["left"]
    lists.write_text("[rules]\ncommas = true\n", encoding="utf-8")
    assert "lists.toml: [rules] has the unknown key 'commas'" in pair(*arguments)["error"]["message"]
    assert "--non-concepts LEFT RIGHT" in pair("--non-concept-lists", str(lists))["error"]["message"]
    assert run(["pair", "--write-non-concept-lists", str(lists)]) == 1
    assert "there is a file already" in capsys.readouterr().err


def test_top_tokens_of_other_codes_are_refused(pair, top_tokens: list[str], tmp_path: Path) -> None:
    other = TopTokens(pd.DataFrame({"latent": [0], "rank": [1], "token": ["x"]}), 7)
    path = str(save_top_tokens(other, tmp_path / "other.parquet"))
    message = pair("--non-concepts", top_tokens[0], path)["error"]["message"]
    assert "the right mask is of 7 latents, and there are 20 right latents" in message


def test_decoys_say_how_many_pairs_are_false(
    pair, folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = pair("--method", "max", "--decoys")["false_matches"]
    assert (said["real_latents"], said["decoys"]) == (20, 20)
    assert said["rate"] == pytest.approx(0.25, abs=0.25)
    strict = pair("--method", "max", "--decoys", "--max-false-matches", ".1")
    assert strict["pairs"] == 15
    out = str(tmp_path / "pairs.parquet")
    arguments = ["--decoys", "--min-firings", "20", "--min-cofirings", "5", "--max-false-matches", ".1"]
    assert run(["pair", *folders, "--out", out, *arguments]) == 0
    shown = capsys.readouterr().out
    assert "by chance (standard error" in shown
    assert "left latents by partners" in shown
    assert "add --decoys" in pair("--max-false-matches", ".1")["error"]["message"]


def test_two_folders_are_needed_and_a_dry_run_writes_nothing(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pair", folders[0]]) == 1
    assert "name two folders of codes" in capsys.readouterr().err
    out, lists = tmp_path / "none.parquet", tmp_path / "none.toml"
    assert run(["pair", *folders, "--out", str(out), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["details"]["left"] == {"n_tokens": 1500, "n_latents": 20}
    assert run(["pair", "--write-non-concept-lists", str(lists), "--dry-run"]) == 0
    assert not out.exists()
    assert not lists.exists()


@pytest.mark.filterwarnings("ignore:all standard errors are infinite:geomsim.errors.GeomsimWarning")
def test_sums_that_were_counted_give_the_same_pairs(folders, tmp_path, capsys):
    sums, of_codes, of_sums = (str(tmp_path / name) for name in ("sums", "codes.parquet", "sums.parquet"))
    assert run(["count", *folders, "--out", sums, "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert (counted["blocks"], counted["n_tokens"]) == (1, 1500)
    assert run(["pair", sums, "--out", of_sums, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["median_standard_error"] is None  # one block leaves none to leave out
    assert run(["pair", *folders, "--out", of_codes, "--chance", "0", "-q"]) == 0
    found, expected = Pairing.open(of_sums), Pairing.open(of_codes)
    assert len(expected) == 15
    np.testing.assert_array_equal(found.left, expected.left)
    np.testing.assert_array_equal(found.right, expected.right)
    np.testing.assert_allclose(found.weight, expected.weight, atol=1e-12)
    capsys.readouterr()
    assert run(["pair", sums, "--out", of_sums, "--cross-fit"]) == 1
    assert "needs both sides' Codes" in capsys.readouterr().err
    assert run(["pair", folders[0]]) == 1
    assert "or one folder of sums of them (geomsim count)" in capsys.readouterr().err


def test_tables_of_other_codes_and_options_without_effect_are_refused(folders, top_tokens, tmp_path, capsys):
    for side, folder in zip(("left", "right"), folders, strict=True):
        codes = Codes.open(folder)
        Codes(codes.matrix, groups=codes.groups, name=side).save(folder, replace=True)
        table = read_top_tokens(tmp_path / f"{side}.parquet")
        save_top_tokens(replace(table, provenance={"codes": side}), tmp_path / f"{side}.parquet")
    gates = ["--min-firings", "20", "--min-cofirings", "5", "--out", str(tmp_path / "p.parquet")]
    assert run(["pair", *folders, *gates, "--non-concepts", *top_tokens]) == 0
    capsys.readouterr()
    for more, said in (
        (["--non-concepts", *top_tokens[::-1]], "has the top tokens of 'right', and the left codes are 'left'"),
        (["--non-concept-rule", "any"], "filters of tokens need the top tokens of both sides"),
        (["--non-concepts", *top_tokens, "--non-concept-top", "0"], "--non-concept-top 0: at least one token"),
        (["--min-weight", "2"], "--min-weight 2.0: a correlation lies between -1 and 1"),
        (["--min-weight", "nan"], "a correlation lies between -1 and 1"),
        (["--max-p", ".05", "--chance", "0"], "give --chance a number of them"),
        (["--reasons", str(tmp_path / "p.parquet")], "--reasons and --out are both"),
    ):
        assert run(["pair", *folders, *gates, *more]) == 1
        assert said in capsys.readouterr().err
    assert run(["pair", str(tmp_path / "typo")]) == 1
    assert "typo: no such folder of codes" in capsys.readouterr().err
    assert run(["count", *folders, "--out", folders[0]]) == 1
    assert "sums go to a folder of their own" in capsys.readouterr().err


@pytest.mark.parametrize("measure", ["cosine", "jaccard"])
def test_partners_are_ranked_by_the_measure_that_is_asked_for(measure, folders, tmp_path, capsys):
    gates = ["--min-firings", "20", "--min-cofirings", "5", "--json"]
    out = str(tmp_path / "pairs.parquet")
    assert run(["pair", *folders, "--out", out, "--measure", measure, *gates]) == 0
    found = json.loads(capsys.readouterr().out)
    pairing = Pairing.open(out)
    assert found["measure"] == pairing.provenance["measure"] == measure
    assert "chance" not in found
    left, right = (codes.matrix.toarray() if codes.is_sparse else codes.matrix for codes in map(Codes.open, folders))
    for a, b, weight in zip(pairing.left, pairing.right, pairing.weight, strict=True):
        one, other = left[:, a].astype(float), right[:, b].astype(float)
        both, either = ((one != 0) & (other != 0)).sum(), ((one != 0) | (other != 0)).sum()
        expected = both / either if measure == "jaccard" else one @ other / np.sqrt((one @ one) * (other @ other))
        assert weight == pytest.approx(expected, abs=1e-12)
    assert run(["pair", *folders, "--out", out, "--measure", measure, "--chance", "2", *gates]) == 1
    assert f"measure Pearson's r, and these partners are chosen by {measure}" in capsys.readouterr().err
    assert run(["pair", *folders, "--out", out, "--measure", measure, "--max-p", ".05", *gates]) == 1
    assert "give --chance a number" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:all standard errors are infinite:geomsim.errors.GeomsimWarning")
def test_sums_keep_the_measure_they_were_counted_for(folders, tmp_path, capsys):
    sums, out = str(tmp_path / "sums"), str(tmp_path / "pairs.parquet")
    assert run(["count", *folders, "--out", sums, "--measure", "jaccard", "-q"]) == 0
    capsys.readouterr()
    for given in ([], ["--measure", "jaccard"]):
        assert run(["pair", sums, "--out", out, "--json", *given]) == 0
        assert json.loads(capsys.readouterr().out)["measure"] == "jaccard"
    assert run(["pair", sums, "--out", out, "--measure", "cosine"]) == 1
    assert "these sums were counted for jaccard, not cosine: leave --measure out" in capsys.readouterr().err


def test_chance_is_measured_three_times_unless_it_is_said(folders, tmp_path, capsys):
    gates = ["--min-firings", "20", "--min-cofirings", "5", "--json", "--out", str(tmp_path / "pairs.parquet")]
    assert run(["pair", *folders, *gates]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["measure"] == "pearson"
    assert found["chance"]["shifts"] == 3


def tokens_of(cut: int, width: int) -> TokenTable:
    """Tokens of `width` characters, of `cut` documents of 1500 characters."""
    start = np.arange(0, 1500, width)
    number = np.tile(np.arange(len(start)), cut)
    columns = np.repeat(np.arange(cut), len(start)), number, start[number], start[number] + width, number
    return TokenTable(*columns, documents=tuple(f"d{i}" for i in range(cut)), text_hash="t")


@pytest.mark.filterwarnings("default::geomsim.errors.GeomsimWarning")
@pytest.mark.parametrize("verb", ["pair", "count"])
def test_rows_of_two_tokenizers_are_not_taken_for_the_same_tokens(verb, folders, tmp_path, capsys):
    for name in ("one", "same", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_text("{}" if name == "other" else "[]")

    def read_with(*tokenizers: str) -> None:
        for folder, tokenizer in zip(folders, tokenizers, strict=True):
            codes = Codes.open(folder)
            provenance = {"source": {"tokenizer": tokenizer}}
            Codes(codes.matrix, groups=codes.groups, provenance=provenance).save(folder, replace=True)

    gates = ["--min-firings", "20", "--min-cofirings", "5"] if verb == "pair" else []
    arguments = [verb, *folders, *gates]
    one, same, other = (str(tmp_path / name) for name in ("one", "same", "other"))
    read_with(one, other)
    assert run([*arguments, "--out", str(tmp_path / "a.parquet")]) == 1
    said = capsys.readouterr().err
    assert "no token tables, so that their rows are taken for the same tokens" in said
    assert f"{one} and {other}, which differ" in said
    assert "geomsim words" in said
    assert not (tmp_path / "a.parquet").exists()
    read_with(one, same)
    assert run([*arguments, "--out", str(tmp_path / "b.parquet")]) == 0
    assert "tokenizers are" not in capsys.readouterr().err
    read_with("gpt2", "EleutherAI/pythia-70m")
    assert run([*arguments, "--out", str(tmp_path / "c.parquet")]) == 0
    assert "tokenizers are gpt2 and EleutherAI/pythia-70m: if these differ" in capsys.readouterr().err


@pytest.mark.filterwarnings("default::geomsim.errors.GeomsimWarning")
def test_tokens_that_two_tokenizers_do_not_share_are_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / side) for side in ("left", "right")]
    hidden = rng.random((20, 300, 6)) * (rng.random((20, 300, 6)) < 0.2)
    for path, width in zip(paths, (5, 10), strict=True):  # characters a token; every second of the left ends alike
        tokens = tokens_of(20, width)
        if width == 10:  # half of these tokens begin and end as a left one does
            tokens.end[::2] = tokens.start[::2] + 5
        Codes(hidden[:, :: width // 5].reshape(-1, 6), tokens).save(path)
    assert run(["pair", *paths, "--out", str(tmp_path / "p.parquet"), "--min-firings", "20", "--chance", "0"]) == 0
    said = capsys.readouterr().err
    assert "75% of the left tokens and 50% of the right ones have no token of the same characters" in said
    assert "geomsim words" in said
    assert run(["pair", paths[0], paths[0], "--out", str(tmp_path / "p.parquet"), "--min-firings", "20"]) == 0
    assert "no token of the same characters" not in capsys.readouterr().err


def test_chance_is_a_table_of_words(folders, tmp_path, capsys):
    gates = ["--min-firings", "20", "--min-cofirings", "5", "--out", str(tmp_path / "pairs.parquet")]
    assert run(["pair", *folders, *gates, "--max-p", ".5"]) == 0
    shown = capsys.readouterr().out
    chance = Pairing.open(tmp_path / "pairs.parquet").provenance["chance"]
    assert "Against chance" in shown
    assert f"mean {chance['mean_best_r']:.3f}, by chance {chance['mean_best_r_by_chance']:.3f}" in shown
    assert f"20 of 20, by chance {chance['share_with_a_partner_by_chance']:.0%}" in shown
    assert f"{chance['above_max_p']} pairs with p above 0.5" in shown
    assert "mean_best_r" not in shown
    assert "{" not in shown
    assert run(["pair", *folders, *gates, "--chance", "0"]) == 0
    assert "Against chance" not in capsys.readouterr().out
