import hashlib

import pytest

from dgl_memgnn.data import find_file

URL = "https://example.org/set.zip"


@pytest.fixture
def web(monkeypatch):
    """A download that works; the list of what was asked for."""
    asked = []

    def download(url, path, **kwargs):
        asked.append(url)
        with open(path, "wb") as file:
            file.write(b"content")

    monkeypatch.setattr("dgl_memgnn.data.folder.download", download)
    return asked


def test_takes_the_first_candidate_there_is(tmp_path):
    (tmp_path / "tu" / "SET").mkdir(parents=True)
    assert find_file(["tu/SET.zip", "tu/SET"], tmp_path) == tmp_path / "tu" / "SET"
    (tmp_path / "tu" / "SET.zip").touch()
    assert find_file(["tu/SET.zip", "tu/SET"], str(tmp_path)) == tmp_path / "tu" / "SET.zip"


def test_environment_variable_is_the_default_data_folder(tmp_path, monkeypatch):
    for folder in ("variable", "argument"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").touch()
    monkeypatch.setenv("DGL_MEMGNN_DATA", str(tmp_path / "variable"))
    assert find_file(["a.csv"]) == tmp_path / "variable" / "a.csv"
    assert find_file(["a.csv"], tmp_path / "argument") == tmp_path / "argument" / "a.csv"


def test_data_folder_comes_before_the_download(tmp_path, web):
    (tmp_path / "a.csv").touch()
    assert find_file(["a.csv"], tmp_path, URL) == tmp_path / "a.csv"
    assert web == []


def test_downloads_once_and_only_the_file(tmp_path, web):
    path = find_file(["tu/SET.zip", "tu/SET"], tmp_path, URL, hashlib.md5(b"content").hexdigest())
    assert path == tmp_path / "downloads" / "dgl_memgnn" / "tu" / "SET.zip"
    assert path.read_bytes() == b"content"
    assert find_file(["tu/SET.zip"], url=URL) == path
    assert web == [URL]
    assert list(path.parent.iterdir()) == [path]


def test_wrong_md5_is_refused_and_leaves_nothing(tmp_path, web):
    with pytest.raises(FileNotFoundError, match="MD5 is 9a0364b9e99bb480dd25e1f0284c8555 where 0000 was"):
        find_file(["a.csv"], tmp_path, URL, md5="0000")
    assert list((tmp_path / "downloads" / "dgl_memgnn").iterdir()) == []


def test_error_names_file_folder_address_and_remedy(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        find_file(["tu/SET.zip", "tu/SET"], tmp_path, URL)
    for part in ("tu/SET.zip or tu/SET", str(tmp_path), URL, "no network in tests", "DGL_MEMGNN_DATA"):
        assert part in str(caught.value)


def test_error_says_that_no_folder_and_no_address_is_known():
    with pytest.raises(FileNotFoundError, match="no data folder is set; no download is known"):
        find_file(["a.csv"])
