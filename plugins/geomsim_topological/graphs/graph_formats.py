"""What a Mapper graph is read from and written to: lists of rows by node, kmapper's links, JSON."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geomsim import GeomsimError, GeomsimWarning

Numbers = NDArray[np.int64]

_FORMAT = "geomsim-mapper-graph"
_VERSION = 1


def incidence_of(nodes: Mapping[Any, ArrayLike], n_rows: int) -> sparse.csr_matrix:
    """(rows, nodes), 1 where the row is listed for the node.

    Raises GeomsimError for a node without rows, a row listed twice, and one that does not exist.
    """
    members = []
    for name, listed in nodes.items():
        try:
            rows = np.asarray(listed)
        except ValueError:  # lists of different lengths
            rows = np.empty(0)
        if rows.ndim != 1 or not len(rows) or rows.dtype.kind not in "iu":
            raise GeomsimError(f"node {name!r} must list the numbers of its rows, at least one, got {_short(listed)}")
        members.append(rows.astype(np.int64))
    rows = np.concatenate([*members, np.empty(0, dtype=np.int64)])
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if len(outside):
        raise GeomsimError(f"the graph names row {outside[0]}, but there are {n_rows} rows: give their number")
    columns = np.repeat(np.arange(len(members)), [len(node) for node in members])
    incidence = sparse.csr_matrix((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(n_rows, len(members)))
    twice = np.flatnonzero(incidence.data > 1)
    if len(twice):
        row = int(np.searchsorted(incidence.indptr, twice[0], side="right")) - 1
        raise GeomsimError(f"node {list(nodes)[incidence.indices[twice[0]]]!r} lists row {row} twice")
    return incidence


def check_links(given: Iterable[tuple[str, str]], names: Sequence[str], edges: Numbers, min_intersection: int) -> None:
    """Warn where the links that came with a graph are not those that its nodes' rows give.

    Raises GeomsimError for a link to a node that is not there.
    """
    number = {name: place for place, name in enumerate(names)}
    pairs = set()
    for first, second in given:
        for name in (first, second):
            if name not in number:
                raise GeomsimError(f"the graph links {first!r} and {second!r}, but there is no node {name!r}")
        here, there = number[first], number[second]
        if here != there:
            pairs.add((min(here, there), max(here, there)))
    ours = set(map(tuple, edges.tolist()))
    if pairs != ours:
        warnings.warn(
            f"the graph came with {len(pairs - ours)} links between nodes that share fewer than {min_intersection} "
            f"rows and without {len(ours - pairs)} between nodes that share as many; nodes are joined by their shared "
            "rows alone: say from how many on with nerve_min_intersection in its meta_data",
            GeomsimWarning,
            stacklevel=3,
        )


def write_json(path: str | Path, fields: Mapping[str, Any]) -> None:
    """Write the fields of a graph. Raises GeomsimError for a value that JSON has no word for."""
    plain = _plain(fields, "the graph")
    text = json.dumps({"format": _FORMAT, "version": _VERSION, **plain}, allow_nan=False, separators=(",", ":"))
    Path(path).write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """The fields that :func:`write_json` wrote, checked; an error says what is wrong with which of them."""
    try:
        read = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise GeomsimError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise GeomsimError(f"{path} is not JSON: {error}") from None
    except GeomsimError as error:
        raise error.within(str(path)) from None
    if not isinstance(read, dict) or read.get("format") != _FORMAT:
        raise GeomsimError(
            f'{path} is no Mapper graph of geomsim, which says "format": "{_FORMAT}"; a dictionary of kmapper is '
            "read with json.load and MapperGraph.from_kmapper"
        )
    if read.get("version") != _VERSION:
        raise GeomsimError(
            f"{path} has version {read.get('version')!r} of the format and this geomsim reads {_VERSION}: "
            "use the geomsim that wrote it, or a later one"
        )
    kinds: dict[str, tuple[str, Any]] = {
        "n_rows": ("a whole number", lambda value: type(value) is int and value >= 0),
        "nodes": ("rows by node name", lambda value: isinstance(value, dict)),
        "eps": ("a number or null", lambda value: value is None or type(value) in (int, float)),
        "min_intersection": ("a whole number from 1", lambda value: type(value) is int and value >= 1),
        "meta_data": ("an object", lambda value: isinstance(value, dict)),
        "lens": ("a list of rows or null", lambda value: value is None or isinstance(value, list)),
    }
    for field, (kind, fits) in kinds.items():
        if field not in read:
            raise GeomsimError(f"{path} lacks {field!r}, which is {kind}")
        if not fits(read[field]):
            raise GeomsimError(f"{path}: {field!r} is {kind}, got {_short(read[field])}")
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise GeomsimError(f"{twice!r} stands there twice")
    return found


def _plain(value: Any, where: str) -> Any:
    """A value in JSON's own types, tuples and arrays as lists."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise GeomsimError(f"{where} has the key {key!r}, and JSON has strings for keys only")
        return {key: _plain(each, f"{where}[{key!r}]") for key, each in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and np.isfinite(value).all():
        return value.tolist()
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), where)
    if isinstance(value, list | tuple):
        return [_plain(each, where) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise GeomsimError(f"{where} is {value}, and JSON has no word for that: leave it out")
    if value is None or isinstance(value, str | int | float):
        return value
    raise GeomsimError(
        f"{where} is a {type(value).__name__}, and JSON has no word for that: put a text or leave it out"
    )


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
