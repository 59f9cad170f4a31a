"""An interrupt that Python drops is raised where somebody asks."""

from __future__ import annotations

import signal
import threading

import pytest

from geomsim.interrupts import kept_interrupts


class Dying:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_falls_into_a_finaliser_is_raised_when_asked_for() -> None:
    before = signal.getsignal(signal.SIGINT)
    with kept_interrupts() as ask:
        ask()
        dying = Dying()
        del dying  # the interrupt is dropped here
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert signal.getsignal(signal.SIGINT) is before


def test_one_that_is_heard_ends_the_block_and_leaves_the_handler_as_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), kept_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_do_without() -> None:
    found: list[bool] = []

    def inside() -> None:
        with kept_interrupts() as ask:
            ask()
            found.append(True)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [True]
