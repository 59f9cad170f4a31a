from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim.tables import plain, read_table, write_csv, write_json, write_parquet

FRAME = pd.DataFrame({"name": ["a", "é,\n"], "value": [0.1, 1 / 3], "count": [1, 2]})


def test_parquet_keeps_the_table_and_the_note(tmp_path: Path):
    path = write_parquet(FRAME, tmp_path / "deep" / "t.parquet", metadata={"seed": np.int64(3), "path": tmp_path})
    frame, note = read_table(path)
    pd.testing.assert_frame_equal(frame, FRAME)
    assert note == {"seed": 3, "path": str(tmp_path)}
    assert read_table(write_parquet(FRAME, tmp_path / "plain.parquet"))[1] == {}
    pd.testing.assert_frame_equal(pd.read_parquet(path), FRAME)


def test_csv_keeps_the_table(tmp_path: Path):
    frame, note = read_table(write_csv(FRAME, tmp_path / "t.csv"))
    pd.testing.assert_frame_equal(frame, FRAME)
    assert note == {}


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_csv(FRAME, tmp_path / "t.csv")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        write_csv(FRAME.head(1), tmp_path / "t.csv")
    assert len(read_table(tmp_path / "t.csv")[0]) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1", r"a\.parquet: not a readable \.parquet table"),
        ("a.csv", b"", r"a\.csv: not a readable \.csv table"),
        ("a.csv", b"\xff\xfe\x00", r"a\.csv: not a readable \.csv table"),
        ("a.xlsx", b"", r"tables are read from \.parquet or \.csv, not \.xlsx"),
        ("a", b"", "not a file without a suffix"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GeomsimError, match=message):
        read_table(tmp_path / name)
    with pytest.raises(GeomsimError, match=r"gone\.csv: no such file"):
        read_table(tmp_path / "gone.csv")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_what_json_can_hold_stays_as_it_is(value: Any):
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), "nan"),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (Path("/a/b"), "/a/b"),
        ((1, 2), [1, 2]),
        ({1: {"a": np.int8(2)}}, {"1": {"a": 2}}),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_everything_else_becomes_a_number_or_text(value: Any, expected: Any):
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


def test_large_things_are_cut_short():
    assert len(plain(np.arange(10_000))) <= 200


def test_json_is_strict_and_readable(tmp_path: Path):
    path = write_json({"name": "é", "scores": [1.5, math.nan]}, tmp_path / "deep" / "run.json")
    text = path.read_text(encoding="utf-8")
    assert "é" in text
    assert text.endswith("}\n")
    assert json.loads(text, parse_constant=pytest.fail) == {"name": "é", "scores": [1.5, "nan"]}
