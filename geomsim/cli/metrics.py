"""`geomsim metrics`: what is installed; one metric in full."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from geomsim.catalog import Entry, entries, find, instance_of, load_file
from geomsim.cli.console import DONE, PARTLY, Common, plain_table
from geomsim.contract import PairedMetric
from geomsim.errors import GeomsimError
from geomsim.metric_facts import describe, facts_in_words, summary


def metrics(
    name: str | None = None,
    /,
    *,
    plugin: Annotated[list[str] | None, Parameter(negative="")] = None,
    markdown: Annotated[bool, Parameter(negative="")] = False,
    common: Common = Common(),
) -> int:
    """List the installed metrics, or show one in full: formula, range, invariances, nulls, reference.

    Parameters
    ----------
    name
        the metric to show.
    plugin
        a Python file that registers metrics; may be given again.
    markdown
        print the list as a Markdown table, as it stands in the README.
    """
    for file in plugin or []:
        load_file(file)
    if name is not None:
        found = describe(find(name))
        common.emit(found, f"{found['name']}: {found['kind']}, larger is {found['larger_means']}", "", *_shown(found))
        return DONE
    if markdown:
        common.emit([describe(entry) for entry in entries()], markdown_table())
        return DONE
    rows, records, broken = [], [], 0
    for entry in entries():
        try:
            record = describe(entry) if common.json else _in_short(entry)
        except GeomsimError as error:
            broken += 1
            record = {"name": entry.name, "distribution": entry.distribution, "error": str(error)}
        records.append(record)
        rows.append(
            [
                record["name"],
                record.get("kind", "broken"),
                record.get("larger_means", ""),
                record.get("summary", record.get("error", "")),
                f"{entry.distribution} {entry.version}".strip(),
            ]
        )
    common.emit(records, plain_table("", ["metric", "rows", "larger is", "what it measures", "from"], rows))
    return PARTLY if broken else DONE


def _in_short(entry: Entry) -> dict[str, Any]:
    """What the list shows of a metric. Which nulls suit it only a trial tells, which takes seconds for all metrics.

    Raises as :func:`geomsim.metric_facts.describe` does.
    """
    kind = entry.load()
    instance = instance_of(kind)
    return {
        "name": entry.name,
        "kind": "paired" if isinstance(instance, PairedMetric) else "unpaired",
        "larger_means": instance.larger_means,
        "summary": summary(kind),
    }


def markdown_table() -> str:
    """The catalog as a Markdown table: name, what it measures, range, direction, invariances, null."""
    lines = [
        "| metric | what it measures | rows | range | larger is | unchanged by | default null |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in entries():
        found = describe(entry)
        low, high = (f"{bound:.3g}" if isinstance(bound, float) else bound for bound in found["range"])
        unchanged = ", ".join(found["unchanged_by"]).replace("_", " ") or "nothing"
        lines.append(
            f"| `{found['name']}` | {found['summary']} | {found['kind']} | {low} to {high} | {found['larger_means']} "
            f"| {unchanged} | {found['nulls'][0]} |"
        )
    return "\n".join(lines)


def _shown(found: dict[str, Any]) -> list[Any]:
    facts = [list(item) for item in facts_in_words(found).items()]
    return [found["documentation"], plain_table("", ["", ""], facts)]
