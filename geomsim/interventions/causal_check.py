"""The causal check: intervene on both sides of each pair, compare what happens to the next token, judge by chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.cuts import common_cuts
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.text import Document
from geomsim.errors import InvalidConfig
from geomsim.interventions.causal_result import CausalCheck
from geomsim.interventions.effects import Effects, measure_effects
from geomsim.interventions.intervention import Intervention
from geomsim.interventions.judging import SIDES, judge
from geomsim.interventions.predictor import Predictor
from geomsim.interventions.scoring import Scoring
from geomsim.interventions.set_pairs import SetPairs
from geomsim.interventions.shared_vocabulary import shared_vocabulary
from geomsim.interventions.text_firings import TextFirings, read_firings, same_rows

Positions = Literal["own", "both"]


def causal_check(
    left: Predictor,
    right: Predictor,
    left_dictionary: Dictionary,
    right_dictionary: Dictionary,
    pairs: SetPairs,
    documents: Sequence[Document],
    *,
    intervention: Intervention | None = None,
    positions: Positions = "own",
    windows: int | None = 32,
    scoring: Scoring | None = None,
    draws: int = 4999,
    seed: int = 0,
    least: int = 10,
    keep: Path | None = None,
) -> CausalCheck:
    """Do paired latents do the same to the next token? A score for each pair, judged by random pairs.

    Parameters
    ----------
    left, right
        the models.
    left_dictionary, right_dictionary
        whose latents are intervened on, each at its own site.
    pairs
        from :meth:`SetPairs.from_pairing` or :func:`matched_nodes`.
    documents
        what both read. Models with different tokenizers, or windows that hold more or less text, read it in windows of
        the same text.
    intervention
        what is done; see :mod:`geomsim.interventions.intervention`. Latents are ablated unless something else is said.
    positions
        "own": the effect of each set is averaged over the tokens where it acts itself. "both": over those where both
        sets of the pair act, so that both are looked at behind the same text; it needs one tokenizer.
    windows
        at most so many windows of the text for each set; None for all in which it acts.
    scoring
        how effects are compared; see :mod:`geomsim.interventions.scoring`.
    draws
        random pairs for each pair at most, and reshufflings for all together.
    least
        tokens at which both sides of a pair must have been measured; other pairs are left out and counted.
    keep
        a folder where effects are kept, so that an interrupted run goes on.

    Raises
    ------
    InvalidConfig
        where fewer than three pairs are left, an option does not exist, or positions are asked for that two tokenizers
        do not share.
    InvalidModel
        where a dictionary does not fit its model, or the models have no tokens in common.
    """
    if positions not in get_args(Positions):
        raise InvalidConfig(f"positions must be one of {', '.join(get_args(Positions))}, got {positions!r}")
    intervention, scoring = intervention or Intervention(), scoring or Scoring()
    models, dictionaries = (left, right), (left_dictionary, right_dictionary)
    vocabulary = shared_vocabulary(left, right)
    room = [model.tokenization.room(model.context) for model in models]
    if vocabulary.by == "text" or room[0] != room[1]:
        cuts = common_cuts(documents, models)
        models = (left.cut_at(cuts), right.cut_at(cuts))
    firings = tuple(
        read_firings(model, dictionary, documents) for model, dictionary in zip(models, dictionaries, strict=True)
    )
    averaged = _averaged(pairs, firings, positions)
    found: dict[str, list[Effects]] = {"own": [], "control": []}
    for place, side in enumerate(SIDES):
        for kind, into in found.items():
            random = _random_directions(dictionaries[place], (seed, place)) if kind == "control" else None
            into.append(
                measure_effects(
                    models[place], dictionaries[place], firings[place], pairs.sets(side), intervention,
                    windows=windows, averaged=averaged, directions=random, seed=seed,
                    keep=None if keep is None else keep / f"effects_{side}_{kind}.npz",
                )
            )  # fmt: skip
    kept = np.flatnonzero(np.min([each.positions for each in found["own"]], axis=0) >= least)
    if len(kept) < 3:
        raise InvalidConfig(
            f"{len(kept)} of {len(pairs)} pairs act on at least {least} tokens of this text on both sides; at least 3 "
            "are needed: give more text, more pairs or a smaller least=..."
        )
    counts = [
        np.array([len(read.rows_of(pairs.sets(side)[pair])) for pair in kept.tolist()])
        for side, read in zip(SIDES, firings, strict=True)
    ]
    own, control = ([each.take(kept) for each in found[kind]] for kind in ("own", "control"))
    judged = judge(pairs.take(kept), own, control, counts, vocabulary, scoring, draws=draws, seed=seed)
    described = [_described(*each) for each in zip(models, dictionaries, firings, strict=True)]
    facts: dict[str, Any] = {
        **dict(zip(SIDES, described, strict=True)),
        "left_out": {f"pairs measured at fewer than {least} tokens": len(pairs) - len(kept)},
        "documents": len(documents), "positions": positions, "windows": windows, "seed": seed,
        "intervention": vars(intervention), "scoring": vars(scoring), "tokens": len(vocabulary),
        "tokens_shared_by": vocabulary.by,
        "tokens_left_out": {"left": vocabulary.left_only, "right": vocabulary.right_only},
        **judged.facts,
    }  # fmt: skip
    return CausalCheck(judged.frame, judged.scores, judged.control_scores, facts)


def _averaged(pairs: SetPairs, firings: Sequence[TextFirings], positions: Positions) -> list[NDArray[np.int64]] | None:
    """For each pair the rows at which both of its sets fire; None for each its own."""
    if positions == "own":
        return None
    left, right = firings
    if not same_rows(left, right):
        raise InvalidConfig(
            "positions='both' needs two models that read the same tokens; with two tokenizers use positions='own'"
        )
    return [
        np.intersect1d(left.rows_of(ours), right.rows_of(theirs))
        for ours, theirs in zip(pairs.left, pairs.right, strict=True)
    ]


def _random_directions(dictionary: Dictionary, seed: tuple[int, int]) -> NDArray[np.float32]:
    """A direction of length 1 for each latent, of no relation to the model."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    rows = random.standard_normal((dictionary.latents, dictionary.width))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _described(model: Predictor, dictionary: Dictionary, read: TextFirings) -> dict[str, Any]:
    """One side, for the facts."""
    return {
        "model": model.name, "site": read.site, "dictionary": dictionary.name, "dictionary_sha256": dictionary.sha256,
        "tokens_read": len(read), "windows_read": len(read.windows), "left_out": dict(read.tokens.left_out),
        "text_hash": read.tokens.text_hash,
        **({} if model.tokenization.bos is None else {"bos": model.tokenization.bos}),
    }  # fmt: skip
