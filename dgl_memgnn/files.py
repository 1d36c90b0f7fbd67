"""Files that are written whole or not at all."""
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(path):
    """A path to write to, which becomes ``path`` when the block ends, and vanishes when it fails.

    It is of this call alone, so that processes which write the same file do not meet, and has the same name.

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
    path = Path(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        os.replace(unfinished, path)
