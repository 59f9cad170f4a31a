"""Cost on a card: known seconds and bytes are found, whatever the machine does beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from card_metrics import Crashing, Greedy, Ranged, Spread, measured
from torch import Tensor

from geomsim import DegenerateSpace
from geomsim_synthetic.cards import cost
from geomsim_synthetic.cards.cost import SECTION


def test_seconds_of_a_sleep():
    ((_, found),) = measured(SECTION, Greedy(seconds=0.05), {"rows": 250})
    # It never sleeps less; how much longer the fastest of three took is up to the machine.
    assert 0.05 <= found["prepare"] < 0.2
    assert found["score"] < 0.05
    assert 0 < found["draw"] < 0.05


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="memory that is freed goes back to the system on Linux")
@pytest.mark.parametrize("mebibytes", [64, 128])
def test_bytes_of_an_array(mebibytes: int):
    ((_, found),) = measured(SECTION, Greedy(mebibytes=mebibytes), {"rows": 250})
    assert 0.6 * mebibytes <= found["bytes"] / 2**20 <= 1.6 * mebibytes


def test_long_runs_are_not_repeated(monkeypatch: pytest.MonkeyPatch):
    now, runs = [0.0], []
    monkeypatch.setattr(cost.time, "perf_counter", lambda: now[0])

    def work(seconds: list[float]) -> None:
        runs.append(seconds[0])
        now[0] += seconds.pop(0)

    slow, fast = [2.5, 1.0, 1.0], [0.4, 0.1, 0.2]
    assert (cost._fastest(lambda: work(slow)), len(runs)) == (2.5, 1)
    assert cost._fastest(lambda: work(fast)) == pytest.approx(0.1)
    assert len(runs) == 4


def test_a_card_says_seconds_bytes_and_how_they_grow():
    """Both sides and a score; four times the rows take eight times as long: rows to the power 1.5."""
    results = [
        ({"rows": 250}, {"prepare": 0.05, "score": 0.1, "draw": 0.01, "bytes": 2**20}),
        ({"rows": 1000}, {"prepare": 0.5, "score": 0.6, "draw": 0.02, "bytes": 5 * 2**20}),
    ]
    found, made = SECTION.judge(Greedy(), results)
    assert made == []
    assert found.values["exponent"] == pytest.approx(1.5)
    assert found.headline == pytest.approx({"seconds, 1000 rows": 1.6, "seconds a draw, 1000 rows": 0.02})
    assert found.summary == (
        "1.6 s for both sides of 1000 rows, 5 MiB, 0.02 s a draw; grows with the rows to the power 1.5"
    )


def test_an_unpaired_metric_has_no_draws():
    results = measured(SECTION, Spread(), {"rows": 250})
    found = SECTION.judge(Spread(), results)[0]
    assert results[0][1]["draw"] is None
    assert "a draw" not in found.summary
    assert found.headline == {"seconds, 1000 rows": None, "seconds a draw, 1000 rows": None}


@dataclass(frozen=True)
class Small(Ranged):
    """Refuses many rows."""

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) > 500:
            raise DegenerateSpace("more than 500 rows")
        return super().prepare(points)


def test_a_refusal_is_noted():
    results = measured(SECTION, Small(), {"rows": 250}, {"rows": 1000})
    found, made = SECTION.judge(Small(), results)
    assert made == []
    assert results[1][1] == {"refused": {"more than 500 rows": 1}}
    assert found.values["costs"]["1000"] == results[1][1]
    assert found.headline["seconds, 1000 rows"] is None
    assert found.summary.split(",")[0].endswith("s for both sides of 250 rows")
    nothing = SECTION.judge(Small(), results[1:])[0]
    assert (nothing.summary, nothing.headline) == ("no scores", {})
    assert nothing.values["costs"] == {"1000": {"refused": {"more than 500 rows": 1}}}


def test_a_crash_is_a_broken_promise():
    results = measured(SECTION, Crashing(), {"rows": 250})
    found, (promise,) = SECTION.judge(Crashing(), results)
    assert found.summary == "no scores"
    assert (promise.name, promise.kept) == ("no crash while measuring cost", False)
    assert "RuntimeError: boom" in promise.evidence


def test_it_runs_alone():
    assert SECTION.alone
    assert [each.settings for each in SECTION.pieces(Greedy(), "full")] == [
        {"rows": 250},
        {"rows": 1000},
        {"rows": 4000},
    ]
