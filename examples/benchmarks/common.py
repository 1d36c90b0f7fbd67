"""What the benchmarks share: one thread, fair timing, a record of the environment, tables.

Import it before torch and DGL: it asks for one thread, which they look up when they are loaded.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DGLBACKEND", "pytorch")

import argparse  # noqa: E402
import datetime  # noqa: E402
import importlib.metadata  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import resource  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import NamedTuple  # noqa: E402

import torch  # noqa: E402

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "speed"


def argument_parser(description):
    """A parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny inputs, to see that the script works")
    parser.add_argument(
        "--json",
        nargs="?",
        type=Path,
        const=RESULTS,
        metavar="FOLDER",
        help="write the tables to a file in this folder; default: docs/results/speed",
    )
    return parser


class Timing(NamedTuple):
    ms: float  # median wall time of a call
    system: float  # share of the wall time that went into the system, most of it page faults


def compare(contestants, seconds, warm_up=2):
    """Time functions against each other; a dict of names and functions becomes one of names and timings.

    Rounds of one call each go on until the seconds are spent, five at least. Every second round runs
    backwards: a machine that slows down slows all contestants, and none has a fixed predecessor.
    """
    wall, system = {name: [] for name in contestants}, dict.fromkeys(contestants, 0.0)
    order = list(contestants)
    for name in order * warm_up:
        contestants[name]()
    end = time.perf_counter() + seconds
    while len(wall[order[0]]) < 5 or time.perf_counter() < end:
        for name in order:
            used, start = _system_seconds(), time.perf_counter()
            contestants[name]()
            wall[name].append(time.perf_counter() - start)
            system[name] += _system_seconds() - used
        order.reverse()
    return {
        name: Timing(1e3 * statistics.median(wall[name]), system[name] / sum(wall[name])) for name in contestants
    }


def _system_seconds():
    return resource.getrusage(resource.RUSAGE_SELF).ru_stime


def report(name, tables, args):
    """Print tables, each a dict of "title", "rows" (dicts) and "notes" (strings), and write them if asked to."""
    record = {"benchmark": name, "quick": args.quick, "environment": environment(), "tables": tables}
    print(", ".join(f"{key} {value}" for key, value in record["environment"].items()))
    for table in tables:
        print("\n" + format_table(table))
    if args.json:
        args.json.mkdir(parents=True, exist_ok=True)
        file = args.json / f"{name}.json"
        unfinished = file.with_name(f"{file.name}.tmp")
        unfinished.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        os.replace(unfinished, file)


def environment():
    """What the numbers depend on, beside the code."""
    versions = {name: _version(name) for name in ("torch", "dgl", "torch_geometric", "numpy", "scipy")}
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": _cpu(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version for name, version in versions.items() if version},
    }


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def format_table(table):
    """A table as text: columns in the order in which the rows name them, "-" where a row has no value."""
    columns = list(dict.fromkeys(column for row in table["rows"] for column in row))
    cells = [columns] + [[_cell(row.get(column)) for column in columns] for row in table["rows"]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in cells]
    notes = [f"  {note}" for note in table.get("notes", [])]
    return "\n".join([table["title"], *lines, *notes])


def _cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def torch_geometric():
    """The package torch_geometric, or None where it is not installed: it is an optional contestant."""
    try:
        import torch_geometric.nn
    except ImportError:
        return None
    return torch_geometric
