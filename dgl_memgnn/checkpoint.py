"""Trained weights on disk, with what it takes to use them."""

from __future__ import annotations

import io
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from dgl_memgnn.files import replacing

__all__ = ["load_checkpoint", "save_checkpoint"]

FORMAT = "dgl-memgnn checkpoint 2"
_WRITERS = {"dgl-memgnn checkpoint 1": "0.1.0"}  # the last version that reads an older format


def save_checkpoint(path: str | PathLike[str], **content: Any) -> None:
    """Write tensors and plain values to a file, whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        The file; an older one is replaced.
    **content
        State dicts, and numbers, strings, lists and dicts.
    """
    buffer = io.BytesIO()  # in memory, since torch does not tell a full disk from other errors
    torch.save({"format": FORMAT, **content}, buffer)
    with replacing(path) as unfinished:
        # not getbuffer: with a view in its traceback, Python 3.12.1 crashes (python/cpython issue 111211)
        unfinished.write_bytes(buffer.getvalue())


def load_checkpoint(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a file that :func:`save_checkpoint` wrote. No code in it is run.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    dict
        What was saved.

    Raises
    ------
    ValueError
        If the file is no checkpoint of this version.
    """
    stored = io.BytesIO(Path(path).read_bytes())  # read apart, because of OSErrors that damage causes
    try:
        content = torch.load(stored, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path} is damaged or no checkpoint of dgl-memgnn. Train again, or restore the file."
        ) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        writer = _WRITERS.get(str(found))
        by = f" of dgl-memgnn {writer}, which can still read it" if writer else ""
        raise ValueError(
            f"{path} has format {found!r}{by}; dgl-memgnn {version('dgl-memgnn')} reads {FORMAT!r}. Train again."
        )
    return content
