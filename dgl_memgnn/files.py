"""Files that are written whole or not at all."""
import os
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(path):
    """A path to write to, which becomes ``path`` when the block ends, and vanishes when it fails.

    Parameters
    ----------
    path : str or os.PathLike
        The file; an older one is replaced.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "scores.txt")
    >>> with replacing(path) as unfinished:
    ...     _ = unfinished.write_text("0.5")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('0.5', 1)
    """
    unfinished = Path(f"{path}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
