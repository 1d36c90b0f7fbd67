"""What a configuration stands for: data, their split, and the network."""
from dgl_memgnn.cache import default_cache_dir
from dgl_memgnn.data import (
    TU_DATASETS,
    MoleculeDataset,
    TUDataset,
    load_molecules,
    random_split,
    scaffold_split,
    stratified_folds,
)
from dgl_memgnn.evaluation.baselines import PooledReadout, attentive_fp
from dgl_memgnn.models import GMN, MemGNN
from dgl_memgnn.transforms import EMBEDDINGS, embed

__all__ = ["build_model", "embedding", "load_dataset", "model_inputs", "split"]


def load_dataset(config):
    """The data set of a configuration, embedded if the network is GMN, and its kind of task."""
    data = config.data
    cache_dir = data.cache_dir or default_cache_dir()
    if data.dataset in TU_DATASETS:
        dataset, task = TUDataset(data.dataset, data.data_dir), "classification"
    elif data.dataset is not None:
        dataset = load_molecules(data.dataset, data.featurizer, data.data_dir, cache_dir)
        task = dataset.task
    else:
        dataset = MoleculeDataset.from_csv(data.csv, data.smiles_column, data.tasks, data.featurizer, cache_dir)
        present = dataset.labels[~dataset.labels.isnan()]
        task = "binary" if ((present == 0) | (present == 1)).all() else "regression"
    if config.model.network == "GMN":
        embed(dataset.graphs, embedding(config), cache_dir)
    return dataset, task


def embedding(config):
    """The topological embedding of a configuration."""
    return EMBEDDINGS[config.data.embedding](config.data.embedding_width)


def split(config, dataset):
    """Indices of the parts of a data set: train and validation, and test unless it is a fold."""
    data, seed = config.data, config.training.seed
    if data.split == "folds":
        parts = stratified_folds(dataset.labels, data.num_folds)[data.fold]
    elif data.split == "scaffold":
        parts = scaffold_split(dataset.smiles)
    else:
        parts = random_split(len(dataset), seed=seed)
    return dict(zip(("train", "validation", "test"), parts))


def build_model(config, node_feats, edge_feats, out_feats):
    """The network of a configuration, untrained."""
    model = config.model
    memory = {"num_keys": model.num_keys, "num_heads": model.num_heads, "tau": model.tau}
    if model.network == "GMN":
        width = config.data.embedding_width
        return GMN(node_feats, width, model.hidden_feats, out_feats, dropout=model.dropout, **memory)
    if model.network == "AttentiveFP":
        return attentive_fp(node_feats, edge_feats, model.hidden_feats, out_feats, model.num_layers, model.dropout)
    readout = None if model.readout == "memory" else PooledReadout(model.readout, model.hidden_feats)
    return MemGNN(node_feats, edge_feats, model.hidden_feats, out_feats, model.num_layers, dropout=model.dropout,
                  readout=readout, **memory)


def model_inputs(config):
    """What the network takes beside the graph, as a function of the batched graph."""
    if config.model.network == "GMN":
        return lambda graph: (graph.ndata["feat"], graph.ndata["topology"])
    return lambda graph: (graph.ndata["feat"], graph.edata.get("feat"))
