"""Where what a configuration names lies: below the folder of the file, or on the hub, of which some is in the cache."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomsim.errors import InvalidConfig, InvalidModel

_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*(/[^*?\[\]\\\s]+)*")
_HUB_ALONE = re.compile(r"\w[\w.-]*")
_WEIGHTS = (".safetensors", ".bin")
_HASHED_BYTES = 64 << 20  # a larger file is known by its size and time


@dataclass(frozen=True)
class Located:
    """A model or dictionary.

    Parameters
    ----------
    named
        what readers are given: an absolute path, or the hub name.
    path
        where it is on this machine, None where it would have to be fetched.
    revision
        of the hub; the commit, where the cache says it.
    """

    named: str
    path: Path | None
    revision: str | None = None

    @property
    def on_hub(self) -> bool:
        """Whether this is a hub name, in the cache or not."""
        return self.path is None or str(self.path) != self.named

    @property
    def has_weights(self) -> bool:
        """Whether weights of a model are on this machine, not only what is said of them."""
        return self.path is not None and any(file.suffix in _WEIGHTS for file in self.path.iterdir())

    def content(self) -> Any:
        """What tells it from others: the content of its files, or the hub's name and commit."""
        if self.on_hub:
            return [self.named, self.revision]
        assert self.path is not None
        files = [self.path] if self.path.is_file() else sorted(each for each in self.path.iterdir() if each.is_file())
        # What lies beside and above may say how the weights are to be read.
        around = [self.path.parent / name for name in ("cfg.json", "config.json")]
        files += [file for file in around if file.is_file()]
        return [self.path.name, *((file.name, file_content(file)) for file in files)]


def locate(named: str, base: Path, *, revision: str | None = None, inside: bool = False) -> Located:
    """What a name stands for: a path relative to `base` that exists, or a hub name.

    `inside` says that a folder inside a hub repository may be meant. Raises InvalidConfig for a path that does not
    exist and can be no hub name.
    """
    path = (base / Path(named).expanduser()).resolve()
    if path.exists():
        return Located(str(path), path)
    first = Path(named).parts[:1]
    hub_like = _HUB.fullmatch(named) if inside else _HUB.fullmatch(named) or _HUB_ALONE.fullmatch(named)
    if not hub_like or (first and (base / first[0]).exists()) or (not inside and named.count("/") > 1):
        raise InvalidConfig(f"{named}: no such file or directory below {base or '.'}, and it can be no hub name")
    owner_and_name = named.split("/")[:2] if inside or "/" in named else [named]
    within = Path(*named.split("/")[2:]) if inside else Path()
    commit, folder = cached(owner_and_name, revision)
    there = None if folder is None or not (folder / within).exists() else folder / within
    if inside and there is not None and there.is_dir() and all(file.suffix == ".json" for file in there.iterdir()):
        there = None  # what it says of itself was fetched once, and not its weights
    return Located(named, there, revision if there is None else commit)


def cached(owner_and_name: list[str], revision: str | None) -> tuple[str | None, Path | None]:
    """The commit and the folder of a repository in the hub's cache, None where it is not there; nothing is fetched."""
    try:
        from huggingface_hub import constants
    except ImportError:
        return None, None
    root = Path(constants.HF_HUB_CACHE) / "--".join(["models", *owner_and_name])
    reference = root / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision or ""
    folder = root / "snapshots" / commit
    return (commit, folder) if commit and folder.is_dir() else (None, None)


def file_content(file: Path) -> str:
    """A digest of a file, or its size and time where it is large."""
    stat = file.stat()
    if stat.st_size > _HASHED_BYTES:
        return f"{stat.st_size} bytes, {stat.st_mtime_ns}"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def within_place(located: Located, place: str, error: Exception) -> InvalidModel:
    """An error about what lies there, naming the table of the configuration."""
    return InvalidModel(f"{place}: {located.named}: {error}")
