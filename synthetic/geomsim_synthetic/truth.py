"""The truth about two simulated networks as plain data, for JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from geomsim import InvalidConfig
from geomsim_synthetic.correspondence import RELATIONS, Link
from geomsim_synthetic.plain import as_plain, require
from geomsim_synthetic.population import PopulationValues
from geomsim_synthetic.setting import SIDES, Setting


@dataclass(frozen=True)
class NetworkTruth:
    """The truth about one network, row by row of its dictionary.

    Attributes
    ----------
    width
        number of neurons.
    feature
        the (first) ground-truth feature of each row; -1 for a dead row.
    features
        all features that each row stands for: two for merged and absorbing rows, none for dead ones.
    kind
        of each row: "plain", "correlated", "hierarchy", "planted", "dense", "junk"; or its fault: "split",
        "duplicate", "merged", "absorbed", "absorbing", "dead".
    probability
        how likely it is to fire on a token.
    firings
        on how many tokens it did fire; a row with 0 cannot be found by any method.
    absent
        rows whose features the other network does not have, dead ones among them.
    outliers
        neurons that are far off on every token.
    """

    width: int
    feature: tuple[int, ...]
    features: tuple[tuple[int, ...], ...]
    kind: tuple[str, ...]
    probability: tuple[float, ...]
    firings: tuple[int, ...]
    absent: tuple[int, ...]
    outliers: tuple[int, ...] = ()


@dataclass(frozen=True)
class GroupTruth:
    """The truth about a group of features with a law of its own.

    Attributes
    ----------
    kind
        "correlated", "hierarchy" or "planted".
    place
        "both" networks carry it, or "left" or "right" alone.
    features
        feature numbers of its members.
    left_rows, right_rows
        the (first) row of each member; empty in a network that does not carry it.
    firing_correlation
        correlation of the firings of each two members, magnitudes left aside and before networks miss any.
    shape
        name of the planted shape, or "".
    left_betti, right_betti
        Betti numbers of the shape on which the directions lie, at every layer; empty where they lie on none.
    rips_scale, equal_distance, tree_lengths
        see `shapes.Shape`; None where they do not apply.
    """

    kind: str
    place: str
    features: tuple[int, ...]
    left_rows: tuple[int, ...]
    right_rows: tuple[int, ...]
    firing_correlation: tuple[tuple[float, ...], ...]
    shape: str = ""
    left_betti: tuple[int, ...] = ()
    right_betti: tuple[int, ...] = ()
    rips_scale: float | None = None
    equal_distance: float | None = None
    tree_lengths: float | None = None


@dataclass(frozen=True)
class Truth:
    """What is true about two simulated networks: the parameters, the correspondence and known population values.

    Attributes
    ----------
    source
        what made the networks: "two_models" or "sae-lens"; "trained" before it where the rows are trained latents.
    seed, n_features, n_shared
        of the setting.
    setting
        all parameters; the rest follows from them. None where sae-lens made the networks.
    shared_features
        the features that both networks carry, ascending, without junk.
    links
        each left and right row that stand for one feature, by left row.
    shared_cosine
        cosine of each shared feature's left and right direction once the true rotation is undone: 1 for an equal
        arrangement, less with ``geometry_noise``; None where no arrangement is shared, and where features differ in it:
        with ``geometry_noise`` and ``drift`` behind layer 0. (Features of a planted group that only one network
        arranges are no part of it.)
    document_lengths
        tokens in each document.
    left, right
        the truth about each network.
    groups
        the truth about each structure.
    activations
        population values of the activations; None where no closed form is known.
    layer
        of the networks, whose directions and activations these are.
    """

    source: str
    seed: int
    n_features: int
    n_shared: int
    setting: Setting | None
    shared_features: tuple[int, ...]
    links: tuple[Link, ...]
    shared_cosine: float | None
    document_lengths: tuple[int, ...]
    left: NetworkTruth
    right: NetworkTruth
    groups: tuple[GroupTruth, ...] = ()
    activations: PopulationValues | None = None
    layer: int = 0

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(left row, right row) of every link, once each, by left row; empty where nothing is shared."""
        return tuple(sorted({(link.left, link.right) for link in self.links}))

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return sum(self.document_lengths)

    @property
    def n_documents(self) -> int:
        """Number of documents."""
        return len(self.document_lengths)

    @property
    def relations(self) -> dict[str, int]:
        """How many links there are of each relation."""
        counted = Counter(link.relation for link in self.links)
        return {relation: counted[relation] for relation in RELATIONS}

    @property
    def population(self) -> dict[str, float]:
        """Expected score of metrics on the truly paired directions, where it is known exactly; may be empty.

        Equal arrangements: every similarity that ignores rotation is 1. Independent arrangements: statistics whose
        mean over all row orders is 0 for any data are 0 in expectation. No closed form is claimed for anything else:
        dictionaries with faults, trained ones, and planted groups that break either rule.
        """
        is_clean = all(link.relation in ("one-to-one", "junk") for link in self.links)
        if not self.links or not is_clean or self.source.startswith("trained"):
            return {}
        both = [group for group in self.groups if group.kind == "planted" and group.place == "both"]
        if self.setting is not None and self.setting.geometry == "independent":
            return {} if both else {"debiased-cka": 0.0, "rsa": 0.0}
        if self.shared_cosine == 1.0 and all(group.left_betti and group.right_betti for group in both):
            return dict.fromkeys(("cka", "debiased-cka", "procrustes", "rsa(cosine)", "rsa(euclidean)", "svcca"), 1.0)
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, strings and lists that JSON can hold, with the population values."""
        stored = {each.name: getattr(self, each.name) for each in fields(self)}
        for side in SIDES:
            stored[side] = asdict(stored[side])
        stored["setting"] = None if self.setting is None else self.setting.to_dict()
        stored["links"] = [[link.left, link.right, link.feature, link.relation] for link in self.links]
        stored["groups"] = [asdict(group) for group in self.groups]
        stored["activations"] = None if self.activations is None else asdict(self.activations)
        return {**stored, "pairs": self.pairs, "population": self.population}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The truth that :meth:`to_dict` wrote, before or after a trip through JSON."""
        require("truth", stored, [each.name for each in fields(cls)])
        values = {each.name: stored[each.name] for each in fields(cls)}
        for side in SIDES:
            values[side] = NetworkTruth(**_tuples(values[side]))
        values["setting"] = None if values["setting"] is None else Setting.from_dict(values["setting"])
        values["links"] = tuple(Link(*link) for link in values["links"])
        values["groups"] = tuple(GroupTruth(**_tuples(group)) for group in values["groups"])
        if values["activations"] is not None:
            values["activations"] = PopulationValues(**_tuples(values["activations"]))
        for name in ("shared_features", "document_lengths"):
            values[name] = tuple(values[name])
        return cls(**values)

    def to_json(self) -> str:
        """Everything as JSON text; `from_json` gives an equal truth."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The truth that :meth:`to_json` wrote."""
        try:
            stored = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidConfig(f"this is no JSON text: {error}; give what to_json returned") from None
        return cls.from_dict(stored)


def _tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: as_plain(value) for name, value in stored.items()}
