"""`geomsim activations`: model (and dictionaries) and text to codes on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, plain_table
from geomsim.cli.opening import open_text
from geomsim.errors import InvalidModel
from geomsim.progress import track

if TYPE_CHECKING:
    from geomsim.activations.dictionary import Dictionary
    from geomsim.activations.source import Source
    from geomsim.activations.text import Document

_CHARACTERS_PER_TOKEN = 3.5  # of English text and code under usual vocabularies; only the estimate uses it


def activations(
    model: str,
    /,
    *,
    text: str,
    out: Path,
    dictionary: Annotated[list[Path] | None, Parameter(name=["--dictionary", "-d"], negative="")] = None,
    site: Annotated[list[str] | None, Parameter(negative="")] = None,
    source: Literal["transformers", "transformer-lens"] = "transformers",
    context: int | None = None,
    max_norm_multiple: float | None = None,
    batch_tokens: int = 4096,
    top_tokens: int = 10,
    replace: Annotated[bool, Parameter(negative="")] = False,
    common: Common = Common(),
) -> int:
    """Read a model on text and write codes: one folder for each dictionary or site below OUT.

    Parameters
    ----------
    model
        a transformers directory, or a hub id.
    text
        a text file or a folder of them; `python` stands for the held-out part of Python's standard library.
    out
        where the folders of codes go.
    dictionary
        the directory of a sparse autoencoder, which says itself at which block it was trained; may be given again.
    site
        a place to read without a dictionary, dense: `residual:0` is the output of the first block, `neurons:0` the
        hidden units of its MLP; may be given again.
    source
        which library runs the model.
    context
        tokens per window; what the model was built for by default.
    max_norm_multiple
        leave out tokens whose norm is more than this many times the usual.
    batch_tokens
        tokens per forward pass, about.
    top_tokens
        also write, beside the codes of each dictionary, as many top tokens of each latent, for subspaces; 0 for none.
    replace
        overwrite codes that are there already.
    """
    from geomsim.activations.reading import write_codes

    documents = open_text(text)
    placed = _placed(dictionary or [], site or [])
    folders = {name: out / name.replace(":", "_") for name in placed}
    if common.dry_run:
        characters = sum(len(document.text) for document in documents)
        tokens = round(characters / _CHARACTERS_PER_TOKEN)
        estimate = {
            "documents": len(documents),
            "characters": characters,
            "tokens_about": tokens,
            "would_write": {name: str(folder) for name, folder in folders.items()},
            "bytes_about": {
                name: None if found is None else tokens * (found.k or 50) * 8 for name, found in placed.items()
            },
        }
        common.emit(estimate, json.dumps(estimate, indent=1))
        return DONE
    reader = _source(source, model, common.device, context, max_norm_multiple)
    _check_fit(reader, placed)
    with track(len(documents), f"reading {reader.name}") as advance:
        seen = 0

        def progress(done: int, _total: int) -> None:
            nonlocal seen
            advance(done - seen)
            seen = done

        written = write_codes(
            reader, documents, placed, folders, batch_tokens=batch_tokens, progress=progress, replace=replace
        )
    if top_tokens:
        _write_top_tokens(written, documents, top_tokens, common)
    _report(written, common)
    return DONE


def _write_top_tokens(written: dict[str, Path], documents: list[Document], n: int, common: Common) -> None:
    from geomsim.activations.codes import Codes
    from geomsim.activations.latent_tokens import save_top_tokens, top_tokens_table

    for folder in written.values():
        codes = Codes.open(folder)
        if not codes.is_sparse:
            continue  # a dense site is active on every token, and its strongest strings say little
        table = top_tokens_table(codes, documents, n)
        common.note(f"wrote {save_top_tokens(table, folder.with_name(folder.name + '_top_tokens.parquet'))}")


def _placed(dictionaries: list[Path], sites: list[str]) -> dict[str, Dictionary | None]:
    from geomsim.activations.dictionary import read_dictionary

    placed: dict[str, Dictionary | None] = {}
    for path in dictionaries:
        found = read_dictionary(path)
        if found.site is None:
            raise InvalidModel(f"{path} does not say at which place of the model it was trained")
        if found.site in placed:
            raise InvalidModel(f"two dictionaries were trained at {found.site!r}; read one at a time")
        placed[found.site] = found
    for name in sites:
        if name in placed:
            raise InvalidModel(f"site {name!r} is asked for twice")
        placed[name] = None
    if not placed:
        raise InvalidModel("say what to read: --dictionary with a sparse autoencoder's directory, or --site residual:0")
    return placed


def _check_fit(source: Source, placed: dict[str, Dictionary | None]) -> None:
    """Refuse a dictionary of another model, by its own name, before any folder is made."""
    from geomsim.activations.source import canonical_site

    for site, dictionary in placed.items():
        try:
            width = source.width(site)
            if dictionary is not None:
                dictionary.check_fits(width, site=canonical_site(site), convention=source.convention)
        except InvalidModel as error:
            if dictionary is None:
                raise
            raise error.within(str(dictionary.provenance.get("path", dictionary.name))) from None


def _source(kind: str, model: str, device: str, context: int | None, max_norm_multiple: float | None) -> Source:
    if kind == "transformers":
        from geomsim.activations.transformers_source import TransformersSource

        return TransformersSource(model, device, context=context, max_norm_multiple=max_norm_multiple)
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    return TransformerLensSource(model, device, context=context, max_norm_multiple=max_norm_multiple)


def _report(written: dict[str, Path], common: Common) -> None:
    from geomsim.activations.codes_reader import read_manifest

    rows, result = [], {}
    for name, folder in written.items():
        manifest = read_manifest(folder)
        result[name] = {"path": str(folder), **{key: manifest[key] for key in ("n_tokens", "n_latents", "left_out")}}
        left_out = ", ".join(f"{count} {reason}" for reason, count in manifest["left_out"].items()) or "nothing"
        rows.append([name, str(folder), str(manifest["n_tokens"]), str(manifest["n_latents"]), left_out])
    common.emit(
        result,
        plain_table("codes", ["site", "folder", "tokens", "latents", "left out"], rows, numeric=["tokens", "latents"]),
    )
