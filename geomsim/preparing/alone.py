"""One run at a time in a folder: two that prepare the same pieces would take them away from each other."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from geomsim.errors import GeomsimError

FILE = "in_use"


@contextmanager
def alone_in(folder: Path) -> Iterator[Path]:
    """Be the only run that works in this folder, which is made where it is not there.

    The system lets go when the process ends, however it ends. Where it knows no locks (Windows, some network file
    systems) nothing is held.

    Raises
    ------
    GeomsimError
        at once, where another run holds the folder; says which.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    held = _held(path)
    try:
        yield folder
    finally:
        path.unlink(missing_ok=True)
        if held is not None:
            held.close()
        with suppress(OSError):  # not empty: something came of it
            for each in made:
                each.rmdir()


def _held(path: Path) -> IO[str] | None:
    """The file that says who is at work, locked; None where the system knows no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                file.seek(0)
                who = file.read().strip() or "which does not say its number"
            raise GeomsimError(
                f"{path.parent} is in use by another run ({who}): wait until it has ended, or name another folder "
                "with --out"
            ) from None
        except OSError:
            file.close()
            return None
        if _is_at(path, file):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            return file
        file.close()  # the run before deleted it between our opening and our locking


def _is_at(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
