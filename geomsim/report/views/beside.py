"""Layouts made beside other work, by a process of their own.

Most of the first layout's time is compiling, which holds on to the interpreter, so a thread would not do.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from geomsim.report.views.stored import Layouts
from geomsim.study_spaces import open_space
from geomsim.tables import discard_parts


@contextmanager
def layouts_beside(spaces: Sequence[Path], folder: Path, seed: int = 0) -> Iterator[Callable[[], str]]:
    """Begin to lay out the spaces in these files, into `folder`, as :class:`Layouts` of that folder would.

    Gives a function that waits for the end and says what went wrong, or nothing: what is not in the folder then is
    made by whoever asks for it. Leaving the block early ends the process; layouts that are finished stay.
    """
    # -P: what lies in the folder one happens to be in is no module.
    command = [sys.executable, "-P", "-m", __name__, str(folder), str(seed), *map(str, spaces)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait() -> str:
        said = process.communicate()[1]
        # A process that is ended from outside says nothing.
        return (said.strip().rpartition("\n")[2] or f"it ended with {process.returncode}") if process.returncode else ""

    try:
        yield wait
    finally:
        process.kill()
        process.wait()
        discard_parts(folder, process.pid)


def main(folder: str, seed: str, *spaces: str) -> None:
    """What the process does."""
    layouts = Layouts(Path(folder))
    for path in spaces:
        layouts.of(open_space(Path(path)), int(seed))


if __name__ == "__main__":
    main(*sys.argv[1:])
