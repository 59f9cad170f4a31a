"""An interrupt that Python drops is raised where somebody asks; SIGTERM is one as well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from geomsim.interrupts import Terminated, heeding_termination, kept_interrupts


class Dying:
    number = signal.SIGINT

    def __del__(self) -> None:
        signal.raise_signal(self.number)


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


def test_sigterm_is_raised_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), heeding_termination():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sigterm_that_falls_into_a_finaliser_is_raised_as_what_it_was() -> None:
    with heeding_termination():
        heeding = signal.getsignal(signal.SIGTERM)
        with kept_interrupts() as ask:
            dying = Dying()
            dying.number = signal.SIGTERM
            del dying
            with pytest.raises(Terminated):
                ask()
        assert signal.getsignal(signal.SIGTERM) is heeding


def test_whoever_heeds_or_ignores_sigterm_already_goes_on_to() -> None:
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with heeding_termination():
            signal.raise_signal(signal.SIGTERM)
        assert came == [signal.SIGTERM]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with heeding_termination():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_a_forked_process_dies_of_sigterm_and_says_nothing() -> None:
    code = """
import os, signal, time
from geomsim.interrupts import heeding_termination
ready, write = os.pipe()
with heeding_termination():
    child = os.fork()
    if not child:
        os.write(write, b".")
        time.sleep(30)
        os._exit(1)
    os.read(ready, 1)  # a signal that comes while Python forks is dropped
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (str(-signal.SIGTERM), "")
