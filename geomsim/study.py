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

from geomsim.catalog import metric as metric_by_name
from geomsim.catalog import metrics as metric_names
from geomsim.catalog import name_of
from geomsim.comparison import Comparison, compare, versions
from geomsim.contract import Metric
from geomsim.errors import DegenerateSpace, GeomsimError, InapplicableNull, InvalidConfig
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.space import Space
from geomsim.tables import write_csv, write_json, write_parquet

if TYPE_CHECKING:
    import pandas as pd

_OPTIONS = frozenset({"seed", "draws", "null", "groups", "metrics", "pairs"})
_PAIR_KEYS = frozenset({"left", "right", "pairing"})


@dataclass(frozen=True)
class Cell:
    """One comparison of a study: its labels, and what came out or why nothing did."""

    labels: Mapping[str, Any]
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
        """One row per cell: labels, metric, n, score, null, p-value, warnings, error."""
        import pandas as pd

        return pd.DataFrame(self.records())

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
            "config": self.config if config is None else _plain(config),
            "versions": versions(),
            "notes": dict(self.notes),
            "comparisons": [
                {**cell.labels, **(cell.comparison.to_dict() if cell.comparison else {"error": cell.error})}
                for cell in self.cells
            ],
        }
        return [
            write_parquet(table, target / "results.parquet"),
            write_csv(table, target / "results.csv"),
            write_json(run, target / "run.json"),
        ]


def run_study(config: Mapping[str, Any] | str | Path) -> Study:
    """Compare every pair of spaces by every metric.

    `config` holds ``pairs`` (each with left, right, maybe pairing, and any labels), and may hold ``metrics`` (names,
    tables with a name and parameters, or instances; all installed ones by default), ``draws`` (999), ``seed`` (0),
    ``null`` ("auto") and ``groups``, as in :func:`geomsim.compare`. In Python, spaces and pairings may stand in place
    of paths.

    A cell on which its metric or null is undefined is kept with the reason in the column ``error``; anything else that
    is wrong raises, naming the cell.

    Raises
    ------
    InvalidConfig
        for unknown keys, no pairs, or a pair without left or right.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(80, 5))
    >>> study = geomsim.run_study({"pairs": [{"left": points, "right": points[:, ::-1]}], "metrics": ["procrustes"]})
    >>> study.table.loc[0, ["metric", "n", "score"]].to_list()
    ['procrustes', 80, 1.0...]
    """
    base = Path(config).parent if isinstance(config, str | Path) else Path()
    settings = read_config(config)
    chosen = [_metric(choice) for choice in settings.get("metrics", metric_names())]
    draws, seed = settings.get("draws", 999), settings.get("seed", 0)
    cells: list[Cell] = []
    with track(len(settings["pairs"]) * len(chosen), "study") as advance:
        for number, item in enumerate(settings["pairs"]):
            labels = {key: value for key, value in item.items() if key not in _PAIR_KEYS}
            where = f"pair {number + 1}" + (f" ({', '.join(f'{k} {v}' for k, v in labels.items())})" if labels else "")
            try:
                left, right, pairing = _opened(item, base)
            except GeomsimError as error:
                raise error.within(where) from None
            for metric in chosen:
                found: Comparison | None = None
                reason = None
                try:
                    found = compare(
                        left, right, metric, pairing=pairing, draws=draws, seed=seed,
                        null=settings.get("null", "auto"), groups=settings.get("groups"),
                    )  # fmt: skip
                except (DegenerateSpace, InapplicableNull) as error:
                    reason = str(error)
                except GeomsimError as error:
                    raise error.within(f"{where}, {name_of(metric)}") from None
                cells.append(Cell(labels, name_of(metric), metric.parameters(), found, reason))
                advance(1)
    return Study(cells, _plain(settings))


def read_config(config: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """The configuration of a study, from a mapping or a TOML file, checked. Raises InvalidConfig."""
    if isinstance(config, str | Path):
        import tomllib

        path = Path(config)
        try:
            return read_config(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InvalidConfig(f"{path}: no such file") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidConfig(f"{path}: not readable as TOML: {error}") from None
        except InvalidConfig as error:
            raise error.within(str(path)) from None
    unknown = sorted(set(config) - _OPTIONS)
    if unknown:
        raise InvalidConfig(f"a study knows no {', '.join(unknown)}; it takes {', '.join(sorted(_OPTIONS))}")
    if not config.get("pairs"):
        raise InvalidConfig("a study needs at least one pair of spaces: [[pairs]] with left = ... and right = ...")
    for number, item in enumerate(config["pairs"]):
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
    if isinstance(choice, Metric):
        return choice
    if isinstance(choice, str):
        return metric_by_name(choice)
    if isinstance(choice, Mapping) and "name" in choice:
        return metric_by_name(**choice)
    raise InvalidConfig(f"a metric is a name, a table with a name and parameters, or an instance; got {choice!r}")


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {
        **cell.labels,
        "metric": cell.metric,
        "parameters": json.dumps(cell.parameters),
        "n": None, "score": None, "corrected": None, "larger_means": None, "null": None, "null_mean": None, "null_sd": None,
        "z": None, "p_value": None, "draws": None, "seed": None, "seconds": None, "warnings": "", "error": cell.error,
    }  # fmt: skip
    if cell.comparison is not None:
        full = cell.comparison.to_dict()
        row |= {key: full[key] for key in row if key in full and key not in ("parameters", "warnings", *cell.labels)}
        row |= {"n": full["n_rows"], "warnings": "; ".join(full["warnings"])}
    return row


def _plain(value: Any) -> Any:
    """The configuration as JSON can hold it: spaces and arrays by their description."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)[:200]
