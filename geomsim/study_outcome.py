"""What a study found: its cells, as a tidy table and as files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.comparison import versions
from geomsim.study_references import has_references, references_of
from geomsim.study_table import TEXT, Cell, frame_of, records_of
from geomsim.tables import write_arrays, write_csv, write_json, write_parquet

if TYPE_CHECKING:
    import pandas as pd

    from geomsim.report.notebook import Shown


@dataclass(frozen=True, eq=False)
class Study:
    """What :func:`geomsim.run_study` found: cells in the order of the configuration."""

    cells: Sequence[Cell]
    config: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)
    pairs: Sequence[Mapping[str, Any]] = ()
    """Entries of the configuration as they were given, with spaces in place of paths where there were any."""
    base: Path = Path()
    """The folder that paths in the configuration are relative to."""

    @property
    def failed(self) -> list[Cell]:
        """Cells on which a metric or its null was undefined; they stand in the table with their reason."""
        return [cell for cell in self.cells if cell.error is not None]

    @property
    def table(self) -> pd.DataFrame:
        """One row per cell: labels, sides, part, metric, n, score, interval, null, p and corrected p, warnings, error.

        ``holm`` and ``bh`` correct p over all cells of the study that were judged by a null of the same name and, where
        there are the columns ``role`` and ``reference``, are alike in these: references are no claims. A study that
        begins at models has the latter, which is True of couples of further dictionaries of the same two models too.
        ``maxt`` only over the cells of the same ``family``, which share their rows and so their draws. A maxt below
        holm may therefore be a smaller question and not a stronger answer.
        """
        return frame_of(self.records())

    def records(self) -> list[dict[str, Any]]:
        """The rows of :attr:`table` as mappings, None where there is nothing."""
        return records_of(self.cells, self.config.get("models"))

    def run_record(self, config: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What run.json holds: configuration, versions, notes, every comparison in full and the number of its pair."""
        return {
            "config": self.config if config is None else config,
            "versions": versions(),
            "notes": dict(self.notes),
            "pair_of": [cell.pair for cell in self.cells],
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

    def save(self, folder: str | Path, config: Mapping[str, Any] | None = None) -> list[Path]:
        """Write results.parquet, results.csv, draws.npz and run.json; references.csv where there are references.

        draws.npz holds the draws of each null under the number of its row in the table; run.json the configuration,
        the folder that its paths are relative to (as seen from the results), the versions and every comparison in full.

        `config` is recorded in place of the study's own, where the caller knows better what was asked for.
        """
        import pandas as pd

        target = Path(folder)
        table = self.table
        run = {
            **self.run_record(config),
            "base": Path(os.path.relpath(self.base.resolve(), target.resolve())).as_posix(),
        }
        draws = {
            str(row): cell.comparison.null
            for row, cell in enumerate(self.cells)
            if cell.comparison is not None and cell.comparison.null is not None
        }
        references = references_of(self.records(), self.config.get("models", {}))
        beside = [write_csv(pd.DataFrame(references), target / "references.csv")] if has_references(references) else []
        return [
            # Text even where all is missing: tables of several studies are read as one, with one type per column.
            write_parquet(table.astype(dict.fromkeys(TEXT, "string")), target / "results.parquet"),
            write_csv(table, target / "results.csv"),
            write_arrays(draws, target / "draws.npz"),
            write_json(run, target / "run.json"),
            *beside,
        ]

    def show(self, height: int = 800) -> Shown:
        """The report of this study, for a notebook, in a frame of so many pixels; ``.save(path)`` writes it.

        Raises InvalidConfig for a height that is no whole number from 100 on, GeomsimError for a file that is there and
        cannot be read.
        """
        from geomsim.report.notebook import show_study

        return show_study(self, height)

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} without a score" if self.failed else ""
        n, metrics = len(self.cells), len({cell.metric for cell in self.cells})
        return f"Study({n} comparison{'s' * (n != 1)} by {metrics} metric{'s' * (metrics != 1)}{failed})"

    def _repr_html_(self) -> str:
        from geomsim.report.notebook import study_html

        return study_html(self)
