"""`geomsim pair`: two codes over the same text to a pairing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, plain_table
from geomsim.cli.same_tokens import check_tokenizers, say_left_out
from geomsim.errors import InvalidConfig

if TYPE_CHECKING:
    from rich.table import Table

    from geomsim.activations.filters import LatentMask
    from geomsim.activations.latent_tokens import TopTokens
    from geomsim.activations.matching import Matching

_CHANCE = 3  # shifts of the documents, where nobody says how many


def pair(
    left: Path | None = None,
    right: Path | None = None,
    /,
    *,
    out: Path = Path("pairing.parquet"),
    method: Literal["max", "mutual", "one-to-one", "greedy", "hungarian", "transport"] = "mutual",
    direction: Literal["left-to-right", "right-to-left"] = "left-to-right",
    measure: Literal["pearson", "cosine", "jaccard"] | None = None,
    top: int = 16,
    min_firings: int = 100,
    min_cofirings: int = 20,
    min_weight: float | None = None,
    unmatched_at: float | None = None,
    epsilon: float | None = None,
    marginal: float | None = None,
    min_share: float | None = None,
    non_concepts: Annotated[tuple[Path, Path] | None, Parameter(negative="")] = None,
    non_concept_rule: Literal["any", "most"] | None = None,
    non_concept_top: int | None = None,
    non_concept_lists: Path | None = None,
    write_non_concept_lists: Path | None = None,
    cross_fit: Annotated[bool, Parameter(negative="")] = False,
    chance: int | None = None,
    max_p: float | None = None,
    decoys: Annotated[bool, Parameter(negative="")] = False,
    max_false_matches: float | None = None,
    reasons: Path | None = None,
    common: Common = Common(),
) -> int:
    """Pair the latents of two codes by how their activations correlate.

    Parameters
    ----------
    left
        a folder of codes, as `geomsim activations` writes it; or, alone, a folder of sums that `geomsim count` made.
    right
        a folder of codes over the same text.
    out
        the pairing, a Parquet table with columns left, right, weight, and mass where the method is transport.
    method
        max: each latent takes its best partner; mutual: both name each other; one-to-one: of the max pairs, those
        whose target nobody else chose; greedy: largest correlation first, each latent once; hungarian: largest total,
        each latent once or not at all; transport: many-to-many, each pair with its mass.
    direction
        which side chooses, and for decoys, which is chosen from.
    measure
        what ranks the partners and is the weight of a pair: Pearson's correlation, cosine, or Jaccard's index of the
        tokens they fire on; pearson unless given. Sums were counted for one measure (`geomsim count --measure`).
    top
        partners kept per latent.
    min_firings
        tokens on which each latent of a pair must fire; below that a correlation is noise.
    min_cofirings
        tokens on which both latents must fire together.
    min_weight
        the smallest correlation that makes a pair.
    unmatched_at
        for hungarian: latents are rather alone than in a pair with a smaller correlation; 0 unless given.
    epsilon
        for transport: how much correlation may differ between partners that share a latent; .05 unless given.
    marginal
        for transport: what a latent pays for mass that it keeps; .5 unless given.
    min_share
        for transport: the smallest share of a latent's mass that makes a pair; .1 unless given.
    non_concepts
        two tables of top tokens, left and right, as `geomsim activations` writes them: latents whose top tokens are
        punctuation, white space, line ends or special tokens are left out before anything is paired.
    non_concept_rule
        most, unless given: more than half of the tokens looked at must be no concept; any: one is enough.
    non_concept_top
        how many top tokens are looked at; 5 unless given.
    non_concept_lists
        a TOML file that says which tokens are no concept; by default, the one that geomsim ships.
    write_non_concept_lists
        write the shipped file there, for editing, and do nothing else.
    cross_fit
        choose the pairs on one half of the documents and measure their correlation on the other; all thresholds
        apply to the first half.
    chance
        how often to correlate with shifted documents too: how high is the best correlation by chance? 0 for not at
        all; 3 unless given, and 0 where the measure is not pearson, whose chance is not measured.
    max_p
        largest chance p-value of a pair.
    decoys
        plant a decoy for each latent of the side chosen from: how many of the pairs are false by chance?
    max_false_matches
        the share of false pairs to allow, .05 say; with decoys.
    reasons
        also write a Parquet table that says for each latent of both sides whether it is paired, and why not.
    """
    if write_non_concept_lists is not None:
        return _write_lists(write_non_concept_lists, common)
    for folder in (left, right):
        if folder is not None and not folder.exists():
            raise InvalidConfig(f"{folder}: no such folder of codes")
    if left is None or (right is None and not any(left.glob("block-*.safetensors"))):
        raise InvalidConfig(
            "name two folders of codes over the same text, geomsim pair LEFT RIGHT, or one folder of sums of them "
            "(geomsim count)"
        )
    from geomsim.activations.codes import Codes
    from geomsim.activations.codes_reader import read_manifest
    from geomsim.activations.filters import non_concepts as no_concepts
    from geomsim.activations.matching import match_latents
    from geomsim.activations.matching_methods import matching_method
    from geomsim.activations.pairing_summary import report_rows
    from geomsim.activations.token_kinds import read_token_kinds
    from geomsim.activations.words import made_of_words
    from geomsim.report.tidy_records import counted

    given = {"unmatched_at": unmatched_at, "epsilon": epsilon, "marginal": marginal, "min_share": min_share}
    chosen = matching_method(method, **{name: value for name, value in given.items() if value is not None})
    filters = (non_concept_lists, non_concept_rule, non_concept_top)
    if non_concepts is None and any(option is not None for option in filters):
        raise InvalidConfig("filters of tokens need the top tokens of both sides: --non-concepts LEFT RIGHT")
    if non_concept_top is not None and non_concept_top < 1:
        raise InvalidConfig(f"--non-concept-top {non_concept_top}: at least one token of each latent must be looked at")
    if min_weight is not None and not -1 <= min_weight <= 1:
        raise InvalidConfig(f"--min-weight {min_weight}: a correlation lies between -1 and 1")
    if max_false_matches is not None and not decoys:
        raise InvalidConfig("--max-false-matches is estimated from planted decoys: add --decoys")
    if chance is None:
        chance = _CHANCE if measure in (None, "pearson") else 0
    if max_p is not None and not chance:
        raise InvalidConfig("--max-p is read from correlations with shifted documents: give --chance a number of them")
    if reasons is not None and reasons.resolve() == out.resolve():
        raise InvalidConfig(f"--reasons and --out are both {out}; give each a file of its own")
    kinds = read_token_kinds(non_concept_lists)
    if common.dry_run:
        sizes: dict[str, dict[str, int]] = {}
        for side, folder in (("left", left), ("right", right)):
            if folder is None or right is None:
                continue  # sums, of which only the files would tell
            manifest = read_manifest(folder)
            sizes[side] = {key: manifest[key] for key in ("n_tokens", "n_latents")}
        counts = [f"{side}: {size['n_tokens']:,} tokens, {size['n_latents']:,} latents" for side, size in sizes.items()]
        return common.plan(
            "; ".join([*counts, f"would write {out}" + (f" and {reasons}" if reasons else "")]),
            would_read=(left, right, *(non_concepts or ()), non_concept_lists),
            would_write=(out, reasons),
            details=sizes,
        )
    correlating: dict[str, Any] = {"top": top, "min_firings": min_firings, "min_cofirings": min_cofirings}
    if right is None:
        from geomsim.activations.counted_sums import CountedSums

        # Chance, halves and decoys read the codes again; sums know nothing of single tokens.
        sums = CountedSums.open(left)
        if measure not in (None, sums.identity.measure):
            raise InvalidConfig(
                f"{left}: these sums were counted for {sums.identity.measure}, not {measure}: leave --measure out, or "
                f"count again into another folder, geomsim count --measure {measure}"
            )
        common.note(f"{left}: {len(sums.blocks)} counted blocks, {sums.n_tokens:,} tokens")
        given_codes: tuple[Any, Any] = (sums.candidates(**correlating), None)
        chance, correlating = 0, {}
    else:
        correlating["measure"] = measure or "pearson"
        if common.device != "cpu":
            correlating["device"] = common.device
        check_tokenizers(left, right)
        given_codes = (Codes.open(left), Codes.open(right))
    masks: list[LatentMask | None] = [None, None]
    if non_concepts is not None:
        masks = [
            no_concepts(table, rule=non_concept_rule or "most", top=non_concept_top or 5, kinds=kinds)
            for table in _top_tokens(non_concepts, given_codes)
        ]
    matching = match_latents(
        *given_codes, method=chosen, direction=direction, min_weight=min_weight,
        left_mask=masks[0], right_mask=masks[1], cross_fit=cross_fit, chance=chance or None, max_p=max_p,
        decoys=decoys, max_false_matches=max_false_matches, seed=common.start, **correlating,
    )  # fmt: skip
    pairing = matching.pairing
    if right is not None and made_of_words(given_codes[0]) is None:
        say_left_out(*given_codes, pairing.provenance["tokens_left_out"])
    pairing.save(out)
    written: dict[str, Any] = {"path": str(out)}
    if reasons is not None:
        written["reasons"] = str(_write_reasons(matching, reasons))
    told = [list(row) for row in report_rows(pairing) if row[0] != "chance"]
    common.emit(
        {"pairs": len(pairing), **written, **pairing.provenance},
        plain_table(f"{counted(len(pairing), 'pair')} in {out}", ["", ""], told),
        *_against_chance(pairing.provenance.get("chance")),
        f"Next: geomsim compare LEFT_DICTIONARY RIGHT_DICTIONARY --pairing {out}",
    )
    return DONE


def _against_chance(said: Mapping[str, Any] | None) -> Iterator[Table]:
    """What shifted documents gave, beside what was found, as a table."""
    if said is None:
        return

    def r(value: float | None) -> str:
        return "none" if value is None else f"{value:.3f}"

    alpha = said["alpha"]
    rows = [
        ["shifts of the documents", f"{said['shifts']}, seed {said['seed']}"],
        ["best r of a latent", f"mean {r(said['mean_best_r'])}, by chance {r(said['mean_best_r_by_chance'])}"],
        [
            "latents with a partner",
            f"{said['with_a_partner']:,} of {said['tested']:,}, by chance {said['share_with_a_partner_by_chance']:.0%}",
        ],
        [f"r that chance reaches with p {alpha:g}", r(said["threshold"])],
        [
            f"pairs with p <= {alpha:g}",
            f"{said['share_of_pairs_p']:.1%} (the smallest p there can be: {said['least_p']:.3g})",
        ],
        [f"pairs with q <= {alpha:g}", f"{said['share_of_pairs_q']:.1%}"],
    ]
    if said["max_p"] is not None:
        from geomsim.report.tidy_records import counted

        rows.append(["left out", f"{counted(said['above_max_p'], 'pair')} with p above {said['max_p']:g}"])
    yield plain_table("Against chance", ["", ""], rows)


def _top_tokens(tables: tuple[Path, Path], codes: tuple[Any, Any]) -> list[TopTokens]:
    """Both tables; InvalidConfig where one is said to be of other codes than those that are paired."""
    from geomsim.activations.codes import Codes
    from geomsim.activations.latent_tokens import read_top_tokens

    read = [read_top_tokens(table) for table in tables]
    for side, path, table, paired in zip(("left", "right"), tables, read, codes, strict=True):
        known = table.provenance.get("codes")
        if isinstance(paired, Codes) and known and paired.name and known != paired.name:
            raise InvalidConfig(
                f"--non-concepts: {path} has the top tokens of {known!r}, and the {side} codes are {paired.name!r}; "
                "give the left table first, then the right one"
            )
    return read


def _write_lists(target: Path, common: Common) -> int:
    from geomsim.activations.token_kinds import write_token_kinds

    if common.dry_run:
        return common.plan(f"would write lists to {target}", would_write=[target])
    write_token_kinds(target)
    next_step = f"geomsim pair LEFT RIGHT --non-concepts LEFT_TOP_TOKENS RIGHT_TOP_TOKENS --non-concept-lists {target}"
    common.emit({"path": str(target), "next": next_step}, f"lists in {target}\nNext: edit it, then {next_step}")
    return DONE


def _write_reasons(matching: Matching, target: Path) -> Path:
    import pandas as pd

    from geomsim.tables import write_parquet

    if target.suffix != ".parquet":
        raise InvalidConfig(f"{target}: reasons are written as .parquet")
    frames = [
        mask.to_frame().rename(columns={"keep": "paired"}).assign(side=side)
        for side, mask in (("left", matching.left), ("right", matching.right))
    ]
    return write_parquet(pd.concat(frames, ignore_index=True)[["side", "latent", "paired", "reason"]], target)
