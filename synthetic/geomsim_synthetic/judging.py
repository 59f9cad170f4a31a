"""A pairing judged by the true correspondence, where features may be split, merged, absorbed or absent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from geomsim import InvalidPairing, Pairing
from geomsim_synthetic.truth import Truth


@dataclass(frozen=True)
class RelationRecovery:
    """How features of one relation fared: how many there are and were found, and the same of their links."""

    n_features: int
    n_features_found: int
    n_links: int
    n_links_found: int


@dataclass(frozen=True)
class CorrespondenceRecovery:
    """A pairing judged by the links of a truth.

    A found pair is right when its rows stand for one feature: either half of a split feature, either twin, and a
    merged row for each of its features. A feature is found when at least one of its links is: a method that pairs
    each row once cannot find both halves of a split feature, and loses no recall for that.

    Attributes
    ----------
    precision
        right pairs over found pairs.
    recall
        found features over shared features.
    f1
        their harmonic mean, 0 where both are 0.
    link_recall
        found links over all links: what a method loses that pairs each row once.
    n_found, n_right, n_repeated
        different pairs that were found; those that are right; repeats, which count once.
    n_absent
        wrong pairs in which a row has no partner at all on the other side.
    n_mistaken
        wrong pairs of two rows that each have another partner.
    n_left_out
        pairs of junk features that were not judged.
    relations
        the counts by relation, see `correspondence.Link`.
    """

    precision: float
    recall: float
    f1: float
    link_recall: float
    n_found: int
    n_right: int
    n_repeated: int
    n_absent: int
    n_mistaken: int
    n_left_out: int
    relations: Mapping[str, RelationRecovery]

    def to_dict(self) -> dict[str, Any]:
        """All numbers, for JSON."""
        return asdict(self)


def correspondence_recovery(pairing: Pairing, truth: Truth, *, junk: bool = True) -> CorrespondenceRecovery:
    """How much of the true correspondence a pairing has; weights play no part.

    Parameters
    ----------
    pairing
        rows of the left and right dictionary.
    truth
        of the two networks.
    junk
        whether features of punctuation marks count; otherwise pairs of them are neither right nor wrong.

    Raises
    ------
    InvalidPairing
        where the pairing names a row that a dictionary does not have, or there is nothing to find.

    >>> from geomsim_synthetic import two_models
    >>> two = two_models(n_features=20, width=8, n_tokens=10, mean_active=2)
    >>> correspondence_recovery(two.pairing, two.truth).recall
    1.0
    """
    links: dict[tuple[int, int], list[Any]] = {}
    for link in truth.links:
        links.setdefault((link.left, link.right), []).append(link)
    ignored = {pair for pair, same in links.items() if same[0].relation == "junk" and not junk}
    judged = {pair: same for pair, same in links.items() if pair not in ignored}
    if not judged:
        raise InvalidPairing("the two networks share no feature, so there is nothing that a pairing could find")
    found = set(zip(pairing.left.tolist(), pairing.right.tolist(), strict=True))
    _refuse_outside(found, truth)
    n_repeated = len(pairing) - len(found)
    n_left_out = len(found & ignored)
    found -= ignored
    right = found & judged.keys()
    linked_left, linked_right = {left for left, _ in links}, {right for _, right in links}
    n_absent = sum(left not in linked_left or right not in linked_right for left, right in found - right)

    relation_of = {link.feature: link.relation for same in judged.values() for link in same}
    features_found = {link.feature for pair in right for link in judged[pair]}
    counts = {
        "n_features": Counter(relation_of.values()),
        "n_features_found": Counter(relation_of[feature] for feature in features_found),
        "n_links": Counter(link.relation for same in judged.values() for link in same),
        "n_links_found": Counter(link.relation for pair in right for link in judged[pair]),
    }
    precision = len(right) / len(found) if found else 0.0
    recall = len(features_found) / len(relation_of)
    return CorrespondenceRecovery(
        precision=precision,
        recall=recall,
        f1=2.0 * precision * recall / (precision + recall) if right else 0.0,
        link_recall=counts["n_links_found"].total() / counts["n_links"].total(),
        n_found=len(found),
        n_right=len(right),
        n_repeated=n_repeated,
        n_absent=n_absent,
        n_mistaken=len(found) - len(right) - n_absent,
        n_left_out=n_left_out,
        relations={
            relation: RelationRecovery(**{name: counted[relation] for name, counted in counts.items()})
            for relation in counts["n_features"]
        },
    )


def _refuse_outside(found: set[tuple[int, int]], truth: Truth) -> None:
    for place, side, network in ((0, "left", truth.left), (1, "right", truth.right)):
        highest = max(pair[place] for pair in found)
        if highest >= len(network.feature):
            raise InvalidPairing(
                f"the pairing names {side} row {highest}, but the {side} dictionary has {len(network.feature)} rows; "
                "was it made for trained dictionaries? Judge it by trained_truth(...) of these instead"
            )
