"""The rows of a study's table for words: None where nothing stands, and what names a row, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from geomsim.activations.visible_text import visible_token
from geomsim.report.pair_names import pair_name

Record = Mapping[str, Any]

ALL = "all"
_SIDES = ("left", "right")
_GROUPS = ("left_group", "right_group")
_POINTS = frozenset({".npy", ".npz", ".safetensors", ".parquet", ".csv", ".pt"})
_LONGEST = 60  # characters of a name within a sentence
_MOST = 6  # names in a list before the rest are counted


def tidy(records: Iterable[Record]) -> list[dict[str, Any]]:
    """The records with None for what is missing, whatever stands for it: NaN, NaT and pandas' NA, as files give them.

    >>> tidy([{"score": float("nan"), "metric": "rsa", "n": 12.0}])
    [{'score': None, 'metric': 'rsa', 'n': 12.0}]
    """
    return [{str(key): None if _is_missing(value) else value for key, value in row.items()} for row in records]


def is_whole(record: Record) -> bool:
    """Whether the comparison is of all pairs, and not of a subspace or bucket."""
    return all(record.get(part) in (None, ALL) for part in ("subspace", "bucket"))


def part_of(record: Record) -> str:
    """The subspace or bucket of the comparison in words; empty for all pairs."""
    subspace, bucket = (record.get(part) for part in ("subspace", "bucket"))
    return " and ".join(
        [
            *([f"subspace {short(subspace)}"] if subspace not in (None, ALL) else []),
            *([f"multiplicity {short(bucket)}"] if bucket not in (None, ALL) else []),
        ]
    )


def is_empty_part(record: Record) -> bool:
    """Whether a subspace or bucket had no rows to compare, which is an answer and no failure.

    Whole sides without rows, such as an empty group, are a failure: who asked for them expected a score.
    """
    return not is_whole(record) and record.get("error") is not None and record.get("n") == 0


def are_of_groups(records: Sequence[Record]) -> bool:
    """Whether all comparisons, at least one, are of two groups of rows of one space.

    >>> are_of_groups([{"left_group": "months", "right_group": "days"}]), are_of_groups([{"left_layer": 0}])
    (True, False)
    """
    return bool(records) and all(isinstance(record.get(label), str) for record in records for label in _GROUPS)


def is_failed(record: Record) -> bool:
    """Whether there were rows to compare, and no score came of it."""
    return record.get("error") is not None and not is_empty_part(record)


def has_score(record: Record) -> bool:
    """Whether the comparison gave a score."""
    return record.get("error") is None and record.get("score") is not None


def place_of(record: Record, labels: Sequence[str]) -> str:
    """Which two spaces, in words: by the labels of the pair, or by the names of both where it has none.

    >>> place_of({"kind": "features", "left_layer": 3.0, "left": "a.npz", "right": "b.npz"}, ["kind", "left_layer"])
    'features, left layer 3'
    >>> place_of({"left": "folder/a.npz", "right": "folder/b.npz"}, [])
    'a and b'
    """
    told = pair_name({label: short(record[label]) for label in own(labels) if record.get(label) is not None})
    return ", ".join([told or " and ".join(spaces_of(record)), *([part] if (part := part_of(record)) else [])])


def own(labels: Sequence[str]) -> list[str]:
    """The labels that a study gave to its pairs, without those that are the names of the spaces themselves."""
    return [label for label in labels if label not in _SIDES]


def spaces_of(record: Record) -> tuple[str, str]:
    """The names of both spaces: file names without folder and suffix, with the folder where both are called alike."""
    given = [str(record.get(side) or "") for side in _SIDES]
    names = [_stem(name) for name in given]
    if names[0] == names[1] and given[0] != given[1]:
        names = ["/".join(_parts(name)[-2:]) for name in given]
    return short(names[0]) or "left", short(names[1]) or "right"


def words(name: str) -> str:
    """A column's name in words."""
    return short(name.replace("_", " "))


def short(value: Any) -> str:
    """A name on one line that fits into a sentence; a whole number that a table holds as 3.0 is 3.

    >>> short(3.0), short("x" * 100)[-3:]
    ('3', 'xx…')
    """
    text = visible_token(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def listed(values: Iterable[Any]) -> str:
    """Each value once, in words: "a, b and c", neighbouring whole numbers as "0 to 5", the rest counted if many.

    >>> listed(["b", "a", "b"]), listed([0, 1, 2, 3]), listed("abcdefgh")
    ('b and a', '0 to 3', 'a, b, c, d, e and 3 more')
    """
    each = list(dict.fromkeys(int(v) if isinstance(v, float) and v.is_integer() else v for v in values))
    numbers = sorted(v for v in each if isinstance(v, int))
    if len(numbers) == len(each) > 3 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    names = list(map(short, each))
    if len(names) > _MOST:
        names = [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"]
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 pair", "2,000 pairs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _is_missing(value: Any) -> bool:
    # pandas' NA is neither equal to itself nor unequal.
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _parts(name: str) -> tuple[str, ...]:
    return (PureWindowsPath(name) if "\\" in name else PurePosixPath(name)).parts


def _stem(name: str) -> str:
    last = (_parts(name) or ("",))[-1]
    suffix = PurePosixPath(last).suffix
    return last.removesuffix(suffix) if suffix in _POINTS else last
