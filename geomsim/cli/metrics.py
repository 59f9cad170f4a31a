"""`geomsim metrics`: what is installed; one metric in full."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from cyclopts import Parameter

from geomsim.catalog import Entry, entries, find, load_file
from geomsim.cli.console import DONE, PARTLY, Common, plain_table
from geomsim.contract import Metric, PairedMetric
from geomsim.errors import BrokenPlugin


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
            record = describe(entry)
        except BrokenPlugin as error:
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


def describe(entry: Entry) -> dict[str, Any]:
    """What a metric says of itself, ready for JSON."""
    kind = entry.load()
    instance = kind()
    paired = isinstance(instance, PairedMetric)
    nulls = ["shuffle"] if paired else ["noise-floor"]
    if isinstance(instance, PairedMetric) and _knows_moments(instance):
        nulls.append("exact")
    nulls += ["spectrum-matched", "random-baseline", "random-subset"]
    if not paired:
        nulls.append("label-swap")
    low, high = instance.score_range
    documentation = inspect.getdoc(kind) or ""
    return {
        "name": entry.name,
        "distribution": entry.distribution,
        "version": entry.version,
        "kind": "paired" if paired else "unpaired",
        "larger_means": instance.larger_means,
        "range": [_bound(low), _bound(high)],
        "unchanged_by": sorted(instance.unchanged_by),
        "symmetric": instance.symmetric,
        "nulls": nulls,
        "parameters": instance.parameters(),
        "summary": summary(kind),
        "documentation": documentation,
    }


def summary(kind: type[Metric[Any]]) -> str:
    """The first sentence of a metric's docstring."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")


def _knows_moments(metric: PairedMetric[Any]) -> bool:
    """Whether a formula is known for these parameters, tried on points of no meaning."""
    import torch

    first, second = torch.randn(2, 40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return metric.null_mean(metric.prepare(first), metric.prepare(second)) is not None


def _bound(value: float) -> float | str:
    return value if abs(value) != float("inf") else ("infinity" if value > 0 else "-infinity")


def _shown(found: dict[str, Any]) -> list[Any]:
    facts = [
        ["range", f"{found['range'][0]} to {found['range'][1]}"],
        ["unchanged by", ", ".join(found["unchanged_by"]) or "nothing"],
        ["symmetric", "yes" if found["symmetric"] else "no"],
        ["nulls", ", ".join(found["nulls"])],
        ["parameters", ", ".join(f"{key}={value!r}" for key, value in found["parameters"].items()) or "none"],
        ["from", f"{found['distribution']} {found['version']}"],
    ]
    return [found["documentation"], plain_table("", ["", ""], facts)]
