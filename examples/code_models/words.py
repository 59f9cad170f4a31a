"""Pair a model that has its own tokenizer, through words, and set the result beside pairs that share a tokenizer.

    python examples/code_models/words.py                       # all four models: a few minutes of one core
    python examples/code_models/words.py --documents 12        # fewer of the held-out files: does it run here?

Three pairs of last layers' autoencoders: `left` and `left-second-seed`, `left` and `right` (one tokenizer each), and
`left` and `third` (two). The first two are paired on tokens and through words, so that what words do is seen apart from
what another tokenizer does. Prints the tables of the README in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import geomsim
from geomsim.activations.codes import Codes
from geomsim.activations.cuts import common_cuts
from geomsim.activations.dictionary import Dictionary, read_dictionary
from geomsim.activations.pooling import Pool, pool_words
from geomsim.activations.reading import read_codes
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.text import Document
from geomsim.activations.transformers_source import TransformersSource

HERE = Path(__file__).parent
LEFT = "left"
OTHERS = {"left-second-seed": "second seed", "right": "right", "third": "third"}
METRICS = ("rsa", "svcca", "procrustes", "knn-jaccard")
WORDS: tuple[tuple[Pool, str], ...] = (
    ("last", "whitespace"), ("last", "code"), ("mean", "whitespace"), ("mean", "code"), ("max", "code"),
)  # fmt: skip
HEADER = (
    "| rows | `left` with | rows | pairs | mean r | pairs, half | held-out r | "
    + " | ".join(METRICS)
    + " |\n|"
    + " --- |" * (7 + len(METRICS))
)


def main() -> None:
    """Read, pool, pair, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=None, help="only so many of the held-out files")
    parser.add_argument("--min-firings", type=int, default=100, help="rows on which a latent must fire to be paired")
    options = parser.parse_args()

    documents = standard_library_documents("held-out")[: options.documents]
    names = [LEFT, *OTHERS]
    sources = {name: TransformersSource(HERE / name) for name in names}
    dictionaries = {name: _last_dictionary(HERE / name) for name in names}
    # One cut fits all: the other three share a tokenizer.
    cuts = common_cuts(documents, [sources[LEFT], sources["third"]])
    print(f"{len(documents)} documents, {len(cuts) + len(documents)} windows; {cuts.provenance}\n")
    usual, common = (
        {name: _codes(source, documents, dictionaries[name]) for name, source in read.items()}
        for read in (sources, {name: source.cut_at(cuts) for name, source in sources.items()})
    )
    print(HEADER)
    for codes, title in ((usual, "tokens"), (common, "tokens, common windows")):
        for name in OTHERS:
            if name != "third":
                _row(title, name, codes, dictionaries, options.min_firings)
    for pool, pattern in WORDS:
        words = {name: pool_words(codes, documents, pool, pattern) for name, codes in common.items()}
        for name in OTHERS:
            _row(f"{pool}, {pattern}", name, words, dictionaries, options.min_firings)
    apart = {name: pool_words(usual[name], documents, "last", "code") for name in (LEFT, "third")}
    _row("last, code, each its own windows", "third", apart, dictionaries, options.min_firings)


def _last_dictionary(model: Path) -> Dictionary:
    return read_dictionary(max((model / "saes").iterdir()))


def _codes(source: TransformersSource, documents: Sequence[Document], dictionary: Dictionary) -> Codes:
    site = str(dictionary.site)
    return read_codes(source, documents, {site: dictionary})[site]


def _row(title: str, name: str, codes: dict[str, Codes], dictionaries: dict[str, Dictionary], min_firings: int) -> None:
    sides = codes[LEFT], codes[name]
    pairing = geomsim.pair(*sides, min_firings=min_firings)
    # Half of the text chooses and half measures; the threshold is halved with it.
    crossed = geomsim.pair(*sides, cross_fit=True, min_firings=min_firings // 2, min_cofirings=10)
    assert pairing.weight is not None
    assert crossed.weight is not None
    points = [dictionaries[side].directions for side in (LEFT, name)]
    found = [geomsim.compare(points[0], points[1], metric, pairing=pairing) for metric in METRICS]
    scores = [
        f"{each.score:.3f} ({each.null_mean:.3f}{'' if each.corrected is None else f', {each.corrected:.3f}'})"
        + ("" if each.p_value is not None and each.p_value <= 0.001 else f" p {each.p_value}")
        for each in found
    ]
    cells = [
        title, OTHERS[name], f"{pairing.provenance['n_tokens']:,}", str(len(pairing)), f"{pairing.weight.mean():.3f}",
        str(len(crossed)), f"{crossed.weight.mean():.3f}", *scores,
    ]  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
