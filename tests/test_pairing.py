from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geomsim import GeomsimError, Pairing, Space
from geomsim.errors import InvalidPairing

PAIRS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0])),
    min_size=1,
    max_size=30,
)


def pairing_of(pairs: list[tuple[int, int, float]], *, weights: bool = True) -> Pairing:
    left, right, weight = zip(*pairs, strict=True)
    return Pairing(left, right, weight if weights else None)


def as_list(pairing: Pairing) -> list[tuple[int, ...]]:
    return list(zip(pairing.left.tolist(), pairing.right.tolist(), strict=True))


def space(ids: str, name: str = "") -> Space:
    return Space(np.arange(len(ids) * 2.0).reshape(-1, 2), ids=list(ids), name=name)


# --- against plain loops ---------------------------------------------------------------------------------------------


@given(PAIRS, st.integers(1, 4), st.booleans())
def test_limit_keeps_the_strongest_of_each_right_row(pairs, per_right: int, weights: bool):
    kept = []
    for i, (left, right, weight) in enumerate(pairs):
        # the rivals that come first: stronger ones, and equally strong ones that stand earlier
        before = sum(
            other_right == right
            and ((other_weight > weight if weights else False) or ((not weights or other_weight == weight) and j < i))
            for j, (_, other_right, other_weight) in enumerate(pairs)
        )
        if before < per_right:
            kept.append((left, right))
    assert as_list(pairing_of(pairs, weights=weights).limit(per_right=per_right)) == kept


@given(PAIRS)
def test_one_to_one_drops_every_pair_that_shares_a_row(pairs):
    left_count, right_count = Counter(p[0] for p in pairs), Counter(p[1] for p in pairs)
    kept = [(left, right) for left, right, _ in pairs if left_count[left] == 1 == right_count[right]]
    if kept:
        assert as_list(pairing_of(pairs).one_to_one()) == kept
    else:
        with pytest.raises(
            InvalidPairing, match=rf"no pair is left after .*one_to_one.*: all {len(pairs)} were removed"
        ):
            pairing_of(pairs).one_to_one()


@given(PAIRS, st.sampled_from([0.0, 0.25, 0.6]))
def test_where_filters_by_weight_and_counts_what_it_left_out(pairs, least: float):
    kept = [pair for pair in pairs if pair[2] >= least]
    assume(kept)
    found = pairing_of(pairs).where(min_weight=least)
    assert as_list(found) == [pair[:2] for pair in kept]
    assert found.weight is not None
    assert found.weight.tolist() == [pair[2] for pair in kept]
    assert found.provenance["filters"] == [{"min_weight": least, "left_out": len(pairs) - len(kept)}]


@given(PAIRS)
def test_multiplicity_counts_right_rows_by_their_partners(pairs):
    counts = Counter(right for _, right, _ in pairs).values()
    assert pairing_of(pairs).multiplicity() == {
        "1": sum(c == 1 for c in counts),
        "2-10": sum(2 <= c <= 10 for c in counts),
        "11-100": sum(11 <= c <= 100 for c in counts),
        "more": sum(c > 100 for c in counts),
    }


def test_multiplicity_of_many_partners():
    right = np.repeat([0, 1, 2, 3, 4], [1, 10, 11, 100, 101])
    pairing = Pairing(np.arange(len(right)), right)
    assert pairing.multiplicity() == {"1": 1, "2-10": 1, "11-100": 2, "more": 1}
    assert pairing.multiplicity("left") == {"1": 223, "2-10": 0, "11-100": 0, "more": 0}
    assert Pairing(right, np.arange(len(right))).multiplicity("left") == pairing.multiplicity()
    with pytest.raises(InvalidPairing, match="side must be left or right, got 'both'"):
        pairing.multiplicity("both")  # type: ignore[arg-type]


def test_one_ten_and_hundred_to_one_and_what_lies_between():
    right = np.repeat([0, 1, 2, 3, 4], [1, 10, 11, 100, 101])
    pairing = Pairing(np.arange(len(right)), right, np.linspace(0.9, 0.1, len(right)))
    limited = {most: pairing.limit(per_right=most).multiplicity() for most in (1, 10, 100)}
    assert limited[1] == {"1": 5, "2-10": 0, "11-100": 0, "more": 0}
    assert limited[10] == {"1": 1, "2-10": 4, "11-100": 0, "more": 0}
    assert limited[100] == {"1": 1, "2-10": 1, "11-100": 3, "more": 0}
    assert {name: len(pairs) for name, pairs in pairing.buckets().items()} == {
        "1": 1, "2-10": 10, "11-100": 111, "more": 101,
    }  # fmt: skip
    between = pairing.take(pairing.buckets()["11-100"])
    assert between.multiplicity() == {"1": 0, "2-10": 0, "11-100": 2, "more": 0}


@given(PAIRS, st.integers(1, 3))
def test_limit_of_left_rows_is_that_of_right_rows_turned_round(pairs, most: int):
    turned = pairing_of([(right, left, weight) for left, right, weight in pairs])
    found = pairing_of(pairs).limit(per_left=most)
    assert as_list(found) == [(left, right) for right, left in as_list(turned.limit(per_right=most))]
    assert found.provenance["filters"] == [{"limit_per_left": most, "left_out": len(pairs) - len(found)}]


def test_both_limits_at_once_and_none():
    crowd = Pairing([0, 0, 1, 1], [0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6])
    assert as_list(crowd.limit(per_right=1)) == [(0, 0), (0, 1)]
    assert as_list(crowd.limit(per_right=1, per_left=1)) == [(0, 0)]
    many = Pairing(range(12), [0] * 12)
    assert len(many.limit()) == 10
    assert len(many.limit(per_left=1)) == 12
    with pytest.raises(InvalidPairing, match="per_left must be at least 1, got 0"):
        many.limit(per_left=0)


@given(
    st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1),
    st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1),
)
def test_by_id_finds_what_a_double_loop_finds(left_ids, right_ids):
    expected = [(i, j) for i, a in enumerate(left_ids) for j, b in enumerate(right_ids) if a == b]
    left, right = space("".join(left_ids)), space("".join(right_ids))
    if not expected:
        with pytest.raises(InvalidPairing, match="no id occurs on both sides"):
            Pairing.by_id(left, right)
        return
    found = Pairing.by_id(left, right)
    assert as_list(found) == expected
    assert found.provenance["left_only"] == len(left_ids) - len(expected)
    assert found.provenance["right_only"] == len(right_ids) - len(expected)
    paired = found.apply(left, right)
    assert paired[0].ids == paired[1].ids


# --- by_id and apply -------------------------------------------------------------------------------------------------


def test_by_id_needs_ids():
    with pytest.raises(InvalidPairing, match=r"the right space 'r' has no ids; give it some: Space\(points, ids="):
        Pairing.by_id(space("ab"), Space(np.ones((2, 2)), name="r"))


def test_by_id_refuses_an_id_that_occurs_twice():
    with pytest.raises(InvalidPairing, match="id 'b' occurs more than once in the left space 'l'"):
        Pairing.by_id(space("abcb", "l"), space("ab"))


def test_by_id_shows_how_the_ids_differ():
    with pytest.raises(InvalidPairing, match=r"left starts 'a', right starts 'x'"):
        Pairing.by_id(space("ab"), space("xy"))


def test_apply_takes_points_ids_and_groups_in_the_order_of_the_pairs():
    left = Space([[0.0], [1.0], [2.0]], ids="abc", groups=[5, 5, 6])
    right = Space([[10.0], [11.0]], ids="xy")
    paired_left, paired_right = Pairing([2, 0, 2], [1, 1, 0]).apply(left, right)
    assert paired_left.numpy().ravel().tolist() == [2, 0, 2]
    assert paired_right.numpy().ravel().tolist() == [11, 11, 10]
    assert (paired_left.ids, paired_right.ids) == (("c", "a", "c"), ("y", "y", "x"))
    assert paired_left.groups is not None
    assert paired_left.groups.tolist() == [1, 0, 1]


def test_a_pairing_that_points_outside_says_which_pair_and_which_side():
    with pytest.raises(
        InvalidPairing,
        match=r"pair 1 names right row 3, but the right space 'r' has 3 rows \(0 to 2\); 2 pairs point outside",
    ):
        Pairing([0, 1, 2], [2, 3, 7]).apply(space("abc"), space("xyz", "r"))
    with pytest.raises(InvalidPairing, match=r"pair 0 names left row 3, .*; 1 pair points outside"):
        Pairing([3], [0]).apply(space("abc"), space("xyz"))


def test_identity():
    assert as_list(Pairing.identity(3)) == [(0, 0), (1, 1), (2, 2)]


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0]), "got 2 left and 1 right"),
        (([], []), "the pairing is empty"),
        (([0, -1, -5], [0, 1, 2]), "left row numbers start at 0; pair 1 says -1"),
        (([0, 1], [0.0, 1.5]), r"right must be whole row numbers; pair 1 says 1\.5"),
        (([0, np.nan], [0, 1]), "left must be whole row numbers; pair 1 says nan"),
        (([np.inf], [1]), "left must be whole row numbers; pair 0 says inf"),
        ((["a"], [0]), "left must be whole row numbers, got <U1"),
        (([True, False], [0, 1]), "left must be whole row numbers, got bool"),
        (([[0, 1]], [[0, 1]]), r"left must be a list of row numbers, got an array of shape \(1, 2\)"),
        (([0, 1], [0, 1], [0.5]), r"one weight per pair, 2, got shape \(1,\)"),
        (([0, 1], [0, 1], [0.5, np.nan]), "the weight of pair 1 is not a finite number"),
        (([0], [0], ["strong"]), "weights must be numbers"),
    ],
)
def test_bad_pairs_are_refused(arguments, message: str):
    with pytest.raises(InvalidPairing, match=message):
        Pairing(*arguments)


def test_filters_refuse_what_they_cannot_do():
    with pytest.raises(InvalidPairing, match="per_right must be at least 1, got 0"):
        Pairing([0], [0]).limit(per_right=0)
    with pytest.raises(InvalidPairing, match="no weights to filter by"):
        Pairing([0], [0]).where(min_weight=0.5)
    with pytest.raises(InvalidPairing, match="no pair is left after"):
        Pairing([0], [0], [0.2]).where(min_weight=0.5)


def test_the_arrays_are_copies_that_nobody_can_write_to():
    left, weight = np.array([0, 1]), np.array([0.5, 0.6])
    pairing = Pairing(left, left, weight)
    left[0] = weight[0] = 9
    assert pairing.left.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        pairing.left[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        pairing.weight[0] = 1  # type: ignore[index]


def test_floats_that_are_whole_and_tensors_are_row_numbers():
    import torch

    assert as_list(Pairing(np.array([0.0, 2.0]), torch.tensor([1, 3]))) == [(0, 1), (2, 3)]


# --- tables ----------------------------------------------------------------------------------------------------------


def test_to_frame():
    pd.testing.assert_frame_equal(
        Pairing([0, 2], [1, 3], [0.5, 0.25]).to_frame(),
        pd.DataFrame({"left": [0, 2], "right": [1, 3], "weight": [0.5, 0.25]}),
    )
    assert list(Pairing([0], [1]).to_frame().columns) == ["left", "right"]


def test_filters_keep_their_history_through_parquet(tmp_path: Path):
    pairing = Pairing(
        [0, 1, 2, 3], [5, 5, 6, 7], [0.9, 0.8, 0.7, 0.1], provenance={"method": "mutual", "path": tmp_path}
    )
    chosen = pairing.where(min_weight=np.float32(0.5)).limit(per_right=np.int64(1))  # type: ignore[arg-type]
    again = Pairing.open(chosen.save(tmp_path / "deep" / "pairs.parquet"))
    assert as_list(again) == [(0, 5), (2, 6)]
    assert again.weight is not None
    np.testing.assert_array_equal(again.weight, [0.9, 0.7])
    assert again.provenance == {
        "method": "mutual",
        "path": str(tmp_path),
        "filters": [{"min_weight": 0.5, "left_out": 1}, {"limit_per_right": 1, "left_out": 1}],
    }


def test_mass_stays_with_its_pairs(tmp_path: Path):
    pairing = Pairing([0, 0, 1], [0, 1, 1], [0.5, 0.6, 0.7], mass=[0.4, 0.3, 1.0])
    for part in (pairing.where(min_weight=0.55), pairing.take([1, 2]), pairing.limit(per_left=1)):
        assert part.mass is not None
        np.testing.assert_array_equal(part.mass, [0.3, 1.0])
    assert list(pairing.to_frame().columns) == ["left", "right", "weight", "mass"]
    for name in ("pairs.parquet", "pairs.csv"):
        again = Pairing.open(pairing.save(tmp_path / name))
        assert again.mass is not None
        np.testing.assert_array_equal(again.mass, pairing.mass)
    assert Pairing([0], [0]).mass is None
    with pytest.raises(InvalidPairing, match=r"expected one mass per pair, 1, got shape \(2,\)"):
        Pairing([0], [0], mass=[1.0, 2.0])
    with pytest.raises(InvalidPairing, match=r"masses must not be negative; pair 1 has -0\.5"):
        Pairing([0, 1], [0, 1], mass=[1.0, -0.5])


def test_csv_round_trip(tmp_path: Path):
    path = Pairing([0, 2], [1, 3], [0.1, 1 / 3]).save(tmp_path / "pairs.csv")
    assert path.read_text().splitlines()[0] == "left,right,weight"
    again = Pairing.open(path)
    assert as_list(again) == [(0, 1), (2, 3)]
    assert again.weight is not None
    np.testing.assert_array_equal(again.weight, [0.1, 1 / 3])


def test_save_refuses_other_suffixes(tmp_path: Path):
    with pytest.raises(InvalidPairing, match=r"a pairing is saved as \.parquet or \.csv"):
        Pairing([0], [0]).save(tmp_path / "pairs.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "left,weight\n1,2\n", "needs the columns left and right, and this file has left, weight"),
        ("a.csv", "left,right\n0,1\n1,\n", r"a\.csv: right must be whole row numbers; pair 1 says nan"),
        ("a.csv", "left,right\nx,1\n", r"a\.csv: left must be whole row numbers"),
        ("a.csv", "left,right\n", r"a\.csv: the pairing is empty"),
        ("a.csv", "", r"a\.csv: not a readable \.csv table"),
        ("a.parquet", "PAR1 but cut", r"a\.parquet: not a readable \.parquet table"),
        ("a.json", "{}", r"read from \.parquet or \.csv, not \.json"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: str, message: str):
    (tmp_path / name).write_text(content)
    with pytest.raises(GeomsimError, match=message):
        Pairing.open(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(GeomsimError, match=r"gone\.parquet: no such file"):
        Pairing.open(tmp_path / "gone.parquet")


def test_repr_counts_rows():
    assert repr(Pairing([0, 1, 2], [5, 5, 7])) == "Pairing(3 pairs, 3 left rows, 2 right rows)"
