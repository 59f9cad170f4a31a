"""Cells of a study computed by a second process, from the last pair on, until both meet.

Draws of small cells hold on to the interpreter, so two threads of one process take nearly as long as one.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from geomsim.parallel import at_most, cores
from geomsim.preparing.outcome import PreparedStudy
from geomsim.tables import discard_parts

FEWEST_PAIRS = 16
"""The process takes some seconds to begin, in which fewer pairs are often done."""

# Files by which both processes speak.
_TASK, _STEPS, _SAID = "task", "steps", "said"


@dataclass(frozen=True)
class Beside:
    """The second process: cells that are kept after `since` are its, or one's own."""

    since: int
    process: subprocess.Popen[bytes]
    _folder: Path

    def steps(self) -> int:
        """How many steps of the study it has done."""
        return (self._folder / _STEPS).stat().st_size

    def failed(self) -> str:
        """Why it has ended with an error, or nothing."""
        if not self.process.poll():
            return ""
        said = (self._folder / _SAID).read_text(errors="replace").strip()
        # A process that is ended from outside says nothing.
        return said.rpartition("\n")[2] or f"code {self.process.returncode}"


@contextmanager
def cells_beside(
    prepared: PreparedStudy, folder: Path, *, seed: int | None, resume: bool, plugins: Sequence[Path] = ()
) -> Iterator[Beside]:
    """Begin to compute the cells of a study that was checked, in a process of their own with half of the cores.

    :func:`geomsim.study.run_prepared` is left the other half and the same other arguments; cells that the process has
    not made are computed by it. Leaving the block ends the process; its cells stay.
    """
    own = max(1, cores() // 2)
    since = _now(folder)
    with TemporaryDirectory() as found:
        told = Path(found)
        (told / _STEPS).touch()
        task = (prepared, seed, folder, resume, since, list(plugins), own, os.getpid(), told / _STEPS)
        (told / _TASK).write_bytes(pickle.dumps(task))
        # -P: what lies in the folder one happens to be in is no module.
        command = [sys.executable, "-P", "-m", __name__]
        with (told / _TASK).open("rb") as asked, (told / _SAID).open("wb") as said:
            process = subprocess.Popen(command, stdin=asked, stdout=subprocess.DEVNULL, stderr=said)
        try:
            with at_most(cores() - own):
                yield Beside(since, process, told)
        finally:
            process.kill()
            process.wait()
            discard_parts(folder, process.pid)


def _now(folder: Path) -> int:
    """The time by the clock that the files of the folder bear, which may be that of another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / "begun"
    probe.write_bytes(b"")
    now = probe.stat().st_mtime_ns
    probe.unlink()
    return now


def main() -> None:
    """What the process does."""
    from geomsim.catalog import load_file
    from geomsim.study import compare_from_the_end

    prepared, seed, folder, resume, since, plugins, own, parent, steps = pickle.load(sys.stdin.buffer)
    for file in plugins:
        load_file(file)

    def goes_on() -> bool:
        return bool(os.getppid() == parent)  # one that is killed ends nobody

    # A byte for each step: the size of a file is there at once, and never half written.
    with at_most(own), steps.open("ab", buffering=0) as done:
        compare_from_the_end(
            prepared, seed=seed, folder=folder, resume=resume, since=since,
            advance=lambda more: done.write(bytes(more)), goes_on=goes_on,
        )  # fmt: skip


if __name__ == "__main__":
    main()
