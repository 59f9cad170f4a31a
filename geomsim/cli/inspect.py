"""`geomsim inspect`: what a file or folder holds, what is wrong with it, and the command to run next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.cli.console import DONE, FAILED, PARTLY, Common, in_words, plain_table
from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def inspect(*paths: Path, common: Common = Common()) -> int:
    """Look at points, codes, dictionaries, models or pairings.

    Parameters
    ----------
    paths
        files or folders.
    """
    if not paths:
        raise GeomsimError("name at least one file or folder to inspect")
    if common.dry_run:
        return common.plan(f"would read {', '.join(map(str, paths))}", would_read=paths, bytes=0)
    results: list[dict[str, Any]] = []
    pictures: list[Table | str] = []
    failed, partly = 0, False
    for path in paths:
        try:
            found = describe(path)
        except GeomsimError as error:
            failed += 1
            found = {"path": str(path), "kind": "unreadable", "error": str(error)}
        results.append(found)
        pictures += _pictures(found)
        partly |= any("error" in line for line in found.get("codes", []))
    common.emit(results, *pictures)
    return FAILED if failed == len(paths) else PARTLY if failed or partly else DONE


def describe(path: Path) -> dict[str, Any]:
    """Kind, size, faults and next command of one path."""
    from geomsim.activations.dictionary_formats import holds_dictionary

    if path.is_dir() and ((path / "manifest.json").exists() or any(path.glob("*shard*.safetensors"))):
        return _codes(path)
    if holds_dictionary(path) or (path / "cfg.json").exists():
        return _dictionary(path)
    if path.is_dir():
        if several := _several_codes(path):
            return several
        if any(path.glob("block-*.safetensors")):
            return _sums(path)
        if (path / "config.json").exists():
            return _model(path)
        known = ("manifest.json", "cfg.json", "config.json")
        below = sorted({str(found.parent) for name in known for found in path.glob(f"*/{name}")})
        raise GeomsimError(
            f"{path}: a folder of none of these kinds: codes (manifest.json), a sparse autoencoder (cfg.json ...), "
            "a transformers model (config.json)" + (f"; inspect {', '.join(below[:4])} below it" if below else "")
        )
    if path.suffix in (".parquet", ".csv"):
        return _table(path)
    return _points(path)


def _points(path: Path) -> dict[str, Any]:
    from geomsim.space import Space

    space = Space(path)
    points = space.numpy()
    same = len(points) - len(np.unique(points, axis=0))
    return {
        "path": str(path),
        "kind": "points",
        "rows": space.n_rows,
        "width": space.width,
        "dtype": str(points.dtype),
        "ids": "yes" if space.ids else "no",
        "groups": "no" if space.groups is None else len(np.unique(space.groups)),
        "zeros": f"{(points == 0).mean():.1%} of the numbers, {int((points == 0).all(1).sum())} rows",
        "duplicated_rows": same,
        "constant_rows": int((np.ptp(points, axis=1) == 0).sum()),
        "next": f"geomsim compare {path} OTHER",
    }


def _codes(path: Path) -> dict[str, Any]:
    from geomsim.activations.codes import Codes

    codes = Codes.open(path)
    firings = codes.firings()
    return {
        "path": str(path),
        "kind": "codes",
        "name": codes.name,
        "tokens": codes.n_tokens,
        "latents": codes.n_latents,
        "stored": "sparse" if codes.is_sparse else "dense",
        "l0": round(codes.l0, 2),
        "dead_latents": int((firings == 0).sum()),
        "latents_below_100_firings": int((firings < 100).sum()),
        "left_out": dict(codes.tokens.left_out) if codes.tokens else {},
        "next": f"geomsim pair {path} OTHER",
    }


def _several_codes(folder: Path) -> dict[str, Any] | None:
    """A line for each of the codes below a folder, as `geomsim activations` leaves them; None where none is read."""
    lines: list[dict[str, Any]] = []
    for path in sorted(found.parent for found in folder.glob("*/manifest.json")):
        try:
            found = _codes(path)
        except GeomsimError as error:
            lines.append({"path": str(path), "error": str(error)})
        else:
            dead = found["dead_latents"] / found["latents"]
            lines.append({**{key: found[key] for key in ("path", "tokens", "latents")}, "dead_share": dead})
    readable = [line["path"] for line in lines if "error" not in line]
    if not readable:
        return None
    return {
        "path": str(folder),
        "kind": f"{len(lines)} folder{'s' if len(lines) > 1 else ''} of codes",
        "codes": lines,
        "next": f"geomsim pair {readable[0]} OTHER",
    }


def _pictures(found: Mapping[str, Any]) -> Iterator[Table | str]:
    """What was found of one path; of several codes a line each, and what is wrong with those that cannot be read."""
    rows = [[key.replace("_", " "), in_words(value)] for key, value in found.items() if key not in ("path", "codes")]
    yield plain_table(found["path"], ["", ""], rows)
    if "codes" not in found:
        return
    columns = ["codes", "tokens", "latents", "dead"]
    lines = [
        [line["path"], "unreadable", "", ""]
        if "error" in line
        else [line["path"], f"{line['tokens']:,}", f"{line['latents']:,}", f"{line['dead_share']:.1%}"]
        for line in found["codes"]
    ]
    yield plain_table("", columns, lines, numeric=columns[1:])
    yield from (line["error"] for line in found["codes"] if "error" in line)


def _sums(path: Path) -> dict[str, Any]:
    from geomsim.activations.counted_sums import CountedSums

    sums = CountedSums.open(path)
    return {
        "path": str(path),
        "kind": "counted sums of two codes",
        "blocks": len(sums.blocks),
        "numbers": f"{sums.blocks[0].number} to {sums.blocks[-1].number}",
        "tokens": sums.n_tokens,
        "sums": sums.n_pairs,
        "next": f"geomsim pair {path}",
    }


def _top_tokens(path: Path) -> dict[str, Any]:
    from geomsim.activations.latent_tokens import read_top_tokens

    table = read_top_tokens(path)
    return {
        "path": str(path),
        "kind": "top tokens of each latent",
        "codes": table.provenance.get("codes", "not said"),
        "latents": len(table),
        "silent": table.silent,
        "tokens_a_latent": table.provenance.get("n", "not said"),
        "next": f"geomsim pair LEFT RIGHT --non-concepts {path} RIGHT_TOP_TOKENS",
    }


def _dictionary(path: Path) -> dict[str, Any]:
    from geomsim.activations.dictionary import read_dictionary

    found = read_dictionary(path)
    norms = found.decoder.norm(dim=1)
    return {
        "path": str(path),
        "kind": "sparse autoencoder",
        "width": found.width,
        "latents": found.latents,
        "activation": found.activation + (f", k = {found.k}" if found.k else ""),
        "trained_at": found.site or "not said",
        "decoder_row_norms": f"{float(norms.min()):.3g} to {float(norms.max()):.3g}",
        "next": f"geomsim activations MODEL --dictionary {'' if found.site else 'SITE='}{path} --text TEXT --out codes",
    }


def _model(path: Path) -> dict[str, Any]:
    from geomsim.activations.transformers_source import TransformersSource

    source = TransformersSource(path)
    sites = source.sites()
    return {
        "path": str(path),
        "kind": "transformers model",
        "class": source.provenance["class"],
        "sites": ", ".join(f"{site} (width {source.width(site)})" for site in sites[:12])
        + (" ..." if len(sites) > 12 else ""),
        "next": f"geomsim activations {path} --site {sites[0]} --text TEXT --out codes",
    }


def _table(path: Path) -> dict[str, Any]:
    from geomsim.tables import read_table

    frame, _ = read_table(path)
    if {"metric", "score"} <= set(frame.columns):
        return _results(path, frame)
    return _top_tokens(path) if {"latent", "rank", "token"} <= set(frame.columns) else _pairing(path)


def _results(path: Path, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "path": str(path),
        "kind": "results of a study",
        "comparisons": len(frame),
        "metrics": ", ".join(dict.fromkeys(map(str, frame["metric"]))),
        "undefined": int(frame["score"].isna().sum()),
        "columns": ", ".join(map(str, frame.columns)),
    }


def _pairing(path: Path) -> dict[str, Any]:
    from geomsim.pairing import Pairing

    pairing = Pairing.open(path)
    weight = pairing.weight
    return {
        "path": str(path),
        "kind": "pairing",
        "pairs": len(pairing),
        "left_rows": len(np.unique(pairing.left)),
        "right_rows": len(np.unique(pairing.right)),
        "partners_per_right_row": pairing.multiplicity(),
        "weight": "none" if weight is None else f"mean {weight.mean():.3f}, {weight.min():.3f} to {weight.max():.3f}",
        "next": f"geomsim compare LEFT RIGHT --pairing {path}",
    }
