"""A page for each installed metric: what it says of itself, where it fails, what its card measured."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import null_pages
from page_parts import DOCS, ROOT, as_markdown, number, rst, table, toctree

from geomsim.catalog import entries
from geomsim.metric_facts import describe
from geomsim.metric_text import metric_text
from geomsim_synthetic import SEPARATING

FOLDER = "_generated/metrics"
CARDS = DOCS / "cards"
SETTINGS = ROOT / "examples" / "separating_settings" / "results.json"
_VERDICTS = {"sees": "sees it", "misses": "misses it", "between": "in between"}
_MEASURES = {"power": "power", "auc": "told apart"}
_INVARIANCES = {
    "rotation": "each side turned or mirrored (any orthogonal map)",
    "scaling": "each side multiplied by a positive number",
    "translation": "a vector added to all rows of a side",
    "affine": "any invertible linear map and a shift of each side",
    "column_permutation": "columns of a side in another order",
    "monotone": "any rising function of the entries",
}
HOW_NULLS = {
    "shuffle": "the default: is this correspondence closer than another one of the same rows?",
    "exact": "the same question, in closed form and without draws",
    "noise-floor": "the default: how far apart are random halves of one side? A multiple, no p-value",
    "spectrum-matched": "do the sides share more than the shapes of their spectra?",
    "random-baseline": "is the right side anything but noise? A weak question",
    "random-subset": "with `subset=`: are these pairs closer than as many others of the same pairing?",
    "random-group": "with groups of one space: are these groups closer than random ones?",
    "label-swap": "for two clouds of one space: a small p says *different*",
    "rewired-graph": "for metrics on graphs: more alike than their degrees make them?",
}


def write_pages(write: Callable[[str, str], None]) -> list[str]:
    """Write all pages and the page that lists them; their names."""
    found = [(entry, describe(entry)) for entry in entries()]
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))["separating"]
    for entry, facts in found:
        write(f"{FOLDER}/{facts['name']}.md", page(entry.load(), facts, settings))
    write(f"{FOLDER}/index.md", overview([facts for _, facts in found]))
    return [facts["name"] for _, facts in found]


def overview(found: list[Mapping[str, Any]]) -> str:
    """All metrics by kind, and the leaderboard of their cards."""
    parts = [
        "# Metrics",
        "Every metric that is installed where this page was built; `geomsim metrics` lists yours. "
        "[Choose a metric](/explanation/choose_a_metric.md) says which one answers which question, and "
        "[how to read a card](/metric_cards.md) what was measured of each.",
    ]
    for kind, heading in (("paired", "Rows that belong to each other"), ("unpaired", "Rows without a correspondence")):
        rows = [
            [f"[`{facts['name']}`]({facts['name']}.md)", as_markdown(facts["summary"]), _range(facts),
             facts["larger_means"], f"[`{facts['nulls'][0]}`](/_generated/nulls/{facts['nulls'][0]}.md)"]
            for facts in found if facts["kind"] == kind
        ]  # fmt: skip
        parts += [f"## {heading}", table(["metric", "what it measures", "range", "larger is", "default null"], rows)]
    parts += [
        "## On synthetic truth",
        "False positives where nothing is shared, the smallest shared fraction that is found, Kendall's tau between "
        "the shared fraction and the score, and whether a loop in both spaces is told from a loop in one.",
        "![Leaderboard of the metric cards](../../cards/leaderboard.svg)",
        "Metrics whose cards were measured with less effort:",
        "![Leaderboard of the quick cards](../../cards/quick/leaderboard.svg)",
        toctree([f"{facts['name']}" for facts in found], ":hidden:"),
    ]
    return "\n\n".join(parts) + "\n"


def page(kind: type, facts: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """One metric: facts, documentation, nulls, where it fails, its card."""
    name = facts["name"]
    parts = [
        f"# {name}",
        _facts(facts),
        "## Formula, assumptions, pitfalls, reference",
        rst(f".. autoclass:: {kind.__module__}.{kind.__qualname__}\n   :no-members:"),
        "## Which null",
        table(["null", "what it asks of this metric"], _nulls(facts)),
        "[What p means here](/explanation/what_p_means.md) says what a small p tells, and what it does not.",
        asked(facts),
        "## Where it fails and another succeeds",
        separations(name, settings),
        "## Its card",
        card(name),
    ]
    return "\n\n".join(parts) + "\n"


def asked(facts: Mapping[str, Any]) -> str:
    """How a metric is asked for in Python and on the command line, with a parameter where it has any."""
    name = facts["name"]
    python, line = f'"{name}"', name
    given = next(({key: value} for key, value in facts["parameters"].items() if value is not None), None)
    if given:
        ((key, value),) = given.items()
        python, line = f'geomsim.metric("{name}", {key}={value!r})', shlex.quote(metric_text(name, given))
    return (
        f"```python\ngeomsim.compare(left, right, {python})\n```\n\n```bash\ngeomsim compare LEFT RIGHT -m {line}\n```"
    )


def _facts(facts: Mapping[str, Any]) -> str:
    unchanged = [f"{name.replace('_', ' ')}: {_INVARIANCES.get(name, '')}" for name in facts["unchanged_by"]]
    changed = [name.replace("_", " ") for name in _INVARIANCES if name not in facts["unchanged_by"]]
    larger = "larger is closer" if facts["larger_means"] == "closer" else "larger is farther"
    needs = (
        "left row i belongs to right row i (a pairing, or the same tokens)"
        if facts["kind"] == "paired"
        else "nothing of the kind: rows of the two sides need no correspondence, nor be as many"
    )
    rows = [
        ["range", f"{_range(facts)}; {larger}"],
        ["what it takes for granted", needs],
        ["unchanged by", "; ".join(unchanged) or "nothing"],
        ["may change with", ", ".join(changed) or "nothing"],
        ["symmetric", "yes" if facts["symmetric"] else "no: left and right play different parts"],
        ["parameters", ", ".join(f"`{key}={value!r}`" for key, value in facts["parameters"].items()) or "none"],
        ["from", f"{facts['distribution']} {facts['version']}"],
    ]
    return table(["fact", "of this metric"], rows)


def _range(facts: Mapping[str, Any]) -> str:
    low, high = facts["range"]
    return f"{number(low)} to {number(high)}"


def _nulls(facts: Mapping[str, Any]) -> list[list[str]]:
    return [[f"[`{null}`](/_generated/nulls/{null}.md)", _asks(facts["name"], null)] for null in facts["nulls"]]


def _asks(metric: str, null: str) -> str:
    """What a null asks of a metric: in words of this page, else in the null's own."""
    if null == "exact" and "no p-value" in null_pages.answer(null, metric):
        return "no question: it gives the mean by chance in closed form, and no p-value"
    return HOW_NULLS.get(null) or null_pages.first_sentence(null_pages.nulls()[null])


def separations(name: str, settings: Mapping[str, Any]) -> str:
    """What the metric sees and misses of the settings that tell methods apart, what it misses first."""
    rows = []
    order = {"misses": 0, "between": 1, "sees": 2}
    seen_by = {
        setting: [other for other, seen in found.items() if seen["verdict"] == "sees" and other != name]
        for setting, found in settings["settings"].items()
    }
    measured = [
        (order[found[name]["verdict"]], setting, found[name])
        for setting, found in settings["settings"].items()
        if name in found
    ]
    if not measured:
        return (
            "[Settings that tell methods apart](/_generated/repository/examples/separating_settings.md) were not "
            "measured for this metric. Its card below tells what it does on synthetic truth."
        )
    for _, setting, seen in sorted(measured, key=lambda item: item[0]):
        others = ", ".join(_linked(other) for other in seen_by[setting])
        interval = f"({seen['low']:.2f} to {seen['high']:.2f})"
        rows.append([
            f"**{setting}**. {SEPARATING[setting].what}", _VERDICTS[seen["verdict"]],
            f"{_MEASURES[seen['measure']]} {seen['value']:.2f} {interval}", others or "none",
        ])  # fmt: skip
    fewer = settings["fewer"]
    effort = {**settings, **(fewer if name in fewer["metrics"] else {})}
    words = (
        f"From [settings that tell methods apart](/_generated/repository/examples/separating_settings.md): clouds that "
        f"share one known thing. Power is the share of {settings['data_sets']} data sets with p <= "
        f"{settings['level']:g} by a shuffle of {effort['draws']} draws; told apart is the chance that a pair that "
        f"shares something scores closer than one that does not, over {effort['pairs']} of each (.5 is chance). In "
        "brackets the 95% interval."
    )
    return words + "\n\n" + table(["what the sides share", "this metric", "measured", "also seen by"], rows)


def _linked(name: str) -> str:
    return f"[`{name}`]({name}.md)" if any(entry.name == name for entry in entries()) else f"`{name}`"


def card_file(name: str) -> Path | None:
    """The card of a metric: the full one, else the quick one, else None."""
    return next((file for folder in (CARDS, CARDS / "quick") if (file := folder / name / "card.md").exists()), None)


def card(name: str) -> str:
    """The card as it is shipped, with its place among all in figures."""
    file = card_file(name)
    if file is None:
        return f"No card is shipped. `geomsim validate {name}` measures one."
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"\A# .*\n", "", text)
    text = text.replace("| | promise |", "| kept | promise |")
    text = re.sub(r"^## ", "### ", text, flags=re.MULTILINE)
    kind = "quick" if "quick" in file.parts else "full"
    figure = f"![All metrics beside each other](../../cards/{'quick/' if kind == 'quick' else ''}leaderboard.svg)"
    return "\n\n".join([
        "[How to read a card](/metric_cards.md) explains each line.", text.strip(), "### Among the others",
        f"The leaderboard of the {kind} cards.", figure,
    ])  # fmt: skip
