"""The card of one metric as a page of Markdown."""

from __future__ import annotations

from geomsim.cards import Card, Measurement, Promise


def card_page(card: Card) -> str:
    """The card as Markdown: verdict, known faults, measurements, promises with their evidence.

    >>> from geomsim.cards import Card, Promise
    >>> print(card_page(Card("mine", (Promise("order law", True, "kept"),), {"k": 3})).splitlines()[0])
    # mine
    """
    about = card.about
    broken = ", ".join(promise.name for promise in card.broken)
    verdict = f"**Breaks: {broken}.**" if broken else "Keeps every promise that could be tried."
    parameters = ", ".join(f"{name}={value}" for name, value in card.parameters.items()) or "none"
    facts = [f"Parameters: {parameters}."]
    if about:
        facts.append(
            f"From {about['from']}; rows are {about['rows']}, larger is {about['larger_means']}. "
            f"Effort {about['effort']}, seed {about['seed']}; "
            + ", ".join(f"{name} {version}" for name, version in about["versions"].items())
            + "."
        )
    faults, remarks = (
        [f"* **{name}**: {_one_line(evidence)}." for name, evidence in found.items()]
        for found in (card.faults, card.remarks)
    )
    return "\n".join(
        [
            f"# {card.metric}",
            "",
            verdict,
            *(["", "Known faults that it shows:", "", *faults] if faults else []),
            *(["", "To know when reading it:", "", *remarks] if remarks else []),
            "",
            *facts,
            *(["", "## Measured", "", *map(_measured, card.measured)] if card.measured else []),
            "",
            "## Promises",
            "",
            "| | promise | evidence |",
            "| --- | --- | --- |",
            *map(_promise, card.promises),
            "",
        ]
    )


def _measured(measurement: Measurement) -> str:
    return f"* **{measurement.name}**: {_one_line(measurement.summary)}."


def _promise(promise: Promise) -> str:
    state = "kept" if promise.kept else "**broken**"
    if promise.evidence.startswith("not tried"):
        state = "-"
    evidence = _one_line(promise.evidence).replace("|", "\\|")
    return f"| {state} | {promise.name} | {evidence} |"


def _one_line(text: str) -> str:
    return text.replace("\n", "<br>")
