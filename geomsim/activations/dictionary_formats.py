"""The formats that dictionaries come in, and how the files of a directory or a hub repository tell them apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.dictionary_files import Reading
from geomsim.activations.dictionary_learning_format import read_dictionary_learning
from geomsim.activations.gemma_scope_format import read_gemma_scope
from geomsim.activations.sae_lens_format import read_sae_lens
from geomsim.activations.sparsify_format import read_sparsify
from geomsim.errors import InvalidConfig, InvalidModel


@dataclass(frozen=True)
class DictionaryFormat:
    """One format.

    Parameters
    ----------
    weights
        file names that tell the format.
    beside, above
        other files it reads, in the same folder and one folder up.
    suffixes
        of weights that are named as a file, whatever they are called.
    read
        called with the file of weights and what the user decided.
    """

    name: str
    weights: tuple[str, ...]
    beside: tuple[str, ...]
    above: tuple[str, ...]
    suffixes: tuple[str, ...]
    read: Callable[[Path, Reading], Dictionary]


# A new format is one more line.
FORMATS = (
    DictionaryFormat("sae-lens", ("sae_weights.safetensors",), ("cfg.json",), (), (), read_sae_lens),
    DictionaryFormat("sparsify", ("sae.safetensors",), ("cfg.json",), ("config.json",), (), read_sparsify),
    DictionaryFormat(
        "gemma-scope", ("params.npz", "params.safetensors"), ("config.json",), (), (".npz",), read_gemma_scope
    ),
    DictionaryFormat(
        "dictionary-learning", ("ae.pt",), ("config.json",), ("config.json",),
        (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"), read_dictionary_learning,
    ),
)  # fmt: skip
_SUFFIXES = {".safetensors", ".json", *(suffix for each in FORMATS for suffix in each.suffixes)}


def holds_dictionary(path: Path) -> bool:
    """Whether a file, or one in a directory, is named as the weights of a dictionary are; nothing is read."""
    names = {name for each in FORMATS for name in each.weights}
    return path.name in names if path.is_file() else any((path / name).is_file() for name in names)


def read_files(
    path_or_id: str | Path, reading: Reading, *, format: str | None, subfolder: str | None, revision: str | None
) -> Dictionary:
    """The dictionary at a path or hub id; see :func:`geomsim.activations.read_dictionary`."""
    formats = _chosen(format)
    path = Path(path_or_id).expanduser() / (subfolder or "")
    if not path.exists():
        path = _fetched(path_or_id, subfolder, revision, formats)
    found = _by_name(path, formats) if path.is_file() else _inside(path, formats)
    return found[0].read(found[1], reading)


def _chosen(name: str | None) -> tuple[DictionaryFormat, ...]:
    chosen = tuple(each for each in FORMATS if name in (None, each.name))
    if not chosen:
        raise InvalidConfig(f"format {name!r}: choose one of {', '.join(each.name for each in FORMATS)}")
    return chosen


def _by_name(file: Path, formats: tuple[DictionaryFormat, ...]) -> tuple[DictionaryFormat, Path]:
    """The format of a file that was named itself."""
    exact = [each for each in formats if file.name in each.weights]
    found = exact or [each for each in formats if file.suffix in each.suffixes]
    if not found and len(formats) == 1:  # a format that was asked for may have files by other names
        found = [each for each in formats if file.suffix in {Path(name).suffix for name in each.weights}]
    if len(found) == 1:
        return found[0], file
    raise InvalidModel(
        f"{file}: not a file of weights that is known ({_known(formats)}); name one, or name the directory it lies in"
    )


def _inside(folder: Path, formats: tuple[DictionaryFormat, ...]) -> tuple[DictionaryFormat, Path]:
    """The format of a directory, by the files in it."""
    found = [(each, folder / name) for each in formats for name in each.weights if (folder / name).is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{file.name} ({each.name})" for each, file in found)
        raise InvalidModel(
            f"{folder}: holds more than one dictionary: {names}; choose with format={found[0][0].name!r}, or name the "
            "file itself"
        )
    inside = sorted(entry.name for entry in folder.iterdir())
    wanted = [
        f"{name} ({each.name})" for each in formats for name in each.weights
        if any(other in inside and other != "config.json" for other in each.beside)
    ]  # fmt: skip
    if wanted:
        raise InvalidModel(f"{folder}: {' or '.join(wanted)} is missing beside cfg.json")
    known = {name for each in formats for name in each.weights}
    places = sorted(
        {file.parent.relative_to(folder).as_posix() for name in known for file in folder.glob(f"*/**/{name}")}
    )
    loose = [name for name in inside if Path(name).suffix in {suffix for each in formats for suffix in each.suffixes}]
    hint = f"; dictionaries lie below it at {', '.join(places[:6])}" if places else ""
    hint += f"; if {loose[0]} holds one, name that file" if loose else ""
    more = f" and {len(inside) - 8} more" if len(inside) > 8 else ""
    raise InvalidModel(
        f"{folder}: no dictionary in a known format ({_known(formats)}); "
        f"it holds {', '.join(inside[:8]) or 'nothing'}{more}{hint}"
    )


def _known(formats: tuple[DictionaryFormat, ...]) -> str:
    return "; ".join(
        f"{each.name}: {' or '.join(each.weights)}{' with ' if each.beside else ''}{', '.join(each.beside)}"
        for each in formats
    )


def _fetched(
    path_or_id: str | Path, subfolder: str | None, revision: str | None, formats: tuple[DictionaryFormat, ...]
) -> Path:
    """The files of a hub id, ``owner/repository/folder`` or ``owner/repository/folder/file``, in the hub's cache."""
    place = "/".join([str(path_or_id), *([subfolder] if subfolder else [])])
    owner, repository, *inside = place.split("/") if "/" in place else (place, "")
    if (
        isinstance(path_or_id, Path)
        or not all(re.fullmatch(r"\w[\w.-]*", part) for part in (owner, repository))
        or not all(re.fullmatch(r"[^*?\[\]\\\s]+", part) and part not in (".", "..") for part in inside)
    ):
        raise InvalidModel(f"{place}: no such dictionary directory or file")
    file = inside.pop() if inside and Path(inside[-1]).suffix in _SUFFIXES else None
    folder, above = "/".join(inside), "/".join(inside[:-1])
    wanted = [name for each in formats for name in (*([file] if file else each.weights), *each.beside)]
    patterns = [f"{folder}/{name}" if folder else name for name in dict.fromkeys(wanted)]
    if inside:
        upper = dict.fromkeys(name for each in formats for name in each.above)
        patterns += [f"{above}/{name}" if above else name for name in upper]
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise InvalidModel(
            f"{place}: no such directory here; to fetch it as a hub id, huggingface_hub is needed: "
            "pip install 'geomsim[models]'"
        ) from error
    try:
        root = Path(snapshot_download(f"{owner}/{repository}", revision=revision, allow_patterns=patterns))
    except Exception as error:  # the hub client raises many kinds, among them those of its network library
        reason = str(error).strip().split("\n")[0]
        raise InvalidModel(
            f"{place}: no such directory here, and as a hub id it could not be fetched ({reason})"
        ) from error
    found = root / folder / (file or "")
    if not found.exists():
        raise InvalidModel(
            f"{place}: the repository {owner}/{repository} has no dictionary at {'/'.join(place.split('/')[2:])!r}"
        )
    return found
