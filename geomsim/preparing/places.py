"""The places of models that a study reads: at which site, by which dictionary, and which layer that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.preparing.blocks import FEATURES, NEURONS, Layer, slug
from geomsim.preparing.config import DictionaryChoice, ModelChoice, Preparation
from geomsim.preparing.dictionary_header import DictionaryHeader, dictionary_header, site_by_name
from geomsim.preparing.located import Located, locate
from geomsim.preparing.model_facts import ModelFacts, model_facts

_UNKNOWN = DictionaryHeader()


@dataclass(frozen=True)
class Place:
    """Features of a dictionary, or neurons of a block.

    Parameters
    ----------
    layer
        what the column says: the block's number for its output and its neurons, else the site.
    dictionary, located, header
        of features: what the configuration says, where that is, and what is known without reading it.
    """

    model: str
    rows: str
    layer: Layer
    site: str
    dictionary: DictionaryChoice | None = None
    located: Located | None = None
    header: DictionaryHeader = _UNKNOWN

    @property
    def slug(self) -> str:
        """The place as a part of file names: of one model, no two are alike."""
        return f"{slug(self.model)}_{self.rows}_{slug(self.layer)}"


@dataclass(frozen=True)
class Model:
    """A model of the study, as far as it is known without its weights.

    `facts` are those of its source, where it is re-randomised; `places` is None for neurons of blocks whose number only
    the model's own files would tell.
    """

    choice: ModelChoice
    located: Located
    facts: ModelFacts
    features: tuple[Place, ...]
    neurons: tuple[Place, ...] | None

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.choice.name

    @property
    def context(self) -> int | None:
        """Tokens that the model can take, or that it is told to read at once."""
        found: int | None = self.choice.options.get("context", self.facts.context)
        return found

    def places(self, rows: str) -> tuple[Place, ...] | None:
        """Those of one kind of rows."""
        return self.features if rows == FEATURES else self.neurons


def models_of(preparation: Preparation, base: Path) -> dict[str, Model]:
    """All models with their places, everything checked that can be without weights and without the network.

    Raises InvalidConfig or InvalidModel, naming the model's table: paths that do not exist, two dictionaries of one
    site, a dictionary of another width, a block that the model does not have.
    """
    found = {}
    for name, choice in preparation.models.items():
        try:
            found[name] = _model(choice, base)
        except GeomsimError as error:
            raise error.within(f"models.{name}") from None
    return found


def known_facts(located: Located) -> ModelFacts:
    """The facts of a model; of one on the hub as far as its files are on this machine."""
    if located.path is None or (located.on_hub and not (located.path / "config.json").is_file()):
        return ModelFacts()
    return model_facts(located.path)


def _check_context(choice: ModelChoice, facts: ModelFacts) -> None:
    asked = choice.options.get("context")
    if asked is not None and facts.context is not None and asked > facts.context:
        raise InvalidConfig(f"windows of {asked} tokens were asked for, but the model takes {facts.context}")


def _model(choice: ModelChoice, base: Path) -> Model:
    revision = choice.options.get("revision")
    located = locate(choice.path, base, revision=revision)
    facts = known_facts(located)
    _check_context(choice, facts)
    features: dict[str, Place] = {}
    for dictionary in choice.dictionaries:
        place = _features(choice, dictionary, facts, base)
        if place.site in features:
            raise InvalidConfig(
                f"two dictionaries were trained at {place.site!r}; name the model again under another name for the "
                "second: [models.OTHER] with the same path"
            )
        features[place.site] = place
    return Model(choice, located, facts, tuple(features.values()), _neurons(choice, facts))


def _features(choice: ModelChoice, dictionary: DictionaryChoice, facts: ModelFacts, base: Path) -> Place:
    from geomsim.activations.source import canonical_site, parse_site

    options = dictionary.options
    subfolder = options.get("subfolder")
    named = "/".join([dictionary.path, *([subfolder] if subfolder else [])])
    located = locate(named, base, revision=options.get("revision"), inside=True)
    header = DictionaryHeader() if located.path is None else dictionary_header(located.path, options.get("format"))
    said = header.site or (site_by_name(named) if located.on_hub else None)
    site = canonical_site(dictionary.site) if dictionary.site else said
    if site is None:
        raise InvalidConfig(
            f"{dictionary.path} does not say at which place of the model it was trained: dictionaries = "
            f'{{ "residual:0" = "{dictionary.path}" }}'
        )
    parsed = parse_site(site)
    if parsed is not None and facts.blocks is not None and parsed[1] >= facts.blocks:
        raise InvalidConfig(
            f"{dictionary.path} is for {site!r}, and the model has {facts.blocks} blocks, counted from 0"
        )
    widths = {"residual": facts.width, "neurons": facts.neurons}
    width = None if parsed is None else widths[parsed[0]]
    if width is not None and header.width is not None and width != header.width:
        raise InvalidConfig(
            f"{dictionary.path} reads activations of width {header.width}, but those of the model at {site!r} have "
            f"width {width}; it belongs to another model or site"
        )
    layer = parsed[1] if parsed is not None and parsed[0] == "residual" else site
    return Place(choice.name, FEATURES, layer, site, dictionary, located, header)


def _neurons(choice: ModelChoice, facts: ModelFacts) -> tuple[Place, ...] | None:
    if choice.neurons is False:
        return ()
    if choice.neurons is True:
        if facts.blocks is None:
            return None
        blocks = tuple(range(facts.blocks))
    else:
        blocks = choice.neurons
        wrong = [block for block in blocks if facts.blocks is not None and block >= facts.blocks]
        if wrong:
            raise InvalidConfig(
                f"neurons of block {wrong[0]} are asked for, and the model has {facts.blocks} blocks, counted from 0"
            )
    header = DictionaryHeader(latents=facts.neurons)
    return tuple(Place(choice.name, NEURONS, block, f"neurons:{block}", header=header) for block in blocks)


def same_tokenizer(models: Mapping[str, Model], left: str, right: str) -> bool | None:
    """Whether two models cut text into the same tokens; None where the files that would tell are not here."""
    tokenizers = models[left].facts.tokenizer, models[right].facts.tokenizer
    if models[left].located == models[right].located:
        return True
    return None if None in tokenizers else tokenizers[0] == tokenizers[1]
