"""What the pages say exists: links, paths, names; and what exists is on the pages."""

import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest
import yaml

import dgl_memgnn

ROOT = Path(__file__).parents[1]
if not (ROOT / ".ci").is_dir():  # in a source distribution, which has some of it
    pytest.skip("outside the repository", allow_module_level=True)
PAGES = [
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    if "_build" not in path.parts
]
WRITTEN_BY_COMMANDS = {"docs/results/P/DATASET/ROW", "dgl_memgnn/cache"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def _module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATED = _module("generated")


def relative_links(text):
    """Targets of links and pictures that are files, anchors cut off."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


def paths_in_backticks(text):
    """What looks like a file or folder of the repository."""
    named = re.findall(r"`((?:docs|examples|tests|dgl_memgnn|\.ci|\.github)/[\w./-]*)`", text)
    return [name for name in named if not name.endswith(".")]


def test_links_and_paths_are_found_in_text():
    text = "[a](b.md#c) ![d](e/f.png) [g](https://h.org) [i](#j) `docs/k.md` `docs` `l/m`"
    assert relative_links(text) == ["b.md", "e/f.png"]
    assert paths_in_backticks(text) == ["docs/k.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_markdown_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    assert [target for target in relative_links(text) if not (page.parent / target).exists()] == []
    if page.name != "CHANGELOG.md":  # it names what is gone
        missing = [path for path in paths_in_backticks(text) if not (ROOT / path).exists()]
        assert [path for path in missing if path not in WRITTEN_BY_COMMANDS] == []


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").glob("*.rst")) + sorted((ROOT / "docs" / "guide").glob("*.rst"))
)
def test_paths_on_pages_exist(page):
    named = re.findall(r"``((?:docs|examples|tests|dgl_memgnn)/[\w./-]*\w)``", page.read_text(encoding="utf-8"))
    assert [path for path in named if path not in WRITTEN_BY_COMMANDS and not (ROOT / path).exists()] == []


def test_every_room_has_a_page():
    rooms = {f"dgl_memgnn.{path.parent.name}" for path in (ROOT / "dgl_memgnn").glob("*/__init__.py")}
    with_symbols = {room for room in rooms if getattr(importlib.import_module(room), "__all__", None)}
    assert with_symbols <= set(GENERATED.MODULES)


@pytest.mark.parametrize("name", GENERATED.MODULES)
def test_all_that_is_public_has_a_docstring(name):
    """An override may have the docstring of what it overrides."""
    module, missing = importlib.import_module(name), []
    assert module.__doc__
    for symbol in module.__all__:
        value = getattr(module, symbol)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        members = {}
        if inspect.isclass(value):
            members = {
                f"{symbol}.{key}": member
                for key, member in inspect.getmembers(value)
                if not key.startswith("_")
                and key in vars(value)
                and (inspect.isroutine(member) or isinstance(member, property))
            }
        missing += [key for key, member in {symbol: value, **members}.items() if not inspect.getdoc(member)]
    assert missing == []


def test_every_option_is_on_the_page_of_the_configuration():
    from dgl_memgnn.config import options

    page = GENERATED.configuration_page()
    assert [name for name, _, _ in options() if f".. confval:: {name}\n" not in page] == []


def test_every_command_is_on_the_page_of_the_command_line(capsys):
    from dgl_memgnn.cli import main

    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"(?m)^    ([a-z]+)\s", capsys.readouterr().out)
    page = GENERATED.cli_page()
    assert {"train", "predict", "benchmark"} <= set(commands)
    assert [command for command in commands if f"\ndgl-memgnn {command}\n---" not in page] == []


def test_workflows_run_what_is_here_on_what_is_promised():
    workflows = {path.stem: yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader) for path in WORKFLOWS}
    job = workflows["ci"]["jobs"]["run"]
    assert job["strategy"]["matrix"]["python"] == ["3.9", "3.10", "3.11", "3.12"]
    assert 'python_requires=">=3.9,<3.13"' in (ROOT / "setup.py").read_text(encoding="utf-8")
    assert job["steps"][-1]["run"] == ".ci/run"
    assert '"3.9-oldest": ("3.9"' in (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert workflows["ci"]["jobs"]["oldest"]["steps"][-1]["run"] == 'nox -s "tests(3.9-oldest)"'
    assert all("schedule" in workflows[name]["on"] for name in ("ci", "docs"))
    assert any("-b linkcheck" in step.get("run", "") for step in workflows["docs"]["jobs"]["links"]["steps"])
    publish = workflows["publish"]["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"} and publish["environment"]["name"] == "pypi"


def test_version_stands_in_one_place():
    named = [
        path
        for path in [
            *ROOT.glob("*.py"),
            *ROOT.glob("*.toml"),
            *(ROOT / "docs").glob("*.py"),
            *(ROOT / "dgl_memgnn").rglob("*.py"),
        ]
        if f'"{dgl_memgnn.__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert [path.relative_to(ROOT).as_posix() for path in named] == ["dgl_memgnn/__init__.py"]
