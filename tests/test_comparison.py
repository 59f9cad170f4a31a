from __future__ import annotations

import json
import math
import re
import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from toy_metrics import Correlation, Gap, Shift

import geomsim
from geomsim import Explanation, GeomsimWarning, Moments, PairedMetric, Pairing, Space, compare
from geomsim.errors import (
    BrokenPlugin,
    DegenerateSpace,
    GeomsimError,
    InapplicableNull,
    InvalidConfig,
    InvalidPairing,
    InvalidSpace,
)
from geomsim.nulls import NoiseFloor, Shuffle


@dataclass(frozen=True)
class Agreement(Correlation):
    """Pearson correlation of the first columns, with moments and tables."""

    limit: float = math.inf
    score_range = (-1.0, 1.0)

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) < 5:
            warnings.warn(f"{len(points)} rows are few", GeomsimWarning, stacklevel=2)
        return super().prepare(points)

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        return Moments(0.0, 1 / (len(left) - 1))

    def explain(self, left: Tensor, right: Tensor) -> Explanation:
        return Explanation(
            {"rows": np.int64(len(left)), "worst": math.nan, "side": "left"}, {"product": {"row": [0], "value": [1.0]}}
        )


@dataclass(frozen=True)
class Probe(PairedMetric[Tensor]):
    """Hands what `prepare` was given to a list."""

    larger_means = "closer"
    seen: Any = None

    def prepare(self, points: Tensor) -> Tensor:
        self.seen.append(points)
        return points

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left * right[order]).sum()

    def parameters(self) -> dict[str, Any]:
        return {}


def clouds(rows: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1000 + seed)
    left = random.normal(size=(rows, 3))
    return left, left + random.normal(size=(rows, 3))


# --- what comes out --------------------------------------------------------------------------------------------------


def test_a_comparison_names_everything_that_the_design_names():
    left, right = clouds()
    found = compare(Space(left, name="l"), Space(right, name="r"), Agreement(), draws=199, seed=3)
    expected = stats.pearsonr(left[:, 0], right[:, 0]).statistic
    assert found.score == pytest.approx(expected)
    assert found.p_value == ((found.null >= found.score).sum() + 1) / 200
    assert found.null.shape == (199,)
    assert found.null_mean == pytest.approx(found.null.mean())
    assert found.null_sd == pytest.approx(found.null.std(ddof=1))
    assert found.z == pytest.approx((found.score - found.null.mean()) / found.null.std(ddof=1))
    assert found.corrected == found.score  # the metric knows that its mean over all orders is 0
    assert found.raw_score == found.score
    assert (found.metric, found.n_rows, found.warnings) == ("Agreement", 40, ())
    assert (found.left, found.right, found.seed, found.draws) == ("l", "r", 3, 199)
    assert (found.null_kind, found.larger_means) == ("shuffle", "closer")
    assert found.seconds > 0
    assert {"geomsim", "numpy", "torch", "python", "scipy"} <= set(found.provenance["versions"])


def test_arrays_tensors_spaces_lists_and_paths_give_the_same_numbers(tmp_path: Path):
    left, right = clouds()
    np.save(tmp_path / "left.npy", left)
    Space(right).save(tmp_path / "right.npz")
    first = compare(left, right, Agreement, draws=20)
    for pair in (
        (torch.from_numpy(left), torch.from_numpy(right)),
        (Space(left), right.tolist()),
        (tmp_path / "left.npy", str(tmp_path / "right.npz")),
    ):
        found = compare(*pair, Agreement, draws=20)
        assert (found.score, found.p_value) == (first.score, first.p_value)
        np.testing.assert_array_equal(found.null, first.null)


def test_both_sides_reach_a_metric_in_one_type():
    left, right = clouds()
    for pair in ((left.astype(np.float32), right), (left, torch.from_numpy(right).bfloat16())):
        seen: list[Tensor] = []
        compare(*pair, Probe(seen), null=None)
        assert [points.dtype for points in seen] == [torch.float64, torch.float64]
    seen = []
    compare(left.astype(np.float16), right.astype(np.float32), Probe(seen), null=None)
    assert [points.dtype for points in seen] == [torch.float32, torch.float32]


def test_a_metric_is_a_name_an_instance_or_a_class():
    left, right = clouds()
    assert "svcca" in geomsim.metrics()
    by_name = compare(left, right, "svcca", draws=9)
    by_instance = compare(left, right, geomsim.metric("svcca"), draws=9)
    by_class = compare(left, right, type(geomsim.metric("svcca")), draws=9)
    assert by_name.metric == by_instance.metric == by_class.metric == "svcca"
    assert by_name.score == by_instance.score == by_class.score


def test_inputs_are_left_as_they_are():
    left, right = clouds()
    before = left.copy(), right.copy()
    compare(left, right, Agreement(), draws=9)
    np.testing.assert_array_equal(left, before[0])
    np.testing.assert_array_equal(right, before[1])


def test_the_same_seed_gives_the_same_p_and_another_other_draws():
    left, right = clouds(seed=1)
    first, again, other = (compare(left, right, Agreement(), draws=50, seed=seed) for seed in (7, 7, 8))
    assert first.p_value == again.p_value
    np.testing.assert_array_equal(first.null, again.null)
    assert not np.array_equal(first.null, other.null)
    assert compare(left, right, Agreement(), draws=50, seed=np.int64(7)).to_dict()["seed"] == 7


# --- nulls -----------------------------------------------------------------------------------------------------------


def test_null_auto_and_by_name_and_by_instance():
    left, right = clouds()
    shuffles = [compare(left, right, Agreement(), draws=30, null=null) for null in ("auto", "shuffle", Shuffle())]
    assert {found.null_kind for found in shuffles} == {"shuffle"}
    assert len({found.p_value for found in shuffles}) == 1
    floors = [compare(left, right, Shift(), null=null) for null in ("auto", "noise-floor", NoiseFloor())]
    assert {found.null_kind for found in floors} == {"noise-floor"}
    assert {found.p_value for found in floors} == {None}
    assert len({found.facts["multiple of the floor"] for found in floors}) == 1
    assert floors[0].draws == len(floors[0].null) == 100


def test_null_exact_has_no_draws():
    left, right = clouds()
    found = compare(left, right, Agreement(), null="exact")
    assert (found.null, found.draws, found.null_kind) == (None, None, "exact")
    assert found.p_value == pytest.approx(stats.norm.sf(found.score * math.sqrt(39)))
    assert found.z == pytest.approx(found.score * math.sqrt(39))
    assert found.p_text == f"p = {found.p_value:.2g}"


def test_null_none_gives_a_score_alone():
    left, right = clouds()
    found = compare(Space(left, groups=[0] * 40), Space(right, groups=range(40)), Agreement(), null=None)
    assert (found.p_value, found.null, found.null_mean, found.null_sd, found.z, found.corrected) == (None,) * 6
    assert (found.null_kind, found.draws, found.p_text) == (None, None, "no p-value")
    assert math.isfinite(found.score)


def test_farther_metrics_count_small_scores_and_correct_towards_zero():
    left, _ = clouds()
    found = compare(left, left, Gap(), draws=99)
    assert (found.score, found.p_value, found.p_text, found.corrected) == (0.0, 0.01, "p <= 0.01", 1.0)
    assert found.z is not None
    assert found.z < 0
    by_chance = compare(left, clouds(seed=9)[0], Gap(), draws=99)
    assert by_chance.corrected == pytest.approx(1 - by_chance.score / by_chance.null_mean)


def test_corrected_and_z_are_none_where_they_mean_nothing():
    left, right = clouds()
    assert compare(left, right, Shift()).corrected is None  # a noise floor is no chance level
    assert compare(left, right, Agreement(), draws=1).z is None
    half = np.repeat([[0.0], [1.0]], 5, axis=0)
    constant = compare(half, np.ones((10, 1)), Gap(), draws=20)  # every order scores 0.5
    assert (constant.p_value, constant.z) == (1.0, None)


def test_p_text_is_an_inequality_only_where_no_draw_came_close():
    left, right = clouds()
    assert compare(left, left, Agreement(), draws=999).p_text == "p <= 0.001"
    assert compare(left, right[::-1], Agreement(), draws=9).p_text.startswith("p = ")


def test_an_unpaired_metric_takes_unequal_rows_and_says_how_many():
    found = compare(clouds(40)[0], clouds(30)[0], Shift())
    assert found.n_rows == 30
    assert (found.facts["left rows"], found.facts["right rows"]) == (40, 30)


# --- pairing ---------------------------------------------------------------------------------------------------------


def test_a_pairing_picks_the_rows():
    left, right = clouds()
    pairing = Pairing([3, 1, 4, 15, 9, 2], [6, 5, 35, 8, 7, 0], provenance={"method": "by hand"})
    found = compare(left, right, Agreement(), pairing=pairing, draws=20)
    assert found.n_rows == 6
    assert found.score == pytest.approx(np.corrcoef(left[pairing.left, 0], right[pairing.right, 0])[0, 1])
    assert found.provenance["pairing"] == {"method": "by hand"}
    assert not found.warnings


def test_a_pairing_with_repeats_warns_on_each_side():
    left, right = clouds()
    found = compare(left, right, Agreement(), pairing=Pairing([0, 1, 2, 3, 4], [5, 5, 5, 6, 7]), draws=9)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("3 of 5 pairs share their right row with another pair")
    assert "one_to_one()" in found.warnings[0]
    both = compare(left, right, Agreement(), pairing=Pairing([0, 0, 2, 3, 4], [5, 5, 5, 6, 7]), draws=9)
    assert "2 of 5 pairs share their left row" in both.warnings[0]
    assert not compare(left, right, Shift(), pairing=Pairing([0, 1, 2, 3], [5, 5, 5, 6])).warnings


def test_ids_must_agree_unless_a_pairing_says_otherwise():
    left, right = (Space(points, ids=ids) for points, ids in zip(clouds(6), ("abcdef", "abdcef"), strict=True))
    with pytest.raises(InvalidPairing, match=r"ids of left and right differ, first at row 2: 'c' and 'd'.*by_id"):
        compare(left, right, Agreement())
    by_id = compare(left, right, Agreement(), pairing=Pairing.by_id(left, right), null=None)
    by_row = compare(left, right, Agreement(), pairing=Pairing.identity(6), null=None)
    assert by_id.score == pytest.approx(np.corrcoef(left.numpy()[:, 0], right.numpy()[[0, 1, 3, 2, 4, 5], 0])[0, 1])
    assert by_row.score == pytest.approx(np.corrcoef(left.numpy()[:, 0], right.numpy()[:, 0])[0, 1])


# --- groups ----------------------------------------------------------------------------------------------------------


def test_groups_of_a_space_default_to_whole_blocks():
    left, right = clouds(12)
    documents = ["a", "a", "b", "b", "b", "c", "c", "d", "d", "d", "e", "e"]
    by_space = compare(Space(left, groups=documents), right, Agreement(), draws=40)
    by_both = compare(
        Space(left, groups=documents), Space(right, groups=[d.upper() for d in documents]), Agreement(), draws=40
    )
    by_label = compare(left, right, Agreement(), groups=documents, draws=40)
    free = compare(Space(left, groups=documents), right, Agreement(), groups="ignored", draws=40)
    assert by_space.null_kind == by_label.null_kind == by_both.null_kind == "shuffle (whole blocks)"
    np.testing.assert_array_equal(by_space.null, by_label.null)
    np.testing.assert_array_equal(by_space.null, by_both.null)
    assert free.null_kind == "shuffle"
    within = compare(Space(left, groups=documents), right, Agreement(), groups="within", draws=40)
    assert within.null_kind == "shuffle (within strata)"


def test_groups_follow_the_pairing():
    left, right = clouds(12)
    space = Space(left, groups=np.arange(12) // 3)
    found = compare(space, right, Agreement(), pairing=Pairing([0, 1, 3, 4, 6, 7], range(6)), draws=9)
    assert any("only 6 different orders" in note for note in found.warnings)  # three documents are left


@pytest.mark.parametrize(
    ("left_groups", "right_groups", "groups", "error", "message"),
    [
        (None, None, [0, 1, 2], InapplicableNull, "groups needs one label per pair, 6, got 3"),
        (None, None, "blocks", InapplicableNull, "groups='blocks' was asked for, but neither space has groups"),
        (None, None, "within", InapplicableNull, "groups='within' was asked for"),
        (None, None, "documents", InvalidConfig, "groups is 'blocks', 'within', 'ignored' or one label per pair"),
        (None, None, [0, 0, 1, 1, None, 2], InvalidSpace, "groups= needs one group label per row, and row 4 has none"),
        ([0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2], None, InapplicableNull, "do not agree, first at row 3"),
        ([0, 0, 1, 1, 2, 3], None, "within", InapplicableNull, "2 of 4 strata hold a single row"),
        ([0] * 6, None, None, InapplicableNull, "all rows belong to one group"),
    ],
)
def test_groups_that_cannot_be_used(left_groups, right_groups, groups, error: type[GeomsimError], message: str):
    left, right = clouds(6)
    with pytest.raises(error, match=message):
        compare(Space(left, groups=left_groups), Space(right, groups=right_groups), Agreement(), groups=groups)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"draws": 0}, InvalidConfig, "draws must be a whole number, at least 1, got 0; null=None does without draws"),
        ({"draws": -5}, InvalidConfig, "draws must be a whole number, at least 1, got -5"),
        ({"draws": 9.5}, InvalidConfig, r"draws must be a whole number, at least 1, got 9\.5"),
        ({"draws": "999"}, InvalidConfig, "draws must be a whole number, at least 1, got '999'"),
        ({"seed": -1}, InvalidConfig, "seed must be a whole number, at least 0, got -1"),
        ({"seed": None}, InvalidConfig, "seed must be a whole number, at least 0, got None"),
        (
            {"null": "shufle"},
            InvalidConfig,
            "no null is called 'shufle'; there are 'auto', 'shuffle', 'exact', 'noise-floor'",
        ),
    ],
)
def test_options_that_do_not_exist_are_refused_before_any_work(options: dict[str, Any], error, message: str):
    seen: list[Tensor] = []
    with pytest.raises(error, match=message):
        compare(*clouds(), Probe(seen), **options)
    assert not seen


def test_points_that_cannot_be_read_name_their_side():
    left, right = clouds()
    right[7, 1] = right[9, 0] = np.nan
    with pytest.raises(
        InvalidSpace, match="right: the space has NaN or infinite values in 2 of 40 rows, the first is row 7"
    ):
        compare(left, right, Agreement())
    with pytest.raises(InvalidSpace, match=r"left: the space has no rows"):
        compare(np.empty((0, 3)), left, Agreement())
    with pytest.raises(InvalidSpace, match=r"right: gone\.npy: no such file"):
        compare(left, "gone.npy", Agreement())


def test_unequal_rows_need_a_pairing():
    with pytest.raises(
        InvalidPairing, match=r"left has 40 rows and right has 30: say which belong together with pairing="
    ):
        compare(clouds(40)[0], clouds(30)[0], Agreement())


def test_a_pairing_that_points_outside():
    with pytest.raises(InvalidPairing, match="pair 1 names right row 40"):
        compare(*clouds(), Agreement(), pairing=Pairing([0, 1], [0, 40]))


def test_a_degenerate_side_is_named():
    left, right = clouds()
    right[:, 0] = 3.0
    with pytest.raises(DegenerateSpace, match="right space 'flat': the first column is constant"):
        compare(left, Space(right, name="flat"), Agreement())
    with pytest.raises(DegenerateSpace, match="left space: the first column is constant"):
        compare(right, left, Agreement())


def test_one_row_cannot_be_shuffled():
    with pytest.raises(InapplicableNull, match="a shuffle needs at least 2 rows, got 1"):
        compare([[1.0]], [[2.0]], Gap())


def test_an_unpaired_metric_has_no_shuffle():
    with pytest.raises(
        InapplicableNull, match=r"Shift is unpaired: reordering rows changes nothing.*null='noise-floor'"
    ):
        compare(*clouds(), Shift(), null="shuffle")


def test_what_is_no_metric_is_refused():
    left, right = clouds()
    for choice in (3, object(), Space):
        with pytest.raises(GeomsimError, match="a metric is a name, an instance or a class of Metric"):
            compare(left, right, choice)  # type: ignore[arg-type]

    class Loose(Gap):
        """No dataclass of its own is needed, but abstract classes are refused."""

    assert compare(left, right, Loose(), null=None).score > 0

    class Undecided(PairedMetric[Tensor]):
        def prepare(self, points: Tensor) -> Tensor:
            return points

        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return left.sum()

    with pytest.raises(BrokenPlugin, match="larger_means must be 'closer' or 'farther'"):
        compare(left, right, Undecided())


def test_a_class_whose_parameters_have_no_defaults_needs_an_instance():
    @dataclass(frozen=True)
    class Scaled(Gap):
        """Times a factor."""

        factor: float

    with pytest.raises(GeomsimError, match=r"Scaled has parameters without defaults, so give an instance: .*factor"):
        compare(*clouds(), Scaled)
    assert compare(*clouds(), Scaled(2.0), null=None).parameters == {"factor": 2.0}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_not_finite_is_an_error(value: float):
    @dataclass(frozen=True)
    class Undefined(Gap):
        """Not a number."""

        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return torch.tensor(value)

    with pytest.raises(DegenerateSpace, match=f"Undefined gives {value}; a metric must raise where it is undefined"):
        compare(*clouds(), Undefined())


# --- warnings --------------------------------------------------------------------------------------------------------


def test_warnings_of_a_metric_are_collected_once_and_do_not_leak():
    left, right = clouds(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare(left, right, Agreement(), draws=9)
    assert found.warnings == ("4 rows are few",)


def test_other_peoples_warnings_pass_through():
    @dataclass(frozen=True)
    class Grumbling(Gap):
        """Warns of something else."""

        def prepare(self, points: Tensor) -> Tensor:
            warnings.warn("old spelling", DeprecationWarning, stacklevel=1)
            return super().prepare(points)

    with pytest.warns(DeprecationWarning, match="old spelling"):
        found = compare(*clouds(), Grumbling(), null=None)
    assert found.warnings == ()


# --- showing and storing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("null", ["auto", "exact", None])
def test_to_dict_is_strict_json(null: Literal["auto", "exact"] | None):
    left, right = clouds()
    provenance = {
        "path": Path("/models/m"),
        "layer": np.int64(3),
        "scale": np.float32(0.5),
        "gap": math.nan,
        "points": left,
    }
    found = compare(
        Space(left, provenance=provenance),
        right,
        Agreement(),
        null=null,
        draws=9,
        pairing=Pairing(range(40), range(40), provenance={"threshold": np.float64(0.5)}),
    )
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again["score"] == found.score
    assert again["p_value"] == found.p_value
    assert again["parameters"] == {"limit": "inf"}
    assert {key: again["facts"][key] for key in ("rows", "worst", "side")} == {
        "rows": 40,
        "worst": "nan",
        "side": "left",
    }
    assert again["provenance"]["left"]["path"] == "/models/m"
    assert again["provenance"]["left"]["layer"] == 3
    assert again["provenance"]["pairing"] == {"threshold": 0.5}
    named = {
        "score",
        "p_value",
        "null_mean",
        "null_sd",
        "z",
        "metric",
        "n_rows",
        "warnings",
        "corrected",
        "draws",
        "seed",
    }
    assert named <= set(again)


def test_the_explanation_is_kept_and_its_facts_are_shown():
    found = compare(*clouds(), Agreement(), null=None)
    assert found.explanation is not None
    assert found.explanation.tables["product"] == {"row": [0], "value": [1.0]}
    assert found.facts["rows"] == 40


def test_repr_says_score_chance_p_and_n():
    left, _ = clouds()
    shown = repr(compare(left, left, Agreement(), draws=99))
    assert re.fullmatch(r"Comparison\(Agreement = 1, chance -?\d\S*( \(sd 0\.\d+\))?, p <= 0\.01, n = 40\)", shown)
    assert repr(compare(left, left, Agreement(), null=None)) == "Comparison(Agreement = 1, no p-value, n = 40)"
    few = repr(compare(left[:4], left[:4], Agreement(), null=None))
    assert few == "Comparison(Agreement = 1, no p-value, n = 4, 1 warning)"


def test_html_escapes_names_and_warnings():
    hostile = "<script>alert('x')</script>&"

    @dataclass(frozen=True)
    class Hostile(Gap):
        """Warns in HTML."""

        def prepare(self, points: Tensor) -> Tensor:
            warnings.warn(hostile, GeomsimWarning, stacklevel=2)
            return super().prepare(points)

    left, right = clouds()
    shown = compare(Space(left, name=hostile), Space(right, name='"><img src=x>'), Hostile(), draws=9)._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("&lt;script&gt;") == 2
    assert shown.startswith("<table>")


def test_comparison_fields_are_frozen():
    found = compare(*clouds(), Gap(), null=None)
    assert {"score", "p_value", "null", "null_mean", "null_sd", "metric", "n_rows", "warnings"} <= {
        f.name for f in fields(found)
    }
    with pytest.raises(AttributeError):
        found.score = 1.0  # type: ignore[misc]
