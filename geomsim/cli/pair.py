"""`geomsim pair`: two codes over the same text to a pairing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, plain_table

# A longer list, of documents say, is for the file and not for the terminal.
_SHOWN = 8


def pair(
    left: Path,
    right: Path,
    /,
    *,
    out: Path = Path("pairing.parquet"),
    method: Literal["max", "mutual", "one-to-one"] = "mutual",
    direction: Literal["left-to-right", "right-to-left"] = "left-to-right",
    top: int = 16,
    min_firings: int = 100,
    min_cofirings: int = 20,
    min_weight: float | None = None,
    cross_fit: Annotated[bool, Parameter(negative="")] = False,
    chance: int = 3,
    max_p: float | None = None,
    common: Common = Common(),
) -> int:
    """Pair the latents of two codes by how their activations correlate.

    Parameters
    ----------
    left, right
        folders of codes, as `geomsim activations` writes them, over the same text.
    out
        the pairing, a Parquet table with columns left, right, weight.
    method
        max: each latent takes its best partner; mutual: both name each other; one-to-one: of the max pairs, those
        whose target nobody else chose.
    direction
        which side chooses.
    top
        partners kept per latent.
    min_firings, min_cofirings
        tokens on which each latent, and both together, must fire; below that a correlation is noise.
    min_weight
        the smallest correlation that makes a pair.
    cross_fit
        choose the pairs on one half of the documents and measure their correlation on the other; all thresholds
        apply to the first half.
    chance
        how often to correlate with shifted documents too: how high is the best correlation by chance? 0 for not at all.
    max_p
        largest chance p-value of a pair.
    """
    from geomsim.activations.codes import Codes
    from geomsim.activations.codes_reader import read_manifest
    from geomsim.activations.matching import pair as pair_codes

    if common.dry_run:
        sizes = {}
        for side, folder in (("left", left), ("right", right)):
            manifest = read_manifest(folder)
            sizes[side] = {key: manifest[key] for key in ("n_tokens", "n_latents")}
        common.emit({**sizes, "would_write": str(out)}, f"{sizes}; would write {out}")
        return DONE
    codes = [Codes.open(folder) for folder in (left, right)]
    pairing = pair_codes(
        codes[0], codes[1], method=method, direction=direction, min_weight=min_weight,
        cross_fit=cross_fit, chance=chance or None, max_p=max_p, seed=common.start,
        top=top, min_firings=min_firings, min_cofirings=min_cofirings,
    )  # fmt: skip
    pairing.save(out)
    rows = [[str(key).replace("_", " "), _short(value)] for key, value in pairing.provenance.items()]
    common.emit(
        {"pairs": len(pairing), "path": str(out), **pairing.provenance},
        plain_table(f"{len(pairing)} pairs in {out}", ["", ""], rows),
        f"Next: geomsim compare LEFT_DICTIONARY RIGHT_DICTIONARY --pairing {out}",
    )
    return DONE


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_short(item)}" for key, item in value.items())
    if isinstance(value, list | tuple) and len(value) > _SHOWN:
        return f"{len(value)} in all"
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value))
    return f"{value:.3f}" if isinstance(value, float) else "none" if value is None else str(value)
