"""Ctrl-C, held back once."""

import signal
import threading

import pytest
import torch

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


def test_the_end_of_the_block_is_a_place_too():
    ended = False
    with pytest.raises(KeyboardInterrupt):
        with deferred_interrupt():
            signal.raise_signal(signal.SIGINT)
            ended = True
    assert ended and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_else_ends_the_block_is_not_hidden():
    with pytest.raises(FloatingPointError):
        with deferred_interrupt():
            signal.raise_signal(signal.SIGINT)
            raise FloatingPointError


def test_after_the_last_batch_it_stops_the_training_which_then_is_finished(make_trainer, dataset):
    whole, stopped = (make_trainer(epochs=4, learning_rate=1e-2) for _ in range(2))
    whole.fit(dataset, range(18), range(18, 24))

    def press(record, kept):
        if record["epoch"] == 4:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        stopped.fit(dataset, range(18), range(18, 24), press)
    assert stopped.fit(dataset, range(18), range(18, 24)) == whole.history
    for name, value in stopped.model.state_dict().items():
        assert torch.equal(value, whole.model.state_dict()[name])


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
