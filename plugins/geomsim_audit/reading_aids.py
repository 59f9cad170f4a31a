"""What the page's words mean, for somebody who has read neither the paper nor this code."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from geomsim_audit.verdicts import FEWEST, SMALLER

_BOTH = (
    "feature: a dictionary (sparse autoencoder, SAE) takes what a model holds at one layer apart into features. Each "
    "has a direction in the model's space, and fires on some tokens of a text.",
    "pair: both models read the same text. A feature of the left model belongs to the one of the right model whose "
    "firing goes along with its own, as measured by their correlation r over the tokens.",
)
_OF = {
    "geometry": (
        "alike: features are arranged alike if those that lie near each other in one model have partners that lie near "
        "each other in the other.",
    ),
    "share": ("share: how many of the left model's features have a partner with r above some threshold.",),
}
_NUMBERS = (
    "chance: what the same number is on average where nothing corresponds. The same features are paired at random, "
    "many times; for a share, the documents of one model's text are exchanged.",
    "p: how often chance alone comes as close; with <= it never did in as many draws. Holm: corrected for the number "
    "of claims, since of many tests some succeed by luck.",
    "effect: how far the number is on the way from chance (0) to identity (1), (score - chance) / (best - chance). A "
    "number that was published without a chance level is read as if chance were 0.",
)
_STEPS = {
    "layer": "a dictionary is trained on what comes out of one block of the model; fed with what goes in, it reads "
    "another layer's numbers, or the embedding.",
    "pairing": "several left features may name one partner. Who keeps it must not depend on their order in the file, "
    "and pairs that share a partner do not count as separate ones.",
    "threshold": "the best of a thousand correlations is high by luck. Corrected, a pair counts only if its r is above "
    "that of exchanged documents, and if its features fire often enough to tell.",
    "metric": "the measure itself; see above.",
    "null": "chance must be that of this very number: the same pairs, dealt at random, or for a theme as many others.",
    "p": "b of m draws came as close. b / m can be 0, which no m draws can show; (b + 1) / (m + 1) counts the observed "
    "one in. Only p changes.",
    "tests": "Holm's correction for the number of claims. Only p changes.",
}


def how_to_read(quantities: Collection[str]) -> tuple[str, ...]:
    """The words that every number needs, and those of the quantities that are claimed."""
    return (*_BOTH, *(point for name, points in _OF.items() if name in quantities for point in points), *_NUMBERS)


def verdicts_in_words(needed: bool) -> tuple[str, ...]:
    """What each verdict says; `needed`: whether some claim says how much it needs."""
    too_little = ", or is less than the sentence needs where it says how much" if needed else ""
    return (
        "stands: the corrected analysis supports the claim.",
        f"stands, smaller: it does, with an effect below {SMALLER:.0%} of the one that the published number reads.",
        f"falls: corrected, the number cannot be told from chance{too_little}.",
        "was never tested: the published number does not measure what the claim says, so it could not tell, "
        f"whatever it was; or these data cannot tell (no corrected number, fewer than {FEWEST} pairs, too few draws).",
    )


def steps_in_words(names: Sequence[str]) -> tuple[str, ...]:
    """What the named steps put right."""
    return tuple(f"{name}: {_STEPS[name]}" for name in names if name in _STEPS)
