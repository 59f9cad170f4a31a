from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support
from sklearn.metrics.pairwise import cosine_similarity

import geomsim_synthetic.recovery as recovery_module
from geomsim import Pairing
from geomsim.errors import DegenerateSpace, InvalidConfig, InvalidSpace
from geomsim_synthetic import mmcs, pairing_recovery, share_recovered, two_models, uniqueness


def test_the_true_pairing_is_recovered_whole() -> None:
    truth = Pairing([0, 1, 2], [4, 5, 6])
    shuffled = Pairing([2, 0, 1], [6, 4, 5], weight=[0.1, 0.2, 0.3])
    recovery = pairing_recovery(shuffled, truth)
    assert (recovery.precision, recovery.recall, recovery.f1) == (1.0, 1.0, 1.0)


def test_a_swapped_pairing_is_wrong() -> None:
    truth = Pairing([0, 1, 2], [4, 5, 6])
    recovery = pairing_recovery(Pairing(truth.right, truth.left), truth)
    assert (recovery.precision, recovery.recall, recovery.f1) == (0.0, 0.0, 0.0)


def test_counts_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    found, true = (generator.random((12, 15)) < share for share in (0.3, 0.2))
    recovery = pairing_recovery(Pairing(*np.nonzero(found)), Pairing(*np.nonzero(true)))
    expected = precision_recall_fscore_support(true.ravel(), found.ravel(), average="binary")[:3]
    assert (recovery.precision, recovery.recall, recovery.f1) == pytest.approx(expected)
    assert (recovery.n_found, recovery.n_true) == (found.sum(), true.sum())
    assert json.loads(json.dumps(recovery.to_dict()))["n_correct"] == (found & true).sum()


def test_repeated_pairs_count_once() -> None:
    recovery = pairing_recovery(Pairing([0, 0, 1], [0, 0, 2]), Pairing([0, 1], [0, 1]))
    assert (recovery.precision, recovery.n_found, recovery.n_repeated) == (0.5, 2, 1)


def test_mmcs_agrees_with_scikit_learn_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    left, right = generator.standard_normal((30, 6)), generator.standard_normal((20, 6))
    cosines = cosine_similarity(left, right)
    for chunk in (2**22, 70):
        monkeypatch.setattr(recovery_module, "_CHUNK", chunk)
        assert mmcs(left, right) == pytest.approx(cosines.max(axis=1).mean())
        assert mmcs(left, right, direction="right-to-left") == pytest.approx(cosines.max(axis=0).mean())
        assert share_recovered(left, right, min_cosine=0.7) == pytest.approx((cosines.max(axis=0) >= 0.7).mean())
        assert uniqueness(left, right) == len(set(cosines.argmax(axis=1).tolist())) / 30


def test_a_dictionary_recovers_itself_and_its_opposite_does_not() -> None:
    two = two_models(n_features=40, width=10, n_tokens=10, mean_active=2)
    truth = two.left.directions
    found = 3.0 * truth[::-1]
    assert mmcs(found, truth) == pytest.approx(1.0)
    assert share_recovered(found, truth, min_cosine=0.999) == 1.0
    assert uniqueness(found, truth) == 1.0
    assert mmcs([[-1.0, 0.0]], [[1.0, 0.0]]) == -1.0
    # Between bases no direction means the same, however much is shared.
    assert mmcs(two.left.directions, two.right.directions) < 0.9


def test_directions_that_cannot_be_compared() -> None:
    with pytest.raises(InvalidSpace, match="left 2 and right 3"):
        mmcs(np.eye(2), np.eye(3))
    with pytest.raises(DegenerateSpace, match="1 of 2 true rows are zero and have no direction, the first is row 1"):
        share_recovered(np.eye(2), [[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(InvalidSpace, match="space 'right' has NaN or infinite values"):
        mmcs(np.eye(2), [[np.nan, 0.0]])
    with pytest.raises(InvalidConfig, match="direction='both' must be"):
        mmcs(np.eye(2), np.eye(2), direction="both")  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="min_cosine=2 must be"):
        share_recovered(np.eye(2), np.eye(2), min_cosine=2)
