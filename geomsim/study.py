"""Many comparisons from one configuration: pairs of spaces x parts x metrics x nulls, in one tidy table.

The configuration is a mapping, or the path of a TOML file; :mod:`geomsim.study_config` shows one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.catalog import instance_of, name_of, origin_of
from geomsim.catalog import metric as metric_by_name
from geomsim.catalog import metrics as metric_names
from geomsim.checkpoint import Checkpoint
from geomsim.comparison import Comparison, compare_sides, versions
from geomsim.contract import Metric
from geomsim.digests import NoDigestError, code_digest
from geomsim.errors import DegenerateSpace, GeomsimError, InapplicableNull, InvalidConfig
from geomsim.nulls import Null, null_for
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.sides import Sides, join
from geomsim.space import Space
from geomsim.states import States
from geomsim.study_config import PAIR_KEYS, nulls_of
from geomsim.study_config import read_config as _read_config
from geomsim.study_parts import ALL, Part, parts_of
from geomsim.study_table import COLUMNS, TEXT, Cell, frame_of, records_of
from geomsim.tables import plain, write_arrays, write_csv, write_json, write_parquet

if TYPE_CHECKING:
    import pandas as pd

_OPENED_BYTES = 1 << 30  # of spaces read from files that are kept for the next pair


@dataclass(frozen=True, eq=False)
class Study:
    """What :func:`run_study` found: cells in the order of the configuration."""

    cells: Sequence[Cell]
    config: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[Cell]:
        """Cells on which a metric or its null was undefined; they stand in the table with their reason."""
        return [cell for cell in self.cells if cell.error is not None]

    @property
    def table(self) -> pd.DataFrame:
        """One row per cell: labels, sides, part, metric, n, score, interval, null, p and corrected p, warnings, error.

        ``holm`` and ``bh`` correct p over all cells of the study that were judged by a null of the same name; ``maxt``
        only over the cells of the same ``family``, which share their rows and so their draws. A maxt below holm may
        therefore be a smaller question and not a stronger answer.
        """
        return frame_of(self.records())

    def records(self) -> list[dict[str, Any]]:
        """The rows of :attr:`table` as mappings, None where there is nothing."""
        return records_of(self.cells)

    def save(self, folder: str | Path, config: Mapping[str, Any] | None = None) -> list[Path]:
        """Write results.parquet, results.csv, draws.npz and run.json.

        draws.npz holds the draws of each null under the number of its row in the table; run.json the configuration,
        the versions and every comparison in full.

        `config` is recorded in place of the study's own, where the caller knows better what was asked for.
        """
        target = Path(folder)
        table = self.table
        run = {
            "config": self.config if config is None else config,
            "versions": versions(),
            "notes": dict(self.notes),
            "comparisons": [
                {
                    **cell.labels,
                    "metric": cell.metric,
                    "parameters": cell.parameters,
                    **(cell.comparison.to_dict() if cell.comparison else {"error": cell.error}),
                    "left": cell.left,
                    "right": cell.right,
                    "subspace": cell.subspace,
                    "bucket": cell.bucket,
                }
                for cell in self.cells
            ],
        }
        draws = {
            str(row): cell.comparison.null
            for row, cell in enumerate(self.cells)
            if cell.comparison is not None and cell.comparison.null is not None
        }
        return [
            # Text even where all is missing: tables of several studies are read as one, with one type per column.
            write_parquet(table.astype(dict.fromkeys(TEXT, "string")), target / "results.parquet"),
            write_csv(table, target / "results.csv"),
            write_arrays(draws, target / "draws.npz"),
            write_json(run, target / "run.json"),
        ]


def read_config(config: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """The configuration of a study, from a mapping or a TOML file, checked. Raises InvalidConfig."""
    return _read_config(config, COLUMNS)


def run_study(
    config: Mapping[str, Any] | str | Path,
    *,
    seed: int | None = None,
    folder: str | Path | None = None,
    resume: bool = True,
) -> Study:
    """Compare every pair of spaces, whole and in parts, by every metric against every null.

    Parameters
    ----------
    config
        holds ``pairs`` (each with left, right, maybe pairing, left_tokens, right_tokens, subsets, and any labels), and
        may hold ``metrics`` (names, tables with a name and parameters, or instances; all installed ones by default),
        ``draws`` (999), ``seed`` (0), ``null`` ("auto"; a name, a list of them, "none" for none at all), ``groups``,
        ``interval`` and ``confidence`` as in :func:`geomsim.compare`, ``subspaces`` and ``buckets``
        (:mod:`geomsim.study_config`). In Python, spaces, pairings and top tokens may stand in place of paths.
    seed
        where it is given, takes the place of the configuration's.
    folder
        keeps each finished cell there, so that a study that was stopped goes on where it was; the results are the same
        as those of one run.
    resume
        False computes every cell anew, and keeps the new ones.

    Subspaces, subsets and buckets are judged by the null "random-subset" too: are these pairs more alike than as many
    random ones? A cell on which its metric or null is undefined, or whose subspace is empty, is kept with the reason in
    the column ``error``; anything else that is wrong raises, naming the cell.

    Raises
    ------
    InvalidConfig
        for unknown keys, no pairs, a pair without left or right, and a label that has the name of a column.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(80, 5))
    >>> study = geomsim.run_study({"pairs": [{"left": points, "right": points[:, ::-1]}], "metrics": ["procrustes"]})
    >>> print(study.table[["metric", "n", "p_value"]].to_string(index=False))
    metric      n  p_value
    procrustes 80    0.001
    """
    settings = read_config(config)
    if seed is not None:
        settings = {**settings, "seed": seed}
    run = _Run(
        settings,
        base=Path(config).parent if isinstance(config, str | Path) else Path(),
        checkpoint=Checkpoint(None if folder is None else Path(folder), resume=resume),
    )
    cells: list[Cell] = []
    with track(len(settings["pairs"]) * run.n_metrics, "study") as advance:
        for number, item in enumerate(settings["pairs"]):
            cells.extend(run.cells(number, item, advance))
    return Study(cells, plain(settings))


_Sources = tuple[Space, Space, Pairing | None]


class _Run:
    """What the cells of one study share: metrics, opened files, prepared states, finished cells."""

    def __init__(self, settings: Mapping[str, Any], base: Path, checkpoint: Checkpoint) -> None:
        self._settings = settings
        self._base = base
        self._checkpoint = checkpoint
        self._metrics = [_metric(choice) for choice in settings.get("metrics", metric_names())]
        self._nulls = nulls_of(settings)
        self._options = {
            "draws": settings.get("draws", 999),
            "seed": settings.get("seed", 0),
            "groups": settings.get("groups"),
            "interval": None if settings.get("interval") == "none" else settings.get("interval"),
            "confidence": settings.get("confidence", 0.95),
        }
        self._states = States()
        self._spaces: OrderedDict[Path, Space] = OrderedDict()
        self._pairings: dict[Path, Pairing] = {}

    @property
    def n_metrics(self) -> int:
        """How many metrics are asked for."""
        return len(self._metrics)

    def cells(self, number: int, item: Mapping[str, Any], advance: Callable[[int], object]) -> Iterator[Cell]:
        """All cells of one pair of spaces: its parts x metrics x nulls. Advances by the number of metrics in all."""
        labels = plain({key: value for key, value in item.items() if key not in PAIR_KEYS})
        described = ", ".join(f"{key} {value}" for key, value in labels.items())
        where = [f"pair {number + 1}" + (f" ({described})" if labels else "")]
        if len(self._settings["pairs"]) == 1 and not labels:
            where = []  # there is no other, and the message may speak of the pairs of its pairing
        try:
            left, right, pairing = self._opened(item)
            parts = list(parts_of(item, left, right, pairing, self._settings, self._base))
        except GeomsimError as error:
            raise (error.within(where[0]) if where else error) from None
        named = [
            str(item[side]) if isinstance(item[side], str | Path) else space.name
            for side, space in (("left", left), ("right", right))
        ]
        family = _family(number, left, right, pairing)
        for done, part in enumerate(parts):
            joined: Sides | None = None
            for place, metric in enumerate(self._metrics):
                inside = [*where, *(name for name in (part.subspace, part.bucket) if name != ALL), name_of(metric)]
                try:
                    for model in self._models(metric, part):
                        cell = Cell(
                            labels, named[0], named[1], name_of(metric), plain(metric.parameters()), None, part.empty,
                            part.subspace, part.bucket, None if model is None else model.name,
                            0 if part.empty else None, family,
                        )  # fmt: skip
                        if not part.empty:
                            joined = joined or join(left, right, pairing, part.subset)
                            cell = _filled(cell, self._found((left, right, pairing), joined, metric, model), joined)
                        yield cell
                except GeomsimError as error:
                    raise error.within(", ".join(inside)) from None
                at = done * self.n_metrics + place
                advance((at + 1) // len(parts) - at // len(parts))

    def _models(self, metric: Metric[Any], part: Part) -> list[Null | None]:
        """The nulls of a cell, each once, whatever names they were given; of a part, random subsets too."""
        asked = self._nulls if part.is_whole else [*self._nulls, "random-subset"]
        models: list[Null | None] = []
        for model in (null_for(choice, metric) for choice in asked):
            if model not in models:
                models.append(model)
        return models

    def _found(self, sources: _Sources, sides: Sides, metric: Metric[Any], null: Null | None) -> Comparison | str:
        """The comparison, or the reason why a metric or its null is undefined; from the checkpoint if it is there."""
        inputs = self._inputs(sources, sides, metric, null)
        found = self._checkpoint.find(inputs)
        if found is None:
            try:
                found = compare_sides(sides, metric, null=null, states=self._states, **self._options)
            except (DegenerateSpace, InapplicableNull) as error:
                found = str(error)
            self._checkpoint.keep(inputs, found)
        return found

    def _inputs(self, sources: _Sources, sides: Sides, metric: Metric[Any], null: Null | None) -> dict[str, Any]:
        """Everything that a cell depends on; empty where nothing is kept."""
        if self._checkpoint.folder is None:
            return {}
        try:
            code: list[object] = [code_digest(type(metric)), None if null is None else code_digest(type(null))]
        except NoDigestError:
            code = [object()]  # has no digest either, so this cell is not kept
        return {
            **self._options,
            "metric": [name_of(metric), origin_of(metric), metric],
            "null": null if null is None or is_dataclass(null) else vars(null),
            "code": code,
            "sources": [self._checkpoint.key(source) for source in sources],
            "chosen": sides.chosen,
            "devices": [str(getattr(space.points, "device", "cpu")) for space in (sides.left, sides.right)],
            "versions": versions(),
        }

    def _opened(self, item: Mapping[str, Any]) -> tuple[Space, Space, Pairing | None]:
        pairing = item.get("pairing")
        if isinstance(pairing, str | Path):
            path = self._base / pairing
            if path not in self._pairings:
                self._pairings[path] = Pairing.open(path)
            pairing = self._pairings[path]
        if not isinstance(pairing, Pairing | None):
            raise InvalidConfig(f"pairing is a Pairing or the path of one, got {type(pairing).__name__}")
        return self._space(item["left"]), self._space(item["right"]), pairing

    def _space(self, points: Any) -> Space:
        if isinstance(points, Space):
            return points
        if not isinstance(points, str | Path):
            return Space(points)
        path = self._base / points
        if path not in self._spaces:
            self._spaces[path] = Space(path)
        self._spaces.move_to_end(path)
        # The newest stay, however large: a pair needs two.
        while len(self._spaces) > 2 and sum(s.points.nbytes for s in self._spaces.values()) > _OPENED_BYTES:
            self._spaces.popitem(last=False)
        return self._spaces[path]


def _filled(cell: Cell, found: Comparison | str, sides: Sides) -> Cell:
    n = min(sides.left.n_rows, sides.right.n_rows)
    if isinstance(found, str):
        return replace(cell, error=found, n=n)
    return replace(cell, comparison=found, n=n)


def _family(number: int, left: Space, right: Space, pairing: Pairing | None) -> str:
    """Cells over the same rows: those of one pair of spaces, and of all pairs over the same tokens.

    Rows with equal ids on both sides are the same things on both (tokens); the rows of dictionaries have names of
    their own.
    """
    if pairing is None and left.ids is not None and left.ids == right.ids:
        groups = None if left.groups is None else left.groups.tolist()
        return "rows " + hashlib.sha256(repr((left.ids, groups)).encode()).hexdigest()[:8]
    return f"pair {number + 1}"


def _metric(choice: Any) -> Metric[Any]:
    if not isinstance(choice, Mapping):
        return instance_of(choice)
    if not isinstance(choice.get("name"), str):
        raise InvalidConfig(f"a metric with parameters is a table with a name, got {plain(choice)!r}")
    return metric_by_name(**choice)
