"""MemGNN beside peers on files of MoleculeACE, whose activity cliffs single out models that smooth them over.

Each file has its own training and test part. MemGNN draws a tenth of the training part for validation, another
one each seed; chemprop gets the same parts. A random forest and a support vector regression on Morgan fingerprints
(radius 2) learn from the whole training part; the latter chooses penalty and width by five folds of it. The RMSE
is that of the test part, and of its molecules on cliffs alone (cliff_mol). What is finished is stored, and a
second call continues. moleculeace.json has every seed, and README.md beside it the table.
"""

import argparse
import hashlib
import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from pages import file_name, store

from dgl_memgnn.config import load_config
from dgl_memgnn.models.forest import morgan_fingerprints
from dgl_memgnn.runs import runs, train_run
from dgl_memgnn.runs.run import installed_versions, write_json
from dgl_memgnn.visualization.group_tables import markdown_table

TARGET = "y [pEC50/pKi]"
QUICK = {"epochs": 1, "hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="CSV files of MoleculeACE")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--chemprop", metavar="PATH", help="its command; left out unless given")
    parser.add_argument(
        "--pretrained", metavar="RUN|NAME", help="weights; MemGNN that starts from them is one more"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument(
        "--results", type=Path, help="folder of moleculeace.json and its page; default: that of --out"
    )
    parser.add_argument("--quick", action="store_true", help="networks that learn nothing, to see that it works")
    args = parser.parse_args()

    networks = {"MemGNN": {"pretrained": "none"}}
    networks["MemGNN, descriptors"] = {**networks["MemGNN"], "descriptors": True}
    if args.pretrained:
        networks.update(
            {
                f"{name}, pre-trained": {**values, "pretrained": args.pretrained}
                for name, values in networks.items()
            }
        )
    result = {"files": {}, "networks": {}}
    for file in args.files:
        table, digest = pd.read_csv(file), hashlib.sha256(file.read_bytes()).hexdigest()
        folder = args.out / file.stem
        folder.mkdir(parents=True, exist_ok=True)
        contestants = {
            "support vector regression": lambda seed, table=table: support_vectors(table),
            "random forest": lambda seed, table=table: forest(table, seed),
        }
        for name, values in networks.items():
            config = network(file, args, values)
            result["networks"][name] = {key: asdict(config)[key] for key in ("model", "training")}
            contestants[name] = trained(config, folder / file_name(name), args.seeds)
        if args.chemprop:
            contestants["chemprop"] = chemprop(table, folder, args)
        scores = {}
        for name, predict in contestants.items():
            seeds = 1 if name.startswith("support") else args.seeds  # which knows no chance
            setting = {"sha256": digest, "seeds": seeds, "quick": args.quick, **result["networks"].get(name, {})}
            path = folder / f"{file_name(name)}.json"
            stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            if stored.get("setting") != setting:
                stored = {"setting": setting, "scores": [errors(table, predict(seed)) for seed in range(seeds)]}
                write_json(path, stored)
            scores[name] = stored["scores"]
        result["files"][file.stem] = {"sha256": digest, "scores": scores}
    result["versions"] = installed_versions()
    if args.chemprop:
        command = [args.chemprop, "--version"]
        result["versions"]["chemprop"] = subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
    store(args.results or args.out, "moleculeace.json", result, page(result))


def page(result):
    """Means and deviations over seeds, of all test molecules and of those on cliffs, a table each."""
    epochs = {str(values["training"]["epochs"] or "by default") for values in result["networks"].values()}
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        "# Activities with cliffs",
        "",
        "Made by `examples/benchmarks/moleculeace.py`, which says what the rows are, from `moleculeace.json` "
        "beside this page. RMSE of pKi, each file's own test part; mean ± standard deviation over the seeds "
        f"(support vectors know no chance). MemGNN has default settings; epochs: {', '.join(sorted(epochs))}. "
        "Nothing was chosen on these files, and the weights "
        f"that come with the package know none of the test molecules. {versions}.",
    ]
    for part, title in (("rmse", "All test molecules"), ("cliffs", "Test molecules on cliffs")):
        columns = {
            name: {row: spread([seed[part] for seed in seeds]) for row, seeds in file["scores"].items()}
            for name, file in result["files"].items()
        }
        table = pd.DataFrame(columns).rename_axis("").reset_index()
        lines += ["", f"## {title}", "", markdown_table(table)]
    return "\n".join(lines) + "\n"


def spread(values):
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values):.3f}"


def errors(table, prediction):
    """RMSE of the test part, and of its cliffs."""
    test = table[table["split"] == "test"]
    squares = (test[TARGET] - prediction) ** 2
    return {"rmse": squares.mean() ** 0.5, "cliffs": squares[test["cliff_mol"] == 1].mean() ** 0.5}


def parts(table):
    """Fingerprints and targets of both parts."""
    bits = morgan_fingerprints(table["smiles"]).toarray().astype(np.float32)
    train = (table["split"] == "train").to_numpy()
    return bits[train], table[TARGET][train], bits[~train]


def support_vectors(table):
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVR

    bits, target, tested = parts(table)
    grid = {"C": [1, 3, 10, 30], "gamma": [0.003, 0.01, 0.03], "epsilon": [0.1]}
    return GridSearchCV(SVR(), grid, scoring="neg_mean_squared_error").fit(bits, target).predict(tested)


def forest(table, seed):
    from sklearn.ensemble import RandomForestRegressor

    bits, target, tested = parts(table)
    return RandomForestRegressor(500, max_features="sqrt", random_state=seed).fit(bits, target).predict(tested)


def network(file, args, values):
    """The configuration of MemGNN for molecules of one's own, with a file's own parts."""
    named = {"csv": str(file), "tasks": [TARGET], "splits_column": "split"}
    return load_config("molecules", {**named, **values, **(QUICK if args.quick else {})})


def trained(config, folder, num_seeds):
    """Trains on each seed's training part, and predicts the test part in the order of the file."""
    configs = runs(config, "repeats", num_seeds)

    def predict(seed):
        run = folder / f"seed{seed}"
        train_run(configs[f"seed{seed}"], run, report=False)
        return pd.read_csv(run / "predictions.csv").sort_values("id")["prediction"].to_numpy()

    return predict


def chemprop(table, folder, args):
    """chemprop's defaults on the parts that MemGNN had."""
    names = {"train": "train", "validation": "val", "test": "test"}

    def predict(seed):
        split = pd.read_csv(folder / "memgnn" / f"seed{seed}" / "splits.csv")["part"].map(names)
        out = folder / "chemprop" / f"seed{seed}"
        out.mkdir(parents=True, exist_ok=True)
        own = pd.DataFrame({"smiles": table["smiles"], "y": table[TARGET], "split": split})
        own.to_csv(out / "parts.csv", index=False)
        epochs = 3 if args.quick else 50
        options = f"--smiles-columns smiles --target-columns y --splits-column split --epochs {epochs}"
        command = f"{args.chemprop} train -i {out / 'parts.csv'} -o {out} {options} --pytorch-seed {seed}"
        subprocess.run([*command.split(), "--accelerator", "cpu", "-n", "0", "-q"], check=True)
        (found,) = out.glob("**/test_predictions.csv")
        return pd.read_csv(found)["y"].to_numpy()

    return predict


if __name__ == "__main__":
    main()
