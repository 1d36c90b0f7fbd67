"""Train with the clustering loss and with keys at rest, and store what the keys tell about functional groups.

Runs that are there are left as they are. Tables and pictures go to docs/results/clusters, a folder a data set, and
its README.md is made from them. With --tables it is made anew from what is stored.
"""

import argparse
import io
from pathlib import Path

import common
import numpy as np
import pandas as pd
from PIL import Image

from dgl_memgnn.config import load_config
from dgl_memgnn.runs import load_dataset, train_run
from dgl_memgnn.visualization import (
    RunClusters,
    draw_keys,
    draw_molecules_png,
    group_enrichment,
    group_information,
    group_members,
    leading_groups,
    paper_groups,
)
from dgl_memgnn.visualization.group_tables import markdown_table
from dgl_memgnn.visualization.groups import PAPER_GROUPS
from dgl_memgnn.visualization.pictures import figure_png

OF_KEY, OF_GROUP = "of the key's atoms in the group", "of the group's atoms with the key"
OWN_KEY = "the key is mostly the group, and has most of it"
BROADER_KEY = "most of the group, within a broader key"
FOLDER = common.RESULTS.parent / "clusters"
SEEDS = {"quickstart": 1, "esol_memgnn": 2, "lipophilicity_memgnn": 1}  # runs of each configuration
PICTURED = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "dicofol": "OC(c1ccc(Cl)cc1)(c1ccc(Cl)cc1)C(Cl)(Cl)Cl",
    "glucose": "OCC1OC(O)C(O)C(O)C1O",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "salicylic acid": "OC(=O)c1ccccc1O",
    "methyl octanoate": "CCCCCCCC(=O)OC",
    "sulfamethoxazole": "Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1",
    "chloral hydrate": "OC(O)C(Cl)(Cl)Cl",
}


def store(name, runs):
    """Train what is not there, and store the tables and pictures of one configuration."""
    config = load_config(name)
    dataset = load_dataset(config)
    target = FOLDER / config.data.dataset
    target.mkdir(parents=True, exist_ok=True)
    members, tables, named = None, [], []
    for seed in range(SEEDS[name]):
        pair = []
        for suffix, period in [("", config.training.clustering_period), ("_rest", 0)]:
            options = {"clustering_period": period, **({"seed": seed, "split_seed": 0} if seed else {})}
            folder = runs / (name + suffix + f"_s{seed}" * (seed > 0))
            train_run(load_config(name, options), folder, dataset=dataset)
            pair.append(RunClusters(folder))
        clusters, rest = pair
        molecules = clusters.molecules(dataset.smiles)
        members = group_members([each.molecule for each in molecules]) if members is None else members
        tables.append(group_information(clusters, molecules, {"keys at rest": rest}, 1, members).assign(seed=seed))
        enrichment = group_enrichment(np.concatenate([each.keys() for each in molecules]), members)
        named.append(paper_groups(enrichment).assign(seed=seed))
        if seed == 0:
            said = (enrichment["p_corrected"] < 0.05) & (enrichment["odds_ratio"] > 1)
            kept = enrichment[said | enrichment["group"].isin(PAPER_GROUPS)]
            kept.to_csv(target / "groups.csv", index=False, float_format="%.5g")
            pictured = clusters.molecules(list(PICTURED.values()), list(PICTURED))
            save(draw_molecules_png(pictured), target / "molecules.png")
            figure = draw_keys({"clustering loss": clusters, "keys at rest": rest}, clusters.graphs_of(molecules))
            save(figure_png(figure), target / "keys.png")
    pd.concat(tables).to_csv(target / "information.csv", index=False, float_format="%.5g")
    pd.concat(named).to_csv(target / "paper_groups.csv", index=False)


def save(png, path):
    """Save a picture in few bytes."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.resize((1120, round(1120 * picture.height / picture.width)), Image.Resampling.LANCZOS)
    picture.quantize(256, Image.Quantize.FASTOCTREE).save(path, optimize=True)


def controls_of(told):
    """Information of the runs, and of each control, by seed."""

    def of(name):
        return told[told["network"].str.startswith(name)].set_index("seed")

    own = of("this run")
    return own["information"], {
        "keys shuffled among the atoms of each molecule": own["shuffled"],
        "untrained": of("untrained")["information"],
        "keys random and at rest": of("keys at rest")["information"],
    }


def read_stored(folder):
    """The stored tables: information, groups of the paper with a reading, groups."""
    told, named, groups = (
        pd.read_csv(folder / f"{name}.csv") for name in ("information", "paper_groups", "groups")
    )
    named["corrected p"] = named["corrected p"].astype(str)
    named["reading"] = [reading(*row) for row in zip(named["corrected p"], named[OF_KEY], named[OF_GROUP])]
    return told, named[["seed", *named.columns.drop("seed")]], groups


def summary(folders):
    """The answers, a row a data set."""
    rows = []
    for folder in folders:
        told, named, _ = read_stored(folder)
        own, controls = controls_of(told)
        first = named[named["seed"] == 0]
        rows.append(
            {
                "data set": f"{folder.name}, {len(own)} run{'s' * (len(own) > 1)}",
                "trained": f"{own.mean():.3f}",
                **{name: f"{values.mean():.3f}" for name, values in controls.items()},
                "above all three in every run": "yes" if above(own, controls) else "no",
                "group of the paper with a key of its own": groups_read(first, OWN_KEY),
                "lies mostly in one broader key": groups_read(first, BROADER_KEY),
            }
        )
    return markdown_table(pd.DataFrame(rows))


def groups_read(named, said):
    """Groups with a reading, and their keys."""
    chosen = named[named["reading"] == said]
    return "; ".join(f"{group} (key {key})" for group, key in zip(chosen["group"], chosen["key"])) or "none"


def section(folder):
    """What is stored of one data set, as Markdown."""
    told, named, groups = read_stored(folder)
    own, controls = controls_of(told)
    lines = [f"\n## {folder.name}\n", f"![Molecules in the colours of their keys]({folder.name}/molecules.png)\n"]
    columns = {f"seed {seed}": [own[seed], *(values[seed] for values in controls.values())] for seed in own.index}
    table = pd.DataFrame(
        {"normalised mutual information": ["trained with the clustering loss", *controls], **columns}
    )
    lines += [markdown_table(table.round(3)), f"\n{verdict(own, controls)}\n"]
    lines += ["The groups that the paper's pictures show, and the key that overlaps most with each:\n"]
    lines += [markdown_table(named), ""]
    lines += ["The groups that the keys of seed 0 are enriched in and overlap with most:\n"]
    lines += [markdown_table(leading_groups(groups)), ""]
    lines += ["Figure 4 of the paper, seed 0:\n", f"![Queries and keys, before and after]({folder.name}/keys.png)"]
    return lines


def above(own, controls):
    """Whether the information of each run is above that of each control."""
    return all((own > values).all() for values in controls.values())


def verdict(own, controls):
    """Whether the information is above that of each control, in a sentence."""
    below = [name for name, values in controls.items() if not (own > values).all()]
    seeds = "the one run" if len(own) == 1 else f"each of {len(own)} runs"
    if above(own, controls):
        return f"The information is above that of all three controls in {seeds}."
    return f"The information is not above that of every control in {seeds}: {', '.join(below)}."


def reading(p_value, of_key, of_group):
    """How a key and a group match: by the corrected p-value, and per cent of each that are the other."""
    if not p_value.startswith("<") and float(p_value) >= 0.05:
        return "not enriched"
    of_key, of_group = (float(text.rstrip("%")) >= 50 for text in (of_key, of_group))
    if of_group:
        return OWN_KEY if of_key else BROADER_KEY
    return "part of the group" if of_key else "neither has most of the other"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs; default: runs")
    parser.add_argument("--only", choices=tuple(SEEDS), help="one configuration; default: all")
    parser.add_argument("--tables", action="store_true", help="make README.md from what is stored")
    args = parser.parse_args()
    if not args.tables:
        for name in [args.only] if args.only else SEEDS:
            store(name, args.runs)
    text = [
        "# What the keys stand for",
        "",
        "Made by `examples/benchmarks/clusters.py` from the tables beside this page. Each atom of the data set "
        "belongs to the key with its largest share, and to functional groups: those that the paper names and "
        "rdkit's fragments. The mutual information is of keys and the smallest group of each atom, normalised by "
        "the mean of both entropies. Untrained networks: the mean of five seeds. Runs with keys at rest have "
        "`--clustering-period 0`. Fisher's exact test takes atoms for independent: p-values are an order. "
        "Where there is one run, read differences beside those between the seeds of ESOL.",
    ]
    folders = sorted(path for path in FOLDER.iterdir() if path.is_dir())
    text += ["\n## Is it above the controls, and which keys are the paper's groups?\n", summary(folders)]
    for folder in folders:
        text += section(folder)
    (FOLDER / "README.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"Wrote {FOLDER / 'README.md'}.")
