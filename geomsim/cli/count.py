"""`geomsim count`: two codes over the same text to sums that can be added to, shard by shard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, Scheduler, plain_table


def count(
    left: Path,
    right: Path,
    /,
    *,
    out: Path,
    measure: Literal["pearson", "cosine", "jaccard"] = "pearson",
    shards: Annotated[list[int] | None, Parameter(negative="")] = None,
    scheduler: Scheduler = None,
    common: Common = Common(),
) -> int:
    """Count how the latents of two codes fire together, a file of sums per shard; `geomsim pair` takes the folder.

    Text that is larger than memory is counted this way, and by several machines at once. Shards that were counted
    before are kept: after a run was stopped, or more text was read, only the missing ones are counted.

    Parameters
    ----------
    left, right
        folders of codes, as `geomsim activations` writes them, over the same text.
    out
        the folder of the sums.
    measure
        what pairs will be ranked by: correlation, cosine, or Jaccard's index of the tokens they fire on.
    shards
        the numbers of the shards to count, all by default; may be given again.
    """
    from geomsim.activations.codes_reader import n_shards
    from geomsim.activations.counting_codes import count_codes

    if common.dry_run:
        planned = {"shards": n_shards(left) if shards is None else len(shards), "would_write": str(out)}
        common.emit(planned, f"{planned['shards']} shards; would write {out}")
        return DONE
    sums = count_codes(left, right, out, measure=measure, shards=shards, scheduler=scheduler)
    found = {"path": str(out), "blocks": len(sums.blocks), "n_tokens": sums.n_tokens, "sums": sums.n_pairs}
    rows = [
        [key.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)] for key, value in found.items()
    ]
    common.emit(found, plain_table("counted", ["", ""], rows), f"Next: geomsim pair {out}")
    return DONE
