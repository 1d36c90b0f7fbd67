"""Find a data file: in the data folder first, by download second."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from dgl.data.utils import download, get_download_dir

from dgl_memgnn.files import replacing

DATA_DIR_VARIABLE = "DGL_MEMGNN_DATA"


def find_file(
    candidates: Sequence[str],
    data_dir: str | os.PathLike[str] | None = None,
    url: str | None = None,
    md5: str | None = None,
) -> Path:
    """Path of the first of some files that exists, downloaded if none does.

    Parameters
    ----------
    candidates : list of str
        Paths relative to the data folder, in order of preference, such as ``["tu/DD.zip", "tu/DD"]``.
    data_dir : str or Path, optional
        The data folder. Default: the environment variable ``DGL_MEMGNN_DATA``.
    url : str, optional
        Where the first candidate can be downloaded, once: it is kept in the folder ``dgl_memgnn`` of DGL's
        download directory. Default: no download.
    md5 : str, optional
        MD5 of the download in hexadecimal digits. Default: not checked.

    Returns
    -------
    Path
        An existing file or folder.

    Raises
    ------
    FileNotFoundError
        If no candidate exists and none could be downloaded.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "molecules.csv").write_text("smiles")
    >>> find_file(["molecules.csv.gz", "molecules.csv"], data_dir=folder).name
    'molecules.csv'
    """
    data_dir = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    if data_dir:
        for candidate in candidates:
            if (Path(data_dir) / candidate).exists():
                return Path(data_dir) / candidate
    problem = "no download is known for it"
    if url:
        try:
            return _downloaded(candidates[0], url, md5)
        except Exception as error:  # whatever went wrong, the remedy is the same
            problem = f"the download from {url} failed ({type(error).__name__}: {error})"
    place = f"in {Path(data_dir).absolute()}" if data_dir else "nowhere, since no data folder is set"
    raise FileNotFoundError(
        f"{' or '.join(candidates)} not found: looked {place}; {problem}. Put the file in a data folder "
        f"under that path, and name the folder with data_dir (--data-dir) or with {DATA_DIR_VARIABLE}."
    )


def _downloaded(name: str, url: str, md5: str | None) -> Path:
    target = Path(get_download_dir()) / "dgl_memgnn" / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as unfinished:
            download(url, path=str(unfinished), retries=2)
            found = hashlib.md5(unfinished.read_bytes()).hexdigest()
            if md5 and found != md5:
                raise ValueError(f"its MD5 is {found} where {md5} was expected")
    return target
