"""Work on many molecules, a piece at a time, by several processes where that takes less time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

PATIENCE = 3  # seconds until a bar is shown
_log = logging.getLogger(__name__)
_SLOW = 5  # seconds from which on a molecule is named
_CHUNK_SIZE = 250  # molecules that a process is given at a time
_MAX_PROCESSES = 8  # each of them takes some 400 MiB

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")


def map_chunks(
    function: Callable[[list[str]], _Result], smiles: list[str], many: int, title: str
) -> list[_Result]:
    """Results of a function for pieces of a list of SMILES, in their order.

    Parameters
    ----------
    function : callable
        Takes a list of SMILES.
    smiles : list
        The molecules.
    many : int
        Number of molecules from which on several processes take less time than one, their start included.
    title : str
        What is done, for the bar.

    Returns
    -------
    list
        The result for each piece.

    Raises
    ------
    ChildProcessError
        If a process died.

    Examples
    --------
    >>> map_chunks(len, ["C"] * 600, many=8000, title="Count")
    [250, 250, 100]
    """
    from joblib import cpu_count

    starts = range(0, len(smiles), _CHUNK_SIZE)
    chunks = [smiles[start : start + _CHUNK_SIZE] for start in starts]
    processes = min(cpu_count(), _MAX_PROCESSES) if len(smiles) >= many else 1
    done: list[_Result] = []
    with tqdm(None, title, len(smiles), unit=" molecules", delay=PATIENCE) as bar:
        for chunk, result in zip(chunks, map_ordered(function, chunks, processes)):
            done.append(result)
            bar.update(len(chunk))
    return done


def map_ordered(
    function: Callable[[_Piece], _Result],
    pieces: Iterable[_Piece],
    processes: int,
    name: Callable[[_Piece], str] | None = None,
) -> Iterator[_Result]:
    """Results of a function for pieces of work, in their order, with few of them in memory.

    Parameters
    ----------
    function : callable
        What is to be done with a piece.
    pieces : iterable
        The pieces, which are asked for when they are needed.
    processes : int
        Number of processes, each with one thread; 1: this one.
    name : callable, optional
        What a piece is called in an error. Default: by its number, from 1.

    Yields
    ------
    object
        The result for the next piece.

    Raises
    ------
    ChildProcessError
        If a process died; the message names a piece.

    Examples
    --------
    >>> list(map_ordered(len, [[0, 0], [0]], processes=1))
    [2, 1]
    """
    if processes == 1:
        yield from map(function, pieces)
        return
    from joblib.externals.loky import get_reusable_executor

    # loky, because its processes do not import the script that started them, guarded or not.
    executor = get_reusable_executor(processes, timeout=10, env=dict.fromkeys(_THREADS, "1"))
    waiting: deque[tuple[str, Future[_Result]]] = deque()

    def next_result() -> _Result:
        called, future = waiting.popleft()
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise ChildProcessError(
                f"One of {processes} processes died, with {called} or soon after. If memory ran out, free some or "
                f"use fewer processes, and start again ({error})."
            ) from error

    try:
        for number, piece in enumerate(pieces, start=1):
            called = name(piece) if name else f"piece {number}"
            waiting.append((called, executor.submit(function, piece)))
            if len(waiting) > 2 * processes:
                yield next_result()
        while waiting:
            yield next_result()
    finally:
        for _, future in waiting:
            future.cancel()


def name_slow(seconds: float, what: str, smiles: str) -> None:
    """Say which molecule something took long for.

    Parameters
    ----------
    seconds : float
        How long it took.
    what : str
        What was computed.
    smiles : str
        The molecule.
    """
    if seconds > _SLOW:
        _log.warning("%.0f seconds went into the %s of %.80s", seconds, what, smiles)
