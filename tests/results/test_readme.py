"""The README's tables are those of the stored results."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_tables_are_what_the_results_say(tmp_path):
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "docs" / "readme_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert module.filled(text) == text, "run python docs/readme_tables.py"
    assert all(f"<!-- {name} -->" in text for name in module.TABLES)
    stale = text.replace("| ESOL | RMSE | 0.", "| ESOL | RMSE | 1.")
    assert stale != text and module.filled(stale) == text
