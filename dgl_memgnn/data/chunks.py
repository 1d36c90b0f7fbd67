"""Work on many molecules, a piece at a time, by several processes where that takes less time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

PATIENCE = 3  # seconds until a bar is shown
_log = logging.getLogger(__name__)
_SLOW = 5  # seconds from which on a molecule is named
_CHUNK_SIZE = 250  # molecules that a process is given at a time
_MAX_PROCESSES = 8  # each of them takes some 400 MiB

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
    from joblib import Parallel, cpu_count, delayed, parallel_config

    chunks = [smiles[start : start + _CHUNK_SIZE] for start in range(0, len(smiles), _CHUNK_SIZE)]
    processes = min(cpu_count(), _MAX_PROCESSES) if len(smiles) >= many else 1
    done: list[_Result] = []
    # loky, because its processes do not import the script that started them, guarded or not.
    with (
        parallel_config("loky", inner_max_num_threads=1, idle_worker_timeout=10),
        tqdm(None, title, len(smiles), unit=" molecules", delay=PATIENCE) as bar,
    ):
        try:
            for chunk, result in zip(
                chunks,
                Parallel(processes, return_as="generator", batch_size=1)(
                    delayed(function)(chunk) for chunk in chunks
                ),
            ):
                done.append(result)
                bar.update(len(chunk))
        except BrokenProcessPool as error:
            raise ChildProcessError(
                f"One of {processes} processes that {title.lower()} molecules died, at molecule {bar.n} of "
                f"{len(smiles)} or soon after it. If memory ran out, free some and start again ({error})."
            ) from error
    return done


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
