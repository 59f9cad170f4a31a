"""What a study names on the hub, fetched into the hub's cache: configurations of models, and dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from geomsim.errors import GeomsimError
from geomsim.preparing.config import Preparation
from geomsim.preparing.located import locate
from geomsim.preparing.places import known_facts


def fetch(preparation: Preparation, base: Path, note: Callable[[str], object]) -> None:
    """Fetch what is not on this machine and decides what is read: how many blocks a model has, where a dictionary was
    trained. The weights of a model come when it is read.

    Raises InvalidModel where it cannot be fetched, naming the table.
    """
    from geomsim.activations.dictionary import read_dictionary
    from geomsim.activations.tokenization import load_tokenizer

    for choice in preparation.models.values():
        try:
            revision = choice.options.get("revision")
            located = locate(choice.path, base, revision=revision)
            if located.on_hub and known_facts(located).tokenizer is None:
                note(f"{choice.name}: fetching the configuration of {choice.path}")
                load_tokenizer(choice.path, revision)
            for dictionary in choice.dictionaries:
                options = dict(dictionary.options)
                subfolder = options.pop("subfolder", None)
                named = "/".join([dictionary.path, *([subfolder] if subfolder else [])])
                if locate(named, base, revision=options.get("revision"), inside=True).path is None:
                    note(f"{choice.name}: fetching {named}")
                    read_dictionary(named, **options)
        except GeomsimError as error:
            raise error.within(f"models.{choice.name}") from None
