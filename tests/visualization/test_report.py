"""The report holds what the run holds, and needs nothing else."""

import base64
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from dgl_memgnn.config import load_config
from dgl_memgnn.run_files import FILES, STATE, check_beside_runs
from dgl_memgnn.runs import train_run
from dgl_memgnn.visualization import (
    draw_calibration,
    draw_measured,
    draw_precision_recall,
    draw_roc,
    read_held_out,
    report_html,
    write_report,
)

KINDS = ["regression", "binary", "classes", "sum", "forest", "descriptors"]


class Page(HTMLParser):
    """Elements that must be closed are, pictures say what they show, and every reference is to the page itself."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.pictures, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), attributes
        if tag == "img":
            assert attributes["alt"]
            self.pictures.append(attributes["src"])
        if tag not in ("img", "meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] == "td":
            self.cells.append(data)


@pytest.fixture(scope="module")
def pages(runs):
    return {kind: report_html(runs.folder / kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_self_contained(pages, kind):
    text = pages[kind]
    page = Page(text)
    assert not re.search(r"https?://|<script|@import|url\(", text)
    for source in page.pictures:
        content = base64.b64decode(source.partition("base64,")[2]).decode()
        assert not re.search(r"href=['\"]https?:", content) and "<svg" in content
    assert "@media print" in text and "width=device-width" in text and "lang='en'" in text


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_run(runs, pages, kind):
    metrics = json.loads((runs.folder / kind / "metrics.json").read_text())
    page = Page(pages[kind])
    for part in ("validation", "test"):
        for value in metrics[part].values():
            assert format(value, ".4g") in page.cells
        for scores in metrics.get("tasks", {}).get(part, {}).values():
            for value in scores.values():
                assert value is None or format(value, ".4g") in page.cells
    words = " ".join(page.words)
    assert all(str(size) in page.cells for size in metrics["parts"].values())
    assert all(line in words for line in metrics["dropped"].splitlines())
    assert metrics["digest"] in words and f"dgl {metrics['versions']['dgl']}" in words
    assert "num_keys:" in words


def test_what_users_wrote_is_escaped(pages):
    assert "<b>long" not in pages["binary"]
    assert "<b>long & odd</b>" in " ".join(Page(pages["binary"]).words)


def test_keys_are_shown_where_there_are_some(pages):
    assert "What the keys learned" in pages["regression"]
    assert "Memory layer 1" in pages["regression"] and "Memory layer 2" in pages["regression"]
    assert "Memory layer 3</h3>" not in pages["regression"]
    assert "Functional groups that each key's atoms are enriched in" in pages["descriptors"].replace("&#x27;", "'")
    for kind in ("sum", "forest"):
        assert "This network has no memory layers." in pages[kind]
    assert "This network takes no epochs." in pages["forest"]


def test_a_run_of_graphs(graph_run, tmp_path):
    page = Page(report_html(graph_run))
    assert "Graphs are not drawn" not in " ".join(page.words)
    assert len(page.pictures) > 10
    moved = tmp_path / "mailed"
    shutil.copytree(graph_run, moved)
    config = (moved / "config.yaml").read_text()
    assert "TINY" in config
    (graph_run.parent / "tu").rename(graph_run.parent / "away")
    try:
        words = " ".join(Page(report_html(moved)).words)
    finally:
        (graph_run.parent / "away").rename(graph_run.parent / "tu")
    assert "Graphs are not drawn, since the data set is not here" in words and "Scores" in words


@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
def test_held_out_predictions_are_those_of_the_file(runs, kind):
    held_out = read_held_out(runs.folder / kind)
    table = pd.read_csv(runs.folder / kind / "predictions.csv", dtype={"id": str})
    assert held_out.rows == list(dict.fromkeys(table["id"]))
    if kind == "classes":
        assert held_out.task.output_names == ["kind_acid", "kind_other", "kind_salt"]
        for row, truth, prediction in zip(held_out.rows, held_out.truth, held_out.prediction):
            [record] = table[table["id"] == row].to_dict("records")
            assert f"kind_{record['target']}" == held_out.task.output_names[truth.argmax()]
            assert prediction.tolist() == [record[name] for name in held_out.task.output_names]
        return
    for i, name in enumerate(held_out.task.names):
        of_task = table[table["task"] == name].set_index("id")
        for row, truth, prediction in zip(held_out.rows, held_out.truth[:, i], held_out.prediction[:, i]):
            assert (row in of_task.index) == (not np.isnan(truth))
            if row in of_task.index:
                assert (truth, prediction) == (of_task.loc[row, "target"], of_task.loc[row, "prediction"])


def test_the_worst_predictions_come_first(runs):
    held_out = read_held_out(runs.regression)
    table = pd.read_csv(runs.regression / "predictions.csv")
    error = (table["target"] - table["prediction"]).abs()
    assert held_out.rows[held_out.errors.argmax()] == str(table["id"][error.argmax()])
    binary = read_held_out(runs.binary)
    assert (binary.errors <= 1).all()


def test_curves_are_those_of_the_predictions(runs):
    held_out = read_held_out(runs.classes)
    figure = draw_roc(held_out)
    drawn = {line.get_label(): line for line in figure.axes[0].lines if not line.get_label().startswith("_")}
    outputs = [(name, y, p) for name, y, p in held_out.outputs() if 0 < y.sum() < len(y)]
    assert list(drawn) == [f"{name}: {roc_auc_score(y, p):.3f}" for name, y, p in outputs] and drawn
    for (_, y, p), line in zip(outputs, drawn.values()):
        for threshold in np.unique(p):
            rates = [(p[y == kind] >= threshold).mean() for kind in (0, 1)]
            x, height = line.get_xdata(), line.get_ydata()
            assert np.interp(rates[0], x, height) <= rates[1] + 1e-9 or np.isclose(rates[0], x).any()
    for draw in (draw_precision_recall, draw_calibration):
        assert len(draw(held_out).axes[0].lines) >= len(outputs)
    name, truth, prediction = read_held_out(runs.regression).outputs()[0]
    [points] = draw_measured(name, truth, prediction).axes[0].collections
    assert np.allclose(points.get_offsets(), np.stack([truth, prediction], axis=1))


def test_molecules_beyond_the_usual_limits_are_drawn_where_the_run_has_others(tmp_path):
    smiles = ["C" * n for n in (*range(1, 9), 1001)]
    table = pd.DataFrame({"smiles": smiles, "y": range(9), "part": ["train"] * 6 + ["val"] + ["test"] * 2})
    table.to_csv(tmp_path / "m.csv", index=False)
    options = {"csv": str(tmp_path / "m.csv"), "tasks": ["y"], "splits_column": "part", "max_atoms": 1001}
    config = load_config(overrides={**options, "network": "RandomForest"})
    train_run(config, tmp_path / "run", progress=False, report=False)
    assert len(Page(report_html(tmp_path / "run")).pictures) == 1 + 2


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_target_without_labels_in_the_part_is_named_and_not_drawn(tmp_path):
    smiles = ["C" * n for n in range(1, 10)]
    table = pd.DataFrame({"smiles": smiles, "y": range(9), "part": ["train"] * 5 + ["val"] * 2 + ["test"] * 2})
    table["rare"] = table["y"].where(table["part"] == "train")
    table.to_csv(tmp_path / "m.csv", index=False)
    options = {"csv": str(tmp_path / "m.csv"), "tasks": ["y", "rare"], "splits_column": "part"}
    config = load_config(overrides={**options, "hidden_feats": 8, "epochs": 1, "num_layers": 1})
    train_run(config, tmp_path / "run", progress=False, report=False)
    text = report_html(tmp_path / "run")
    assert "Predicted against measured y" in text and "Predicted against measured rare" not in text
    assert "2 molecules. None has a label of rare, so that nothing is drawn of it." in text


@pytest.mark.parametrize("name", [*FILES, STATE])
def test_a_file_of_the_run_is_never_replaced(runs, tmp_path, name):
    shutil.copytree(runs.sum, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=f"{name} is a file of the run .*: give another file to write"):
            write_report(tmp_path / "run", tmp_path / "run" / ".." / "run" / name, overwrite)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize("name", ["checkpoint.pt", "weights.pt"])
def test_a_file_of_another_run_is_never_replaced(runs, tmp_path, name):
    for file in (name, "config.yaml", "notes.csv"):
        (tmp_path / file).write_text("theirs")
    for file in (name, "config.yaml"):
        with pytest.raises(ValueError, match=f"{file} is a file of the run .*: give another file to write"):
            check_beside_runs(tmp_path / file)
    check_beside_runs(tmp_path / "notes.csv")


def test_what_cannot_be_reported_is_refused(runs, tmp_path):
    target = tmp_path / "page.html"
    target.write_text("mine")
    with pytest.raises(FileExistsError, match="page.html is there already.*--overwrite"):
        write_report(runs.sum, target)
    assert target.read_text() == "mine"
    assert "</html>" in write_report(runs.sum, target, overwrite=True).read_text(encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        write_report(runs.sum, tmp_path / "none" / "page.html")
    with pytest.raises(IsADirectoryError, match="is a folder: give a file"):
        write_report(runs.sum, tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes((runs.sum / "checkpoint.pt").read_bytes())
    with pytest.raises(FileNotFoundError, match="is not finished"):
        write_report(tmp_path, tmp_path / "other.html")


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
@pytest.mark.parametrize("width", [360, 1280])
def test_a_browser_opens_it_without_a_word(pages, tmp_path, width):
    """No message on the console, nothing wider than the window, no picture that is broken."""
    probe = (
        "<script>addEventListener('load', () => { document.title = [document.documentElement.scrollWidth, "
        "[...document.images].filter(i => !i.naturalWidth).length, document.images.length].join(' '); });</script>"
    )
    text = pages["binary"]
    (tmp_path / "page.html").write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
        f"--window-size={max(width, 500)},900", "--enable-logging=stderr", "--v=0", "--dump-dom",
        f"file://{tmp_path}/page.html",
    ]  # fmt: skip
    if width < 500:  # no window is narrower: the page is in a frame
        (tmp_path / "frame.html").write_text(
            f"<iframe id='f' width='{width}' height='900' src='page.html'></iframe><script>"
            "addEventListener('load', () => { document.title = f.contentDocument.title; });</script>"
        )
        command[-1] = f"file://{tmp_path}/frame.html"
        command.insert(1, "--allow-file-access-from-files")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", done.stdout)
    assert found, done.stdout[:300]
    page_width, broken, pictures = map(int, found.groups())
    assert page_width <= width and broken == 0 and pictures > 10


@pytest.mark.parametrize("tasks", [["length"], ["length", "ring"]])
def test_the_worst_predictions_are_those_whose_means_are_farthest_off(runs, tmp_path, tasks):
    """Of networks that expect a deviation too, which is no prediction of the target."""
    options = {"csv": str(runs.csv), "tasks": tasks, "task_type": "regression-mve", "split": "random"}
    config = load_config(overrides={**options, "hidden_feats": 8, "epochs": 1, "num_layers": 1})
    train_run(config, tmp_path / "run", progress=False, report=False)
    held_out = read_held_out(tmp_path / "run")
    errors = np.zeros(len(held_out.rows))
    for name in tasks:
        table = held_out.targets[name]
        own = (table["prediction"] - table["target"]).abs() / np.std(table["target"])
        errors = np.maximum(errors, own)
    np.testing.assert_allclose(held_out.errors, errors, rtol=1e-5)
    assert "Worst predictions" in report_html(tmp_path / "run")


def test_a_page_is_called_html(runs, tmp_path):
    for name in ("page.pdf", "page"):
        with pytest.raises(ValueError, match=f"{name}: the name must end in .html"):
            write_report(runs.sum, tmp_path / name)
