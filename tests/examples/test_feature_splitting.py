"""Feature splitting on the shipped dictionaries: the page says what was measured, and part of it is measured again."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import geomsim
from geomsim.activations import read_dictionary
from geomsim.activations.stitching import stitch

FOLDER = Path(__file__).parents[2] / "examples" / "feature_splitting"
if str(FOLDER) not in sys.path:
    sys.path.append(str(FOLDER))
sae_family = importlib.import_module("sae_family")
study = importlib.import_module("splitting_study")
page = importlib.import_module("splitting_page")


@pytest.fixture(scope="module")
def results() -> Any:
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_page_is_what_the_results_say(results: Any) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert text == page.readme(results)
    for line in text.splitlines():
        if line.startswith("!["):
            assert (FOLDER / line.partition("(")[2].rstrip(")")).exists()


def test_each_latent_is_counted_once_and_each_two_dictionaries_too(results: Any) -> None:
    sizes = {member["name"]: member["size"] for member in results["members"]}
    pairs = {(pair["smaller"], pair["larger"]) for pair in results["pairs"]}
    assert len(pairs) == len(results["pairs"]) == len(sizes) * (len(sizes) - 1) // 2
    for pair in results["pairs"]:
        for side in ("smaller", "larger"):
            assert sum(pair["counts"][side].values()) == sizes[pair[side]]
            assert sum(pair["shares"][side].values()) == pytest.approx(1.0)
        assert len(pair["splits"]) == pair["counts"]["smaller"]["split"]
        assert sum(pair["splits"]) == pair["counts"]["larger"]["split"]


def test_what_the_page_says_in_short_is_so(results: Any) -> None:
    def shares(name: str, *, seeds: bool, side: str = "smaller") -> list[float]:
        return [
            pair["shares"][side][name] for pair in results["pairs"]
            if (pair["smaller size"] == pair["larger size"]) == seeds
        ]  # fmt: skip

    assert min(shares("split", seeds=False)) > max(shares("split", seeds=True))
    across, between = shares("one-to-one", seeds=False), shares("one-to-one", seeds=True)
    assert min(across) > 0.5 * max(between)
    assert min(between) < max(across)
    assert min(shares("containing", seeds=False)) > 3 * max(shares("containing", seeds=True))
    assert max(shares("vanished", seeds=False)) < 0.02
    assert max(shares("new", seeds=False, side="larger")) < 0.1
    none_nearer = [
        [
            pair["not nearer"]["smaller"] for pair in results["pairs"]
            if (pair["smaller size"] == pair["larger size"]) == seeds
        ]
        for seeds in (False, True)
    ]  # fmt: skip
    assert max(none_nearer[0]) < 0.02 < min(none_nearer[1])
    for pair in results["pairs"]:
        agreement = pair["agreement"]
        assert agreement["kappa"] > 0.1
        assert agreement["same_partner"] > 0.7
        if pair["smaller size"] < pair["larger size"]:
            assert agreement["directions alone"] < 0.1 * agreement["both"]


def test_latents_without_their_copy_are_hardly_ever_called_new(results: Any) -> None:
    sizes = {member["name"]: member["size"] for member in results["members"]}
    for each in results["without their like"]:
        assert sum(each["counts"].values()) == int(study.REMOVED * sizes[each["name"]])
        assert each["counts"]["one-to-one"] == each["counts"]["split"] == 0
        assert each["counts"]["new"] < 0.05 * each["counts"]["overlapping"]


def test_each_setting_was_changed_for_two_sizes_and_for_two_seeds(results: Any) -> None:
    shares = {(each["setting"], each["smaller"], each["larger"]): each["shares"] for each in results["sensitivity"]}
    assert len(shares) == len(results["sensitivity"]) == 2 * len(study.SETTINGS)
    recorded = {(pair["smaller"], pair["larger"]): pair["shares"]["smaller"] for pair in results["pairs"]}
    for setting in study.SETTINGS:
        by_larger = {larger: each for (name, _, larger), each in shares.items() if name == setting}
        across = by_larger.pop(results["ends"][1])
        (seeds,) = by_larger.values()
        assert across["split"] > seeds["split"]
        assert across["containing"] > 3 * seeds["containing"]
    for (setting, smaller, larger), found in shares.items():
        if setting == "as above":
            assert found == pytest.approx(recorded[smaller, larger])


def test_rare_and_dead_latents_are_those_that_were_not_judged(results: Any) -> None:
    members = {member["name"]: (member["few firings"], member["dead"]) for member in results["members"]}
    for pair in results["pairs"]:
        for side in ("smaller", "larger"):
            counts = pair["counts"][side]
            assert (counts["few firings"], counts["dead"]) == members[pair[side]]


def test_families_have_parts_with_tokens_and_contexts(results: Any) -> None:
    assert len(results["families"]) == 6
    for family in results["families"]:
        assert len(family["larger"]) == len(family["shares"]) >= 2
        assert family["cover"] >= 0.5
        assert family["shares"] == sorted(family["shares"], reverse=True)
        tops = [part["tokens"][0]["token"] for part in family["larger"]]
        assert len(set(tops)) == len(tops)
        assert all(len(part["contexts"]) == 2 for part in family["larger"])


def test_geometry_stands_beside_the_spread_between_instances(results: Any) -> None:
    geometry = results["geometry"]
    frame: dict[tuple[str, int, int], list[float]] = {}
    for each in geometry["scores"]:
        frame.setdefault((each["metric"], each["left_size"], each["right_size"]), []).append(each["score"])
    assert {key[0] for key in frame} == set(study.METRICS)
    for each in geometry["spread"]:
        scores = frame[each["metric"], each["left_size"], each["right_size"]]
        assert each["n"] == len(scores)
        assert each["mean"] == pytest.approx(np.mean(scores))
        assert (each["sd"] is None) == (len(scores) == 1)
        if len(scores) > 1:
            assert each["sd"] == pytest.approx(np.std(scores, ddof=1))
        assert each["mean"] > each["chance"]


@pytest.fixture(scope="module")
def two() -> Any:
    """The dictionaries of 512 and 1,024 latents from the first seed."""
    shipped = {(each.size, each.seed): each for each in sae_family.instances()}
    return shipped[512, 0], shipped[1024, 0]


def test_directions_compared_again_give_the_same(results: Any, two: Any) -> None:
    dictionaries = [read_dictionary(each.folder) for each in two]
    names = [each.name for each in two]
    recorded = next(each for each in results["pairs"] if [each["smaller"], each["larger"]] == names)
    found = stitch(*dictionaries)
    assert int(found.novel.sum()) == recorded["novel"]
    again = geomsim.compare(*(each.directions for each in dictionaries), "mmcs", null=None).score
    score = next(
        each["score"] for each in results["geometry"]["scores"]
        if [each["left"], each["right"], each["metric"]] == [*names, "mmcs"]
    )  # fmt: skip
    assert again == pytest.approx(score, abs=1e-5)
    assert again == pytest.approx(float(found.smaller_cosine.mean()), abs=1e-5)


def test_a_few_documents_read_again_give_like_shares(results: Any, two: Any) -> None:
    stream = sae_family.residual(sae_family.documents(5))
    read = {each: sae_family.encoded(each, stream) for each in two}
    found = study.split(read, *two)
    names = [each.name for each in two]
    recorded = next(each for each in results["pairs"] if [each["smaller"], each["larger"]] == names)
    for name, share in found.shares("smaller").items():
        assert share == pytest.approx(recorded["shares"]["smaller"][name], abs=0.12), name
    assert found.agreement["same_partner"] > 0.8
    assert study.recorded(*two, found)["splits"] == sorted(len(family.larger) for family in found.families("split"))


def test_tokens_and_numbers_are_shown_as_the_pages_do() -> None:
    assert [page.code(token) for token in (" self", "\n    ", "`")] == ["`␣self`", "`⏎␣␣␣␣`", "`` ` ``"]


def test_the_next_latent_at_home_is_another_one() -> None:
    random = np.random.default_rng(0)
    fires = random.random((4000, 4)) < 0.2
    kept = random.random((4000, 3)) < 0.8
    # To the second latent at home the first is as near as the first of the other side.
    home = np.column_stack([fires[:, 0], fires[:, 0] & kept[:, 0], fires[:, 1], fires[:, 2]])
    away = np.column_stack([fires[:, 0], fires[:, 1] & kept[:, 1], fires[:, 3], fires[:, 3] & kept[:, 2]])
    one, other = (sae_family.Instance(4, seed, FOLDER) for seed in (0, 1))
    read = {each: (geomsim.Codes.from_dense(1.0 * values), None) for each, values in ((one, home), (other, away))}
    r = np.corrcoef(np.column_stack([home, away]).T).round(12)
    np.fill_diagonal(r, -np.inf)
    (found,) = study.not_nearer(read, [(one, other)])
    assert found["smaller"] == np.mean(r[:4, 4:].max(axis=1) <= r[:4, :4].max(axis=1))
    assert found["larger"] == np.mean(r[4:, :4].max(axis=1) <= r[4:, 4:].max(axis=1)) == 0.5
