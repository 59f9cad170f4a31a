"""Files that appear whole or not at all and are on the disk when they appear, whatever stops the process."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

PART = ".part"
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class DiskFullError(OSError):
    """No room for a file; nothing is left of it."""


def appear(file: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file beside its place and move it there once its bytes, and then its name, are on the disk.

    Raises DiskFullError where the disk, a quota or the largest file allowed is too small. An exception leaves the file
    that was there before, and no part of the new one.
    """
    part = file.with_name(file.name + PART)
    try:
        with part.open("wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
        sync_folder(file.parent)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise DiskFullError(error.errno, error.strerror, str(file)) from error
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
