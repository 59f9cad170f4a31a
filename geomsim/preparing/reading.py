"""From models and text to codes and spaces on disk: one forward pass for all sites that are read together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError, InvalidModel
from geomsim.preparing.blocks import FEATURES, NEURONS
from geomsim.preparing.config import TextChoice
from geomsim.preparing.dependencies import Dependencies
from geomsim.preparing.jobs import CONTEXTS, OWN_WINDOWS, SPACES, TOP_TOKENS, Reading
from geomsim.preparing.latent_tables import write_tables
from geomsim.preparing.ledger import Ledger
from geomsim.preparing.part_of_text import spread
from geomsim.preparing.places import Model, Place
from geomsim.preparing.texts import DATASET, STANDARD_LIBRARY, open_text
from geomsim.preparing.windows import cuts_for, cuts_in_words
from geomsim.progress import track
from geomsim.space import Space
from geomsim.tables import write_json

if TYPE_CHECKING:
    from geomsim.activations.cuts import Cuts
    from geomsim.activations.dictionary import Dictionary
    from geomsim.activations.text import Document
    from geomsim.activations.text_streams import DocumentStream
    from geomsim.activations.transformers_source import TransformersSource

_NEURON_TEXT = "neuron_text.json"


class Reader:
    """Reads models of a study; what is there already, made of the same things, is not read again.

    Parameters
    ----------
    windows
        for each kind of common windows the names of the two models that share them.
    note
        is told what is being done.
    """

    def __init__(
        self,
        text: TextChoice,
        models: Mapping[str, Model],
        windows: Mapping[str, tuple[str, str]],
        ledger: Ledger,
        needs: Dependencies,
        base: Path,
        device: str,
        note: Callable[[str], object],
    ) -> None:
        self._text = text
        self._models = models
        self._windows = windows
        self._ledger = ledger
        self._needs = needs
        self._base = base
        self._device = device
        self._note = note
        self._open: tuple[str, TransformersSource] | None = None
        self._cuts: dict[str, Cuts] = {}

    def spaces(self, places: Iterable[Place]) -> None:
        """Write what each feature and neuron writes to the model, as a space, where it is not there yet."""
        for place in places:
            digest = self._needs.space(place)
            if self._ledger.has(space_file(place), digest):
                continue
            with self._ledger.making({space_file(place): digest}):
                self._space(place).save(self._ledger.path(space_file(place)))

    def codes(self, readings: Sequence[Reading]) -> None:
        """Write the codes of readings, where they are not there yet: one pass for those of one model and windows."""
        passes: dict[tuple[str, str, str], list[Reading]] = {}
        for reading in readings:
            passes.setdefault((reading.place.model, reading.windows, reading.place.rows), []).append(reading)
        for (model, windows, rows), several in passes.items():
            digests = {reading.file: self._needs.reading(reading) for reading in several}
            missing = [each for each in several if not self._ledger.has(each.file, digests[each.file])]
            if missing:
                self._read(model, windows, rows, missing, {each.file: digests[each.file] for each in missing})

    def close(self) -> None:
        """Let go of the model that was read last."""
        self._open = None

    def tables(self, readings: Iterable[Reading]) -> None:
        """Write top tokens and contexts of latents, where they are not there yet."""
        for reading in readings:
            tokens, contexts = tokens_file(reading.place), contexts_file(reading.place)
            files = {tokens: self._needs.tokens(reading)} if self._text.top_tokens else {}
            files |= {contexts: self._needs.contexts(reading)} if self._text.contexts else {}
            missing = {file: digest for file, digest in files.items() if not self._ledger.has(file, digest)}
            if not missing:
                continue
            with self._ledger.making(missing):
                write_tables(
                    self._ledger.path(reading.file),
                    self.documents,
                    top_tokens=self._text.top_tokens if tokens in missing else 0,
                    contexts=self._text.contexts if contexts in missing else 0,
                    tokens_file=self._ledger.path(tokens), contexts_file=self._ledger.path(contexts), note=self._note,
                )  # fmt: skip

    @cached_property
    def stream(self) -> DocumentStream:
        """The text."""
        return open_text(text_source(self._text, self._base), self._text)

    def documents(self) -> Iterator[Document]:
        """The text in the parts in which it is read."""
        from geomsim.activations.text_cuts import DocumentParts

        return (document for _, document in DocumentParts(self.stream.pieces(), self._text.longest))

    @cached_property
    def neuron_documents(self) -> list[Document]:
        """The part of the text that neurons are read on; which documents these are is kept."""
        digest = self._needs.neuron_text
        if not self._ledger.has(_NEURON_TEXT, digest):
            with self._ledger.making({_NEURON_TEXT: digest}):
                write_json(self._neuron_text(), self._ledger.path(_NEURON_TEXT))
        chosen = json.loads(self._ledger.path(_NEURON_TEXT).read_bytes())
        wanted = set(chosen["documents"])
        self._note(f"neurons are read on {len(wanted)} of {chosen['of']} documents, {chosen['tokens']:,} tokens")
        return [document for document in self.documents() if document.name in wanted]

    def text_of(self, rows: str) -> Iterable[Document] | DocumentStream:
        """What is read for features, or for neurons."""
        return self.stream if rows == FEATURES else self.neuron_documents

    def location(self, name: str) -> str:
        """Where a model's weights are; those of a re-randomised model are drawn now, if they were not before."""
        model = self._models[name]
        if model.choice.rerandomise is None:
            return model.located.named
        from geomsim.activations.rerandomised import rerandomise

        folder, digest = f"models/{model.choice.slug}", self._needs.weights(name)
        if not self._ledger.has(folder, digest):
            self._note(f"{name}: drawing the weights of {model.choice.rerandomise} anew, seed {model.choice.seed}")
            with self._ledger.making({folder: digest}):
                shutil.rmtree(self._ledger.path(folder), ignore_errors=True)
                embeddings: Any = model.choice.embeddings
                rerandomise(
                    model.located.named, self._ledger.path(folder), seed=model.choice.seed, embeddings=embeddings,
                    revision=model.choice.options.get("revision"),
                )  # fmt: skip
        return str(self._ledger.path(folder))

    def _tokenizer(self, name: str) -> str:
        """The directory of a model's tokenizer, of its revision; that of a re-randomised model is its source's."""
        located = self._models[name].located
        return located.named if located.path is None else str(located.path)

    def _read(self, model: str, windows: str, rows: str, missing: list[Reading], digests: dict[str, str]) -> None:
        from geomsim.activations.codes_reader import read_manifest
        from geomsim.activations.reading import write_codes

        source = self._source(model)
        if windows != OWN_WINDOWS:
            source = source.cut_at(self._common_cuts(windows))
        placed = {each.place.site: self._dictionary(each.place) for each in missing}
        folders = {each.place.site: self._ledger.path(each.file) for each in missing}
        text = self.text_of(rows)
        total = len(text) if isinstance(text, list) else self.stream.size().documents
        resume = all(self._ledger.was_begun(file, digest, self._device) for file, digest in digests.items())
        what = ", ".join(map(str, placed))
        with self._ledger.making(digests, self._device), track(total, f"reading {model}, documents") as advance:
            if not resume:
                for folder in folders.values():
                    shutil.rmtree(folder, ignore_errors=True)
            seen = 0

            def progress(done: int, _characters: int) -> None:
                nonlocal seen
                advance(done - seen)
                seen = done

            try:
                write_codes(
                    source, text, placed, folders, batch_tokens=self._text.batch_tokens,
                    longest=self._text.longest if rows == FEATURES else None,
                    shard_characters=self._text.shard_characters, resume=resume, progress=progress,
                )  # fmt: skip
            except GeomsimError as error:
                raise error.within(f"models.{model}") from None
        manifest = read_manifest(next(iter(folders.values())))
        shared = "" if windows == OWN_WINDOWS else f", in windows shared with {self._other(windows, model)}"
        self._note(f"{model}: {manifest['n_tokens']:,} tokens at {what}{shared}")

    def _source(self, name: str) -> TransformersSource:
        if self._open is None or self._open[0] != name:
            from geomsim.activations.transformers_source import TransformersSource

            self._open = None  # lets go of one model before the next
            options = dict(self._models[name].choice.options)
            location = self.location(name)
            if self._models[name].choice.rerandomise is not None:
                options.pop("revision", None)
            try:
                self._open = name, TransformersSource(location, self._device, **options)
            except GeomsimError as error:
                raise error.within(f"models.{name}") from None
        return self._open[1]

    def _dictionary(self, place: Place) -> Dictionary | None:
        if place.rows == NEURONS:
            return None
        assert place.dictionary is not None
        assert place.located is not None
        found = open_dictionary(place)
        return found if self._device == "cpu" else found.to(self._device)

    def _space(self, place: Place) -> Space:
        made = {"model": place.model, "site": place.site}
        if place.rows == NEURONS:
            block = int(place.site.partition(":")[2])
            points = self._source(place.model).neuron_directions(block)
            ids = [f"{place.model}/{place.site}/{row}" for row in range(len(points))]
        else:
            dictionary = open_dictionary(place)
            points = dictionary.directions
            ids = [f"{place.model}/{place.site}/latent {row}" for row in range(dictionary.latents)]
            made["dictionary"] = dictionary.sha256
        return Space(points, ids, name=f"{place.model} {place.site}", provenance=made)

    def _common_cuts(self, windows: str) -> Cuts:
        if windows not in self._cuts:
            from geomsim.activations.transformers_loading import TextReader

            options = {name: self._models[name].choice.options for name in self._windows[windows]}
            readers = [
                TextReader.of(self._tokenizer(name), said.get("context"), said.get("bos"))
                for name, said in options.items()
            ]
            self._cuts[windows] = cuts_for(readers, self.stream, self._text.longest)
            self._note(f"{' and '.join(self._windows[windows])}: {cuts_in_words(self._cuts[windows], len(readers))}")
        return self._cuts[windows]

    def _other(self, windows: str, model: str) -> str:
        return " or ".join(name for name in self._windows[windows] if name != model) or model

    def _neuron_text(self) -> dict[str, Any]:
        from geomsim.activations.transformers_loading import TextReader

        tokenization = TextReader.of(self._tokenizer(next(iter(self._models)))).tokenization
        names, lengths = [], []
        for document in self.documents():
            names.append(document.name)
            lengths.append(len(tokenization.tokens_of(document)[0]))
        chosen = spread(lengths, self._text.neuron_tokens)
        return {
            "documents": [names[number] for number in chosen], "of": len(names),
            "tokens": sum(lengths[number] for number in chosen),
        }  # fmt: skip


def open_dictionary(place: Place) -> Dictionary:
    """The dictionary of a place. InvalidModel where it was trained at another site than its name says."""
    from geomsim.activations.dictionary import read_dictionary

    assert place.dictionary is not None
    assert place.located is not None
    options = {key: value for key, value in place.dictionary.options.items() if key != "subfolder"}
    stated = place.site if place.dictionary.site or place.header.site is None else None
    found = read_dictionary(place.located.named, site=None, **options)
    if found.site not in (None, place.site) and not place.dictionary.site:
        raise InvalidModel(
            f"models.{place.model}: {place.dictionary.path} was trained at {found.site!r}, and its name reads as "
            f"{place.site!r}; say which: dictionaries = {{ {found.site!r} = {place.dictionary.path!r} }}"
        )
    return found if stated in (None, found.site) else read_dictionary(place.located.named, site=stated, **options)


def text_source(choice: TextChoice, base: Path) -> str:
    """The source with a path made absolute, where it is one."""
    if choice.source == STANDARD_LIBRARY:
        return choice.source
    prefix = DATASET if choice.source.startswith(DATASET) else ""
    path = base / choice.source.removeprefix(DATASET)
    return f"{prefix}{path.resolve()}" if path.exists() or not prefix else choice.source


def space_file(place: Place) -> str:
    """Where the rows of a place go."""
    return f"{SPACES}/{place.slug}.npz"


def tokens_file(place: Place) -> str:
    """Where the top tokens of a place go."""
    return f"{TOP_TOKENS}/{place.slug}.parquet"


def contexts_file(place: Place) -> str:
    """Where the contexts of a place go."""
    return f"{CONTEXTS}/{place.slug}.parquet"
