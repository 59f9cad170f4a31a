"""What a comparison of two Mapper graphs says, in words and in numbers."""

from __future__ import annotations

from typing import Any

from geomsim import Comparison
from geomsim_topological.graph_comparison import GraphComparison


def comparison_facts(found: GraphComparison, judged: Comparison | None) -> dict[str, Any]:
    """The comparison in numbers, with what shuffled rows give where that is known; ready for JSON."""
    if judged is None:
        return found.facts
    chance = {"chance": judged.null_mean, "z": judged.z, "p_value": judged.p_value, "draws": judged.draws}
    return {**found.facts, **chance}


def comparison_headline(found: GraphComparison, judged: Comparison | None, names: tuple[str, str], what: str) -> str:
    """Cost, chance and p in sentences; `what` is the word for one row."""
    facts = found.facts
    left, right = names
    words = [
        f"The {_counted(facts['left nodes'], 'node')} of {left} are matched to the "
        f"{_counted(facts['right nodes'], 'node')} of {right} by the {what}s that they share, at a cost of "
        f"{found.value:.3f}; 0 is the same nodes, 1 no {what} shared."
    ]
    if judged is not None and judged.null_mean is not None:
        words.append(f"Shuffled {what}s cost {judged.null_mean:.3f} ({judged.p_text}, {judged.draws} shuffles).")
    return " ".join(words)


def comparison_sentence(found: GraphComparison, judged: Comparison | None, names: tuple[str, str], what: str) -> str:
    """The headline, what share of the match shuffled rows reach, edges, and rows that are in no node."""
    facts = found.facts
    words = [comparison_headline(found, judged, names, what)]
    if judged is not None and judged.null_mean is not None:
        words.append(_by_chance(found.value, judged.null_mean))
    if (edges := _edges(facts, names)) is not None:
        words.append(edges)
    words += [
        f"{_counted(facts[f'{side} rows in no node'], what)} of {facts['rows']} are in no node of {name}."
        for side, name in zip(("left", "right"), names, strict=True)
        if facts[f"{side} rows in no node"]
    ]
    return " ".join(words)


def _by_chance(value: float, chance: float) -> str:
    """What share of the match shuffled rows reach: of 1 - cost, which is the mean Jaccard index of matched nodes."""
    alike, by_chance = 1.0 - value, 1.0 - chance
    if alike <= by_chance:
        return "So the graphs are no closer than chance."
    return (
        f"So matched nodes have {alike:.0%} of their rows in common on average (Jaccard), of which chance alone gives "
        f"{by_chance:.0%}, or {by_chance / alike:.0%} of the match."
    )


def _edges(facts: dict[str, Any], names: tuple[str, str]) -> str | None:
    shares = [
        f"{facts[f'edges preserved {way}']:.0%} of the edges of {name}"
        for way, name in zip(("left-to-right", "right-to-left"), names, strict=True)
        if facts[f"edges preserved {way}"] is not None
    ]
    return f"{' and '.join(shares)} join the partners too." if shares else None


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
