"""A metric with its parameters on one line, as on the command line: ``knn-jaccard(k=20)``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from geomsim.errors import InvalidConfig
from geomsim.toml_values import toml_key, toml_value

_EXAMPLE = "write as in --metric 'knn-jaccard(k=20)' or 'rsa(compare=\"pearson\")', words in quotes"


def read_metric_text(text: str) -> str | dict[str, Any]:
    """A metric as a study's configuration names it: the name alone, or a table of name and parameters.

    Parameters are written as in TOML. Raises InvalidConfig for what is neither.

    >>> read_metric_text("rsa"), read_metric_text('svcca(kept_variance=0.95, statistic="mean-squared")')
    ('rsa', {'name': 'svcca', 'kept_variance': 0.95, 'statistic': 'mean-squared'})
    """
    name, bracket, rest = text.partition("(")
    if not bracket:
        return text
    inside, closing, behind = rest.rpartition(")")
    if not closing or behind.strip():
        raise InvalidConfig(f"metric {text!r} does not end with a closing bracket; {_EXAMPLE}")
    try:
        parameters: dict[str, Any] = tomllib.loads(f"parameters = {{ {inside} }}")["parameters"]
    except tomllib.TOMLDecodeError as error:
        reason = re.sub(r"\s*\(at .*\)", "", str(error))
        raise InvalidConfig(f"the parameters of metric {text!r} cannot be read ({reason}); {_EXAMPLE}") from None
    if "name" in parameters:
        raise InvalidConfig(f"metric {text!r}: its name stands before the bracket and is no parameter; {_EXAMPLE}")
    return {"name": name.strip(), **parameters}


def metric_text(name: str, parameters: Mapping[str, Any]) -> str:
    """What :func:`read_metric_text` reads; parameters that are None are left out, as TOML has no word for it.

    >>> metric_text("rsa", {"compare": "pearson"}), metric_text("rsa", {})
    ('rsa(compare="pearson")', 'rsa')
    """
    given = ", ".join(f"{toml_key(key)}={toml_value(value)}" for key, value in parameters.items() if value is not None)
    return f"{name}({given})" if given else name


def told_apart(metrics: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The name of each metric, with the parameters in which it differs from others of its name here.

    >>> told_apart([("rsa", {"compare": "spearman"}), ("cka", {}), ("rsa", {"compare": "pearson"}), ("cka", {})])
    ['rsa(compare="spearman")', 'cka', 'rsa(compare="pearson")', 'cka']
    """
    every = list(metrics)
    values: dict[tuple[str, str], list[Any]] = {}
    for name, parameters in every:
        for key, value in parameters.items():
            values.setdefault((name, key), []).append(value)
    counts = {name: sum(name == other for other, _ in every) for name in {name for name, _ in every}}
    differing = {
        place for place, found in values.items()
        if len(found) < counts[place[0]] or any(value != found[0] for value in found)
    }  # fmt: skip
    return [
        metric_text(name, {key: value for key, value in parameters.items() if (name, key) in differing})
        for name, parameters in every
    ]
