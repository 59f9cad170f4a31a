"""`geomsim causal`: are pairs of latents that look alike used alike?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, number, p_text, plain_table
from geomsim.cli.mistyped import refuse_mistyped
from geomsim.cli.opening import TextOptions, check_folder, open_text
from geomsim.cli.opening_models import open_dictionary
from geomsim.errors import InvalidConfig

if TYPE_CHECKING:
    from rich.table import Table

    from geomsim.interventions.causal_result import CausalCheck
    from geomsim.interventions.set_pairs import SetPairs

_SHOWN, _TOKENS = 5, 4
_PAIRS = 200
_LEGEND = "chance: mean score of random pairs; control: this pair's, with random directions at the same tokens"
_FILES = ("causal.parquet", "scores.npz", "causal.json", "causal.pdf", "effects")


def causal(
    left: str,
    right: str,
    /,
    *,
    left_dictionary: str,
    right_dictionary: str,
    text: str,
    out: Path,
    pairing: Path | None = None,
    pairs: int | None = None,
    nodes: Path | None = None,
    mode: Literal["ablate", "project-out", "add"] = "ablate",
    multiple: float | None = None,
    everywhere: Annotated[bool, Parameter(negative="")] = False,
    positions: Literal["own", "both"] = "own",
    windows: int = 32,
    measure: Literal["pearson", "cosine"] = "pearson",
    weights: Literal["equal", "probability"] = "equal",
    centred: bool = True,
    top: int = 10,
    draws: int = 4999,
    least: int = 10,
    convention: Literal["raw", "centred"] | None = None,
    context: int | None = None,
    bos: bool | None = None,
    part: TextOptions = TextOptions(),
    common: Common = Common(),
) -> int:
    """Take paired latents away in both models: do the predictions of the next token change alike?

    Each pair gets a score, the correlation of both effects over the tokens that the vocabularies share, and a p-value
    from random pairs. A run that was stopped goes on where it was when the same command is given again.

    Parameters
    ----------
    left
        a language model: a transformers directory, or a hub id.
    right
        the other model, likewise.
    left_dictionary
        the left model's sparse autoencoder, as for `geomsim activations`: directory, file or hub id, with the place of
        the model before it where the files do not say it, `residual:20=path`.
    right_dictionary
        the right model's, likewise.
    text
        the text both read, as for `geomsim activations`; `python` for the held-out part of the standard library. It
        should not be the text on which the pairing was made, if the r of the pairs is to be judged too.
    out
        a folder for the table (causal.parquet), everything else (causal.json), all scores, and the figure.
    pairing
        a table with columns left and right, and weight where there is one, as `geomsim pair` writes it.
    pairs
        how many of its pairs are looked at, spread evenly over the weights; 200 unless given.
    nodes
        in place of pairs, the matched nodes of two Mapper graphs: a folder that `geomsim mapper LEFT_DICTIONARY
        RIGHT_DICTIONARY --pairing P --out FOLDER` wrote. Give the same --pairing. The latents of a node act together.
    mode
        ablate: take away what the dictionary writes with the latent; project-out: take its direction out of the stream;
        add: add it, at its usual size.
    multiple
        for add: how many times the latent's mean activation; 1 unless given.
    everywhere
        for add: at all tokens, and not only where the latent is active.
    positions
        own: each side is looked at where it is active itself; both: where both are, which needs one tokenizer.
    windows
        windows of text per latent, at most.
    measure
        how two effects are compared over tokens.
    weights
        equal: all tokens count alike; probability: as much as both models expect them.
    centred
        take the mean effect of all latents away first: what any latent does is no sign of a pair.
    top
        how many tokens are listed and overlapped.
    draws
        random pairs for each pair at most, and reshufflings for all together.
    least
        tokens at which both sides of a pair must have been looked at; other pairs are left out and counted.
    convention
        for dictionaries that do not say which form of the model they were trained on; see `geomsim activations`.
    context
        tokens per window; what the models were built for by default.
    bos
        begin each window with the beginning-of-text token, or do not; see `geomsim activations`.
    """
    from geomsim.interventions.intervention import Intervention
    from geomsim.interventions.scoring import Scoring

    check_folder(out)
    for name in (left, right):
        refuse_mistyped(name)
    if mode != "add" and (multiple is not None or everywhere):
        raise InvalidConfig(f"--multiple and --everywhere are for --mode add; with {mode} they would have no effect")
    intervention = Intervention(mode, 1.0 if multiple is None else multiple, "all" if everywhere else "firing")
    scoring = Scoring(measure, weights, centred, top)
    if min(windows, draws, least) < 1:
        raise InvalidConfig(f"--windows {windows}, --draws {draws} and --least {least}: all must be at least 1")
    sets = _sets(pairing, pairs, nodes)
    if common.dry_run:
        return _plan(sets, (left, right, left_dictionary, right_dictionary, pairing, nodes), text, out, windows, common)
    from geomsim.interventions.causal_check import causal_check
    from geomsim.interventions.transformers_predictor import TransformersPredictor

    dictionaries = [open_dictionary(each, convention=convention) for each in (left_dictionary, right_dictionary)]
    models = [TransformersPredictor(each, common.device, context=context, bos=bos) for each in (left, right)]
    documents = list(open_text(text, part))
    found = causal_check(
        models[0], models[1], dictionaries[0], dictionaries[1], sets, documents, intervention=intervention,
        positions=positions, windows=windows, scoring=scoring, draws=draws, seed=common.start, least=least,
        keep=out / "effects",
    )  # fmt: skip
    found.save(out)
    if sets.alike is not None:
        _draw(found, out / "causal.pdf")
    common.note(f"wrote {out}")
    common.emit(
        {**found.facts, "path": str(out), "used_alike": int(found.used_alike.sum()), "pairs": len(found)},
        found.describe(),
        *_examples(found, "Look alike and are used alike", alike=True),
        *_examples(found, "Look alike and are used least alike", alike=False),
    )
    return DONE


def _sets(pairing: Path | None, pairs: int | None, nodes: Path | None) -> SetPairs:
    from geomsim.interventions.mapper_nodes import matched_nodes
    from geomsim.interventions.set_pairs import SetPairs
    from geomsim.pairing import Pairing

    read = None if pairing is None else Pairing.open(pairing)
    if nodes is not None:
        if pairs is not None:
            raise InvalidConfig("--pairs counts pairs of latents and --nodes gives pairs of nodes: leave out one")
        return matched_nodes(nodes, read)
    if read is None:
        raise InvalidConfig("say which latents belong together: --pairing, a table that `geomsim pair` writes")
    return SetPairs.from_pairing(read, _PAIRS if pairs is None else pairs)


def _plan(
    sets: SetPairs, read: tuple[str | Path | None, ...], text: str, out: Path, windows: int, common: Common
) -> int:
    """At most so many windows go through each model, behind the site: with the control, twice for each set."""
    passes = 2 * len(sets) * windows
    return common.plan(
        f"would intervene on {len(sets)} pairs in at most {windows} windows each, with as many random directions: up "
        f"to {passes:,} windows of text through what follows the dictionary in each model; would write to {out}",
        would_read=[*read, text],
        would_write=[out / name for name in _FILES],
        details={"pairs": len(sets), "windows_per_model": passes},
    )


def _draw(found: CausalCheck, path: Path) -> None:
    from geomsim.report.causal import causal_scatter
    from geomsim.report.panels import figure_of
    from geomsim.report.saving import save_figure

    names = " and ".join(f"{found.facts[side]['model']} {found.facts[side]['site']}" for side in ("left", "right"))
    save_figure(figure_of(causal_scatter(found, title=f"Used alike? {names}")), path)


def _examples(found: CausalCheck, title: str, *, alike: bool) -> Iterator[Table]:
    """The examples of one kind by their scores, where there are any."""
    from geomsim.interventions.causal_result import shown_tokens

    chosen = found.examples(_SHOWN, alike=alike).sort_values("score", ascending=not alike, kind="stable")
    if chosen.empty:
        return
    rows: list[list[str]] = []
    draws: Any
    for _, pair in chosen.iterrows():
        draws = pair["random_pairs"]
        rows.append(
            [
                f"{pair['left']} / {pair['right']}", number(pair["r"], ".2f"), number(pair["score"], ".2f"),
                number(pair["expected"], ".2f"), p_text(pair["p"], draws), number(pair["bh"], ".2g"),
                number(pair["control"], ".2f"), shown_tokens(pair["promotes_left"], _TOKENS),
                shown_tokens(pair["promotes_right"], _TOKENS),
            ]
        )  # fmt: skip
    numeric = ["r", "score", "chance", "p", "bh", "control"]
    table = plain_table(title, ["left / right", *numeric, "left promotes", "right promotes"], rows, numeric)
    table.caption, table.caption_justify = _LEGEND, "left"
    yield table
