"""One run at a time in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from geomsim.errors import GeomsimError
from geomsim.preparing.alone import alone_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="holds nothing there")
HOLD = """
import sys, time
from pathlib import Path
from geomsim.preparing.alone import alone_in
with alone_in(Path(sys.argv[1])):
    (Path(sys.argv[1]) / "piece").write_text("whole")
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_who_is_there_and_changes_nothing(tmp_path: Path):
    folder = tmp_path / "out" / "prepared"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(GeomsimError, match=rf"prepared is in use by another run \(process {other.pid} on .*--out"),
            alone_in(folder),
        ):
            pytest.fail("two runs at once")
        assert sorted(path.name for path in folder.iterdir()) == ["in_use", "piece"]
        other.send_signal(signal.SIGKILL)
    # However the other run ended, the next one finds its way in, and leaves what came of it.
    with alone_in(folder) as there:
        assert there == folder
        assert f"process {os.getpid()} on" in (folder / "in_use").read_text()
    assert [path.name for path in folder.iterdir()] == ["piece"]


def test_where_nothing_came_of_it_no_folder_is_left(tmp_path: Path):
    with pytest.raises(KeyError), alone_in(tmp_path / "new" / "prepared"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with alone_in(tmp_path):
        pass
    assert tmp_path.is_dir()


def test_where_the_system_knows_no_locks_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("fcntl.flock", refused)
    with alone_in(tmp_path) as there:
        (there / "piece").write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["piece"]
