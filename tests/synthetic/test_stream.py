from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from geomsim.errors import InvalidConfig
from geomsim_synthetic import Batch, CorrelatedGroup, Faults, Hierarchy, Planted, Setting, batches, from_setting
from geomsim_synthetic.block import BLOCK
from geomsim_synthetic.plan import plan

EVERYTHING = Setting(
    n_features=80,
    shared=0.75,
    width=(16, 20),
    n_tokens=2 * BLOCK + 137,
    mean_active=3.0,
    noise=0.1,
    seen=(0.9, 0.7),
    structures=(
        CorrelatedGroup(4, 0.5),
        Hierarchy((None, 0, 0)),
        Planted("circle", 8),
        Planted("torus", (4, 4), where="right"),
        Planted("simplex", 4, arranged="left"),
    ),
    dense=2,
    junk=3,
    layers=3,
    drift=0.2,
    outliers=1,
    left_faults=Faults(split=3, merged=2, absorbed=1, duplicated=2, dead=2),
    right_faults=Faults(split=1, duplicated=1, dead=1, split_turn=0.2),
    seed=5,
)


def bits(parts: list[Batch]) -> dict[str, Any]:
    def joined(values: list[Any]) -> bytes:
        return b"".join(np.ascontiguousarray(value).tobytes() for value in values)

    found: dict[str, Any] = {name: joined([getattr(part, name) for part in parts]) for name in ("groups", "symbols")}
    for side in ("left", "right"):
        shown = [getattr(part, side) for part in parts]
        found[f"{side} values"] = joined([each.codes.data for each in shown])
        found[f"{side} rows"] = joined([each.codes.indices.astype(np.int64) for each in shown])
        found[f"{side} counts"] = joined([np.diff(each.codes.indptr).astype(np.int64) for each in shown])
        found[f"{side} activations"] = joined([each.activations for each in shown])
    return found


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return bits(list(batches(EVERYTHING, EVERYTHING.n_tokens)))


@pytest.mark.parametrize("length", [97, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 8192, 10**6])
def test_the_batch_length_changes_no_bit(whole: dict[str, Any], length: int) -> None:
    parts = list(batches(EVERYTHING, length))
    assert bits(parts) == whole
    assert [len(part) for part in parts[:-1]] == [length] * (len(parts) - 1)
    assert [part.start for part in parts] == list(range(0, EVERYTHING.n_tokens, length))


def test_all_at_once_is_the_stream(whole: dict[str, Any]) -> None:
    two = from_setting(EVERYTHING)
    assert two.left.codes.data.tobytes() == whole["left values"]
    assert two.right.activations.tobytes() == whole["right activations"]
    assert two.groups.tobytes() == whole["groups"]
    assert bits(list(batches(EVERYTHING, 1000))) == whole  # drawing in between leaves no trace


def test_a_longer_stream_begins_with_a_shorter_one() -> None:
    short, long = (from_setting(EVERYTHING, n_tokens=n, n_documents=1) for n in (500, BLOCK + 10))
    assert (long.left.codes[:500] - short.left.codes).nnz == 0
    np.testing.assert_array_equal(long.right.activations[:500], short.right.activations)


@pytest.mark.parametrize(
    ("option", "sides"),
    [
        ({"structures": (*EVERYTHING.structures, CorrelatedGroup(3, 0.9))}, ()),
        ({"structures": (*EVERYTHING.structures, Planted("circle", 6, where="left"))}, ()),
        ({"noise": 0.0}, ("left", "right")),
        ({"outliers": 3}, ("left", "right")),
        ({"drift": 0.0}, ("left", "right")),
        ({"layers": 1}, ("left", "right")),
        ({"geometry": "independent"}, ()),
        ({"left_faults": Faults()}, ("right",)),
        ({"dense": 3}, ()),
        ({"seen": 1.0}, ()),
        ({"shared": 0.8}, ()),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_an_option_changes_no_other_draw(option: dict[str, Any], sides: tuple[str, ...]) -> None:
    # By number of feature, since rows are laid out anew: what fires in both settings fires alike.
    before, after = (from_setting(EVERYTHING, n_tokens=1000, **changes) for changes in ({}, option))
    for side in sides:
        assert (getattr(before, side).codes - getattr(after, side).codes).nnz == 0
    plain = {
        name: {
            feature: network.codes[:, [row]].toarray()
            for row, (feature, kind) in enumerate(zip(network.feature.tolist(), truth.kind, strict=True))
            if kind in ("plain", "planted", "correlated", "hierarchy", "junk")
        }
        for name, network, truth in (
            ("before", before.left, before.truth.left),
            ("after", after.left, after.truth.left),
        )
    }
    missed = option.get("seen") is not None
    both = plain["before"].keys() & plain["after"].keys()
    assert len(both) > 40
    n_same = 0
    for feature in both:
        old, new = plain["before"][feature], plain["after"][feature]
        if missed:
            assert (new[old > 0] == old[old > 0]).all()
        n_same += int((old == new).all())
    # A feature that the new structure takes over, or that is shared and so missed now, may differ.
    assert n_same >= len(both) - (60 if missed else 15)


def test_sides_without_faults_write_what_they_add_up() -> None:
    setting = Setting(n_features=40, width=8, n_tokens=700, mean_active=2.0, junk=2, dense=1)
    two = from_setting(setting)
    for network in (two.left, two.right):
        np.testing.assert_allclose(network.codes @ network.directions, network.activations, atol=1e-4)


def test_memory_does_not_grow_with_the_stream() -> None:
    peaks = []
    for n_blocks in (4, 16):
        setting = Setting(n_features=64, width=16, n_tokens=n_blocks * BLOCK, mean_active=4.0)
        plan(setting)
        tracemalloc.start()
        for _ in batches(setting):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Only the ends of the documents, 8 bytes per 100 tokens, are held throughout.
    assert peaks[1] < 1.1 * peaks[0]


def test_codes_without_activations() -> None:
    for with_all, without in zip(batches(EVERYTHING), batches(EVERYTHING, activations=False), strict=True):
        assert without.left.activations is None
        assert (with_all.right.codes - without.right.codes).nnz == 0


def test_impossible_batches() -> None:
    with pytest.raises(InvalidConfig, match="batch_length=0 must be a whole number of at least 1"):
        batches(EVERYTHING, 0)
    with pytest.raises(InvalidConfig, match="layer=3: these networks have layers 0 to 2"):
        batches(EVERYTHING, layer=3)
