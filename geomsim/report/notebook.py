"""Results in a notebook: the whole report in a frame of its own, and a small static summary of a study."""

from __future__ import annotations

import html
import operator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.errors import InvalidConfig
from geomsim.html_tables import text_table
from geomsim.report.look import number_text, p_text
from geomsim.report.page.contents import Contents
from geomsim.report.tidy_records import place_of, tidy
from geomsim.report.words import sentences
from geomsim.tables import whole_file

if TYPE_CHECKING:
    from geomsim.comparison import Comparison
    from geomsim.study_outcome import Study

HEIGHT = 800
_LEAST_HEIGHT = 100
_ROWS = 12  # of a study's table


@dataclass(frozen=True)
class Shown:
    """A report to be looked at in a notebook; elsewhere :meth:`save` writes it to a file for the browser.

    The page stands in a frame that may run its own script and save pictures, and reaches nothing else.
    """

    html: str = field(repr=False)
    title: str
    comparisons: int
    height: int = HEIGHT

    def __post_init__(self) -> None:
        try:
            fits = operator.index(self.height) >= _LEAST_HEIGHT
        except TypeError:
            fits = False
        if not fits:
            raise InvalidConfig(
                f"height is a whole number of pixels, at least {_LEAST_HEIGHT}, got {self.height!r}; "
                f"try height={HEIGHT}"
            )

    def save(self, path: str | Path) -> Path:
        """Write the page; the file appears whole or not at all. Raises InvalidConfig for a suffix other than .html."""
        target = Path(path)
        if target.suffix not in (".html", ".htm"):
            raise InvalidConfig(f"{target}: the report is an HTML file, so let its name end in .html")
        with whole_file(target) as part:
            part.write_text(self.html, encoding="utf-8", newline="\n")
        return target

    def __repr__(self) -> str:
        plural = "" if self.comparisons == 1 else "s"
        size = len(self.html.encode("utf-8")) / 1e6
        return (
            f"Shown({self.title!r}, {self.comparisons} comparison{plural}, {size:.1f} MB: a notebook shows it; "
            'elsewhere .save("report.html") writes it for the browser)'
        )

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'title="{html.escape(self.title)}" width="100%" height="{self.height}" style="border:0"></iframe>'
        )


def show_study(study: Study, height: int = HEIGHT) -> Shown:
    """The report of a study that is in memory."""
    from geomsim.report.assembling import contents_of_study

    return shown(contents_of_study(study), height)


def show_comparison(comparison: Comparison, height: int = HEIGHT) -> Shown:
    """The report of one comparison."""
    from geomsim.report.comparison_contents import contents_of_comparison

    return shown(contents_of_comparison(comparison), height)


def shown(contents: Contents, height: int = HEIGHT) -> Shown:
    """A report's contents as a page in a frame of so many pixels."""
    from geomsim.report.page.writing import page_html

    return Shown(page_html(contents), contents.title, len(contents.scores.records), height)


def study_html(study: Study) -> str:
    """A study at a glance: three sentences, and its comparisons as a table, the first few where they are many."""
    records = tidy(study.records())
    columns = list(records[0]) if records else []
    labels = columns[: columns.index("left")] if columns else []
    told = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences(records, labels))
    if not records:
        return told
    rows = [_row(record, labels) for record in records[:_ROWS]]
    more = len(records) - len(rows)
    rest = f"<p>and {more:,} more: <code>study.table</code> has all.</p>" if more else ""
    hint = "<p><code>study.show()</code> is the whole report.</p>"
    return f"{told}{text_table(['spaces', 'metric', 'rows', 'score', 'by chance', 'p', 'Holm'], rows)}{rest}{hint}"


def _row(record: dict[str, Any], labels: list[str]) -> list[str]:
    failed = record["error"]
    return [
        place_of(record, labels),
        str(record["metric"]),
        "" if record["n"] is None else f"{record['n']:,}",
        f"no score: {failed}" if failed else number_text(record["score"]),
        "" if record["null_mean"] is None else number_text(record["null_mean"]),
        "" if failed else p_text(record["p_value"], record["draws"]),
        "" if record["holm"] is None else number_text(record["holm"]),
    ]
