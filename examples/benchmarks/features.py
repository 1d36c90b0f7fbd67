"""Features and descriptors of molecules, from SMILES, beside dgllife and rdkit."""

import common  # before torch and DGL
import libraries

from dgl_memgnn.data import featurizer, smiles_to_descriptors
from dgl_memgnn.data.descriptors import describe, descriptor_names
from dgl_memgnn.data.featurizers import dgllife_functions
from dgl_memgnn.data.molecule_arrays import featurize
from dgl_memgnn.data.smiles import as_canonical, parse_smiles


def feature_rows(samples, names, seconds):
    for source, smiles in samples.items():
        for name in names:
            spec = featurizer(name)
            atoms, bonds = dgllife_functions(name)

            def by_dgllife(smiles=smiles, atoms=atoms, bonds=bonds):
                from dgllife.utils import mol_to_bigraph

                for text in smiles:
                    molecule, _ = as_canonical(parse_smiles(text), text)
                    mol_to_bigraph(
                        molecule, node_featurizer=atoms, edge_featurizer=bonds, canonical_atom_order=False
                    )

            def parsed(smiles=smiles):
                for text in smiles:
                    parse_smiles(text)

            def ours(smiles=smiles, spec=spec):
                featurize(smiles, spec)

            timings = common.compare({"rdkit": parsed, "dgllife": by_dgllife, "ours": ours}, seconds, warm_up=1)
            rate = {who: 1e3 * len(smiles) / timing.ms for who, timing in timings.items()}
            yield {
                "molecules": source,
                "features": name,
                "parsing alone /s": rate["rdkit"],
                "dgllife /s": rate["dgllife"],
                "ours /s": rate["ours"],
                "ours/dgllife": rate["ours"] / rate["dgllife"],
            }


def descriptor_row(smiles, seconds):
    from rdkit import Chem
    from rdkit.Chem.Descriptors import CalcMolDescriptors

    names = descriptor_names()
    timings = common.compare(
        {
            "rdkit": lambda: [CalcMolDescriptors(Chem.MolFromSmiles(text)) for text in smiles],
            "one": lambda: describe(smiles, names),
            "several": lambda: smiles_to_descriptors(smiles),
        },
        seconds,
        warm_up=1,
    )
    rate = {who: 1e3 * len(smiles) / timing.ms for who, timing in timings.items()}
    return {
        "molecules": len(smiles),
        "rdkit /s": rate["rdkit"],
        "one process /s": rate["one"],
        "a process a core /s": rate["several"],
        "one/rdkit": rate["one"] / rate["rdkit"],
        "a process a core/rdkit": rate["several"] / rate["rdkit"],
    }


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with smiles/*.csv.gz; default: DGL_MEMGNN_DATA")
    args = parser.parse_args()
    number, seconds = (10, 0) if args.quick else (1000, 10)
    samples = libraries.libraries(args.data_dir, number)
    names = ["canonical"] if args.quick else ["canonical", "attentivefp", "memgnn"]
    tables = [
        {
            "title": "Features, one process: molecules a second, from SMILES",
            "rows": list(feature_rows(samples, names, seconds)),
            "notes": [
                "dgllife: its featurizers, molecule by molecule, on what rdkit reads from the canonical SMILES."
            ],
        },
        {
            "title": f"All descriptors of rdkit for molecules of {' and '.join(samples)}: molecules a second",
            "rows": [descriptor_row(libraries.mixed(samples, number), seconds)],
            "notes": ["From a thousand molecules on, each core has a process."],
        },
    ]
    common.report("features", tables, args)
