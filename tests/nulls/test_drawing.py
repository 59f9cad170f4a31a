"""One torch thread in each of ours, restored whatever happens; draws do not depend on how many threads there are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_threads import assert_threads_restored

from geomsim import UnpairedMetric
from geomsim.nulls import Null, RandomBaseline, RandomSubset, SpectrumMatched, Trial
from geomsim.nulls.drawing import workers_for_redrawn

pytestmark = pytest.mark.usefixtures("many_torch_threads")
REDRAWN = [RandomSubset(), SpectrumMatched(), RandomBaseline()]


@dataclass(frozen=True)
class Agreement(UnpairedMetric[Tensor]):
    """Inner product of the unit means of the absolute values; notes its threads."""

    seen: tuple[set[Any], ...] = (set(),)
    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        self.seen[0].add((threading.get_ident(), torch.get_num_threads()))
        return torch.nn.functional.normalize(points.double().abs().mean(0), dim=0)

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return left @ right


def clouds() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    left = random.normal(size=(30, 4)) ** 3
    return left, left + random.normal(size=(30, 4))


@pytest.mark.parametrize("null", REDRAWN, ids=lambda null: null.name)
def test_draws_do_not_depend_on_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, trial: Callable[..., Trial], null: Null
):
    judged = trial(Agreement(), *clouds(), chosen=np.arange(3, 15), draws=40, seed=7)
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda cores=cores: cores)
        done: list[int] = []
        found.append(null.judge(replace(judged, advance=done.append)))
        assert sum(done) == 40
        assert_threads_restored()
    for other in found[1:]:
        np.testing.assert_allclose(other.draws, found[0].draws, rtol=1e-12)
        assert other.p_value == found[0].p_value


@pytest.mark.parametrize("null", REDRAWN, ids=lambda null: null.name)
def test_the_seed_decides(trial: Callable[..., Trial], null: Null):
    judged = trial(Agreement(), *clouds(), chosen=np.arange(3, 15), draws=25)
    first, again, other = (null.judge(replace(judged, seed=seed)).draws for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).any()
    fewer = null.judge(replace(judged, seed=3, draws=10)).draws
    np.testing.assert_array_equal(first[:10], fewer)


def test_threads_of_ours_have_one_of_torch(monkeypatch: pytest.MonkeyPatch, trial: Callable[..., Trial]):
    monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda: 2)
    judged = trial(Agreement(), *clouds(), draws=50)
    here = threading.get_ident()
    seen: set[Any] = set()
    RandomBaseline().judge(replace(judged, metric=Agreement((seen,))))
    assert {torch_threads for _, torch_threads in seen} == {1}
    assert here not in {thread for thread, _ in seen}


@pytest.mark.parametrize("null", REDRAWN, ids=lambda null: null.name)
def test_torch_threads_are_restored_after_an_error(trial: Callable[..., Trial], null: Null):
    judged = trial(Agreement(), *clouds(), chosen=np.arange(3, 15), draws=40)

    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        null.judge(replace(judged, advance=interrupted))
    assert_threads_restored()


def test_fewer_draws_at_once_where_memory_is_short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda: 64)
    assert workers_for_redrawn(torch.empty(10, 4), torch.empty(10, 4)) == 64
    assert workers_for_redrawn(torch.empty(1, device="meta"), torch.empty(10, 4)) == 1
    huge = torch.empty(1).expand(1 << 20, 1 << 20)
    assert workers_for_redrawn(huge, huge) == 1
