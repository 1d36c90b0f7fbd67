"""Independent jobs in processes of one thread each."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

__all__ = ["check_workers", "finished_jobs", "process_pool"]


def check_workers(workers: int) -> None:
    """ValueError unless there is a process at least."""
    if workers < 1:
        raise ValueError(f"The number of workers must be at least 1, got {workers}.")


def finished_jobs(function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], workers: int) -> Iterator[Any]:
    """Call a function with each of some tuples of arguments, and yield what it returns, as calls finish.

    FloatingPointError, of a training that diverged, comes when all others have finished.

    Parameters
    ----------
    function : callable
        One that a new process can import.
    calls : sequence of tuple
        The arguments of each call.
    workers : int
        Number of processes; with 1, no process is started, and calls keep their order.

    Examples
    --------
    >>> list(finished_jobs(pow, [(2, 3), (5, 2)], workers=1))
    [8, 25]
    """
    diverged: list[FloatingPointError] = []
    if workers == 1 or not calls:
        waiting = (partial(function, *call) for call in calls)
        yield from _without_diverged(waiting, diverged)
    else:
        with process_pool(workers) as pool:
            started = [pool.submit(function, *call) for call in calls]
            yield from _without_diverged((done.result for done in as_completed(started)), diverged)
    if diverged:
        others = len(calls) - len(diverged)
        raise FloatingPointError(
            "\n".join([*map(str, diverged), f"The other {others} have finished, and are stored."])
        )


def _without_diverged(results: Iterable[Callable[[], Any]], diverged: list[FloatingPointError]) -> Iterator[Any]:
    """What some calls return; errors of those that diverged are appended."""
    for result in results:
        try:
            finished = result()
        except FloatingPointError as error:
            diverged.append(error)
        else:
            yield finished


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes of one thread each, which end with the block, however it ends, and with this process.

    ChildProcessError if one of them died.
    """
    # spawned, not forked: OpenMP does not survive a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin) as pool:
        try:
            yield pool
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()  # what they have stored is whole, and continues
            if isinstance(error, BrokenProcessPool):
                raise ChildProcessError(
                    f"One of {workers} processes died. If memory ran out, free some or use fewer (--workers). "
                    "What is stored is whole, and a second call continues."
                ) from error
            raise


def _begin() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed process ends none of those that it has started: they would train on beside a second call."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
