"""Cards from pieces: what is finished is used again, an interrupted run goes on, and a cluster changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from card_metrics import Crashing, FavoursIdentity, Greedy, Ranged, Spread
from small_cards import COUNT, use_small_sections
from torch import Tensor

import geomsim
from geomsim import GeomsimError, digests, validation
from geomsim.cards import Card
from geomsim.catalog import load_file
from geomsim.errors import InvalidConfig
from geomsim.known_faults import known_faults, remarks
from geomsim.local_workers import local_workers
from geomsim.testing import CHECKS
from geomsim.validation import SUFFIX, validate

PLUGIN = """
from dataclasses import dataclass
import geomsim

@dataclass(frozen=True)
class Plugged(geomsim.PairedMetric):
    '''Mean product of the first columns.'''
    larger_means = "closer"

    def prepare(self, points):
        return points[:, 0].double()

    def score(self, left, right, order):
        return (left * right[order]).mean() * {factor}

geomsim.register("plugged", Plugged)
"""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_sections(monkeypatch)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, piece by piece."""
    made: list[str] = []
    answer = validation._answer

    def counted(item: Any) -> Any:
        made.append(item[1].section)
        return answer(item)

    monkeypatch.setattr(validation, "_answer", counted)
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def without_cost(card: Card) -> Card:
    return replace(card, measured=tuple(each for each in card.measured if each.name != "cost"))


def test_a_card_holds_all_sections_and_goes_through_json():
    metrics = {"right": Ranged(), "wrong": FavoursIdentity(), "unpaired": Spread(), "crashing": Crashing()}
    cards = validate(metrics, seed=3)
    assert [card.metric for card in cards] == list(metrics)
    names = ["calibration", "power", "dose and response", "confounding", "loops", "cost"]
    for card, metric in zip(cards, metrics.values(), strict=True):
        assert [each.name for each in card.measured] == names
        assert [promise.name for promise in card.promises][: len(CHECKS)] == list(CHECKS)
        assert card.about["seed"] == 3
        assert card.about["effort"] == "quick"
        assert card.about["rows"] == ("unpaired" if metric is metrics["unpaired"] else "paired")
        assert card.about["larger_means"] == metric.larger_means
        assert Card.from_dict(json.loads(json.dumps(card.to_dict(), allow_nan=False))) == card
    right, wrong, _, crashing = cards
    assert (right.faults, right.remarks) == (known_faults(Ranged()), remarks(Ranged()))
    assert {"order law", "p-values uniform where nothing is shared"} <= {promise.name for promise in wrong.broken}
    assert wrong.promises[list(CHECKS).index("order law")].example is not None
    assert {f"no crash while measuring {name}" for name in (*names, "known faults")} <= {
        promise.name for promise in crashing.broken
    }


def test_finished_pieces_are_used_again(answered: list[str], tmp_path: Path):
    """With a broken promise, whose example is data too."""
    metrics = {"wrong": FavoursIdentity()}
    first = validate(metrics, folder=tmp_path)
    assert len(answered) == COUNT
    kept = files(tmp_path)
    assert len(kept) == COUNT
    assert all(name.endswith(SUFFIX) for name in kept)
    again = validate(metrics, folder=tmp_path)
    assert len(answered) == COUNT
    assert again == first
    assert files(tmp_path) == kept
    anew = validate(metrics, folder=tmp_path, resume=False)
    assert len(answered) == 2 * COUNT
    assert [without_cost(card) for card in anew] == [without_cost(card) for card in first]
    assert set(files(tmp_path)) == set(kept)


def test_nothing_is_kept_without_a_folder(answered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    validate({"right": Ranged()})
    validate({"right": Ranged()})
    assert len(answered) == 2 * COUNT
    assert list(tmp_path.iterdir()) == []


def test_a_name_on_a_card_changes_no_piece(answered: list[str], tmp_path: Path):
    (one,) = validate({"one": Ranged()}, folder=tmp_path)
    (other,) = validate({"other": Ranged()}, folder=tmp_path)
    assert len(answered) == COUNT
    assert replace(other, metric="one") == one


@pytest.mark.parametrize("what", ["seed", "parameter", "class", "version"])
def test_what_a_piece_depends_on_gives_another_file(
    what: str, answered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    validate({"it": Greedy()}, folder=tmp_path)
    before = files(tmp_path)
    metric: Any = Greedy()
    if what == "parameter":
        metric = Greedy(mebibytes=1)
    elif what == "class":
        metric = Ranged()
    elif what == "version":
        versions = {**validation.versions(), "numpy": "1.0"}
        monkeypatch.setattr(validation, "versions", lambda: versions)
    validate({"it": metric}, folder=tmp_path, seed=int(what == "seed"))
    assert len(answered) == 2 * COUNT
    assert len(files(tmp_path)) == 2 * COUNT
    assert before.items() <= files(tmp_path).items()


def test_another_text_of_the_same_class_is_another_metric(answered: list[str], tmp_path: Path):
    file, folder = tmp_path / "mine.py", tmp_path / "pieces"
    for count, factor in enumerate((1, 2, 2), start=1):
        file.write_text(PLUGIN.format(factor=factor))
        load_file(file)
        digests._package_digest.cache_clear()  # what another process starts without
        validate({"plugged": geomsim.metric("plugged")}, folder=folder)
        assert len(answered) == min(count, 2) * COUNT
    assert len(files(folder)) == 2 * COUNT


def test_a_metric_that_cannot_be_told_apart_is_measured_each_time(answered: list[str], tmp_path: Path):
    @dataclass(frozen=True)
    class Local(Ranged):
        """Its surroundings may hold anything."""

    for _ in range(2):
        validate({"local": Local()}, folder=tmp_path)
    assert len(answered) == 2 * COUNT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", '{"card": "it"}', "[1, 2]", "null", '"text"'])
def test_a_damaged_piece_is_an_error_that_names_the_file(content: str, tmp_path: Path):
    validate({"it": Ranged()}, folder=tmp_path)
    damaged = sorted(tmp_path.iterdir())[4]
    damaged.write_text(content)
    with pytest.raises(
        GeomsimError, match=f"{damaged.name}: a damaged piece of a card .*; delete it to measure it anew"
    ):
        validate({"it": Ranged()}, folder=tmp_path)
    validate({"it": Ranged()}, folder=tmp_path, resume=False)
    validate({"it": Ranged()}, folder=tmp_path)


@pytest.mark.parametrize("moment", [0, 1, 5, COUNT - 2])
def test_an_interrupted_run_leaves_whole_files_and_goes_on(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    use_small_sections(monkeypatch, "cost")
    metrics = {"it": Ranged()}
    expected = validate(metrics, folder=tmp_path / "whole")
    answer, calls = validation._answer, Counter[str]()

    def interrupted(item: Any) -> Any:
        if calls.total() == moment:
            raise KeyboardInterrupt
        calls[item[1].what] += 1
        return answer(item)

    with monkeypatch.context() as patch:
        patch.setattr(validation, "_answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            validate(metrics, folder=tmp_path / "interrupted")
    whole = files(tmp_path / "whole")
    left = files(tmp_path / "interrupted") if moment else {}
    assert len(left) == moment
    assert left.items() <= whole.items()
    calls = Counter()
    monkeypatch.setattr(validation, "_answer", lambda item: calls.update([item[1].what]) or answer(item))
    assert validate(metrics, folder=tmp_path / "interrupted") == expected
    assert calls.total() == len(whole) - moment
    assert files(tmp_path / "interrupted") == whole


def test_a_write_that_is_interrupted_leaves_no_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            validate({"it": Ranged()}, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_measures_the_machine_comes_last(answered: list[str]):
    validate({"one": Ranged(), "other": Spread()})
    assert answered[-2:] == ["cost", "cost"]
    assert "cost" not in answered[:-2]


def test_worker_processes_make_the_same_cards(tmp_path: Path):
    """To the last digit, also of metrics whose file they never saw; what they finish is kept here."""
    metrics = {"right": Ranged(), "wrong": FavoursIdentity(), "unpaired": Spread(), "cca": geomsim.metric("cca")}
    here = validate(metrics, seed=1)
    with local_workers(2) as address:
        there = validate(metrics, seed=1, folder=tmp_path, scheduler=address)
    for one, other in zip(here, there, strict=True):
        assert without_cost(one) == without_cost(other)
        assert json.dumps(without_cost(one).to_dict()) == json.dumps(without_cost(other).to_dict())
    assert validate(metrics, seed=1, folder=tmp_path) == there


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"effort": "thorough"}, "how much to measure must be one of 'quick', 'full' and None, is 'thorough'"),
        ({"seed": -1}, "seed must be at least 0, is -1"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_at_once(options: dict[str, Any], told: str, answered: list[str]):
    with pytest.raises(InvalidConfig, match=told):
        validate({"it": Ranged()}, **options)
    assert answered == []


def test_no_metrics_no_cards():
    assert validate({}) == []


@dataclass(frozen=True)
class FailsOnManyRows(Ranged):
    """Crashes where probes for known faults go, and nothing else."""

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) > 350:
            raise ZeroDivisionError("too many")
        return super().prepare(points)


def test_a_crash_on_a_probe_is_on_the_card():
    (card,) = validate({"it": FailsOnManyRows()})
    assert card.faults == {}
    broken = {promise.name: promise.evidence for promise in card.broken}
    assert "ZeroDivisionError: too many" in broken["no crash while measuring known faults"]


def test_installed_parameters_are_on_the_card_as_json():
    (card,) = validate({"svcca": geomsim.metric("svcca", components=3)})
    assert card.parameters == {"kept_variance": 0.99, "components": 3, "statistic": "mean"}
