import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DGLBACKEND", "pytorch")

import pytest  # noqa: E402
import torch  # noqa: E402
from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: E402

torch.set_num_threads(1)
BESIDE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir():
    """The folder of the real data sets."""
    folder = Path(os.environ.get("DGL_MEMGNN_DATA", BESIDE_REPOSITORY))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder (set DGL_MEMGNN_DATA)")
    return folder


@pytest.fixture(autouse=True, scope="session")
def no_user_folder(tmp_path_factory):
    """No test, nor a process that it starts, writes to the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGL_DOWNLOAD_DIR", str(tmp_path_factory.mktemp("downloads")))
        yield


@pytest.fixture(autouse=True, scope="session")
def pictures_as_they_fall():
    """Pictures are drawn, but not arranged, which takes longer than most trainings of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConstrainedLayoutEngine, "execute", lambda self, figure: None)
        yield


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
