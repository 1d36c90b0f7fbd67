"""What was computed of many molecules, stored on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dgl_memgnn.cache import read_arrays, store_arrays


def cached_arrays(
    smiles: list[str],
    cache_dir: str | os.PathLike[str] | None,
    made_by: str,
    check: Callable[[dict[str, np.ndarray]], object],
    compute: Callable[[], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Arrays of some molecules: those that an earlier call stored, or else computed and stored.

    Parameters
    ----------
    smiles : list
        The molecules. They, in their order, and ``made_by`` name the file.
    cache_dir : str or os.PathLike or None
        Folder that keeps the arrays; None for none.
    made_by : str
        Lines that tell what was computed, and by which versions.
    check : callable
        Called with the dict of arrays of a file; raises if they are not what they should be.
    compute : callable
        Returns the dict of arrays.

    Returns
    -------
    dict of ndarray

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for compute in (lambda: {"length": np.array([3])}, lambda: {}):  # the second is not called
    ...         print(cached_arrays(["CCO"], folder, "lengths 1", len, compute))
    {'length': array([3])}
    {'length': array([3])}
    """
    if cache_dir is None or not smiles:
        return compute()
    digest = hashlib.sha256(made_by.encode())
    for text in smiles:
        digest.update(f"{text!r}\n".encode("utf-8", "backslashreplace"))
    file = Path(cache_dir) / f"{digest.hexdigest()}.npz"
    arrays = read_arrays(file, check, stacklevel=4)
    if arrays is None:
        arrays = compute()
        store_arrays(file, compress=True, stacklevel=4, **arrays)
    return arrays
