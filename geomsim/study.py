"""Many comparisons from one configuration: pairs of spaces times metrics, in one tidy table.

The configuration is a mapping, or the path of a TOML file::

    seed = 0
    draws = 999
    metrics = ["svcca", { name = "rsa", compare = "pearson" }]

    [[pairs]]
    left = "left/layer_0.npz"        # paths are relative to the file
    right = "right/layer_1.npz"
    pairing = "pairings/0_1.parquet" # optional
    left_layer = 0                   # any other key becomes a column of the table
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.catalog import instance_of, name_of
from geomsim.catalog import metric as metric_by_name
from geomsim.catalog import metrics as metric_names
from geomsim.comparison import Comparison, compare, versions
from geomsim.contract import Metric
from geomsim.errors import DegenerateSpace, GeomsimError, InapplicableNull, InvalidConfig
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.space import Space
from geomsim.tables import plain, write_csv, write_json, write_parquet

if TYPE_CHECKING:
    import pandas as pd

_OPTIONS = frozenset({"seed", "draws", "null", "groups", "metrics", "pairs"})
_PAIR_KEYS = frozenset({"left", "right", "pairing"})
_FOUND = (
    "score", "corrected", "larger_means", "null", "null_mean", "null_sd", "z", "p_value", "draws", "seed", "seconds",
)  # fmt: skip
_COLUMNS = ("left", "right", "metric", "parameters", "n", *_FOUND, "warnings", "error")


@dataclass(frozen=True)
class Cell:
    """One comparison of a study: its labels, both sides by path or name, and what came out or why nothing did."""

    labels: Mapping[str, Any]
    left: str
    right: str
    metric: str
    parameters: Mapping[str, Any]
    comparison: Comparison | None
    error: str | None = None


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
        """One row per cell: labels, left, right, metric, n, score, null, p-value, warnings, error."""
        import pandas as pd

        frame = pd.DataFrame(self.records())
        for label in frame.columns.difference(list(_COLUMNS)):
            # Parquet holds one type per column, and a layer may be 3 here and "embedding" there.
            if frame[label].dropna().map(type).nunique() > 1:
                frame[label] = frame[label].map(str, na_action="ignore")
        return frame

    def records(self) -> list[dict[str, Any]]:
        """The rows of :attr:`table` as mappings, None where there is nothing."""
        return [_row(cell) for cell in self.cells]

    def save(self, folder: str | Path, config: Mapping[str, Any] | None = None) -> list[Path]:
        """Write results.parquet, results.csv and run.json (configuration, versions, every comparison in full).

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
                }
                for cell in self.cells
            ],
        }
        return [
            write_parquet(table, target / "results.parquet"),
            write_csv(table, target / "results.csv"),
            write_json(run, target / "run.json"),
        ]


def run_study(config: Mapping[str, Any] | str | Path, *, seed: int | None = None) -> Study:
    """Compare every pair of spaces by every metric.

    `config` holds ``pairs`` (each with left, right, maybe pairing, and any labels), and may hold ``metrics`` (names,
    tables with a name and parameters, or instances; all installed ones by default), ``draws`` (999), ``seed`` (0),
    ``null`` ("auto"; "none" for none at all) and ``groups``, as in :func:`geomsim.compare`. In Python, spaces and
    pairings may stand in place of paths. `seed`, where it is given, takes the place of the configuration's.

    A cell on which its metric or null is undefined is kept with the reason in the column ``error``; anything else that
    is wrong raises, naming the cell.

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
    base = Path(config).parent if isinstance(config, str | Path) else Path()
    settings = read_config(config)
    if seed is not None:
        settings = {**settings, "seed": seed}
    chosen = [_metric(choice) for choice in settings.get("metrics", metric_names())]
    draws, start, null = settings.get("draws", 999), settings.get("seed", 0), settings.get("null", "auto")
    cells: list[Cell] = []
    with track(len(settings["pairs"]) * len(chosen), "study") as advance:
        for number, item in enumerate(settings["pairs"]):
            labels = plain({key: value for key, value in item.items() if key not in _PAIR_KEYS})
            described = ", ".join(f"{key} {value}" for key, value in labels.items())
            where = [f"pair {number + 1}" + (f" ({described})" if labels else "")]
            if len(settings["pairs"]) == 1 and not labels:
                where = []  # there is no other, and the message may speak of the pairs of its pairing
            try:
                left, right, pairing = _opened(item, base)
            except GeomsimError as error:
                raise (error.within(where[0]) if where else error) from None
            named = [
                str(item[side]) if isinstance(item[side], str | Path) else space.name
                for side, space in (("left", left), ("right", right))
            ]
            for metric in chosen:
                name = name_of(metric)
                found: Comparison | None = None
                reason = None
                try:
                    found = compare(
                        left, right, metric, pairing=pairing, draws=draws, seed=start,
                        null=None if null == "none" else null, groups=settings.get("groups"),
                    )  # fmt: skip
                except (DegenerateSpace, InapplicableNull) as error:
                    reason = str(error)
                except GeomsimError as error:
                    raise error.within(", ".join([*where, name])) from None
                cells.append(Cell(labels, named[0], named[1], name, plain(metric.parameters()), found, reason))
                advance(1)
    return Study(cells, plain(settings))


def read_config(config: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """The configuration of a study, from a mapping or a TOML file, checked. Raises InvalidConfig."""
    if isinstance(config, str | Path):
        import tomllib

        path = Path(config)
        try:
            return read_config(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InvalidConfig(f"{path}: no such file") from None
        except OSError as error:
            raise InvalidConfig(f"{path}: cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidConfig(f"{path}: not readable as TOML: {error}") from None
        except InvalidConfig as error:
            raise error.within(str(path)) from None
    unknown = sorted(set(config) - _OPTIONS)
    if unknown:
        raise InvalidConfig(f"a study knows no {', '.join(unknown)}; it takes {', '.join(sorted(_OPTIONS))}")
    if not config.get("pairs"):
        raise InvalidConfig("a study needs at least one pair of spaces: [[pairs]] with left = ... and right = ...")
    for key in ("pairs", "metrics"):
        if key in config and (isinstance(config[key], str | Mapping) or not len(config[key])):
            raise InvalidConfig(f"{key} must be a list with at least one entry, got {plain(config[key])!r}")
    for number, item in enumerate(config["pairs"]):
        if not isinstance(item, Mapping):
            raise InvalidConfig(f"pair {number + 1} must be a table with left = ... and right = ..., got {item!r}")
        taken = sorted(set(item) & set(_COLUMNS) - _PAIR_KEYS)
        if taken:
            raise InvalidConfig(f"pair {number + 1} has a label {taken[0]!r}, which is a column of the results already")
        missing = sorted({"left", "right"} - set(item))
        if missing:
            raise InvalidConfig(f"pair {number + 1} names no {' and no '.join(missing)} space")
    return config


def _opened(item: Mapping[str, Any], base: Path) -> tuple[Space, Space, Pairing | None]:
    spaces = []
    for side in ("left", "right"):
        points = item[side]
        if isinstance(points, str | Path):
            points = base / points
        spaces.append(points if isinstance(points, Space) else Space(points))
    pairing = item.get("pairing")
    if isinstance(pairing, str | Path):
        pairing = Pairing.open(base / pairing)
    return spaces[0], spaces[1], pairing


def _metric(choice: Any) -> Metric[Any]:
    if not isinstance(choice, Mapping):
        return instance_of(choice)
    if not isinstance(choice.get("name"), str):
        raise InvalidConfig(f"a metric with parameters is a table with a name, got {plain(choice)!r}")
    return metric_by_name(**choice)


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {**cell.labels, **dict.fromkeys(_COLUMNS)}
    row |= {"left": cell.left, "right": cell.right, "metric": cell.metric, "parameters": json.dumps(cell.parameters)}
    row |= {"warnings": "", "error": cell.error}
    if cell.comparison is not None:
        full = cell.comparison.to_dict()
        row |= {"n": full["n_rows"], **{key: full[key] for key in _FOUND}, "warnings": "; ".join(full["warnings"])}
    return row
