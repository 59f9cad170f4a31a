"""What a model and its dictionaries on the command line stand for."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.cli.console import Common
from geomsim.cli.mistyped import refuse_mistyped
from geomsim.errors import GeomsimWarning, InvalidModel

if TYPE_CHECKING:
    from geomsim.activations.dictionary import Dictionary
    from geomsim.activations.source import Source
    from geomsim.activations.text_streams import DocumentStream


def open_dictionary(named: str, **options: Any) -> Dictionary:
    """What `--dictionary` names: a place of the model before the path, if the dictionary does not say it."""
    from geomsim.activations.dictionary import read_dictionary
    from geomsim.activations.source import canonical_site

    site, path = named.split("=", 1) if "=" in named and not Path(named).exists() else (None, named)
    refuse_mistyped(path)
    found = read_dictionary(path, **options)
    if site is not None:
        if found.site not in (None, canonical_site(site)):
            warnings.warn(
                f"{path} says that it was trained at {found.site}; it is read at {site}, as you say",
                GeomsimWarning,
                stacklevel=2,
            )
        found = read_dictionary(path, site=site, **options)
    if found.site is None:
        raise InvalidModel(
            f"{path} does not say at which place of the model it was trained: write it before, as in "
            f"--dictionary residual:0={path}"
        )
    return found


def by_site(dictionaries: list[Dictionary], sites: list[str]) -> dict[str, Dictionary | None]:
    """What is read at each place of the model; None where there is no dictionary. InvalidModel where one is twice."""
    placed: dict[str, Dictionary | None] = {}
    for found in dictionaries:
        assert found.site is not None
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


def check_fit(source: Source, placed: dict[str, Dictionary | None]) -> None:
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


def fitted(source: Source, others: list[str], stream: DocumentStream, longest: int, common: Common) -> Source:
    """The source with windows that end where those of the other models can end too."""
    from geomsim.activations.cuts import Reader
    from geomsim.activations.transformers_loading import TextReader
    from geomsim.activations.windowed_source import WindowedSource
    from geomsim.preparing.windows import cuts_for, cuts_in_words

    assert isinstance(source, WindowedSource)
    readers: list[Reader] = [source, *map(TextReader.of, others)]
    cuts = cuts_for(readers, stream, longest)
    common.note(cuts_in_words(cuts, len(readers)))
    return source.cut_at(cuts)


def open_source(kind: str, model: str, device: str, **options: Any) -> Source:
    """The model, run by one of two libraries; both take the options."""
    if kind == "transformers":
        from geomsim.activations.transformers_source import TransformersSource

        return TransformersSource(model, device, **options)
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    return TransformerLensSource(model, device, **options)
