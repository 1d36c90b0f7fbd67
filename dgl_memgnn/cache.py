"""Arrays that were computed once and are kept on disk."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from dgl.data.utils import get_download_dir

from dgl_memgnn.files import replacing

__all__ = ["default_cache_dir", "read_arrays", "store_arrays"]


def default_cache_dir() -> Path | None:
    """A folder in DGL's download directory; None where that directory cannot be made."""
    try:
        return Path(get_download_dir()) / "dgl_memgnn" / "cache"
    except OSError:
        return None


def read_arrays(
    file: Path, check: Callable[[dict[str, np.ndarray]], object], stacklevel: int = 3
) -> dict[str, np.ndarray] | None:
    """The arrays of a file; None where there are none, or, with a warning, none that can be trusted.

    Parameters
    ----------
    file : Path
        An archive of numpy.
    check : callable
        Called with the dict of arrays; raises if they are not what they should be.
    stacklevel : int
        Of the warning. Default: 3, the caller of the caller.

    Returns
    -------
    dict of ndarray or None
    """
    try:
        with open(file, "rb") as source, np.load(source, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}  # checks the CRC-32 of the archive
        check(arrays)
        return arrays
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever is wrong with the file, the remedy is the same
        problem = f"{type(error).__name__}: {error}"
        warnings.warn(f"{file} cannot be used and is computed anew ({problem})", stacklevel=stacklevel)
        return None


def store_arrays(file: Path, compress: bool = False, stacklevel: int = 3, **arrays: np.ndarray) -> None:
    """Write arrays to a file, whole or not at all; a file that cannot be written is warned of.

    Parameters
    ----------
    file : Path
        Its folder is made.
    compress : bool
        Whether to compress them, which takes time. Default: False.
    stacklevel : int
        Of the warning. Default: 3, the caller of the caller.
    **arrays : ndarray
    """
    save: Callable[..., None] = np.savez_compressed if compress else np.savez
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as unfinished:
            save(unfinished, **arrays)
    except OSError as error:
        warnings.warn(f"What was computed is not stored in {file}: {error}", stacklevel=stacklevel)
