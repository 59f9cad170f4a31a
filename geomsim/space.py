"""A cloud of points: numbers of shape (rows, width), a stable id per row, and where it came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import InvalidSpace
from geomsim.tables import plain, write_arrays

if TYPE_CHECKING:
    from torch import Tensor

_SUFFIXES = ".npy, .npz, .safetensors"


@dataclass(frozen=True, eq=False)
class Space:
    """Points of one model. Rows may be SAE features (decoder rows) or tokens (activations).

    Parameters
    ----------
    points
        (rows, width) numpy array, torch tensor, anything array-like, or the path of a .npy, .npz or
        .safetensors file. float16 and bfloat16 become float32; whole numbers become float64. float32 and float64
        are not copied: the space shares memory with what was given, and never writes to it.
    ids
        one name per row, unique where rows are matched by them.
    groups
        one label per row; rows of one group (a document, say) are not exchangeable with others one by one.
    name, provenance
        shown in results, never computed with.

    Raises
    ------
    InvalidSpace
        when the points are not (rows, width), have no rows or columns, or hold a NaN or an infinity;
        when ids or groups are not one per row.

    >>> Space([[0.0, 1.0], [1.0, 0.0]], ids=["sun", "moon"], name="tiny")
    Space('tiny', 2 rows x 2, float64)
    """

    points: NDArray[np.floating[Any]] | Tensor
    ids: tuple[str, ...] | None
    groups: NDArray[np.int64] | None
    name: str
    provenance: Mapping[str, Any]

    def __init__(
        self,
        points: ArrayLike | Tensor | str | Path,
        ids: Sequence[Any] | NDArray[Any] | None = None,
        groups: Sequence[Any] | NDArray[Any] | None = None,
        name: str = "",
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(points, str | Path):
            called = str(points)
            stored = _read(Path(points))
            points = stored["points"]
            ids = stored.get("ids") if ids is None else ids
            groups = stored.get("groups") if groups is None else groups
            name = name or str(stored["name"])
            provenance = {**stored.get("provenance", {}), **(provenance or {})}
        else:
            called = f"space {name!r}" if name else "the space"
        values = _checked(points, called)
        n_rows = int(values.shape[0])
        for what, labels in (("ids", ids), ("groups", groups)):
            if labels is not None and len(labels) != n_rows:
                raise InvalidSpace(f"{called} has {n_rows} rows but {len(labels)} {what}; one per row is needed")
        object.__setattr__(self, "points", values)
        object.__setattr__(self, "ids", None if ids is None else _texts(ids))
        object.__setattr__(self, "groups", None if groups is None else group_numbers(groups, called))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "provenance", dict(provenance or {}))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.points.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.points.shape[1])

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        dtype = str(self.points.dtype).removeprefix("torch.")
        return f"Space({self.name!r}, {self.n_rows} rows x {self.width}, {dtype})"

    def take(self, rows: ArrayLike) -> Self:
        """The named rows (numbers or a mask), in the named order, with their ids and groups.

        Raises InvalidSpace when a row does not exist or none is left.
        """
        try:
            numbers = np.arange(self.n_rows)[np.asarray(rows)]
        except IndexError as error:
            raise InvalidSpace(f"{self!r} has no such rows: {error}") from None
        if not numbers.size:
            raise InvalidSpace(f"no row of {self!r} was taken")
        copy = object.__new__(type(self))
        points = self.points
        if not isinstance(points, np.ndarray):
            import torch

            picked: Any = points[torch.as_tensor(numbers, device=points.device)]
        else:
            picked = points[numbers]
        object.__setattr__(copy, "points", picked)
        object.__setattr__(copy, "ids", None if self.ids is None else tuple(self.ids[row] for row in numbers))
        object.__setattr__(copy, "groups", None if self.groups is None else self.groups[numbers])
        object.__setattr__(copy, "name", self.name)
        object.__setattr__(copy, "provenance", self.provenance)
        return copy

    def tensor(self) -> Tensor:
        """The points as a torch tensor, on the device where they are; shares memory where it can."""
        import torch

        if not isinstance(self.points, np.ndarray):
            return self.points.detach()
        # torch warns of read-only arrays and refuses strides that run backwards; a copy has neither.
        sharable = self.points.flags.writeable and min(self.points.strides) >= 0
        return torch.from_numpy(self.points if sharable else self.points.copy())

    def numpy(self) -> NDArray[np.floating[Any]]:
        """The points as a numpy array in main memory."""
        return self.points if isinstance(self.points, np.ndarray) else self.points.detach().cpu().numpy()

    def save(self, path: str | Path) -> Path:
        """Write everything as .npz; `Space(path)` reads it again. The file appears whole or not at all.

        Provenance is written as JSON. Raises InvalidSpace for another suffix.
        """
        target = Path(path)
        if target.suffix != ".npz":
            raise InvalidSpace(f"{target}: a space with its ids is saved as .npz")
        arrays: dict[str, Any] = {"points": self.numpy(), "name": np.array(self.name or target.stem)}
        arrays["provenance"] = np.array(json.dumps(plain(self.provenance)))
        if self.ids is not None:
            arrays["ids"] = np.array(self.ids, dtype=np.str_)
            lost = np.flatnonzero([text.endswith("\0") for text in self.ids])
            if lost.size:
                raise InvalidSpace(f"{target}: the id of row {lost[0]} ends in a NUL character, which .npz cannot hold")
        if self.groups is not None:
            arrays["groups"] = self.groups
        return write_arrays(arrays, target)


def group_numbers(groups: Sequence[Any] | NDArray[Any], called: str) -> NDArray[np.int64]:
    """One number per label, equal labels getting equal numbers. Raises InvalidSpace for labels that are missing."""
    labels = np.asarray(groups)
    missing = [] if labels.dtype.kind not in "fO" else [row for row, label in enumerate(labels) if _is_missing(label)]
    if labels.ndim != 1 or missing:
        fault = f"row {missing[0]} has none" if missing else f"they have shape {labels.shape}"
        raise InvalidSpace(f"{called} needs one group label per row, and {fault}")
    if labels.dtype.kind == "O":
        labels = np.array([str(label) for label in labels], dtype=np.str_)
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _texts(ids: Any) -> tuple[str, ...]:
    return tuple(map(str, np.asarray(ids).tolist() if hasattr(ids, "__array__") else ids))


def _is_missing(label: Any) -> bool:
    return label is None or bool(np.ndim(label) == 0 and label != label)


def _checked(points: Any, called: str) -> Any:
    """The points as a finite floating (rows, width) array or tensor, or the reason why they are none."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(points, torch.Tensor):
        if points.layout != torch.strided or points.is_complex():
            raise InvalidSpace(f"{called} must hold dense real numbers, got {points.layout} of {points.dtype}")
        if not points.dtype.is_floating_point:
            points = points.to(torch.float64)
        elif points.dtype not in (torch.float32, torch.float64):
            points = points.float()
        finite_rows = None if points.ndim != 2 else torch.isfinite(points).all(1).cpu().numpy()
    else:
        if isinstance(points, np.ma.MaskedArray) and np.ma.is_masked(points):
            raise InvalidSpace(
                f"{called} has {int(np.ma.getmaskarray(points).sum())} masked values; leave their rows out"
            )
        try:
            points = np.asarray(points)
        except (ValueError, TypeError, RuntimeError) as error:
            raise InvalidSpace(f"{called} is not a table of numbers: {error}") from None
        if points.dtype.kind not in "fiub":
            raise InvalidSpace(f"{called} holds {points.dtype}, not real numbers")
        if points.dtype.kind != "f":
            points = points.astype(np.float64)
        elif points.dtype.itemsize not in (4, 8):
            with np.errstate(over="ignore"):  # what does not fit is infinite, and refused below
                points = points.astype(np.float32 if points.dtype.itemsize < 4 else np.float64)
        points = points.astype(points.dtype.newbyteorder("="), copy=False)
        finite_rows = None if points.ndim != 2 else np.isfinite(points).all(axis=1)
    if points.ndim != 2:
        raise InvalidSpace(f"{called} must be (rows, width), got shape {tuple(points.shape)}")
    if not points.shape[0] or not points.shape[1]:
        raise InvalidSpace(f"{called} has no {'columns' if points.shape[0] else 'rows'}: shape {tuple(points.shape)}")
    if finite_rows is not None and not finite_rows.all():
        bad = np.flatnonzero(~finite_rows)
        raise InvalidSpace(
            f"{called} has NaN or infinite values in {len(bad)} of {len(finite_rows)} rows, the first is row {bad[0]}; "
            "leave those rows out on both sides or find where they come from"
        )
    return points


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise InvalidSpace(f"{path}: no such file")
    try:
        if path.suffix == ".npy":
            return {"points": np.load(path, allow_pickle=False), "name": path.stem}
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                arrays: dict[str, Any] = {key: stored[key] for key in stored.files}
            if "provenance" in arrays:
                arrays["provenance"] = json.loads(str(arrays["provenance"]))
        elif path.suffix == ".safetensors":
            from safetensors.torch import load_file  # numpy has no bfloat16

            arrays = {key: value if value.ndim == 2 else value.numpy() for key, value in load_file(path).items()}
        else:
            raise InvalidSpace(
                f"{path}: points are read from {_SUFFIXES}, not {path.suffix or 'a file without a suffix'}"
            )
    except InvalidSpace:
        raise
    except Exception as error:
        raise InvalidSpace(f"{path}: not a readable {path.suffix} file ({error})") from error
    if "points" not in arrays:
        tables = [key for key, value in arrays.items() if value.ndim == 2]
        if len(tables) != 1:
            raise InvalidSpace(
                f"{path}: expected an array called 'points' or a single table, found "
                f"{', '.join(sorted(arrays)) or 'nothing'}"
            )
        arrays["points"] = arrays[tables[0]]
    arrays.setdefault("name", np.array(path.stem))
    return {key: arrays[key] for key in ("points", "ids", "groups", "name", "provenance") if key in arrays}
