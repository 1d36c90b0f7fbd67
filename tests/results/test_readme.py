"""The README's tables are those of the stored results."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "docs" / "readme_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_what_the_results_say(module):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert module.filled(text) == text, "run python docs/readme_tables.py"
    assert all(f"<!-- {name} -->" in text for name in module.TABLES)
    stale = text.replace("| ESOL | RMSE | 0.", "| ESOL | RMSE | 1.")
    assert stale != text and module.filled(stale) == text


@pytest.mark.parametrize(
    "protocol, said", [("paper", "0.700 (4 of 10 folds)"), ("scaffold", "0.700 (4 of 5 seeds)")]
)
def test_a_part_of_a_protocol_is_told_whatever_was_asked_for(module, protocol, said, tmp_path, monkeypatch):
    folder = tmp_path / protocol / "DD" / "gmn"
    folder.mkdir(parents=True)
    result = {"runs": {f"fold{i}": {} for i in range(4)}, "num_splits": 4 + (protocol == "scaffold")}
    result["summary"] = {"validation": {"accuracy": {"mean": 0.7, "std": 0.1}}}
    (folder / "result.json").write_text(json.dumps(result))
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    assert module.figure(protocol, "DD", "gmn", "validation", "accuracy") == said
