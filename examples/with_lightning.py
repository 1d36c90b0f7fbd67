"""MemGNN in PyTorch Lightning, with the paper's alternating schedule.

Needs ``pip install "dgl-memgnn[lightning]"``. Data are rdkit's own set of 1017 activities.
"""

import lightning
from dgl.dataloading import GraphDataLoader

from dgl_memgnn import MemGNN
from dgl_memgnn.data import FreeWilson, random_split
from dgl_memgnn.training import AlternatingSchedule, clustering_losses


def inputs(graph):
    return graph, graph.ndata["feat"], graph.edata["feat"]


class Activity(lightning.LightningModule):
    def __init__(self, molecules, train):
        super().__init__()
        self.automatic_optimization = False  # the schedule steps
        self.model = MemGNN(molecules.node_feats, molecules.edge_feats, 32, 1, num_layers=2, num_keys=(8, 1))
        self.task = molecules.task.fit(molecules.labels[train])
        self.schedule = AlternatingSchedule(self.model, learning_rate=2e-3, period=5)

    def configure_optimizers(self):
        return [self.schedule.supervised, self.schedule.clustering]

    def on_fit_start(self):  # through Lightning, which counts their steps and stores what they remember
        self.schedule.supervised, self.schedule.clustering = self.optimizers()

    def training_step(self, batch, index):
        graph, label = batch
        loss = self.task(self.model(*inputs(graph)), label)
        self.schedule.supervised_step(loss)
        self.log("loss", loss, batch_size=graph.batch_size)

    def on_train_epoch_end(self):
        if self.schedule.clusters_after(self.current_epoch + 1):
            loader = self.trainer.train_dataloader
            batches = (inputs(graph) for graph, _ in loader)
            self.schedule.clustering_step(clustering_losses(self.model, batches, len(loader.dataset)))

    def validation_step(self, batch, index):
        graph, label = batch
        rmse = self.task.score(self.task.predict(self.model(*inputs(graph))), label)["rmse"]
        self.log("validation RMSE", rmse, batch_size=graph.batch_size, prog_bar=True)

    test_step = validation_step


lightning.seed_everything(0)
molecules = FreeWilson()
parts = random_split(len(molecules))
train, validation, test = (
    GraphDataLoader(molecules[part], batch_size=102, shuffle=i == 0) for i, part in enumerate(parts)
)
trainer = lightning.Trainer(
    max_epochs=20, accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False
)
model = Activity(molecules, parts[0])
trainer.fit(model, train, validation)
(result,) = trainer.test(model, test)
print(f"test RMSE {result['validation RMSE']:.3f}")
