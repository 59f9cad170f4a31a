"""Cells of a study computed by a second process, from the last pair on, until both meet.

Draws of small cells hold on to the interpreter, so two threads of one process take nearly as long as one.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from geomsim.parallel import at_most, cores
from geomsim.preparing.outcome import PreparedStudy

FEWEST_PAIRS = 16
"""The process takes some seconds to begin, in which fewer pairs are often done."""


@contextmanager
def cells_beside(
    prepared: PreparedStudy, folder: Path, *, seed: int | None, resume: bool, plugins: Sequence[Path] = ()
) -> Iterator[tuple[int, Callable[[], str]]]:
    """Begin to compute the cells of a study that was checked, in a process of their own with half of the cores.

    Gives the `since` for :func:`geomsim.study.run_prepared`, which is left the other half and the same other arguments;
    and a function that says why the process has ended with an error, or nothing: cells that it has not made are
    computed by whoever asks for them. Leaving the block ends the process; its cells stay.
    """
    own = max(1, cores() // 2)
    since = _now(folder)
    with TemporaryFile() as said, TemporaryFile() as asked:
        pickle.dump((prepared, seed, folder, resume, since, list(plugins), own, os.getpid()), asked)
        asked.seek(0)
        # -P: what lies in the folder one happens to be in is no module.
        command = [sys.executable, "-P", "-m", __name__]
        process = subprocess.Popen(command, stdin=asked, stdout=subprocess.DEVNULL, stderr=said)

        def failed() -> str:
            if not process.poll():
                return ""
            said.seek(0)
            # A process that is ended from outside says nothing.
            return said.read().decode(errors="replace").strip().rpartition("\n")[2] or f"code {process.returncode}"

        try:
            with at_most(cores() - own):
                yield since, failed
        finally:
            process.kill()
            process.wait()


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

    prepared, seed, folder, resume, since, plugins, own, parent = pickle.load(sys.stdin.buffer)
    for file in plugins:
        load_file(file)

    def goes_on() -> bool:
        return bool(os.getppid() == parent)  # one that is killed ends nobody

    with at_most(own):
        compare_from_the_end(prepared, seed=seed, folder=folder, resume=resume, since=since, goes_on=goes_on)


if __name__ == "__main__":
    main()
