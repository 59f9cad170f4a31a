"""`geomsim words`: codes of tokens to codes of words, so that models with different tokenizers can be paired."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, in_words, plain_table
from geomsim.cli.opening import TextOptions, open_text
from geomsim.errors import InvalidConfig


def words(
    codes: Path,
    /,
    *,
    text: str,
    out: Path,
    pool: Literal["last", "max", "mean", "sum"] = "last",
    words: str = "whitespace",
    replace: Annotated[bool, Parameter(negative="")] = False,
    part: TextOptions = TextOptions(),
    common: Common = Common(),
) -> int:
    r"""Pool the tokens of each word: codes that can be paired with those of a model with another tokenizer.

    Parameters
    ----------
    codes
        a folder of codes, as `geomsim activations` writes it.
    text
        the text that was read, as it was given to `geomsim activations`.
    out
        the folder where the codes of words go, in shards of the same documents as those of the tokens, so that
        `geomsim count` takes them.
    pool
        what a word gets of its tokens: the codes of the last one, which has seen the whole word, or the largest, mean
        or sum of each latent.
    words
        what a word is: `whitespace` for what stands between white space, `code` for names, numbers and runs of signs,
        or a regular expression such as `\w+`. Both models need the same.
    replace
        overwrite codes that are there already.
    """
    from geomsim.activations.codes import Codes
    from geomsim.activations.codes_reader import read_manifest
    from geomsim.activations.pooling import pool_words
    from geomsim.activations.shard_documents import first_documents
    from geomsim.activations.words import WORDS, expression

    if out.resolve() == codes.resolve():
        raise InvalidConfig(f"{out} holds the codes of the tokens; words go to a folder of their own: name another")
    if common.dry_run:
        manifest = read_manifest(codes)
        details = {
            **{key: manifest[key] for key in ("n_tokens", "n_latents")},
            "words": expression(words),
            "pool": pool,
        }
        return common.plan(
            f"would pool {details['n_tokens']:,} tokens of {details['n_latents']:,} latents into words "
            f"({details['words']}), each by {pool}, and write {out}",
            would_read=[codes, text],
            would_write=[out],
            details=details,
        )
    stream = open_text(text, part)
    tokens = Codes.open(codes)
    pooled = pool_words(tokens, stream, pool, words)
    pooled.save(out, replace=replace, shard_documents=first_documents(codes))
    assert pooled.tokens is not None
    made, left_out = pooled.provenance[WORDS], dict(pooled.tokens.left_out)
    rows = [[key.replace("_", " "), in_words(value)] for key, value in made.items()]
    rows += [[f"left out: {reason}", f"{count:,}"] for reason, count in left_out.items()]
    common.emit(
        {"path": str(out), "kept_words": len(pooled), **made, "left_out": left_out},
        plain_table(f"{len(pooled):,} words in {out}", ["", ""], rows),
        f"Next: pool the other model's codes with the same --words and --pool, then geomsim pair {out} OTHER_WORDS",
    )
    return DONE
