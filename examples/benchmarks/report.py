"""Write docs/results/speed/README.md from the tables that the benchmarks stored there with --json."""

import json

import common

TITLES = {
    "layer": "The memory layer",
    "conv": "Edge-featured graph attention",
    "embedding": "Topological embedding",
    "epoch": "A training epoch",
    "epoch_chemprop": "A training epoch beside chemprop's",
    "memory": "Peak memory of the memory layer",
    "scaling": "Time per node of the memory layer",
    "processes": "Training in two processes",
    "features": "Features and descriptors of molecules",
    "predict": "Predicting a file",
    "library": "Large files",
    "gpu": "The memory layer on a GPU",
}

if __name__ == "__main__":
    lines = ["# Benchmarks", "", "Made by `examples/benchmarks/report.py` from the JSON files beside this page."]
    for name, title in TITLES.items():
        file = common.RESULTS / f"{name}.json"
        if not file.exists():
            continue
        record = json.loads(file.read_text(encoding="utf-8"))
        environment = ", ".join(f"{key} {value}" for key, value in record["environment"].items())
        lines += ["", f"## {title}", "", f"`examples/benchmarks/{name}.py`; {environment}."]
        for table in record["tables"]:
            lines += ["", "```text", common.format_table(table), "```"]
    page = common.RESULTS / "README.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"Wrote {page}.")
