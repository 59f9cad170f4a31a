from __future__ import annotations

import pytest
import torch

from geomsim_synthetic.torch_randomness import seeded_torch


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no graphics card here")
    return str(request.param)


def test_numbers_follow_the_seed_and_the_state_is_put_back(device: str) -> None:
    def drawn(seed: int) -> list[float]:
        with seeded_torch(seed, device):
            return [*torch.rand(3).tolist(), *torch.rand(3, device=device).tolist()]

    torch.rand(2, device=device)
    before = torch.random.get_rng_state(), torch.cuda.get_rng_state() if device == "cuda" else torch.empty(0)
    first = drawn(5)
    assert drawn(6) != first
    torch.rand(4)
    assert drawn(5) == first
    torch.random.set_rng_state(before[0])
    with pytest.raises(RuntimeError, match="size"), seeded_torch(1, device):
        torch.rand(3, device=device) + torch.rand(4, device=device)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    if device == "cuda":
        assert torch.equal(torch.cuda.get_rng_state(), before[1])


def test_no_graphics_card_is_seeded_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    with seeded_torch(3):
        torch.rand(1)
    assert seeded == []
