"""`geomsim count`: two codes over the same text to sums, shard by shard, to which those of other text can be added."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, Scheduler, in_words, plain_table
from geomsim.cli.same_tokens import check_tokenizers
from geomsim.errors import InvalidConfig


def count(
    left: Path,
    right: Path,
    /,
    *,
    out: Path,
    measure: Literal["pearson", "cosine", "jaccard"] = "pearson",
    shards: Annotated[list[int] | None, Parameter(negative="")] = None,
    first_block: int = 0,
    scheduler: Scheduler = None,
    common: Common = Common(),
) -> int:
    """Count how the latents of two codes fire together, a file of sums per shard; `geomsim pair` takes the folder.

    Text that is larger than memory is counted this way, and by several machines at once. Shards that were counted
    before are kept: after a run was stopped, only the missing ones are counted. More text is read into folders of its
    own (`geomsim activations`) and counted into the same --out under other numbers: with --first-block above the
    highest block there. `geomsim pair` then takes both texts together, and nothing is counted again.

    Parameters
    ----------
    left
        a folder of codes, as `geomsim activations` or `geomsim words` writes it.
    right
        a folder of codes over the same text. Each shard is one
        block of the standard errors: 10 shards or more are wanted (`geomsim activations --shard-characters`).
    out
        the folder of the sums; those of other text stay in it.
    measure
        what pairs will be ranked by: correlation, cosine, or Jaccard's index of the tokens they fire on.
    shards
        the numbers of the shards to count, all by default; may be given again.
    first_block
        the number of the first shard's file of sums. Text that was read later, into folders of its own, is counted
        into the same --out with a number above the highest there: nothing is counted again, and `geomsim pair` takes
        both texts together. Text that was counted already is refused under another number.
    """
    from geomsim.activations.codes_reader import n_shards
    from geomsim.activations.counting_codes import count_codes

    if out.resolve() in (left.resolve(), right.resolve()):
        raise InvalidConfig(f"{out} holds codes; sums go to a folder of their own: name another with --out")
    if common.dry_run:
        n = n_shards(left) if shards is None else len(shards)
        words = f"would count {n} shard{'' if n == 1 else 's'} and write {out}"
        return common.plan(words, would_read=[left, right], would_write=[out], details={"shards": n})
    check_tokenizers(left, right)
    sums = count_codes(left, right, out, measure=measure, shards=shards, scheduler=scheduler, first_block=first_block)
    numbers = range(first_block, first_block + n_shards(left))
    missing = len(set(numbers) - {block.number for block in sums.blocks})
    if missing:
        common.note(f"{missing} of {len(numbers)} shards are not counted yet; without --shards they all are")
    found = {"path": str(out), "blocks": len(sums.blocks), "n_tokens": sums.n_tokens, "sums": sums.n_pairs}
    rows = [[key.replace("_", " "), in_words(value)] for key, value in found.items()]
    common.emit(found, plain_table("counted", ["", ""], rows), f"Next: geomsim pair {out}")
    return DONE
