"""Calibration on a card: right metrics keep the promise, wrong ones break it, and the numbers are those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from card_metrics import Crashing, FavoursIdentity, GivesNan, Picky, Ranged, Spread, WrongShape, measured, promises
from scipy import stats

import geomsim
from geomsim import Metric
from geomsim_synthetic.cards.calibration import SECTION
from geomsim_synthetic.cards.section import generator
from geomsim_synthetic.cards.unrelated import PAIRED, UNPAIRED

UNIFORM = "p-values uniform where nothing is shared"


def piece(family: str, datasets: int = 40, draws: int = 19, first: int = 0) -> dict[str, object]:
    return {"family": family, "first": first, "datasets": datasets, "draws": draws}


def test_a_metric_that_favours_identity_breaks_the_promise():
    results = measured(SECTION, FavoursIdentity(), piece("gaussian"))
    assert results[0][1]["p"] == [1 / 20] * 40
    broken = promises(SECTION, FavoursIdentity(), results)[UNIFORM]
    assert not broken.kept
    assert broken.evidence == "gaussian: 1.000 of p-values are <= .05 (40 data sets, largest excess 0.950)"


@pytest.mark.parametrize("metric", [Ranged(), geomsim.metric("cka")], ids=["correlation", "cka"])
def test_a_right_metric_keeps_it(metric: Metric[object]):
    results = measured(SECTION, metric, *(piece(family, 20) for family in PAIRED))
    assert promises(SECTION, metric, results)[UNIFORM].kept
    assert sum(len(result["p"]) for _, result in results) == 20 * len(PAIRED)


def test_p_values_are_those_of_compare_on_the_same_data():
    """With the groups of documents, which move whole; pieces go on where others end."""
    (_, first), (_, rest) = measured(
        SECTION, Ranged(), piece("documents moved whole", 3), piece("documents moved whole", 2, first=3)
    )
    expected = []
    for number in range(5):
        data = PAIRED["documents moved whole"](generator(0, "calibration", "documents moved whole", number))
        found = geomsim.compare(data.left, data.right, Ranged(), draws=19, seed=number, groups=data.options["groups"])
        assert found.null_kind == "shuffle (whole blocks)"
        expected.append(found.p_value)
    assert first["p"] + rest["p"] == expected


def test_rates_and_excess_agree_with_scipy_and_a_plain_count():
    """On made p-values, pooled over the pieces of a family."""
    random = np.random.default_rng(0)
    made = {"gaussian": random.integers(1, 21, size=70) / 20, "sparse": np.minimum(random.integers(1, 30, 50), 20) / 20}
    results = [
        (piece("gaussian", 40), {"p": made["gaussian"][:40].tolist()}),
        (piece("sparse", 50), {"p": made["sparse"].tolist()}),
        (piece("gaussian", 30, first=40), {"p": made["gaussian"][40:].tolist()}),
    ]
    found = SECTION.judge(Ranged(), results)[0]
    for family, p in made.items():
        numbers = found.values["families"][family]
        small = int(np.sum(p < 0.0501))
        test = stats.binomtest(small, len(p), 0.05, alternative="greater")
        interval = stats.binomtest(small, len(p)).proportion_ci(0.95)
        assert numbers["datasets"] == len(p)
        assert numbers["rate"] == pytest.approx(small / len(p))
        assert (numbers["low"], numbers["high"]) == pytest.approx((interval.low, interval.high))
        assert numbers["rate_chance"] == pytest.approx(test.pvalue)
        excess = max(np.mean(p <= k / 20 + 1e-9) - k / 20 for k in range(21))
        assert numbers["ks"] == pytest.approx(excess)
        # By simulation: how often uniform fractions of 20 have such an excess, in either direction.
        ranks = np.random.default_rng(1).integers(1, 21, size=(20_000, len(p)))
        counts = (ranks[:, :, None] <= np.arange(21)).mean(1)
        steps = np.arange(21) / 20
        chance = float(((counts - steps).max(1) >= excess - 1e-9).mean())
        assert numbers["ks_chance"] == pytest.approx(chance, abs=0.015)
        lack = max(np.mean(p >= 1 - k / 20 + 1 / 20 - 1e-9) - k / 20 for k in range(21))
        mirrored = (21 - ranks[:, :, None] <= np.arange(21)).mean(1)
        assert numbers["ks_chance_too_large"] == pytest.approx(
            float(((mirrored - steps).max(1) >= lack - 1e-9).mean()), abs=0.015
        )
    everything = np.concatenate(list(made.values()))
    pooled = stats.binomtest(int((everything < 0.0501).sum()), len(everything)).proportion_ci(0.95)
    assert found.headline == pytest.approx(
        {
            "false positives": float((everything < 0.0501).mean()),
            "false positives low": pooled.low,
            "false positives high": pooled.high,
        }
    )


@pytest.mark.parametrize(("small", "kept"), [(25, True), (26, False)])
def test_the_level_is_one_in_a_thousand_shared_among_families(small: int, kept: bool):
    """Two looks at one family: the promise breaks where chance gives so many small p-values in fewer than 1 of 2000."""
    n = 250
    assert (stats.binom.sf(small - 1, n, 0.05) < 0.001 / 2) == (not kept)
    p = [0.05] * small + list(np.linspace(0.1, 1.0, 19).repeat(12)[: n - small])
    p += [1.0] * (n - len(p))
    results = [(piece("gaussian", n), {"p": p})]
    found = SECTION.judge(Ranged(), results)[0].values["families"]["gaussian"]
    assert found["ks_chance"] > found["rate_chance"]
    assert promises(SECTION, Ranged(), results)[UNIFORM].kept is kept


def test_a_family_that_is_refused_is_counted_and_named():
    results = measured(SECTION, Picky(), piece("gaussian", 12), piece("sparse", 12))
    found, (promise,) = SECTION.judge(Picky(), results)
    families = found.values["families"]
    # Ten refusals in a row are enough to know.
    assert families["sparse"]["datasets"] == 0
    assert list(families["sparse"]["refused"].values()) == [10]
    assert "more than half of the entries are 0" in next(iter(families["sparse"]["refused"]))
    assert (families["gaussian"]["datasets"], families["gaussian"]["refused"]) == (12, {})
    assert promise.kept
    assert found.summary.endswith("; refuses sparse")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Crashing(), "RuntimeError: boom"),
        (WrongShape(), "BrokenPromise: WrongShape.score_many"),
        (GivesNan(), "UndefinedScore: GivesNan gives nan"),
    ],
)
def test_a_crash_is_a_broken_promise_that_names_it(metric: Metric[object], expected: str):
    results = measured(SECTION, metric, piece("gaussian", 5), piece("sparse", 5))
    found, (promise,) = SECTION.judge(metric, results)
    assert (promise.name, promise.kept) == ("no crash while measuring calibration", False)
    assert promise.evidence.startswith(f"crashed in 10 of its comparisons, 10 of them with {expected}")
    assert found.summary.startswith("no p-value: ")
    assert found.headline == {}


def test_unpaired_metrics_are_tried_under_both_nulls():
    asked = [each.settings["family"] for each in SECTION.pieces(Spread(), "quick")]
    assert asked == ["spectrum-matched", "random-baseline"] == list(UNPAIRED)
    metric = geomsim.metric("mmcs")
    results = measured(SECTION, metric, *(piece(family, 15) for family in asked))
    found = SECTION.judge(metric, results)[0].values["families"]
    assert set(found) == set(asked)
    for family in asked:
        data = UNPAIRED[family](generator(0, "calibration", family, 0))
        compared = geomsim.compare(data.left, data.right, metric, null=family, draws=19, seed=0)
        assert next(result for settings, result in results if settings["family"] == family)["p"][0] == compared.p_value


def test_a_null_that_does_not_apply_is_refused_and_the_other_speaks():
    """The spectrum is all that singular values are."""
    metric = geomsim.metric("singular-values")
    results = measured(SECTION, metric, piece("spectrum-matched", 12), piece("random-baseline", 12))
    found, made = SECTION.judge(metric, results)
    assert found.values["families"]["spectrum-matched"]["datasets"] == 0
    assert "it measures what this null keeps" in next(iter(found.values["families"]["spectrum-matched"]["refused"]))
    assert found.values["families"]["random-baseline"]["datasets"] == 12
    assert [(promise.name, promise.kept) for promise in made] == [(UNIFORM, True)]


def test_pieces_cover_each_family_once():
    for effort, total in (("quick", 30), ("full", 500)):
        pieces = SECTION.pieces(Ranged(), effort)
        for family in PAIRED:
            numbers = [
                number
                for each in pieces
                if each.settings["family"] == family
                for number in range(each.settings["first"], each.settings["first"] + each.settings["datasets"])
            ]
            assert numbers == list(range(total))


@pytest.mark.parametrize("family", PAIRED)
def test_the_sides_of_a_family_share_nothing(family: str):
    """Pearson's r of the first columns has variance 1 / (n - 1), or 1 / (groups - 1) where groups move whole."""
    found = []
    for number in range(300):
        data = PAIRED[family](np.random.default_rng([7, number]))
        left, right = (np.asarray(side, dtype=float) for side in (data.left, data.right))
        if "groups" in data.options:
            left, right = (
                np.stack([side[data.options["groups"] == group].mean(0) for group in range(12)])
                for side in (left, right)
            )
        found.append(np.corrcoef(left[:, 0], right[:, 0])[0, 1] * np.sqrt(len(left) - 1))
    assert abs(np.mean(found)) < 4 / np.sqrt(300)
    # Some columns of heavy tails are one row; the square of r is 1 / (n - 1) on average whatever they are.
    assert np.mean(np.square(found)) == pytest.approx(1.0, abs=0.35)


def test_families_look_as_they_say():
    random = np.random.default_rng(0)
    sparse = PAIRED["sparse"](random)
    assert (sparse.left >= 0).all()
    assert (sparse.left == 0).mean() > 0.7
    assert ((sparse.right > 0).sum(1) >= 2).all()
    few = PAIRED["fewer rows than columns"](random)
    assert few.left.shape[0] < few.left.shape[1]
    assert few.right.shape[0] < few.right.shape[1]
    tied = PAIRED["duplicated rows"](random)
    assert [len(np.unique(side, axis=0)) for side in (tied.left, tied.right)] == [30, 30]
    assert tied.left.dtype == np.float32
