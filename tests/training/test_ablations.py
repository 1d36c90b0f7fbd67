"""Options that the paper's ablations need: how keys begin, how the two losses meet."""

import copy

import dgl
import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from dgl_memgnn import clustering_loss
from dgl_memgnn.nn import functional as F
from dgl_memgnn.training import trainer as trainer_module
from dgl_memgnn.training.initial_keys import initialise_keys

TRAIN, VALIDATION = range(18), range(18, 24)


def first_step(trainer, dataset, monkeypatch):
    """The model, the graphs and the gradient of the first step of a training."""
    seen = {}

    def step(loss):
        trainer.model.zero_grad()
        loss.backward()
        seen.update(loss=loss.item(), **{n: p.grad.clone() for n, p in trainer.model.named_parameters()})
        raise StopIteration

    monkeypatch.setattr(trainer.schedule, "supervised_step", step)
    with pytest.raises(StopIteration):
        trainer.fit(dataset, TRAIN, VALIDATION)
    return seen


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_every_step_descends_the_weighted_sum(make_trainer, dataset, monkeypatch, weight):
    """Equation 11, of a batch of all training graphs in one."""
    trainer = make_trainer(batch_size=18, clustering_weight=weight)
    trainer.model.readout.layers[0].feat_drop.p = 0.0
    model = copy.deepcopy(trainer.model)
    for module in (*trainer.model.modules(), *model.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    seen = first_step(trainer, dataset, monkeypatch)
    graph = dgl.batch([dataset[i][0] for i in TRAIN])
    label = torch.stack([dataset[i][1] for i in TRAIN])
    out, assignments = model(graph, *trainer.inputs(graph), get_assignments=True)
    supervised = torch.nn.functional.cross_entropy(out, label)
    expected = (1 - weight) * supervised + weight * clustering_loss(graph, assignments[0])
    expected.backward()
    assert seen["loss"] == pytest.approx(expected.item(), rel=1e-5)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(seen[name], parameter.grad, rtol=1e-3, atol=1e-6)


def test_weighted_steps_move_the_keys_and_no_clustering_step_follows(make_trainer, dataset):
    trainer = make_trainer(clustering_weight=0.1, clustering_period=1)
    keys = trainer.model.readout.layers[0].keys
    before = keys.detach().clone()
    history = trainer.fit(dataset, TRAIN, VALIDATION)
    assert all(record["clustering_loss"] is None for record in history)
    assert not torch.equal(before, keys)


def test_the_target_lets_gradients_through_if_asked_to():
    assignment = torch.rand(9, 4, dtype=torch.float64).softmax(1).requires_grad_()
    sizes = [4, 5]

    def loss(c):
        parts = []
        for graph in c.split(sizes):
            weight = graph**2 / graph.sum(dim=0)
            target = weight / weight.sum(dim=1, keepdim=True)
            parts.append((target * (target / graph).log()).sum())
        return sum(parts) / 2

    (expected,) = torch.autograd.grad(loss(assignment), assignment)
    (through,) = torch.autograd.grad(F.clustering_loss(assignment, sizes, detach=False), assignment)
    (constant,) = torch.autograd.grad(F.clustering_loss(assignment, sizes), assignment)
    torch.testing.assert_close(through, expected)
    assert not torch.allclose(constant, expected)


def test_a_trainer_passes_that_choice_on(make_trainer, dataset):
    histories = [make_trainer(detach_target=detach).fit(dataset, TRAIN, VALIDATION) for detach in (True, False)]
    first, second = ([record["loss"] for record in history] for history in histories)
    assert first[:2] == second[:2] and first[2:] != second[2:]


def test_keys_begin_at_the_centres_of_the_queries(make_trainer, dataset):
    """Of one batch without dropout, what the query network gives is what k-means finds centres of."""
    trainer = make_trainer(batch_size=18, seed=5)
    model, layer = trainer.model, trainer.model.readout.layers[0]
    before = copy.deepcopy(model.state_dict())
    initialise_keys(model, dataset, TRAIN, trainer.inputs, 18, seed=5)
    graph = dgl.batch([dataset[i][0] for i in TRAIN])
    query_network = copy.deepcopy(model.query).train()
    for module in query_network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    query = query_network(*trainer.inputs(graph)).detach().numpy()
    for head in range(2):
        best = KMeans(4, n_init=10, random_state=0).fit(query)
        keys = layer.keys[head].detach().numpy()
        distance = ((query[:, None] - keys) ** 2).sum(axis=2)
        nearest = distance.argmin(axis=1)
        for key in set(nearest):
            np.testing.assert_allclose(keys[key], query[nearest == key].mean(axis=0), atol=1e-4)
        assert distance.min(axis=1).sum() < 2 * best.inertia_ + 1e-6
    after = model.state_dict()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == ["readout.layers.0.keys"]


def test_each_head_has_a_start_of_its_own(make_trainer, dataset):
    """Queries without clusters, on which k-means ends elsewhere from each start."""
    trainer = make_trainer()
    graphs = [(graph.clone(), label) for graph, label in dataset]
    for graph, _ in graphs:
        graph.ndata["feat"], graph.ndata["topology"] = torch.randn(2, graph.num_nodes(), 1)
    initialise_keys(trainer.model, graphs, TRAIN, trainer.inputs, 18, seed=5)
    first, second = (sorted(keys.tolist()) for keys in trainer.model.readout.layers[0].keys)
    assert not np.allclose(first, second, atol=1e-2)


def test_random_numbers_are_left_alone(make_trainer, dataset):
    trainer, before = make_trainer(), torch.get_rng_state()
    initialise_keys(trainer.model, dataset, TRAIN, trainer.inputs, 18, seed=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_training_begins_with_them_and_a_continued_one_does_not(make_trainer, dataset, monkeypatch):
    calls = []
    monkeypatch.setattr(trainer_module, "initialise_keys", lambda *arguments: calls.append(arguments))
    whole = make_trainer(initial_keys="kmeans", epochs=2)
    whole.fit(dataset, TRAIN, VALIDATION)
    assert len(calls) == 1 and list(calls[0][2]) == list(TRAIN)
    again = make_trainer(initial_keys="kmeans", epochs=3)
    again.load_state_dict(whole.state_dict())
    again.fit(dataset, TRAIN, VALIDATION)
    make_trainer(epochs=1).fit(dataset, TRAIN, VALIDATION)
    assert len(calls) == 1


def test_more_keys_than_queries(make_trainer, dataset):
    trainer = make_trainer()
    layer = trainer.model.readout.layers[0]
    layer.keys = torch.nn.Parameter(torch.zeros(2, 10**4, layer.keys.shape[2]))
    with pytest.raises(ValueError, match=r"for the 10000 keys of readout\.layers\.0: use fewer keys"):
        initialise_keys(trainer.model, dataset, TRAIN, trainer.inputs, 18, seed=0)
