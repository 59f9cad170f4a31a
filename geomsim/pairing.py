"""Which row of the left space belongs to which row of the right, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import InvalidPairing
from geomsim.space import Space

if TYPE_CHECKING:
    import pandas as pd

_BUCKETS = (("1", 1, 1), ("2-10", 2, 10), ("11-100", 11, 100), ("more", 101, None))


@dataclass(frozen=True, eq=False)
class Pairing:
    """Pairs of rows: left row ``left[i]`` belongs to right row ``right[i]``.

    Parameters
    ----------
    left, right
        row numbers, one entry a pair, of equal length; whole numbers >= 0.
    weight
        how strongly each pair belongs together (a correlation, say), or None.
    mass
        how much of the rows each pair carries, >= 0, where rows are split among several partners (``transport``), or
        None; it is not the weight: half of a row may be paired perfectly.
    provenance
        how the pairing was made; shown in reports, never computed with.

    Raises
    ------
    InvalidPairing
        on unequal lengths, no pairs, negative or fractional row numbers, weights that are not finite, negative masses.

    >>> pairing = Pairing([0, 1, 2], [5, 5, 7], weight=[0.9, 0.8, 0.7])
    >>> pairing.multiplicity()
    {'1': 1, '2-10': 1, '11-100': 0, 'more': 0}
    >>> pairing.limit(per_right=1).left
    array([0, 2])
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weight: NDArray[np.float64] | None = None
    mass: NDArray[np.float64] | None = field(default=None, kw_only=True)
    provenance: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __init__(
        self,
        left: ArrayLike,
        right: ArrayLike,
        weight: ArrayLike | None = None,
        *,
        mass: ArrayLike | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        rows = {side: _row_numbers(values, side) for side, values in (("left", left), ("right", right))}
        if len(rows["left"]) != len(rows["right"]):
            raise InvalidPairing(
                f"a pairing needs one right row for each left row, got {len(rows['left'])} left "
                f"and {len(rows['right'])} right"
            )
        if not len(rows["left"]):
            raise InvalidPairing("the pairing is empty: nothing was paired; loosen the filters that made it")
        shares = _numbers(mass, len(rows["left"]), "mass", "masses")
        if shares is not None and (shares < 0).any():
            first = int(np.argmax(shares < 0))
            raise InvalidPairing(f"masses must not be negative; pair {first} has {shares[first]}")
        object.__setattr__(self, "left", rows["left"])
        object.__setattr__(self, "right", rows["right"])
        object.__setattr__(self, "weight", _numbers(weight, len(rows["left"]), "weight", "weights"))
        object.__setattr__(self, "mass", shares)
        object.__setattr__(self, "provenance", dict(provenance or {}))

    @classmethod
    def identity(cls, n: int) -> Self:
        """Row i belongs to row i, for i below n."""
        return cls(np.arange(n), np.arange(n), provenance={"method": "identity"})

    @classmethod
    def by_id(cls, left: Space, right: Space) -> Self:
        """Rows with the same id belong together, in the order of the left rows; ids on one side only are left out.

        The counts of the ids left out stand in ``provenance``. Raises InvalidPairing where a side has no ids,
        an id occurs twice on one side, or no id occurs on both.
        """
        places: list[dict[str, int]] = []
        for side, space in (("left", left), ("right", right)):
            if space.ids is None:
                raise InvalidPairing(
                    f"the {side} space {space.name!r} has no ids; give it some: Space(points, ids=...)"
                )
            place = {name: row for row, name in enumerate(space.ids)}
            if len(place) < len(space.ids):
                # `place` keeps the last row of an id, so any earlier one gives the repeated id away.
                twice = next(name for row, name in enumerate(space.ids) if place[name] != row)
                raise InvalidPairing(f"id {twice!r} occurs more than once in the {side} space {space.name!r}")
            places.append(place)
        common = [name for name in places[0] if name in places[1]]
        if not common:
            raise InvalidPairing(
                f"no id occurs on both sides (left starts {next(iter(places[0]))!r}, "
                f"right starts {next(iter(places[1]))!r})"
            )
        counts = {"method": "by id", "left_only": left.n_rows - len(common), "right_only": right.n_rows - len(common)}
        return cls([places[0][name] for name in common], [places[1][name] for name in common], provenance=counts)

    def __len__(self) -> int:
        return len(self.left)

    def __repr__(self) -> str:
        n_left, n_right = len(np.unique(self.left)), len(np.unique(self.right))
        return f"Pairing({len(self)} pairs, {n_left} left rows, {n_right} right rows)"

    def _repr_html_(self) -> str:
        from geomsim.html_tables import facts_table

        facts = {"pairs": f"{len(self):,}"}
        sides = (("left", self.left, self.multiplicity("left")), ("right", self.right, self.multiplicity("right")))
        for side, rows, partners in sides:
            shared = ", ".join(f"{name}: {count:,}" for name, count in partners.items() if count)
            facts[f"{side} rows"] = f"{len(np.unique(rows)):,} (by number of partners {shared})"
        if self.weight is not None:
            low, middle, high = np.quantile(self.weight, (0, 0.5, 1))
            facts["weight"] = f"{low:.3g} to {high:.3g}, median {middle:.3g}"
        if self.mass is not None:
            facts["mass"] = f"{self.mass.sum():.4g} in all"
        plain = {key: value for key, value in self.provenance.items() if isinstance(value, str | int | float)}
        return facts_table({**facts, **{f"made with {key}": str(value) for key, value in plain.items()}})

    def apply(self, left: Space, right: Space) -> tuple[Space, Space]:
        """The paired rows of both spaces, in the order of the pairs: row i of one belongs to row i of the other.

        Raises InvalidPairing where the pairing points outside a space.
        """
        for side, space, rows in (("left", left, self.left), ("right", right, self.right)):
            outside = rows >= space.n_rows
            if outside.any():
                first, n_outside = int(np.argmax(outside)), int(outside.sum())
                raise InvalidPairing(
                    f"pair {first} names {side} row {rows[first]}, but the {side} space {space.name!r} has "
                    f"{space.n_rows} rows (0 to {space.n_rows - 1}); "
                    f"{'1 pair points' if n_outside == 1 else f'{n_outside} pairs point'} outside. "
                    "Was the pairing made for other spaces, or are left and right swapped?"
                )
        return left.take(self.left), right.take(self.right)

    def limit(self, per_right: int | None = None, *, per_left: int | None = None) -> Self:
        """At most `per_right` pairs for each right row: the strongest (the first, where there are no weights).

        `per_left` limits the pairs of each left row instead, for pairings in which the right side chose; of both, a
        pair must be among the strongest of either row. Without any, ten for each right row.
        """
        if per_right is None and per_left is None:
            per_right = 10
        kept, step = np.ones(len(self), dtype=bool), {}
        for name, rows, most in (("per_right", self.right, per_right), ("per_left", self.left, per_left)):
            if most is None:
                continue
            if most < 1:
                raise InvalidPairing(f"{name} must be at least 1, got {most}")
            kept &= self._rank_within(rows) < most
            step[f"limit_{name}"] = most
        return self._keep(kept, step)

    def one_to_one(self) -> Self:
        """Only the pairs whose left row and right row occur in no other pair."""
        kept = np.bincount(self.right)[self.right] == 1
        kept &= np.bincount(self.left)[self.left] == 1
        return self._keep(kept, {"one_to_one": True})

    def where(self, *, min_weight: float) -> Self:
        """Only the pairs at least this strong."""
        if self.weight is None:
            raise InvalidPairing("this pairing has no weights to filter by")
        return self._keep(self.weight >= min_weight, {"min_weight": min_weight})

    def take(self, pairs: ArrayLike) -> Self:
        """The named pairs, by number, in the named order."""
        numbers = np.asarray(pairs, dtype=np.int64)
        return self._pick(numbers, self.provenance)

    def buckets(self) -> dict[str, NDArray[np.int64]]:
        """Pair numbers by multiplicity: in how many pairs the busier of a pair's two rows stands; 1 is one-to-one.

        Buckets are 1, 2-10, 11-100, more; each pair is in one of them, and any may be empty.

        >>> {name: len(pairs) for name, pairs in Pairing([0, 1, 2], [5, 5, 7]).buckets().items()}
        {'1': 1, '2-10': 2, '11-100': 0, 'more': 0}
        """
        busier = np.maximum(np.bincount(self.left)[self.left], np.bincount(self.right)[self.right])
        return {name: np.flatnonzero((busier >= low) & (busier <= (high or len(self)))) for name, low, high in _BUCKETS}

    def multiplicity(self, side: Literal["left", "right"] = "right") -> dict[str, int]:
        """How many rows of one side have how many partners: in buckets 1, 2-10, 11-100, more."""
        if side not in ("left", "right"):
            raise InvalidPairing(f"side must be left or right, got {side!r}")
        counts = np.bincount(self.right if side == "right" else self.left)
        return {name: int(((counts >= low) & (counts <= (high or counts.max()))).sum()) for name, low, high in _BUCKETS}

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame with columns left, right and, where there are any, weight and mass."""
        import pandas as pd

        columns = {"left": self.left, "right": self.right, "weight": self.weight, "mass": self.mass}
        return pd.DataFrame({name: values for name, values in columns.items() if values is not None})

    def save(self, path: str | Path) -> Path:
        """Write the pairs as .parquet, provenance in the schema's metadata, or as .csv, which holds no provenance.

        Raises InvalidPairing for another suffix.
        """
        from geomsim.tables import write_csv, write_parquet

        target = Path(path)
        if target.suffix == ".csv":
            return write_csv(self.to_frame(), target)
        if target.suffix != ".parquet":
            raise InvalidPairing(f"{target}: a pairing is saved as .parquet or .csv")
        return write_parquet(self.to_frame(), target, metadata={"pairing": dict(self.provenance)})

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote, or any Parquet or CSV file with columns left, right and maybe weight, mass."""
        from geomsim.tables import read_table

        frame, metadata = read_table(Path(path))
        missing = {"left", "right"} - set(frame.columns)
        if missing:
            raise InvalidPairing(
                f"{path}: a pairing needs the columns left and right, and this file has "
                f"{', '.join(map(str, frame.columns))}"
            )
        values = {name: frame[name].to_numpy() for name in ("weight", "mass") if name in frame.columns}
        try:
            return cls(
                frame["left"].to_numpy(), frame["right"].to_numpy(), **values, provenance=metadata.get("pairing", {})
            )
        except InvalidPairing as error:
            raise error.within(str(path)) from None

    def _keep(self, kept: NDArray[np.bool_], step: Mapping[str, Any]) -> Self:
        left_out = int((~kept).sum())
        if left_out == len(self):
            raise InvalidPairing(f"no pair is left after {dict(step)}: all {left_out} were removed")
        steps = [*self.provenance.get("filters", []), {**step, "left_out": left_out}]
        return self._pick(np.flatnonzero(kept), {**self.provenance, "filters": steps})

    def _pick(self, pairs: NDArray[np.int64], provenance: Mapping[str, Any]) -> Self:
        weight = None if self.weight is None else self.weight[pairs]
        mass = None if self.mass is None else self.mass[pairs]
        return type(self)(self.left[pairs], self.right[pairs], weight, mass=mass, provenance=provenance)

    def _rank_within(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many stronger pairs the pair's row has; of equally strong ones, those that stand earlier."""
        strength = np.zeros(len(self)) if self.weight is None else self.weight
        order = np.lexsort((np.arange(len(self)), -strength, rows))
        grouped = rows[order]
        rank = np.empty(len(self), dtype=np.int64)
        rank[order] = np.arange(len(self)) - np.searchsorted(grouped, grouped, side="left")
        return rank


def _numbers(values: ArrayLike | None, n_pairs: int, name: str, names: str) -> NDArray[np.float64] | None:
    if values is None:
        return None
    try:
        numbers = np.array(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InvalidPairing(f"{names} must be numbers: {error}") from None
    if numbers.shape != (n_pairs,):
        raise InvalidPairing(f"expected one {name} per pair, {n_pairs}, got shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise InvalidPairing(f"the {name} of pair {int(np.argmin(np.isfinite(numbers)))} is not a finite number")
    numbers.flags.writeable = False
    return numbers


def _row_numbers(values: ArrayLike, side: str) -> NDArray[np.int64]:
    rows = np.asarray(values)
    if rows.ndim != 1:
        raise InvalidPairing(f"{side} must be a list of row numbers, got an array of shape {rows.shape}")
    if rows.size:
        if rows.dtype.kind not in "iuf":
            raise InvalidPairing(f"{side} must be whole row numbers, got {rows.dtype}")
        fractional = ~(rows == np.floor(rows)) | np.isinf(rows)
        if fractional.any():
            first = int(np.argmax(fractional))
            raise InvalidPairing(f"{side} must be whole row numbers; pair {first} says {rows[first]}")
    numbers = rows.astype(np.int64)
    if (numbers < 0).any():
        first = int(np.argmax(numbers < 0))
        raise InvalidPairing(f"{side} row numbers start at 0; pair {first} says {numbers[first]}")
    numbers.flags.writeable = False
    return numbers
