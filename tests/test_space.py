from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from geomsim import Space
from geomsim.errors import InvalidSpace
from geomsim.space import group_numbers

POINTS = np.arange(12.0).reshape(4, 3)


def test_a_list_a_numpy_array_and_a_tensor_hold_the_same_points():
    for given_points in (POINTS.tolist(), POINTS, torch.from_numpy(POINTS), torch.from_numpy(POINTS).requires_grad_()):
        space = Space(given_points)
        assert (space.n_rows, space.width, len(space)) == (4, 3, 4)
        np.testing.assert_array_equal(space.numpy(), POINTS)
        assert space.tensor().equal(torch.from_numpy(POINTS))
        assert not space.tensor().requires_grad


@pytest.mark.parametrize(
    ("dtype", "kept_as"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("longdouble", "float64"),
        ("int8", "float64"),
        ("uint64", "float64"),
        ("bool", "float64"),
        (">f4", "float32"),
        (">f8", "float64"),
    ],
)
def test_numpy_types(dtype: str, kept_as: str):
    points = (POINTS > 3).astype(dtype)
    space = Space(points)
    assert space.points.dtype == np.dtype(kept_as)
    assert str(space.tensor().dtype) == f"torch.{kept_as}"
    np.testing.assert_array_equal(space.numpy(), points.astype(np.float64))


@pytest.mark.parametrize(
    ("dtype", "kept_as"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.int64, torch.float64),
        (torch.bool, torch.float64),
    ],
)
def test_torch_types(dtype: torch.dtype, kept_as: torch.dtype):
    points = torch.from_numpy(POINTS).to(dtype)
    assert Space(points).points.dtype == kept_as
    assert Space(points).tensor().equal(points.to(kept_as))


def test_points_are_shared_where_no_conversion_is_needed_and_never_written_to():
    points = POINTS.copy()
    before = points.copy()
    space = Space(points, name="shared")
    assert np.shares_memory(space.numpy(), points)
    assert not np.shares_memory(space.take([0, 1]).numpy(), points)
    assert not np.shares_memory(Space(points.astype(np.float16)).numpy(), points)
    np.testing.assert_array_equal(points, before)


def test_a_read_only_array_gives_a_tensor_of_its_own_without_a_warning():
    points = POINTS.copy()
    points.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = Space(points).tensor()
    tensor += 1
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("view", [POINTS[:, ::-1], POINTS[::-1], POINTS.T, POINTS[::2]])
def test_views_with_any_stride_become_tensors(view: np.ndarray):
    np.testing.assert_array_equal(Space(view).tensor().numpy(), view)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
def test_rows_that_are_not_finite_are_counted_and_the_first_is_named(bad: float, make):
    points = POINTS.copy()
    points[[2, 3], [1, 0]] = bad
    with pytest.raises(
        InvalidSpace, match=r"space 'cloud' has NaN or infinite values in 2 of 4 rows, .* first is row 2"
    ):
        Space(make(points), name="cloud")


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.ones(3), r"must be \(rows, width\), got shape \(3,\)"),
        (np.ones((2, 2, 2)), r"got shape \(2, 2, 2\)"),
        (torch.ones(3), r"got shape \(3,\)"),
        (3.0, r"got shape \(\)"),
        (np.ones((0, 4)), r"has no rows: shape \(0, 4\)"),
        (np.ones((4, 0)), r"has no columns: shape \(4, 0\)"),
        (torch.ones(0, 4), "has no rows"),
        ([["a", "b"]], "holds <U1, not real numbers"),
        (np.array([[1, None]], dtype=object), "holds object, not real numbers"),
        (np.ones((2, 2), dtype=complex), "holds complex128, not real numbers"),
        ([[1.0, 2.0], [3.0]], "is not a table of numbers"),
        (torch.ones(2, 2, dtype=torch.complex64), "dense real numbers, got torch.strided of torch.complex64"),
        (torch.eye(3).to_sparse(), "dense real numbers, got torch.sparse_coo"),
        (np.ma.masked_array(np.ones((2, 2)), mask=[[True, False], [False, False]]), "has 1 masked values"),
    ],
)
def test_what_is_no_table_of_real_numbers_is_refused(points, message: str):
    with pytest.raises(InvalidSpace, match=message):
        Space(points)


def test_ids_and_groups():
    space = Space(POINTS, ids=[1, "b", 2.5, np.int64(4)], groups=["x", "y", "x", "z"])
    assert space.ids == ("1", "b", "2.5", "4")
    assert space.groups is not None
    np.testing.assert_array_equal(space.groups, [0, 1, 0, 2])
    assert Space(POINTS, ids=torch.arange(4)).ids == Space(POINTS, ids=np.arange(4)).ids == ("0", "1", "2", "3")


@pytest.mark.parametrize("what", ["ids", "groups"])
def test_ids_and_groups_are_one_per_row(what: str):
    with pytest.raises(InvalidSpace, match=f"has 4 rows but 3 {what}; one per row is needed"):
        Space(POINTS, **{what: ["a", "b", "c"]})


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", None, "b", "c"], "row 1 has none"),
        ([1.0, 2.0, np.nan, np.nan], "row 2 has none"),
        (np.ones((4, 1)), r"shape \(4, 1\)"),
    ],
)
def test_a_row_without_a_group_is_refused(groups, message: str):
    with pytest.raises(InvalidSpace, match=f"one group label per row, and .*{message}"):
        Space(POINTS, groups=groups)


@given(
    st.lists(st.one_of(st.text(max_size=3), st.integers(-3, 3)), min_size=1, max_size=20).map(
        lambda v: [str(x) for x in v]
    )
)
def test_group_numbers_are_equal_exactly_where_labels_are(labels: list[str]):
    # numpy's fixed-width text drops trailing NUL characters, which no document name ends in.
    labels = [label.rstrip("\0") for label in labels]
    numbers = group_numbers(labels, "labels")
    for i, first in enumerate(labels):
        for j, second in enumerate(labels):
            assert (numbers[i] == numbers[j]) == (first == second)


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("rows", [[3, 1, 1], np.array([False, True, False, True]), np.array([-1, 0])])
def test_take_picks_points_ids_and_groups_alike(make, rows):
    space = Space(make(POINTS), ids="abcd", groups=[0, 0, 1, 2], name="whole", provenance={"layer": 3})
    taken = space.take(rows)
    expected = np.arange(4)[rows]
    np.testing.assert_array_equal(taken.numpy(), POINTS[expected])
    assert taken.ids == tuple("abcd"[row] for row in expected)
    np.testing.assert_array_equal(taken.groups, np.array([0, 0, 1, 2])[expected])
    assert (taken.name, taken.provenance) == ("whole", {"layer": 3})


@pytest.mark.parametrize(("rows", "message"), [([4], "no such rows"), ([], "no row of"), ([0.5], "no such rows")])
def test_take_refuses_rows_that_do_not_exist(rows, message: str):
    with pytest.raises(InvalidSpace, match=message):
        Space(POINTS).take(np.array(rows, dtype=None if rows else np.int64))


def test_a_space_is_frozen():
    with pytest.raises(AttributeError):
        Space(POINTS).name = "other"  # type: ignore[misc]


def test_repr_names_shape_and_type():
    assert repr(Space(torch.ones(2, 3), name="left")) == "Space('left', 2 rows x 3, float32)"


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
def test_save_and_open_again(tmp_path: Path, make):
    ids = ["plain", "café", "<|endoftext|>", " leading and trailing "]
    space = Space(
        make(POINTS), ids, ["d1", "d1", "d2", "d3"], "layer 3", {"model": "m", "path": Path("/x"), "n": np.int64(3)}
    )
    target = space.save(tmp_path / "deep" / "space.npz")
    assert target.is_file()
    assert [file.name for file in target.parent.iterdir()] == ["space.npz"]
    with np.load(target, allow_pickle=False) as stored:  # without pickle, array by array
        assert set(stored.files) == {"points", "ids", "groups", "name", "provenance"}
        for key in stored.files:
            assert stored[key].dtype.kind != "O"
    again = Space(target)
    np.testing.assert_array_equal(again.numpy(), POINTS)
    assert again.ids == tuple(ids)
    np.testing.assert_array_equal(again.groups, space.groups)
    assert again.name == "layer 3"
    assert again.provenance == {"model": "m", "path": "/x", "n": 3}
    assert Space(str(target), name="other", provenance={"file": "here"}).provenance["file"] == "here"


def test_save_refuses_what_it_cannot_hold(tmp_path: Path):
    with pytest.raises(InvalidSpace, match=r"a space with its ids is saved as \.npz"):
        Space(POINTS).save(tmp_path / "space.npy")
    with pytest.raises(InvalidSpace, match="id of row 2 ends in a NUL"):
        Space(POINTS, ids=["a", "b", "c\0", "d"]).save(tmp_path / "space.npz")
    assert not list(tmp_path.iterdir())


def test_npy_npz_and_safetensors_are_read(tmp_path: Path):
    np.save(tmp_path / "a.npy", POINTS)
    np.savez(tmp_path / "b.npz", points=POINTS, other=POINTS.T)
    np.savez(tmp_path / "c.npz", anything=POINTS, bias=POINTS[0])
    save_file({"W_dec": torch.from_numpy(POINTS), "b_dec": torch.ones(3)}, tmp_path / "d.safetensors")
    for name in ("a.npy", "b.npz", "c.npz", "d.safetensors"):
        space = Space(tmp_path / name)
        np.testing.assert_array_equal(space.numpy(), POINTS)
        assert space.name == name.partition(".")[0]


def test_bfloat16_and_number_ids_in_safetensors(tmp_path: Path):
    tensors = {
        "points": torch.from_numpy(POINTS).bfloat16(),
        "ids": torch.arange(4),
        "groups": torch.tensor([1, 1, 2, 2]),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    space = Space(tmp_path / "a.safetensors")
    assert space.points.dtype == torch.float32
    np.testing.assert_array_equal(space.numpy(), POINTS)
    assert space.ids == ("0", "1", "2", "3")
    np.testing.assert_array_equal(space.groups, [0, 0, 1, 1])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 20, 0.5])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, kept: float):
    path = tmp_path / f"cut{suffix}"
    if suffix == ".npy":
        np.save(path, POINTS)
    elif suffix == ".npz":
        Space(POINTS).save(path)
    else:
        save_file({"points": torch.from_numpy(POINTS)}, path)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])
    with pytest.raises(InvalidSpace, match=rf"{re.escape(str(path))}: not a readable \{suffix} file"):
        Space(path)


@pytest.mark.parametrize("name", ["points.csv", "points.pt", "points"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_text("1,2")
    suffix = re.escape(Path(name).suffix) or "a file without a suffix"
    with pytest.raises(InvalidSpace, match=rf"{name}: points are read from \.npy, \.npz, \.safetensors, not {suffix}"):
        Space(tmp_path / name)


def test_a_missing_file_is_refused():
    with pytest.raises(InvalidSpace, match=r"nowhere\.npy: no such file"):
        Space("nowhere.npy")


def test_a_pickle_is_never_loaded(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidSpace, match="allow_pickle=False"):
        Space(tmp_path / "a.npy")


def test_a_file_with_two_tables_says_which(tmp_path: Path):
    np.savez(tmp_path / "two.npz", W_enc=POINTS, W_dec=POINTS)
    with pytest.raises(InvalidSpace, match="'points' or a single table, found W_dec, W_enc"):
        Space(tmp_path / "two.npz")


def test_a_fault_in_a_file_names_the_file(tmp_path: Path):
    np.save(tmp_path / "holes.npy", np.where(POINTS == 5, np.nan, POINTS))
    with pytest.raises(InvalidSpace, match=r"holes\.npy has NaN or infinite values in 1 of 4 rows, the first is row 1"):
        Space(tmp_path / "holes.npy")
