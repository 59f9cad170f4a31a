"""Objects on their way to other processes: opened once, sharing memory, with the code that these lack."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

from geomsim import GeomsimError, Space
from geomsim.parcels import Parcel, _importable

SEED = 3


class Local:
    """A class of this module, which another process cannot import."""

    def tripled(self, value: int) -> int:
        return added(value, value) + value


def added(value: int, other: int) -> int:
    return value + other + SEED


OPEN = "import pickle, sys; parcel = pickle.load(open(sys.argv[1], 'rb')); print(parcel.value.tripled(2))"


def opened_elsewhere(path: Path, code: str = OPEN) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)


def test_code_that_cannot_be_imported_goes_along(tmp_path: Path) -> None:
    path = tmp_path / "parcel"
    path.write_bytes(pickle.dumps(Parcel(Local())))
    found = opened_elsewhere(path)
    assert found.stdout == f"{6 + SEED}\n", found.stderr
    assert not cloudpickle.list_registry_pickle_by_value()


def test_code_that_can_be_imported_does_not() -> None:
    assert b"n_rows" not in pickle.dumps(Parcel(Space))
    assert [_importable(name) for name in ("geomsim.space", "sys", "json", __name__)] == [True, True, True, False]


def test_two_parcels_of_one_class_meet_again(tmp_path: Path) -> None:
    """Prepared states are looked up by the metric, which comes in a parcel of its own each time."""
    path = tmp_path / "parcels"
    path.write_bytes(pickle.dumps([Parcel(Local()), Parcel(Local())]))
    code = (
        "import pickle, sys; one, other = pickle.load(open(sys.argv[1], 'rb')); "
        "print(type(one.value) is type(other.value))"
    )
    assert opened_elsewhere(path, code).stdout == "True\n"


def test_a_module_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("class Thing: ...")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]

    parcel = Parcel(only_here.Thing())
    monkeypatch.delitem(sys.modules, "only_here")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path)])
    with pytest.raises(GeomsimError, match=r"ModuleNotFoundError: No module named 'only_here'.*Install the same"):
        _ = parcel.value


def test_arrays_share_the_memory_that_they_came_in_and_can_be_written() -> None:
    points = np.arange(12.0).reshape(4, 3)
    parcel = pickle.loads(pickle.dumps(Parcel(Space(points))))
    space = parcel.value
    assert space is parcel.value
    np.testing.assert_array_equal(space.points, points)
    assert space.points.flags.writeable
    assert any(np.shares_memory(np.frombuffer(buffer), space.points) for buffer in parcel._buffers)
    assert parcel.nbytes >= points.nbytes
    # Once opened it can be sent on, and only its bytes go.
    assert len(pickle.dumps(parcel)) < parcel.nbytes + 1000


def test_what_cannot_be_sent_is_said() -> None:
    with pytest.raises(GeomsimError, match=r"lock cannot be sent to other processes: TypeError.*without a scheduler"):
        Parcel(threading.Lock())
