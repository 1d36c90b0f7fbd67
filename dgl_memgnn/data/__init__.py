"""Data sets, featurizers and splits."""

from dgl_memgnn.data.alike import Alike, find_alike
from dgl_memgnn.data.dataset import GraphDataset
from dgl_memgnn.data.degree_features import DEGREE_FEATURES
from dgl_memgnn.data.descriptors import descriptor_names, smiles_to_descriptors
from dgl_memgnn.data.duplicates import Duplicate, find_duplicates
from dgl_memgnn.data.fair_folds import fair_folds
from dgl_memgnn.data.featurizers import FEATURIZERS, Featurizer, featurizer
from dgl_memgnn.data.folder import find_file
from dgl_memgnn.data.given_parts import PARTS, read_splits_file
from dgl_memgnn.data.indices import check_parts, to_indices
from dgl_memgnn.data.molecule_csv import (
    MoleculePiece,
    column_names,
    iterate_molecules,
    numeric_columns,
    read_molecules,
)
from dgl_memgnn.data.molecule_graphs import smiles_to_graph, smiles_to_graphs
from dgl_memgnn.data.molecules import Dropped, MoleculeDataset
from dgl_memgnn.data.named import MOLECULE_DATASETS, FreeWilson, MoleculeNet, is_molecular, load_named
from dgl_memgnn.data.similarity import nearest_similarity, packed_fingerprints
from dgl_memgnn.data.smiles import Limits, MoleculeError, canonical_smiles, parse_smiles
from dgl_memgnn.data.splits import (
    check_stratifiable,
    draw_scaffolds,
    fair_splits,
    random_split,
    scaffold_split,
    stratified_folds,
    stratified_split,
)
from dgl_memgnn.data.tu import TU_DATASETS, TUDataset

__all__ = [
    "Alike",
    "DEGREE_FEATURES",
    "Dropped",
    "Duplicate",
    "FEATURIZERS",
    "Featurizer",
    "FreeWilson",
    "GraphDataset",
    "Limits",
    "MOLECULE_DATASETS",
    "MoleculeDataset",
    "MoleculeError",
    "MoleculeNet",
    "MoleculePiece",
    "PARTS",
    "TUDataset",
    "TU_DATASETS",
    "canonical_smiles",
    "check_parts",
    "check_stratifiable",
    "column_names",
    "descriptor_names",
    "draw_scaffolds",
    "fair_folds",
    "fair_splits",
    "featurizer",
    "find_alike",
    "find_duplicates",
    "find_file",
    "is_molecular",
    "iterate_molecules",
    "load_named",
    "nearest_similarity",
    "numeric_columns",
    "packed_fingerprints",
    "parse_smiles",
    "random_split",
    "read_molecules",
    "read_splits_file",
    "scaffold_split",
    "smiles_to_descriptors",
    "smiles_to_graph",
    "smiles_to_graphs",
    "stratified_folds",
    "stratified_split",
    "to_indices",
]
