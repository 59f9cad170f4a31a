"""References beside each cross-model number of a study: other dictionaries, another seed, a model of noise.

A score of .2 says little alone. Beside it belong how much it moves when only the dictionaries are trained again, what
two dictionaries of one layer of one model give (a yardstick, and no bound), what another seed of
the model gives, and what is left of it when the other model is re-randomised. A study holds these as cells of their
own, told apart by the column ``role``; here they are set beside the cells that they belong to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, sqrt
from typing import Any

CROSS_MODEL = "cross-model"
OTHER_DICTIONARY = "other-dictionary"
SECOND_SEED = "second-seed"
BASELINE = "baseline"
REFERENCE = "reference"

_QUESTION = (
    "rows", "method", "direction", "non_concepts", "units", "subspace", "bucket", "metric", "parameters", "null",
)  # fmt: skip
_MEASURED = ("metric", "parameters", "null")
# No score depends on what it was judged by.
_SOUGHT = tuple(name for name in _QUESTION if name != "null")
_PLACE = ("left_model", "right_model", "left_layer", "right_layer")

Record = Mapping[str, Any]
Key = tuple[Any, ...]


def first_of_kind(models: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """For each model of a study's configuration the first one that is the same model, maybe with other dictionaries.

    Two entries are one model where they name one path and revision; a re-randomised model is what its source, seed and
    kept embeddings make it.

    >>> first_of_kind({"left": {"path": "a"}, "left again": {"path": "a"}, "right": {"path": "b"}})
    {'left': 'left', 'left again': 'left', 'right': 'right'}
    """

    def weights(model: Mapping[str, Any]) -> Key:
        return ("path", os.path.normpath(str(model["path"])), model.get("revision"))

    first: dict[Key, str] = {}
    found = {}
    for name, model in models.items():
        if "path" in model:
            made = weights(model)
        else:
            source = models.get(str(model.get("rerandomise")), {})
            drawn = model.get("seed", 0), model.get("embeddings", "redrawn")
            made = (*(weights(source) if "path" in source else (model.get("rerandomise"),)), *drawn)
        found[name] = first.setdefault(made, name)
    return found


def references_of(records: Iterable[Record], models: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    r"""A row for each cross-model score of the first dictionaries that were compared, with its references.

    Parameters
    ----------
    records
        rows of a study's table (:meth:`geomsim.Study.records`) with the labels of a study that begins at models.
    models
        the models of its configuration.

    Returns
    -------
    list of mappings
        The labels of the score, ``score``, ``corrected``, ``p_value``, ``holm`` and

        ``scale``
            which of both the references are: ``corrected``, (score - chance) / (best - chance), where the metric is
            paired, else ``score``.
        ``instances``, ``instances_mean``, ``instances_sd``, ``instances_low``, ``instances_high``
            how many couples of dictionaries of the same two models and layers were compared, this one among them, and
            mean, standard deviation (n - 1), smallest and largest of their scores.
        ``left_ceiling``, ``right_ceiling``, ``ceiling``
            mean over couples of dictionaries of the same layer of the left model, of the right one, and of both sides
            that are there.
        ``second_seed``
            the left model's layer against that of a model trained from another seed, mean over such models.
        ``baseline``
            the left model's layer against the right layer of a re-randomised model.
        ``share_of_ceiling``
            corrected score / ceiling, where the ceiling is above chance: 1 means that two models are as alike as two
            dictionaries of one model.

        A reference that the study did not measure, with the same rows, pairing, part and metric, is None. Where several
        nulls judged a couple of dictionaries, its score by the null of the row counts, else the first one.
    """
    scored = [record for record in records if record.get("role") and record.get("score") is not None]
    first = first_of_kind(models)
    asked = _asked(scored, first)
    groups: dict[tuple[str, Key], dict[Key, list[Record]]] = {}
    for record in scored:
        question = tuple(record.get(name) for name in _SOUGHT)
        place = groups.setdefault((str(record["role"]), question), {})
        place.setdefault(_at(record, first), []).append(record)
    rows = []
    for number in asked:
        record = scored[number]
        question = tuple(record.get(name) for name in _SOUGHT)
        rows.append(_row(record, {role: groups.get((role, question), {}) for role in _ROLES}, first))
    return rows


_BESIDE = (OTHER_DICTIONARY, SECOND_SEED, BASELINE)
_ROLES = (CROSS_MODEL, *_BESIDE)


def mark_references(records: Sequence[dict[str, Any]], models: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill in the column ``reference`` of a study that begins at models: does a cell only stand beside others?

    That are cells of other dictionaries, another seed or noise, and couples of further dictionaries of two models that
    were compared by their first ones.
    """
    asked = set(asked_about(records, models))
    for place, record in enumerate(records):
        record[REFERENCE] = place not in asked and record.get("role") in _ROLES


def family_of(record: Record) -> tuple[str, str, bool]:
    """What cells have in common over which Holm's and Benjamini and Hochberg's p is made: null, role, ``reference``.

    References are no claims: however many there are, no claim grows less sure.

    >>> family_of({"null": "shuffle", "role": "cross-model", "reference": False})
    ('shuffle', 'cross-model', False)
    """
    return str(record.get("null")), str(record.get("role")), bool(record.get(REFERENCE))


def claims_of(records: Sequence[Record]) -> list[Record]:
    """The records without references; all where there are no others."""
    return [record for record in records if not _is_beside(record)] or list(records)


def _is_beside(record: Record) -> bool:
    return bool(record.get(REFERENCE)) or record.get("role") in _BESIDE


def asked_about(records: Sequence[Record], models: Mapping[str, Mapping[str, Any]]) -> list[int]:
    """The places of the cells that a study's question is about: all but those that others stand beside."""
    if not any(record.get("role") == CROSS_MODEL for record in records):
        return list(range(len(records)))
    return _asked(records, first_of_kind(models))


def _asked(records: Sequence[Record], first: Mapping[str, str]) -> list[int]:
    """The places of cross-model cells, without those whose dictionaries are others than the first that were compared.

    These are what the first ones stand beside.
    """
    couples: dict[Key, list[tuple[str, str]]] = {}
    cross = [(place, record) for place, record in enumerate(records) if record.get("role") == CROSS_MODEL]
    for _, record in cross:
        couples.setdefault(_compared(record, first), []).append(_models(record))
    chosen = {
        compared: next((each for each in several if all(first.get(name, name) == name for name in each)), several[0])
        for compared, several in couples.items()
    }
    return [place for place, record in cross if chosen[_compared(record, first)] == _models(record)]


def has_references(rows: Sequence[Record]) -> bool:
    """Whether anything stands beside any score."""
    beside = ("ceiling", "second_seed", "baseline")
    return any(row["instances"] > 1 or any(row[name] is not None for name in beside) for row in rows)


def _models(record: Record) -> tuple[str, str]:
    return str(record.get("left_model")), str(record.get("right_model"))


def _at(record: Record, first: Mapping[str, str]) -> Key:
    """Where a cell stands: both models, whichever dictionaries they have, and both layers."""
    left, right = (first.get(model, model) for model in _models(record))
    return left, right, record.get("left_layer"), record.get("right_layer")


def _compared(record: Record, first: Mapping[str, str]) -> Key:
    """Both models, whichever dictionaries they have, at both layers, and how their rows were paired."""
    return (*_at(record, first), *(record.get(name) for name in _QUESTION if name not in _MEASURED))


def _row(record: Record, beside: Mapping[str, Mapping[Key, list[Record]]], first: Mapping[str, str]) -> dict[str, Any]:
    scale = "corrected" if record.get("corrected") is not None else "score"
    left, right, left_layer, right_layer = _at(record, first)

    def values(cells: Iterable[Record]) -> list[float]:
        # A couple that was compared twice, with more draws say, counts once.
        own_first = sorted(cells, key=lambda cell: cell is not record and cell.get("null") != record.get("null"))
        once = {_models(cell): cell for cell in reversed(own_first) if cell.get(scale) is not None}
        return [float(cell[scale]) for cell in reversed(once.values())]

    def within(model: str, layer: Any) -> list[float]:
        return values(beside[OTHER_DICTIONARY].get((model, model, layer, layer), ()))

    others = beside[CROSS_MODEL][left, right, left_layer, right_layer]
    instances = values([record, *(cell for cell in others if cell is not record)])
    ceilings = [_mean(within(left, left_layer)), _mean(within(right, right_layer))]
    ceiling = _mean([value for value in ceilings if value is not None])
    seeds = [
        value
        for (model, _, one, other), cells in beside[SECOND_SEED].items()
        if model == left and one == other == left_layer
        for value in values(cells)
    ]
    noise = [
        value
        for (model, _, one, other), cells in beside[BASELINE].items()
        if (model, one, other) == (left, left_layer, right_layer)
        for value in values(cells)
    ]
    corrected = record.get("corrected")
    share = None if corrected is None or ceiling is None or ceiling <= 0 else float(corrected) / ceiling
    return {
        **{name: record.get(name) for name in (*_PLACE, *_QUESTION)},
        **{name: record.get(name) for name in ("larger_means", "score", "corrected", "p_value", "holm")},
        "scale": scale,
        "instances": len(instances),
        "instances_mean": _mean(instances),
        "instances_sd": _sd(instances),
        "instances_low": min(instances),
        "instances_high": max(instances),
        "left_ceiling": ceilings[0],
        "right_ceiling": ceilings[1],
        "ceiling": ceiling,
        "second_seed": _mean(seeds),
        "baseline": _mean(noise),
        "share_of_ceiling": share,
    }


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _sd(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = fsum(values) / len(values)
    return sqrt(fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
