"""How many folds or seeds of a result are done."""

from __future__ import annotations

from typing import Any

from dgl_memgnn.runs.protocols import split_of

__all__ = ["count_text", "done_and_planned", "ensemble_count_text"]


def done_and_planned(result: dict[str, Any]) -> tuple[int, int]:
    """Numbers of folds or seeds that are done, and that were asked for; members of an ensemble count as one.

    Parameters
    ----------
    result : dict
        The content of a result.json.

    Examples
    --------
    >>> done_and_planned({"runs": {"seed0": {}, "seed0-member1": {}}, "num_splits": 3})
    (1, 3)
    """
    if "folds" in result:
        return len(result["folds"]), result["num_outer_folds"]
    done = sum(split_of(run) == run for run in result["runs"])
    return done, result.get("num_splits", done)  # which results of before do not tell: they were whole


def count_text(result: dict[str, Any]) -> str:
    """Number of folds or seeds, and of how many if some are still to come."""
    return _in_words(*done_and_planned(result))


def ensemble_count_text(result: dict[str, Any]) -> str:
    """The same of its ensembles: a fold or seed has one when all members are done."""
    done, planned = done_and_planned(result)
    return _in_words(result["ensemble"].get("num_splits", done), planned)  # stored where it can be another


def _in_words(done: int, planned: int) -> str:
    return str(done) if done == planned else f"{done} of {planned}"
