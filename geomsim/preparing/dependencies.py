"""Digests of what each prepared piece depends on: files of models, dictionaries and text, options, code, versions."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import geomsim
from geomsim.digests import digest_of
from geomsim.preparing.blocks import LEFT_OUT, NEURONS, TOKENS
from geomsim.preparing.config import DictionaryChoice, Preparation, TextChoice
from geomsim.preparing.jobs import OWN_WINDOWS, Job, Reading
from geomsim.preparing.located import Located
from geomsim.preparing.places import Model, Place
from geomsim.preparing.texts import DATASET, STANDARD_LIBRARY

_CODE = ("activations", "preparing", "pairing.py", "space.py", "memory.py", "parallel.py")
_PACKAGES = ("numpy", "scipy", "torch", "transformers", "tokenizers", "safetensors")
# Of [text]: what codes of features do not depend on.
_OF_OTHERS = ("neuron_tokens", "top_tokens", "contexts")


class Dependencies:
    """Digests by piece; files are looked at once.

    Parameters
    ----------
    windows
        for each kind of common windows the names of the two models that share them.
    """

    def __init__(
        self, preparation: Preparation, models: Mapping[str, Model], base: Path, windows: Mapping[str, tuple[str, str]]
    ) -> None:
        self._text = preparation.text
        self._models = models
        self._base = base
        self._windows = windows
        self._known: dict[str, Any] = {}

    def model(self, name: str) -> str:
        """Of the weights, and of how they are read; of a re-randomised model of its source and how it is drawn."""
        choice, located = self._models[name].choice, self._models[name].located
        drawn = [choice.rerandomise is not None, choice.seed, choice.embeddings]
        options = sorted(choice.options.items())
        found: str = self._once(f"model {name}", lambda: digest_of([located.content(), *map(str, drawn), str(options)]))
        return found

    def weights(self, name: str) -> str:
        """Of the weights of a re-randomised model, which the code draws."""
        return digest_of([self._common, self.model(name)])

    def reading(self, reading: Reading) -> str:
        """Of codes."""
        place = reading.place
        parts: list[Any] = [self._common, self.text, self.model(place.model), place.site, place.rows]
        if place.dictionary is not None and place.located is not None:
            parts += self._read(place.dictionary, place.located)
        if place.rows == NEURONS:
            parts.append(self.neuron_text)
        if reading.windows != OWN_WINDOWS:
            parts += [self.model(name) for name in sorted(self._windows[reading.windows])]
        return digest_of(parts)

    def space(self, place: Place) -> str:
        """Of the rows of a place, which depend on no text."""
        parts: list[Any] = [self._common, self.model(place.model), place.model, place.site, place.rows]
        if place.located is not None and place.dictionary is not None:
            parts += self._read(place.dictionary, place.located)
        return digest_of(parts)

    def tokens(self, reading: Reading) -> str:
        """Of top tokens."""
        return digest_of([self.reading(reading), "top tokens", self._text.top_tokens])

    def contexts(self, reading: Reading) -> str:
        """Of contexts."""
        return digest_of([self.reading(reading), "contexts", self._text.contexts])

    def group(self, reading: Reading, rows: Any) -> str:
        """Of the rows of a group."""
        return digest_of([self.space(reading.place), rows])

    def pairing(self, job: Job, tables: Mapping[str, Reading]) -> str:
        """Of a pairing; `tables` are the readings that top tokens are of, by place."""
        coupling = job.coupling
        parts = [self.reading(coupling.left), self.reading(coupling.right), repr(job.options)]
        if coupling.non_concepts == LEFT_OUT:
            parts += [self.tokens(tables[place.slug]) for place in (job.left, job.right)]
        return digest_of([*parts, job.coupling.units == TOKENS])

    @cached_property
    def text(self) -> str:
        """Of the text and how it is cut."""
        said = {name: value for name, value in dataclasses.asdict(self._text).items() if name not in _OF_OTHERS}
        return digest_of([text_content(self._text, self._base), said])

    @cached_property
    def neuron_text(self) -> str:
        """Of the part of the text that neurons are read on: the first model's tokenizer says how long documents are."""
        return digest_of([self.text, self.model(next(iter(self._models))), self._text.neuron_tokens, self._common])

    @cached_property
    def _common(self) -> str:
        root = Path(geomsim.__file__).parent
        files = [root / name for name in _CODE if name.endswith(".py")]
        files += [file for name in _CODE if not name.endswith(".py") for file in (root / name).rglob("*.py")]
        code = [(file.relative_to(root).as_posix(), file.read_bytes()) for file in sorted(files)]
        return digest_of([code, {name: _version(name) for name in _PACKAGES}])

    def _read(self, dictionary: DictionaryChoice, located: Located) -> list[Any]:
        """What is read of a dictionary, wherever it lies, and how."""
        content = self._once(f"dictionary {located.named} {located.revision}", located.content)
        return [content, str(sorted(dictionary.options.items())), dictionary.site]

    def _once(self, name: str, content: Any) -> Any:
        if name not in self._known:
            self._known[name] = content()
        return self._known[name]


def text_content(choice: TextChoice, base: Path) -> Any:
    """What tells the text from others: names, sizes and times of files; a data set of the hub by its name."""
    if choice.source == STANDARD_LIBRARY:
        from geomsim.activations.standard_library import standard_library_documents
        from geomsim.activations.text import text_hash

        return [choice.source, platform.python_version(), text_hash(standard_library_documents("held-out"))]
    path = base / choice.source.removeprefix(DATASET)
    if not path.exists():
        return [choice.source]
    if choice.source.startswith(DATASET):
        files = {str(file.relative_to(path)): file for file in sorted(path.rglob("*")) if file.is_file()}
    else:
        from geomsim.activations.text import files_at

        files = dict(files_at(path, choice.pattern))
    return [(name, file.stat().st_size, file.stat().st_mtime_ns) for name, file in files.items()]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
