"""One torch thread in each of ours, restored whatever happens."""

from __future__ import annotations

import threading

import pytest
import torch
from torch_threads import MANY, assert_threads_restored

from geomsim.parallel import on_cores

pytestmark = pytest.mark.usefixtures("many_torch_threads")


def seen(item: int) -> tuple[int, int, int]:
    return item, threading.get_ident(), torch.get_num_threads()


def test_threads_of_ours_have_one_of_torch_and_answer_in_order() -> None:
    found = list(on_cores(seen, range(9), 2))
    assert [item for item, _, _ in found] == list(range(9))
    assert {threads for _, _, threads in found} == {1}
    assert threading.get_ident() not in {thread for _, thread, _ in found}
    assert_threads_restored()


def test_one_worker_is_the_calling_thread_with_all_threads_of_torch() -> None:
    assert list(on_cores(seen, [4], 1)) == [(4, threading.get_ident(), MANY)]


def test_torch_threads_are_restored_after_an_error_and_after_leaving_early() -> None:
    def fails(item: int) -> int:
        if item == 3:
            raise ValueError("no")
        return item

    with pytest.raises(ValueError, match="no"):
        list(on_cores(fails, range(9), 2))
    assert_threads_restored()
    early = on_cores(fails, range(3), 2)
    assert next(early) == 0
    early.close()
    assert_threads_restored()
