"""`geomsim activations`: model (and dictionaries) and text to codes on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common, plain_table
from geomsim.cli.mistyped import refuse_mistyped
from geomsim.cli.opening import TextOptions, open_text
from geomsim.cli.opening_models import by_site, check_fit, fitted, open_dictionary, open_source
from geomsim.errors import InvalidConfig
from geomsim.progress import track

if TYPE_CHECKING:
    from geomsim.activations.dictionary import Dictionary
    from geomsim.activations.text_streams import DocumentStream

_CHARACTERS_PER_TOKEN = 3.5  # of English text and code under usual vocabularies; only the estimate uses it


def activations(
    model: str,
    /,
    *,
    text: str,
    out: Path,
    dictionary: Annotated[list[str] | None, Parameter(name=["--dictionary", "-d"], negative="")] = None,
    dictionary_format: str | None = None,
    selection: Literal["threshold", "per-token"] | None = None,
    input_scale: float | None = None,
    convention: Literal["raw", "centred"] | None = None,
    site: Annotated[list[str] | None, Parameter(negative="")] = None,
    source: Literal["transformers", "transformer-lens"] = "transformers",
    context: int | None = None,
    bos: bool | None = None,
    fits: Annotated[list[str] | None, Parameter(negative="")] = None,
    max_norm_multiple: float | None = None,
    batch_tokens: int = 4096,
    longest: int = 2**20,
    shard_characters: int = 2**18,
    top_tokens: int = 10,
    contexts: int = 3,
    resume: Annotated[bool, Parameter(negative="")] = False,
    replace: Annotated[bool, Parameter(negative="")] = False,
    part: TextOptions = TextOptions(),
    common: Common = Common(),
) -> int:
    """Read a model on text and write codes: one folder for each dictionary or site below OUT.

    Text is read as it is needed and codes are written shard by shard, so memory does not grow with the text. A run that
    was stopped, however it was, goes on with --resume, and its files are those of a run that was not.

    Parameters
    ----------
    model
        a transformers directory, or a hub id.
    text
        a text file, a .parquet, .jsonl or .jsonl.gz file, or a folder of either kind; `dataset:NAME` for a Hugging Face
        data set of the hub (streamed) or on disk; `python` for the held-out part of Python's standard library.
    out
        where the folders of codes go.
    dictionary
        a sparse autoencoder: its directory, its file of weights, or a hub id with the folder behind it; may be given
        again. Where it does not say at which place of the model it was trained, write that before it:
        `residual:20=path`.
    dictionary_format
        sae-lens, sparsify, gemma-scope or dictionary-learning, where the files of several lie in one directory.
    selection
        for a dictionary with both k and a threshold: which of them decides what fires.
    input_scale
        for a dictionary trained on activations times a constant that its files do not say: this constant.
    convention
        for a dictionary that does not say which form of the model it was trained on: `raw`, the model as it was
        published, or `centred`, with folded norms and centred weights, as older versions of transformer-lens load it.
    site
        a place to read without a dictionary, dense: `residual:0` is the output of the first block, `neurons:0` the
        hidden units of its MLP; may be given again.
    source
        which library runs the model.
    context
        tokens per window; what the model was built for by default.
    bos
        begin each window with the beginning-of-text token, or do not. By default as the model's own tokenizer does by
        itself: those of Gemma and Llama put it before every text, and dictionaries of such models were trained so.
    fits
        another model that reads the same text: windows end between words, where the windows of both fit, so that each
        word is read behind the same text. Name the other one when reading either; its context and its beginning-of-text
        token are taken to be its usual ones. May be given again.
    max_norm_multiple
        leave out tokens whose norm is more than this many times the usual.
    batch_tokens
        tokens per forward pass, about.
    longest
        cut documents of more characters into parts, at line ends where there are any.
    shard_characters
        characters per file of codes, about; two models are counted shard by shard, so give both the same.
    top_tokens
        also write, beside the codes of each dictionary, as many top tokens of each latent, for subspaces; 0 for none.
    contexts
        likewise the text around as many of the strongest places of each latent, from different documents, with its
        activation on every token; the report shows it. The file holds passages of the text; 0 for none.
    resume
        keep the shards that an interrupted run left, and write the others.
    replace
        overwrite codes that are there already.
    """
    from geomsim.activations.reading import write_codes

    if top_tokens < 0:
        raise InvalidConfig(f"--top-tokens {top_tokens}: give a number of tokens per latent, 0 for no table")
    if contexts < 0:
        raise InvalidConfig(f"--contexts {contexts}: give a number of places per latent, 0 for no table")
    for name in (model, *(fits or [])):
        refuse_mistyped(name)
    stream = open_text(text, part)
    dictionaries = [
        open_dictionary(
            named, format=dictionary_format, selection=selection, input_scale=input_scale, convention=convention
        )
        for named in dictionary or []
    ]
    placed = by_site(dictionaries, site or [])
    folders = {name: out / name.replace(":", "_") for name in placed}
    if common.dry_run:
        would_read = [model, text, *(named.split("=", 1)[-1] for named in dictionary or []), *(fits or [])]
        return _estimate(stream, placed, folders, would_read, common)
    reader = open_source(source, model, common.device, context=context, max_norm_multiple=max_norm_multiple, bos=bos)
    check_fit(reader, placed)
    if fits:
        reader = fitted(reader, fits, stream, longest, common)
    total = stream.size().documents
    with _going_on(folders, common), track(total, f"reading {reader.name}, documents") as advance:
        seen = 0

        def progress(done: int, _characters: int) -> None:
            nonlocal seen
            advance(done - seen)
            seen = done

        written = write_codes(
            reader, stream, placed, folders, batch_tokens=batch_tokens, longest=longest,
            shard_characters=shard_characters, resume=resume, replace=replace, progress=progress,
        )  # fmt: skip
    if top_tokens or contexts:
        _write_tables(written, stream, longest, top_tokens, contexts, common)
    _report(written, longest, common)
    return DONE


def _estimate(
    stream: DocumentStream,
    placed: dict[str, Dictionary | None],
    folders: dict[str, Path],
    would_read: list[str],
    common: Common,
) -> int:
    """What would be written, from the sizes of files alone; null where only reading the text would tell."""
    n_documents, characters = stream.size()
    tokens = None if characters is None else round(characters / _CHARACTERS_PER_TOKEN)
    sizes = {
        name: None if found is None or tokens is None else tokens * (found.k or 50) * 8
        for name, found in placed.items()
    }
    known = [size for size in sizes.values() if size is not None]
    sites = {name: {"folder": str(folder), "bytes": sizes[name]} for name, folder in folders.items()}
    rows = [[name, str(folder), _known(sizes[name])] for name, folder in folders.items()]
    return common.plan(
        f"would read {_known(n_documents)} documents, about {_known(characters)} characters or {_known(tokens)} tokens",
        plain_table("", ["site", "would write", "bytes, about"], rows, numeric=["bytes, about"]),
        would_read=would_read,
        would_write=folders.values(),
        bytes=sum(known) if len(known) == len(sizes) else None,
        details={"documents": n_documents, "characters_about": characters, "tokens_about": tokens, "sites": sites},
    )


def _known(number: int | None) -> str:
    return "an unknown number of" if number is None else f"{number:,}"


@contextmanager
def _going_on(folders: dict[str, Path], common: Common) -> Iterator[None]:
    """Where the run does not end well but has written something, say how to go on."""
    from geomsim.activations.codes_format import MANIFEST, counted_shards, shard_files

    def unfinished() -> dict[Path, int]:
        found = [folder for folder in folders.values() if not (folder / MANIFEST).exists()]
        return {folder: len(shard_files(folder)) for folder in found if shard_files(folder)}

    before = unfinished()
    try:
        yield
    except BaseException:
        after = unfinished()
        if after != before:
            left = ", ".join(f"{counted_shards(number)} in {folder}" for folder, number in after.items())
            common.note(f"{left}: whole, but not all; the same command with --resume goes on from there")
        raise


def _write_tables(
    written: dict[str, Path], stream: DocumentStream, longest: int, top_tokens: int, contexts: int, common: Common
) -> None:
    """Beside the codes of each dictionary: which tokens its latents fire on, and where in the text."""
    from geomsim.activations.codes_reader import read_manifest
    from geomsim.activations.text_cuts import DocumentParts
    from geomsim.preparing.latent_tables import write_tables

    for folder in written.values():
        if read_manifest(folder)["layout"] == "dense":
            continue  # a dense site is active on every token, and its strongest strings say little
        for file in write_tables(
            folder,
            lambda: (document for _, document in DocumentParts(stream.pieces(), longest)),
            top_tokens=top_tokens, contexts=contexts, note=common.note,
            tokens_file=_beside(folder, "top_tokens"), contexts_file=_beside(folder, "contexts"),
        ):  # fmt: skip
            common.note(f"wrote {file}")


def _beside(folder: Path, what: str) -> Path:
    """Where a table of these codes goes; what a run that was killed left of it is removed."""
    target = folder.with_name(f"{folder.name}_{what}.parquet")
    for part in target.parent.glob(f"{target.name}.*.part"):
        part.unlink()
    return target


def _report(written: dict[str, Path], longest: int, common: Common) -> None:
    from geomsim.activations.codes_reader import read_manifest

    rows, result, cut = [], {}, 0
    for name, folder in written.items():
        manifest = read_manifest(folder)
        cut = manifest["provenance"]["documents_cut"]
        result[name] = {
            "path": str(folder),
            **{key: manifest[key] for key in ("n_tokens", "n_latents", "left_out")},
            "documents": len(manifest["documents"]), "documents_cut": cut, "shards": len(manifest["shards"]),
        }  # fmt: skip
        left_out = ", ".join(f"{count} {reason}" for reason, count in manifest["left_out"].items()) or "nothing"
        rows.append([name, str(folder), str(manifest["n_tokens"]), str(manifest["n_latents"]), left_out])
    if cut:
        common.note(f"{cut} of the documents had more than {longest:,} characters and were cut into parts")
    common.emit(
        result,
        plain_table("codes", ["site", "folder", "tokens", "latents", "left out"], rows, numeric=["tokens", "latents"]),
    )
    first = next(iter(written.values()))
    common.note(f"Next: read the other model on the same text, then geomsim pair {first} OTHER")
