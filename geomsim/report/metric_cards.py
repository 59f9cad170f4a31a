"""The cards of metrics for a report: what each says of itself, and what was measured of it, from its card on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from geomsim.cards import Card
from geomsim.catalog import find
from geomsim.errors import AmbiguousMetric, GeomsimError, UnknownMetric
from geomsim.metric_facts import describe, facts_in_words
from geomsim.report.look import direction_text
from geomsim.report.page.contents import MetricCard

CARD_FILE = "card.json"


def metric_cards(names: Iterable[str], folder: Path | None = None) -> list[MetricCard]:
    """The card of each metric, once, in the order of the names.

    Parameters
    ----------
    names
        as results name them. A metric that is not installed here has a card that says so.
    folder
        where `geomsim validate` wrote cards: a folder for each metric, with card.json in it. Metrics without one are
        described, and nothing measured is told of them.

    Raises GeomsimError for a damaged card.json, naming it.

    >>> card, = metric_cards(["rsa"])
    >>> card.facts["rows"], card.facts["direction"]
    ('paired', 'larger is closer')
    """
    return [_metric_card(name, folder) for name in dict.fromkeys(names)]


def _metric_card(name: str, folder: Path | None) -> MetricCard:
    summary, text, facts = _of_catalog(name)
    card = None if folder is None else _stored(name, folder)
    if card is None:
        return MetricCard(name, summary, text, facts)
    about = card.about
    if about:
        versions = ", ".join(f"{library} {version}" for library, version in about["versions"].items())
        facts["measured"] = f"{about['effort'] or 'promises only'}, seed {about['seed']}, {about['from']}; {versions}"
    parameters = ", ".join(f"{key}={value!r}" for key, value in card.parameters.items()) or "none"
    if facts.get("parameters") != parameters:
        facts["measured with"] = parameters
    return MetricCard(
        name,
        summary,
        text,
        facts,
        measured=tuple((each.name, each.summary) for each in card.measured),
        broken=tuple(f"{promise.name}: {promise.evidence}" for promise in card.broken),
        remarks=(
            *((f"known fault: {fault}", evidence) for fault, evidence in card.faults.items()),
            *card.remarks.items(),
        ),
    )


def _of_catalog(name: str) -> tuple[str, str, dict[str, Any]]:
    """Summary, text and facts of a metric that is installed, or why there are none."""
    try:
        found = describe(find(name))
    except UnknownMetric:
        return (
            f"{name} is not installed here, so its formula cannot be shown; `geomsim metrics` lists what is. "
            "Its results stand as they were computed.",
            "",
            {},
        )
    except AmbiguousMetric as error:
        return f"Which {name} is meant cannot be told here: {error}.", "", {}
    except GeomsimError as error:
        return f"{name} cannot be described: {error}.", "", {}
    facts = {
        "rows": found["kind"],
        "direction": direction_text(found["larger_means"]),
        **facts_in_words(found),
    }
    return found["summary"], found["documentation"], facts


def _stored(name: str, folder: Path) -> Card | None:
    """The card that `geomsim validate` wrote into the folder, or None where there is none of this metric."""
    path = folder / name.replace(":", "_") / CARD_FILE
    if not path.exists():
        return None
    try:
        return Card.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GeomsimError(
            f"{path}: not a card that `geomsim validate` wrote ({type(error).__name__}: {error}); write it anew with "
            f"`geomsim validate {name} --out {folder}`, or leave the folder of cards out"
        ) from error
