from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geomsim import InvalidConfig
from geomsim_audit.recipe import read_recipe, recipe_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "audit" / "feature_universality.toml"


def test_the_example_is_a_recipe() -> None:
    recipe = read_recipe(EXAMPLE)
    assert recipe.claims[0].layers == (1, 2)
    assert recipe.claims[0].published.layer == "input"
    assert recipe.claims[0].corrected.metric == "svcca"
    assert {claim.quantity for claim in recipe.claims} == {"geometry", "share"}
    assert recipe.place(recipe.left.dictionary, 1) == EXAMPLE.parent / "../code_models/left/saes/layer_1"


def test_what_is_nowhere_is_a_hub_id(told: dict[str, Any]) -> None:
    recipe = recipe_of({**told, "left": {"model": "somebody/model", "dictionary": "somebody/saes/{layer}"}})
    assert recipe.place(recipe.left.model) == "somebody/model"
    assert recipe.place(recipe.left.dictionary, 3) == "somebody/saes/3"


def test_what_can_be_no_hub_id_is_a_path(told: dict[str, Any], tmp_path: Path) -> None:
    recipe = recipe_of(told, tmp_path)
    for path in ("../nowhere", "./nowhere", "/nowhere"):
        assert recipe.place(path) == tmp_path / path
    assert recipe.place("~/nowhere") == Path("~/nowhere").expanduser()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("colour", 1, "a recipe knows no colour"),
        ("alpha", 1.5, "alpha = 1.5 must be a number above 0"),
        ("shifts", 0, "shifts = 0 must be a whole number of at least 1"),
        ("text", {}, "text: name one of standard_library"),
        ("text", {"path": "a", "standard_library": "all"}, "text: name one of"),
        ("text", {"standard_library": "some"}, r"\[text\] standard_library = 'some' is none of held-out"),
        ("text", {"path": "a", "every": 0}, "every = 0 must be at least 1"),
        ("text", {"path": 3}, r"\[text\] path = 3 must be str"),
        ("left", {"model": "a"}, r"\[left\] needs dictionary"),
        ("left", {"model": "a", "dictionary": "b", "width": 3}, r"\[left\] knows no width"),
        ("left", "a model", r"left must be a table, \[left\]"),
        ("synthetic", {"worlds": 0}, "synthetic: worlds = 0 must be above 0"),
        ("synthetic", {"worlds": True}, r"\[synthetic\] worlds = True must be int"),
        ("claims", [], "at least one"),
        ("claims", [3], "claim 1 is no table"),
        ("published", {}, r"claim 1 \(by SVCCA\): published: metric is missing"),
        ("corrected", {"metirc": "rsa"}, r"claim 1 \(by SVCCA\): corrected: there is no metirc"),
        ("published", "rsa", r"published must be a table, \[published\]"),
        ("corrected", ["rsa"], r"corrected must be a table, \[corrected\]"),
        ("corrected", {"p": "b/m"}, r"claim 1 .*corrected: p = 'b/m' is itself a fault: p can be 0"),
        ("corrected", {"null": "none"}, "corrected: null = 'none' is itself a fault: there would be nothing"),
        ("corrected", {"null": "pooled"}, "corrected: null = 'pooled' is itself a fault"),
        ("corrected", {"null": "random-features"}, "corrected: null = 'random-features' is itself a fault"),
        (
            "corrected",
            {"metric": "cka-not-centred"},
            "corrected: metric = 'cka-not-centred' is itself a fault: columns",
        ),
        (
            "corrected",
            {"draws": 18},
            r"claim by SVCCA: corrected: draws = 18: the smallest p .* at least 19 are needed",
        ),
        ("shifts", 18, "shifts = 18: the smallest p of so many draws, 0.053, is above alpha = 0.05"),
        ("synthetic", {"draws": 10}, r"\[synthetic\] draws = 10: the smallest p"),
        ("synthetic", {"shifts": 10}, r"\[synthetic\] shifts = 10: the smallest p"),
    ],
)
def test_errors_name_the_place(told: dict[str, Any], key: str, value: Any, says: str) -> None:
    with pytest.raises(InvalidConfig, match=says):
        recipe_of({**told, key: value})


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        ({"layers": [1]}, r"layers = \[1\] must be two layers"),
        ({"layers": ["a", 1]}, "must be two layers"),
        ({"quantity": "size"}, "quantity = 'size' is none of geometry, share"),
        ({"theme": "weather"}, "there is no theme 'weather'; there are time"),
        ({"quantity": "share", "theme": "time"}, "leave theme out"),
        ({"quantity": "share", "corrected": {"max_false": 0.0}}, "max_false = 0.0"),
        ({"published": {"null": "random-subset"}}, "add theme"),
        ({"colour": 1}, r"claim 1 \(a\) knows no colour"),
        ({"layers": [True, 1]}, "must be two layers"),
        ({"theme": ["time"]}, r"there is no theme \['time'\]"),
        ({"published": "rsa"}, r"claim 1 \(a\): published must be a table"),
        ({"published": {"metric": ["rsa"]}}, r"metric = \['rsa'\]: the name of a metric is needed"),
        ({"published": {"min_r": True}}, "min_r = True: a number above -1 and below 1"),
        ({"at_least": 1.5}, r"at_least = 1.5 must be a number from 0 to 1"),
        ({"reported": "high"}, "reported = 'high' must be a number"),
        ({"reported": float("nan")}, "reported = nan must be a number"),
        ({"reported_p": -0.1}, "reported_p = -0.1 must be a number from 0 to 1"),
        ({"quantity": "share", "published": {"null": "pooled"}}, 'null = "pooled" draws other pairs'),
    ],
)
def test_errors_name_the_claim(told: dict[str, Any], claim: dict[str, Any], says: str) -> None:
    told["claims"] = [{"name": "a", "sentence": "b", "layers": [0, 1], **claim}]
    with pytest.raises(InvalidConfig, match=says):
        recipe_of(told)


def test_numbers_of_a_claim(told: dict[str, Any]) -> None:
    told["claims"][0] |= {"at_least": 0.9, "reported": 1, "reported_p": 0}
    claim = recipe_of(told).claims[0]
    assert (claim.at_least, claim.reported, claim.reported_p) == (0.9, 1.0, 0.0)
    assert recipe_of(told).claims[1].at_least is None


def test_shifts_matter_to_shares_alone(told: dict[str, Any]) -> None:
    told["claims"] = told["claims"][:2]
    assert recipe_of({**told, "shifts": 3}).shifts == 3


def test_a_share_as_published_needs_a_threshold(told: dict[str, Any]) -> None:
    told["published"].pop("min_r")
    with pytest.raises(InvalidConfig, match="published needs min_r"):
        recipe_of(told)


def test_what_is_missing(told: dict[str, Any]) -> None:
    for key in ("title", "text", "left", "right", "published", "claims"):
        with pytest.raises(InvalidConfig, match=f"{key} is missing"):
            recipe_of({name: value for name, value in told.items() if name != key})
    for key in ("name", "sentence", "layers"):
        claim = {name: value for name, value in told["claims"][0].items() if name != key}
        with pytest.raises(InvalidConfig, match=f"{key} is missing"):
            recipe_of({**told, "claims": [claim]})


def test_two_claims_of_one_name(told: dict[str, Any]) -> None:
    told["claims"].append(told["claims"][0])
    with pytest.raises(InvalidConfig, match="'by SVCCA' is the name of 2 claims"):
        recipe_of(told)


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"none\.toml: no such file"):
        read_recipe(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("title = ")
    with pytest.raises(InvalidConfig, match=r"broken\.toml: not readable as TOML"):
        read_recipe(broken)
    broken.write_text("title = 'a'\ncolour = 3")
    with pytest.raises(InvalidConfig, match=r"broken\.toml: a recipe knows no colour"):
        read_recipe(broken)
