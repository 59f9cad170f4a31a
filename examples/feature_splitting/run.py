"""Feature splitting on a shipped model: one layer, dictionaries of 512, 1,024 and 4,096 latents, several seeds.

python examples/feature_splitting/run.py             # a few minutes; results.json, README.md and figures
python examples/feature_splitting/run.py --render    # README.md and figures again from results.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sae_family
import splitting_study
import torch
from sae_family import Instance
from splitting_page import figures, readme

from geomsim.activations import Document
from geomsim.tables import plain

HERE = Path(__file__).parent
RESULTS, README, FIGURES = HERE / "results.json", HERE / "README.md", HERE / "figures"


def main() -> None:
    """Measure, or only write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--render", action="store_true", help="only write README.md and figures from results.json")
    if not parser.parse_args().render:
        results = measured(sae_family.instances(), sae_family.documents())
        RESULTS.write_text(json.dumps(plain(results), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    figures(results, FIGURES)
    README.write_text(readme(results), encoding="utf-8")


def measured(instances: Sequence[Instance], text: Sequence[Document]) -> dict[str, Any]:
    """All numbers of the page."""
    start = time.monotonic()
    stream = sae_family.residual(text)
    said(f"read {len(text)} documents, {stream.n_tokens:,} tokens", start)
    read = {instance: sae_family.encoded(instance, stream) for instance in instances}
    points = torch.from_numpy(stream.dense())
    members = [
        {
            "name": instance.name, "size": instance.size, "seed": instance.seed, "l0": codes.l0,
            "explained variance": dictionary.explained_variance(points), "dead": int((codes.firings() == 0).sum()),
            "few firings": int(((codes.firings() > 0) & (codes.firings() < splitting_study.MIN_FIRINGS)).sum()),
            "median firings": float(np.median(codes.firings())),
        }
        for instance, (codes, dictionary) in read.items()
    ]  # fmt: skip
    said(f"encoded by {len(read)} dictionaries", start)
    found = splitting_study.split_each(read)
    said(f"split {len(found)} pairs of dictionaries", start)
    ends = (
        min(instances, key=lambda each: (each.size, each.seed)),
        min(instances, key=lambda each: (-each.size, each.seed)),
    )
    seeds = next(pair for pair in found if pair[0] == ends[0] and pair[1].size == ends[0].size)
    pairs = [splitting_study.recorded(*pair, each) for pair, each in found.items()]
    for pair, nearer in zip(pairs, splitting_study.not_nearer(read, list(found)), strict=True):
        pair["not nearer"] = nearer
    said("looked for nearest latents", start)
    results = {
        "documents": len(text), "tokens": stream.n_tokens, "every": sae_family.EVERY, "members": members,
        "shifts": splitting_study.SHIFTS,
        "pairs": pairs,
        "stability": splitting_study.stability(found),
        "sensitivity": splitting_study.sensitivity(read, [ends, seeds]), "ends": [each.name for each in ends],
        "without their like": splitting_study.without_their_like(read, [each for each in instances if not each.seed]),
        "families": splitting_study.readable(found[ends], read, *ends, text),
    }  # fmt: skip
    said("looked at families", start)
    results["geometry"] = splitting_study.geometry(read)
    said("compared geometry", start)
    return results


def said(what: str, start: float) -> None:
    """A line of progress."""
    print(f"{time.monotonic() - start:5.0f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
