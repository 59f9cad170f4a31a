"""The material of a recipe: both models on the same text, each dictionary fed rightly and, where asked, one layer off.

Readers of geomsim refuse a dictionary at a site where it was not trained. Here that is the point, so its site is taken
off by hand for the published reading alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from geomsim import Codes, InvalidConfig, Space
from geomsim.activations import (
    Dictionary,
    Document,
    TransformersSource,
    read_codes,
    read_dictionary,
    read_documents,
    top_tokens_table,
)
from geomsim.activations.standard_library import standard_library_documents
from geomsim_audit.material import Material, MaterialSide
from geomsim_audit.published import input_of_block
from geomsim_audit.recipe import Model, Recipe, TextPart

# Whose output is the input of block 0, in the model families that transformers has.
_EMBEDDINGS = ("drop", "emb_dropout", "embed_tokens", "embed_in", "wte")
_FIT_DOCUMENTS = 3  # give the explained variance to the third digit


def read_materials(
    recipe: Recipe, *, device: str = "cpu", note: Callable[[str], None] = lambda text: None
) -> dict[tuple[int, int], Material]:
    """What all claims of the recipe need, by left and right layer; `note` is told what is being read.

    Raises InvalidConfig where a path holds no model or a dictionary's layer is another than its name, and what readers
    of models and text raise.
    """
    documents = documents_of(recipe.text, recipe)
    note(f"text: {len(documents)} documents, {sum(len(each.text) for each in documents):,} characters")
    themed = any(claim.theme for claim in recipe.claims)
    wrong = any("input" in (claim.published.layer, claim.corrected.layer) for claim in recipe.claims)
    readings = ("output", "input") if wrong else ("output",)
    models = {"left": recipe.left, "right": recipe.right}
    # All of them before any text is read: what is missing on the right is known at once.
    dictionaries = {
        name: {
            layer: read_dictionary(recipe.place(model.dictionary, layer))
            for layer in sorted({claim.layers[place] for claim in recipe.claims})
        }
        for place, (name, model) in enumerate(models.items())
    }
    sides = {}
    for name, model in models.items():
        note(f"{name}: {model.model}, layers {', '.join(map(str, dictionaries[name]))}")
        sides[name] = _sides(recipe, model, dictionaries[name], documents, readings, themed, device)
    pairs = sorted({claim.layers for claim in recipe.claims})
    return {
        (left, right): Material(sides["left"][left], sides["right"][right], recipe.seed, recipe.shifts)
        for left, right in pairs
    }


def documents_of(text: TextPart, recipe: Recipe) -> list[Document]:
    """Each `every`-th document of the text; InvalidConfig where none is there."""
    if text.standard_library is not None:
        found: Sequence[Document] = standard_library_documents(text.standard_library)
    else:
        assert text.path is not None
        found = read_documents(recipe.folder / text.path, text.pattern)
    return list(found[:: text.every])


def _sides(
    recipe: Recipe,
    model: Model,
    dictionaries: Mapping[int, Dictionary],
    documents: Sequence[Document],
    readings: Iterable[str],
    themed: bool,
    device: str,
) -> dict[int, MaterialSide]:
    source = TransformersSource(recipe.place(model.model), device)
    name = model.name or source.name
    codes: dict[int, dict[str, Codes]] = {layer: {} for layer in dictionaries}
    explained: dict[int, dict[str, float]] = {layer: {} for layer in dictionaries}
    tokens: dict[int, dict[str, list[list[str]]]] = {layer: {} for layer in dictionaries}
    for reading in readings:
        sites = {
            layer: _output(layer, each) if reading == "output" else _input(source, model, layer)
            for layer, each in dictionaries.items()
        }
        fed: Mapping[str, Dictionary] = {
            # The wrong stream is meant: without its site the dictionary reads it.
            site: dictionaries[layer] if reading == "output" else replace(dictionaries[layer], site=None)
            for layer, site in sites.items()
        }
        read = read_codes(source, documents, fed)
        dense = read_codes(source, documents[:_FIT_DOCUMENTS], dict.fromkeys(fed))
        for layer, site in sites.items():
            codes[layer][reading] = read[site]
            explained[layer][reading] = fed[site].explained_variance(_tensor(dense[site].matrix))
            if themed:
                tokens[layer][reading] = top_tokens_table(read[site], documents).strings
    return {
        layer: MaterialSide(
            Space(dictionary.directions, name=f"{name} layer {layer}"), codes[layer], explained[layer], tokens[layer]
        )
        for layer, dictionary in dictionaries.items()
    }


def _output(layer: int, dictionary: Dictionary) -> str:
    site = f"residual:{layer}"
    if dictionary.site not in (None, site):
        raise InvalidConfig(
            f"layer {layer}: the dictionary {dictionary.name!r} was trained at {dictionary.site!r}, not at {site!r}; "
            "name the dictionary of this layer, with {layer} in its path"
        )
    return site


def _input(source: TransformersSource, model: Model, layer: int) -> str:
    site = input_of_block(layer)
    if site is not None:
        return site
    if model.embedding is not None:
        return model.embedding
    from geomsim import GeomsimError

    for module in _EMBEDDINGS:
        try:
            source.width(module)
        except GeomsimError:  # this family calls it otherwise
            continue
        return module
    raise InvalidConfig(
        f"{model.model}: the input of block 0 was not found at {', '.join(_EMBEDDINGS)}; name its module as embedding"
    )


def _tensor(points: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(points))


def read_paths(recipe: Recipe) -> list[Path | str]:
    """All files and folders that :func:`read_materials` would read."""
    found: list[Path | str] = [] if recipe.text.path is None else [recipe.folder / recipe.text.path]
    for model, place in ((recipe.left, 0), (recipe.right, 1)):
        layers = sorted({claim.layers[place] for claim in recipe.claims})
        found += [recipe.place(model.model), *(recipe.place(model.dictionary, layer) for layer in layers)]
    return found
