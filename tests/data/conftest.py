import pytest


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch, tmp_path):
    """No test sees the user's data folder or downloads, nor the network."""

    def refuse(url, **kwargs):
        raise ConnectionError("no network in tests")

    monkeypatch.delenv("DGL_MEMGNN_DATA", raising=False)
    monkeypatch.setenv("DGL_DOWNLOAD_DIR", str(tmp_path / "downloads"))
    monkeypatch.setattr("dgl_memgnn.data.folder.download", refuse)


@pytest.fixture
def pieces_given_to(monkeypatch):
    """Has a function of a module record the pieces of SMILES that it is called with; returns their list."""

    def record(module, name):
        pieces, original = [], getattr(module, name)

        def recording(smiles, *args, **kwargs):
            pieces.append(smiles)
            return original(smiles, *args, **kwargs)

        monkeypatch.setattr(module, name, recording)
        return pieces

    return record
