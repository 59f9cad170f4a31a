"""A persistence diagram as the report's page holds it, with what is certain about it in words."""

from __future__ import annotations

from geomsim import Space
from geomsim.report.page.contents import DiagramView
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.report_views.landmarks_needed import LandmarksNeeded, can_be_certain, landmarks_needed

_NOUNS = {0: "component", 1: "loop", 2: "void"}


def diagram_contents(found: Diagram, name: str, points: Space | None = None) -> DiagramView:
    """The bars, which are certain (:attr:`geomsim_topological.homology.diagram.Diagram.certified`), and why.

    With the `points`, the words also say how many landmarks it would take where these cannot make any bar certain.
    """
    needed = None if points is None or can_be_certain(found) else landmarks_needed(points)
    return DiagramView(
        name=name,
        dimension=found.dimension,
        bars=found.bars,
        certified=found.certified,
        covering_radius=found.covering_radius,
        sentence=certificate(found, needed),
    )


def certificate(found: Diagram, needed: LandmarksNeeded | None = None) -> str:
    """How many bars are certain and by which rule, in words; where none can be, that, and how many are `needed`.

    >>> import numpy as np
    >>> certificate(Diagram(np.array([[0.1, 0.2], [0.0, 1.0]]), 1, 0.1, n_points=9, n_landmarks=5))
    '1 of 2 loops is certain for all 9 rows: it lives for more than 0.4, which is 4 times the largest distance ...'
    """
    noun = _NOUNS.get(found.dimension, f"feature of dimension {found.dimension}")
    count, sure = len(found.bars), int(found.certified.sum())
    if not count:
        return f"There is no {noun} at any distance between the {found.n_landmarks:,} landmarks."
    question = f"Whether a {noun} is more than chance is another question."
    nouns = noun if count == 1 else f"{noun}s" if noun in _NOUNS.values() else noun
    if not found.covering_radius:
        return (
            f"{count:,} {nouns}, exact: each of the {found.n_landmarks:,} different rows is a landmark, so nothing was "
            f"left out and even the shortest is there. {question}"
        )
    verbs = ("is", "it lives") if sure == 1 else ("are", "they live")
    length = f"{4 * found.covering_radius:.3g}"
    rule = (
        f"4 times the largest distance of a row to its nearest of the {found.n_landmarks:,} landmarks "
        f"({found.covering_radius:.3g})"
    )
    if not can_be_certain(found):
        return (
            f"With {found.n_landmarks:,} landmarks no {noun} of these {found.n_points:,} rows can be certain: it would "
            f"have to live for more than {length}, which is {rule}, and none lives for longer than the largest "
            f"distance of two landmarks, {found.diameter:.3g}. {_what_to_do(needed)} {question}"
        )
    if not sure:
        return (
            f"None of {count:,} {nouns} is certain for all {found.n_points:,} rows: none lives for more than {length}, "
            f"which is {rule}. {question}"
        )
    return (
        f"{sure:,} of {count:,} {nouns} {verbs[0]} certain for all {found.n_points:,} rows: {verbs[1]} for more than "
        f"{length}, which is {rule}. {question}"
    )


def _what_to_do(needed: LandmarksNeeded | None) -> str:
    call = "`geomsim_topological.persistence.diagram(points, landmarks={:d})`"
    if needed is None:
        return "Take more landmarks, or points of fewer dimensions or with less noise."
    if needed.least == needed.rows:
        return f"Only with all {needed.rows:,} different rows as landmarks can any be: {call.format(needed.rows)}."
    return (
        f"It takes at least {needed.least:,} landmarks before any can be; with all {needed.rows:,} different rows each "
        f"is: {call.format(needed.rows)}."
    )
