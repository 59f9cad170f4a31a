"""How many threads torch has, for tests of code that changes it for a while; see the fixture many_torch_threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch

MANY = 3


def assert_threads_restored() -> None:
    """Here, and in threads still to come, to which torch gives the number that was set last in any of them."""
    assert torch.get_num_threads() == MANY
    with ThreadPoolExecutor(1) as new:
        assert new.submit(torch.get_num_threads).result() == MANY
