"""What an import does, and does not."""

import os
import subprocess
import sys

import pytest


def run(code, home):
    environment = {**os.environ, "HOME": str(home)}
    environment.pop("DGLBACKEND", None)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_import_is_quiet_writes_nothing_and_is_light(tmp_path):
    done = run("import sys, dgl_memgnn; assert not {'dgllife', 'rdkit'} & set(sys.modules)", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_rooms_are_there_when_they_are_first_used(tmp_path):
    code = (
        "import sys, dgl_memgnn\n"
        "assert not {'dgl_memgnn.training', 'dgl_memgnn.cli'} & set(sys.modules)\n"
        "assert {'training', 'cli'} <= set(dir(dgl_memgnn))\n"
        "dgl_memgnn.training.Trainer, dgl_memgnn.data.TUDataset, dgl_memgnn.transforms.HeatKernel\n"
        "dgl_memgnn.runs.train_run, dgl_memgnn.results.write_tables, dgl_memgnn.visualization.plot_curves\n"
        "dgl_memgnn.tasks.Classes, dgl_memgnn.config.load_config, dgl_memgnn.nn.ConvQuery, dgl_memgnn.models.GMN\n"
        "dgl_memgnn.cli.main\n"
        "assert not hasattr(dgl_memgnn, 'trainers')"
    )
    done = run(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_all_rooms_is_light_too(tmp_path):
    rooms = "tasks, data, transforms, models, training, runs, results, visualization, cli".split(", ")
    code = "import sys\n" + "\n".join(f"import dgl_memgnn.{room}" for room in rooms)
    done = run(code + "\nassert not {'dgllife', 'rdkit', 'scipy.stats'} & set(sys.modules)", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("room", ["nn", "models"])
def test_layers_do_not_import_what_stands_to_their_right(room, tmp_path):
    done = run(
        f"import sys, dgl_memgnn.{room}\n"
        "rooms = {'dgl_memgnn.' + r for r in ('data', 'training', 'runs', 'results', 'cli', 'config')}\n"
        "assert not rooms & set(sys.modules)",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_functional_needs_torch_alone():
    """Equations on plain tensors import neither DGL nor anything else of the package."""
    from dgl_memgnn.nn import functional

    with open(functional.__file__, encoding="utf-8") as file:
        imports = {line.split()[1].split(".")[0] for line in file if line.startswith(("import ", "from "))}
    assert imports - {"__future__", "collections", "math", "typing"} == {"torch"}
