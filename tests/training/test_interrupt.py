"""Ctrl-C, held back once."""

import signal
import threading

import pytest

from dgl_memgnn.training.interrupt import deferred_interrupt


@pytest.fixture(autouse=True)
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_waits_for_its_place():
    with pytest.raises(KeyboardInterrupt):
        with deferred_interrupt() as stop_if_interrupted:
            stop_if_interrupted()
            signal.raise_signal(signal.SIGINT)
            waited = True
            stop_if_interrupted()
    assert waited and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_does_not_wait():
    waited = False
    with pytest.raises(KeyboardInterrupt):
        with deferred_interrupt():
            signal.raise_signal(signal.SIGINT)
            waited = True
            signal.raise_signal(signal.SIGINT)
            pytest.fail("The second Ctrl-C was held back.")
    assert waited


def test_other_handlers_and_threads_are_left_alone():
    def own(number, frame):
        raise InterruptedError

    signal.signal(signal.SIGINT, own)
    with deferred_interrupt() as stop_if_interrupted:
        assert signal.getsignal(signal.SIGINT) is own
        stop_if_interrupted()
    seen = []

    def in_a_thread():
        with deferred_interrupt() as stop_if_interrupted:
            stop_if_interrupted()
            seen.append(True)

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert seen == [True]
