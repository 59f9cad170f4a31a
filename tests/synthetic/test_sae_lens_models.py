from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from geomsim.errors import InvalidConfig, InvalidPairing
from geomsim_synthetic import SaeLensModels, Truth, correspondence_recovery, models_from_sae_lens

synthetic = pytest.importorskip("sae_lens.synthetic")


def model(seed: int = 0, **changes: Any) -> Any:
    options = {"num_features": 40, "hidden_dim": 12, "seed": seed, **changes}
    return synthetic.SyntheticModel(synthetic.SyntheticModelConfig(**options))


def other_model() -> Any:
    often = synthetic.ConstantFiringProbabilityConfig(probability=0.25)
    return model(1, hidden_dim=16, firing_probability=often)


def both() -> SaeLensModels:
    return models_from_sae_lens(model(0), other_model(), shared=0.4, n_tokens=5000, n_documents=5, seed=2)


@pytest.mark.parametrize(
    "two", [both(), models_from_sae_lens(model(), n_tokens=5000, width=20, noise=0.0)], ids=["two", "one"]
)
def test_shared_features_fire_alike_and_others_do_not(two: SaeLensModels) -> None:
    left, right = two.left.codes.toarray(), two.right.codes.toarray()
    np.testing.assert_array_equal(left[:, two.pairing.left], right[:, two.pairing.right])
    own = [np.setdiff1d(np.arange(40), rows) for rows in (two.pairing.left, two.pairing.right)]
    correlation = np.corrcoef(left[:, own[0]].T, right[:, own[1]].T)[: len(own[0]), len(own[0]) :]
    assert np.abs(correlation).max() < 0.15
    assert correspondence_recovery(two.pairing, two.truth).f1 == 1.0
    for truth, codes in ((two.truth.left, left), (two.truth.right, right)):
        rates, chances = (codes > 0).mean(axis=0), np.array(truth.probability)
        assert (np.abs(rates - chances) < 5 * np.sqrt(chances * (1 - chances) / 5000)).all()
        np.testing.assert_array_equal((codes > 0).sum(axis=0), truth.firings)
    assert two.truth.source == "sae-lens"
    assert Truth.from_json(two.truth.to_json()) == two.truth


def test_activations_are_those_of_the_models() -> None:
    left, right = model(0), other_model()
    two = both()
    for network, made in ((two.left, left), (two.right, right)):
        codes = torch.from_numpy(network.codes.toarray())
        back = torch.zeros_like(codes)
        order = torch.from_numpy(network.feature % 40)
        back[:, order] = codes
        np.testing.assert_allclose(made.feature_dict(back).detach().numpy(), network.activations, atol=1e-5)
    assert (two.left.width, two.right.width) == (12, 16)


def test_without_a_right_model_the_arrangement_is_carried_over() -> None:
    two = models_from_sae_lens(model(), n_tokens=10, width=20)
    left, right = two.pairing.apply(two.left.space(), two.right.space())
    np.testing.assert_allclose(left.numpy() @ left.numpy().T, right.numpy() @ right.numpy().T, atol=1e-6)
    assert two.truth.shared_cosine == 1.0
    assert both().truth.shared_cosine is None


def test_the_same_seed_gives_the_same_bits_and_global_state_is_left_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = both()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert both().left.activations.tobytes() == first.left.activations.tobytes()
    assert both().right.codes.data.tobytes() == first.right.codes.data.tobytes()


def test_correlations_and_hierarchies_are_those_of_the_model() -> None:
    config = synthetic.HierarchyConfig(total_root_nodes=3, branching_factor=2, max_depth=2)
    made = model(hierarchy=config, correlation=synthetic.LowRankCorrelationConfig(rank=4, correlation_scale=0.3))
    two = models_from_sae_lens(made, shared=1.0, n_tokens=300, noise=0.1)
    assert (two.left.codes.toarray()[:, two.pairing.left] == two.right.codes.toarray()[:, two.pairing.right]).all()
    assert two.left.codes.nnz > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"left": 3}, r"left is a int without activation_generator"),
        ({"right": model(num_features=30)}, r"the left model has 40 features and the right one 30"),
        ({"shared": 1.5}, r"shared=1.5 must be a fraction"),
        ({"width": 5}, r"width=5 is below the left model's 12"),
        ({"right": model(1), "width": 20}, r"width=20 was given beside a right model"),
        ({"n_documents": 20_000}, r"n_documents=20000 is more than n_tokens=100"),
        ({"noise": -1.0}, r"noise=-1.0 must be a finite number"),
    ],
)
def test_impossible_models(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        models_from_sae_lens(**{"left": model(), "n_tokens": 100, **arguments})


def test_nothing_shared() -> None:
    with pytest.raises(InvalidPairing, match="share no feature"):
        _ = models_from_sae_lens(model(), shared=0.0, n_tokens=10).pairing
