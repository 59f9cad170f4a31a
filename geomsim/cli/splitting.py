"""`geomsim splitting`: codes of two dictionaries of one layer to what became of each latent in the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, plain_table
from geomsim.cli.opening import check_folder
from geomsim.cli.same_tokens import check_tokenizers, say_left_out
from geomsim.errors import InvalidConfig

if TYPE_CHECKING:
    from rich.table import Table

    from geomsim.activations.splitting_result import Family, Splitting

_TOKENS = 3  # of each latent in the list of families
_FILES = ("latents.parquet", "links.parquet", "families.parquet", "splitting.json", "splitting.svg")
_LEGEND = {
    "tangled": "linked in other ways: twins, chains, several with several",
    "nested": "inside a latent of the other side, which is more than it",
    "containing": "a latent of the other side lies inside, but too little of it is covered",
    "overlapping": "fires together with the other side beyond chance, and is neither whole nor part",
}  # of the classes whose names do not say it
Words = dict[str, list[list[str]]]


def splitting(
    smaller: Path,
    larger: Path,
    /,
    *,
    out: Path = Path("splitting"),
    smaller_dictionary: Path | None = None,
    larger_dictionary: Path | None = None,
    top_tokens: Annotated[tuple[Path, Path] | None, Parameter(negative="")] = None,
    min_share: float = 0.5,
    min_cover: float = 0.5,
    min_part: float = 0.05,
    min_firings: int = 100,
    min_cofirings: int = 20,
    min_cosine: float = 0.7,
    weigh: Literal["activation", "firings"] = "activation",
    shifts: int = 5,
    alpha: float = 0.05,
    families: int = 5,
    common: Common = Common(),
) -> int:
    """Which features a larger dictionary of the same layer splits, merges, keeps, loses or adds.

    Two dictionaries of one size, trained from two seeds, show how much of that is the lot of any two dictionaries.

    Parameters
    ----------
    smaller
        a folder of codes, as `geomsim activations` writes it.
    larger
        a folder of codes over the same text by a dictionary of as many latents or more.
    out
        a folder for the tables of latents, links and families (Parquet), splitting.json and the figure.
    smaller_dictionary
        the sparse autoencoder of the smaller codes; with the larger one, the directions of both are compared too.
    larger_dictionary
        the sparse autoencoder of the larger codes.
    top_tokens
        two tables of top tokens, smaller and larger, as `geomsim activations` writes them: families in words.
    min_share
        by how much a part must lie inside its whole: the share of its activation on tokens where the whole fires,
        beyond chance.
    min_cover
        share of the whole, beyond chance, that its parts must cover together.
    min_part
        share of the whole's activation that each part after the largest must add.
    min_firings
        latents that fire on fewer tokens are not judged.
    min_cofirings
        tokens on which a latent and the one that contains it must both fire.
    min_cosine
        from which cosine on the smaller dictionary has a direction of the larger one already.
    weigh
        activation: shares are of the sum of absolute activations; firings: of the tokens.
    shifts
        how often one side is read against other text, for what chance gives.
    alpha
        largest q-value (Benjamini-Hochberg) of a latent's link with the other side.
    families
        how many families of each kind are listed.
    """
    for folder in (smaller, larger):
        if not folder.exists():
            raise InvalidConfig(f"{folder}: no such folder of codes")
    if families < 0:
        raise InvalidConfig(f"--families {families}: a number of families to list is 0 or more")
    for path in (smaller_dictionary, larger_dictionary, *(top_tokens or ())):
        if path is not None and not path.exists():
            raise InvalidConfig(f"{path}: no such file or folder")
    check_folder(out)
    if out.resolve() in (smaller.resolve(), larger.resolve()):
        raise InvalidConfig(f"{out} holds codes; results go to a folder of their own: name another with --out")
    from geomsim.activations.codes import Codes
    from geomsim.activations.codes_reader import read_manifest
    from geomsim.activations.dictionary import read_dictionary
    from geomsim.activations.feature_splitting import refuse_options
    from geomsim.activations.feature_splitting import splitting as find_splitting
    from geomsim.activations.splitting_words import findings
    from geomsim.activations.words import made_of_words

    refuse_options(min_share, min_cover, min_part, min_firings, min_cofirings, shifts, alpha)
    sizes = {
        side: {key: read_manifest(folder)[key] for key in ("n_tokens", "n_latents")}
        for side, folder in (("smaller", smaller), ("larger", larger))
    }
    if sizes["smaller"]["n_latents"] > sizes["larger"]["n_latents"]:
        raise InvalidConfig(
            f"{smaller} has {sizes['smaller']['n_latents']} latents and {larger} {sizes['larger']['n_latents']}; name "
            "the smaller dictionary's codes first"
        )
    if common.dry_run:
        counts = [f"{side}: {of['n_tokens']:,} tokens, {of['n_latents']:,} latents" for side, of in sizes.items()]
        return common.plan(
            "; ".join([*counts, f"would write {', '.join(_FILES)} below {out}"]),
            would_read=[smaller, larger, smaller_dictionary, larger_dictionary, *(top_tokens or ())],
            would_write=[out / name for name in _FILES],
            details=sizes,
        )
    check_tokenizers(smaller, larger)
    codes = Codes.open(smaller), Codes.open(larger)
    words = None if top_tokens is None else _words(top_tokens, codes)
    found = find_splitting(
        *codes,
        smaller_dictionary=None if smaller_dictionary is None else read_dictionary(smaller_dictionary),
        larger_dictionary=None if larger_dictionary is None else read_dictionary(larger_dictionary),
        min_share=min_share, min_cover=min_cover, min_part=min_part, min_firings=min_firings,
        min_cofirings=min_cofirings, min_cosine=min_cosine, weigh=weigh, shifts=shifts, alpha=alpha,
        seed=common.start,
    )  # fmt: skip
    if made_of_words(codes[0]) is None:
        say_left_out(*codes, found.provenance["tokens_left_out"])
    listed = {
        relation: found.families(relation)[:families] for relation in ("split", "merged", "tangled", "one-to-one")
    }
    record = {
        "counts": found.counts, "judged": found.judged, "shares": {side: found.shares(side) for side in found.counts},
        "splits": [len(family.larger) for family in found.families("split")], "absorbing": len(found.absorbing),
        "agreement": found.agreement, "provenance": dict(found.provenance),
        "families": [_record(family, words) for each in listed.values() for family in each],
    }  # fmt: skip
    files = _write(found, record, out)
    common.emit(
        {**record, "files": [str(path) for path in files]},
        _classes(found),
        *(_family_table(relation, each, words) for relation, each in listed.items() if each and relation != "tangled"),
        *findings(found),
        f"Written to {out}/: {', '.join(path.name for path in files)}",
    )
    return DONE


def _words(tables: tuple[Path, Path], codes: Sequence[Any]) -> Words:
    """The top tokens of the latents of both sides; InvalidConfig where a table is of another number of latents."""
    from geomsim.activations.latent_tokens import read_top_tokens

    words = {}
    for side, path, of in zip(("smaller", "larger"), tables, codes, strict=True):
        table = read_top_tokens(path)
        if len(table) > of.n_latents:
            raise InvalidConfig(
                f"--top-tokens: {path} has {len(table)} latents and the {side} codes {of.n_latents}; give the table "
                "of the smaller codes first, then that of the larger ones"
            )
        words[side] = [*table.strings, *([[]] * (of.n_latents - len(table)))]
    return words


def _write(found: Splitting, record: dict[str, Any], out: Path) -> list[Path]:
    from geomsim.report.saving import save_figure
    from geomsim.report.splitting import splitting_figure
    from geomsim.tables import write_json

    names = {side: f"{found.provenance[f'{side}_latents']:,} latents ({side})" for side in found.counts}
    parts = [len(family.larger) for family in found.families("split")]
    figure = splitting_figure(
        {names[side]: counts for side, counts in found.counts.items()}, {"splits": parts} if parts else {}
    )
    return [
        *found.save(out), write_json(record, out / "splitting.json"),
        save_figure(figure, out / "splitting.svg"),
    ]  # fmt: skip


def _classes(found: Splitting) -> Table:
    """Latents by class, with their share of those that were judged."""
    counts = found.counts
    rows = []
    for name in dict.fromkeys([*counts["smaller"], *counts["larger"]]):
        cells = []
        for side in counts:
            count = counts[side].get(name)
            share = found.shares(side).get(name)
            cells += ["" if count is None else f"{count:,}", "" if share is None else f"{share:.1%}"]
        if any(cell not in ("", "0", "0.0%") for cell in cells):
            rows.append([name, *cells])
    table = plain_table(
        f"{found.provenance['smaller_latents']:,} latents and {found.provenance['larger_latents']:,} latents",
        ["class", "smaller", "share", "larger", "share "],
        rows,
        numeric=["smaller", "share", "larger", "share "],
    )
    shown = {row[0] for row in rows}
    table.caption = "\n".join(f"{name}: {meaning}" for name, meaning in _LEGEND.items() if name in shown) or None
    table.caption_justify = "left"
    return table


def _family_table(relation: str, families: Sequence[Family], words: Words | None) -> Table:
    """Families with the tokens of their latents: the whole, and its parts with their share of it."""
    whole, part = ("larger", "smaller") if relation == "merged" else ("smaller", "larger")
    rows = []
    for family in families:
        one = getattr(family, whole)[0]
        parts = [
            f"{latent}{_shown(words, part, latent)} {share:.0%}"
            for latent, share in zip(getattr(family, part), family.shares, strict=True)
        ]
        rows.append([f"{one}{_shown(words, whole, one)}", f"{family.cover:.0%}", "; ".join(parts)])
    return plain_table(f"{relation}: {whole} latents and their parts", [whole, "covered", part], rows, ["covered"])


def _shown(words: Words | None, side: str, latent: int) -> str:
    from geomsim.activations.visible_text import visible_token

    if words is None:
        return ""
    return "".join(f" `{visible_token(token).replace(' ', '␣')}`" for token in words[side][latent][:_TOKENS])


def _record(family: Family, words: Words | None) -> dict[str, Any]:
    """A family for JSON."""
    record: dict[str, Any] = {
        "relation": family.relation, "smaller": list(family.smaller), "larger": list(family.larger),
        "shares": list(family.shares), "cover": family.cover,
    }  # fmt: skip
    if words is not None:
        for side in ("smaller", "larger"):
            record[f"{side}_tokens"] = [words[side][latent][:_TOKENS] for latent in record[side]]
    return record
