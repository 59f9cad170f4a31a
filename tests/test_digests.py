from __future__ import annotations

import collections
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import geomsim
from geomsim.digests import NoDigestError, code_digest, digest_of


@dataclass(frozen=True)
class Holder:
    value: Any = None


@dataclass(frozen=True)
class Other:
    value: Any = None


DIFFERENT: list[Any] = [
    None, True, 1, 1.0, "1", b"1", (1,), [1], ["ab", "c"], ["a", "bc"], [[1], 2], [1, [2]], {"a": 1}, {"a": 1.0},
    {1}, frozenset({1}), np.arange(3), np.arange(3.0), np.arange(3.0).astype(np.float32), np.arange(6).reshape(2, 3),
    np.arange(6).reshape(3, 2), torch.arange(3), Holder(1), Other(1), Holder(2), Holder(Holder(1)), Path("1"),
    np.ones(1000), np.where(np.arange(1000) == 500, 2.0, 1.0), "x" * 300, "x" * 299 + "y", np.float64("nan"), 0.0, -0.0,
]  # fmt: skip


def test_different_values_have_different_digests() -> None:
    assert len({digest_of(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize("number", range(len(DIFFERENT)))
def test_the_same_value_has_the_same_digest(number: int) -> None:
    import copy

    assert digest_of(copy.deepcopy(DIFFERENT[number])) == digest_of(DIFFERENT[number])


def test_layout_in_memory_does_not_matter() -> None:
    points = np.arange(12.0).reshape(3, 4)
    assert digest_of(np.asfortranarray(points)) == digest_of(points) == digest_of(points[::-1][::-1])


@pytest.mark.parametrize("value", [print, lambda: 0, object(), {"a": print}, Holder([object()]), collections])
def test_what_cannot_be_told_apart_has_none(value: Any) -> None:
    with pytest.raises(NoDigestError):
        digest_of(value)


def test_code_of_a_metric_is_that_of_its_packages() -> None:
    assert code_digest(type(geomsim.metric("rsa"))) == code_digest(type(geomsim.metric("cka")))
    assert code_digest(type(geomsim.metric("rsa"))) != code_digest(type(geomsim.metric("mapper-transport")))

    class Local:
        pass

    with pytest.raises(NoDigestError, match="made inside a function"):
        code_digest(Local)
