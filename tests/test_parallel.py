"""One torch thread in each of ours, restored whatever happens."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits
from torch_threads import MANY, assert_threads_restored

from geomsim.parallel import at_most, cores, in_threads, on_cores, one_thread

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


def test_no_more_cores_than_allowed_in_this_thread() -> None:
    found = cores()
    with at_most(1):
        assert cores() == 1
        with at_most(found + 5):
            assert cores() == found
        assert list(in_threads(lambda item: cores(), [1, 2], workers=2)) == [found, found]
    assert cores() == found


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_of_torch_and_blas_until_the_last_one_leaves() -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with one_thread():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=stay)
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_thread():
            assert (torch.get_num_threads(), blas_threads()) == (1, {1})
            with one_thread():
                pass
            assert (torch.get_num_threads(), blas_threads()) == (1, {1})
        assert blas_threads() == before
        assert_threads_restored()
        with one_thread():
            other.start()
            assert inside.wait(10)
        assert (torch.get_num_threads(), blas_threads()) == (1, {1})  # the other one is still inside
        leave.set()
        other.join()
    with ThreadPoolExecutor(1) as new:
        assert new.submit(torch.get_num_threads).result() == MANY


def test_threads_of_ours_have_one_of_blas() -> None:
    with threadpool_limits(2, user_api="blas"):
        assert list(on_cores(lambda item: blas_threads(), range(4), 2)) == [{1}] * 4
