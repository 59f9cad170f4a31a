"""A path with a slip of the pen in it looks like an id of the hub, and would be asked for there."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from geomsim.errors import InvalidModel

_ALIKE = 0.75  # of two names; "modles" and "models" are alike to .83
_SHOWN = 6


def refuse_mistyped(named: str) -> None:
    """Raise InvalidModel where a name is no path that exists, but its first part is a folder here, or nearly one.

    The message names the nearest path that exists. What lies in the hub's cache is meant as it stands.
    """
    path = Path(named).expanduser()
    if path.exists() or _is_cached(named):
        return
    nearest, matched = _nearest(path)
    if not matched:
        return
    holds = ""
    if matched < len(path.relative_to(path.anchor).parts) and nearest.is_dir():
        inside = sorted(entry.name for entry in nearest.iterdir())
        more = f" and {len(inside) - _SHOWN} more" if len(inside) > _SHOWN else ""
        holds = f", which holds {', '.join(inside[:_SHOWN]) or 'nothing'}{more}"
    repository = "/".join(named.split("/")[:2])
    hub = (
        "" if path.is_absolute() else f". If {repository} is meant as an id of the hub: hf download {repository} first"
    )
    raise InvalidModel(f"{named}: no such directory; the nearest that exists is {nearest}{holds}{hub}")


def _nearest(path: Path) -> tuple[Path, int]:
    """The deepest path that exists whose parts are those of this one, or alike, and how many parts it has of them."""
    found = Path(path.anchor)
    parts = path.relative_to(path.anchor).parts
    for matched, part in enumerate(parts):
        if (found / part).exists():
            found /= part
            continue
        names = [entry.name for entry in found.iterdir()] if found.is_dir() else []
        alike = get_close_matches(part, names, n=1, cutoff=_ALIKE)
        if not alike:
            return found, matched
        found /= alike[0]
    return found, len(parts)


def _is_cached(named: str) -> bool:
    """Whether the hub's cache holds a repository of this name; nothing is asked of the network."""
    try:
        from huggingface_hub import constants
    except ImportError:
        return False
    folder = "--".join(["models", *named.split("/")[:2]])
    return (Path(constants.HF_HUB_CACHE) / folder / "snapshots").is_dir()
