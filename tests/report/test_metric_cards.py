"""Cards of metrics in a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import geomsim
from geomsim import catalog
from geomsim.cards import Card, Measurement, Promise
from geomsim.errors import GeomsimError
from geomsim.report.metric_cards import metric_cards
from geomsim.tables import write_json

SHIPPED = Path(__file__).parents[2] / "docs" / "cards"


def test_every_installed_metric_has_a_card():
    names = geomsim.metrics()
    cards = metric_cards(names)
    assert [card.metric for card in cards] == names
    for card in cards:
        assert card.summary
        assert card.text.replace("\n", " ").startswith(card.summary)
        assert set(card.facts) == {
            "rows", "direction", "range", "unchanged by", "symmetric", "nulls", "parameters", "from",
        }  # fmt: skip


def test_facts_are_those_of_the_command_line(capsys):
    from geomsim.cli.app import run

    run(["metrics", "cka"])
    shown = capsys.readouterr().out
    (card,) = metric_cards(["cka"])
    assert all(card.facts[name] in shown for name in ("range", "unchanged by", "nulls", "parameters", "from"))


def test_names_are_told_once_and_in_their_order():
    assert [card.metric for card in metric_cards(["rsa", "cka", "rsa"])] == ["rsa", "cka"]


def test_the_shipped_cards_are_read():
    for card in metric_cards([path.parent.name for path in sorted(SHIPPED.glob("*/card.json"))], SHIPPED):
        assert "calibration" in dict(card.measured)
        assert card.facts["measured"].startswith("full, seed 0, geomsim ")


def test_what_was_broken_and_what_to_know(tmp_path):
    card = Card(
        "rsa", (Promise("order law", False, "off by 1"), Promise("symmetry", True, "kept")), {"compare": "other"},
        (Measurement("power", "finds .1"),), {"not a distance": "d(x, x) = 1"}, {"noise": "high"},
        {"from": "mine 2", "effort": "quick", "seed": 3, "versions": {"numpy": "2"}},
    )  # fmt: skip
    write_json(card.to_dict(), tmp_path / "rsa" / "card.json")
    (found,) = metric_cards(["rsa"], tmp_path)
    assert found.broken == ("order law: off by 1",)
    assert found.measured == (("power", "finds .1"),)
    assert found.remarks == (("known fault: not a distance", "d(x, x) = 1"), ("noise", "high"))
    assert found.facts["measured"] == "quick, seed 3, mine 2; numpy 2"
    assert found.facts["measured with"] == "compare='other'"


def test_a_metric_that_is_not_installed_says_so_and_keeps_what_was_measured(tmp_path):
    card = Card("gone-metric", (), {}, (Measurement("power", "finds .1"),))
    write_json(card.to_dict(), tmp_path / "gone-metric" / "card.json")
    (found,) = metric_cards(["gone-metric"], tmp_path)
    assert found.summary.startswith("gone-metric is not installed here")
    assert found.measured == (("power", "finds .1"),)


def test_a_metric_without_defaults_is_described_as_far_as_it_goes(monkeypatch):
    @dataclass(frozen=True)
    class Needy(catalog.find("rsa").load()):
        k: int = None

        def __post_init__(self):
            if self.k is None:
                raise TypeError("k is missing")

    monkeypatch.setattr(catalog, "_registered", {"needy": Needy})
    (found,) = metric_cards(["needy"])
    assert "needy cannot be described" in found.summary
    assert "parameters without defaults" in found.summary


@pytest.mark.parametrize("content", ["{", "[]", '{"metric": "rsa"}'])
def test_a_damaged_card_is_named(tmp_path, content):
    (tmp_path / "rsa").mkdir()
    (tmp_path / "rsa" / "card.json").write_text(content)
    with pytest.raises(GeomsimError, match=r"rsa.card\.json: not a card .*`geomsim validate rsa"):
        metric_cards(["rsa"], tmp_path)
