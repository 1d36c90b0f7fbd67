"""The training loop on graphs that are easy to tell apart."""

import copy

import dgl
import numpy as np
import pytest
import torch
from dgl.dataloading import GraphDataLoader

from dgl_memgnn import GMN, MemGNN, clustering_loss
from dgl_memgnn.tasks import BinaryTasks, Classes, Regression
from dgl_memgnn.training import (
    AlternatingSchedule,
    EvenBatches,
    Trainer,
    TrainingConfig,
    config,
    node_queries,
    node_shares,
    predict,
)
from dgl_memgnn.training.initial_keys import initialise_keys

TRAIN, VALIDATION = range(18), range(18, 24)


def test_learns(make_trainer, dataset):
    trainer = make_trainer(epochs=60, learning_rate=1e-2)
    history = trainer.fit(dataset, TRAIN, VALIDATION)
    assert max(record["accuracy"] for record in history) == 1.0
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]


def test_same_seed_same_history_and_weights(make_trainer, dataset):
    runs = [make_trainer(seed) for seed in (3, 3, 4)]
    histories = [trainer.fit(dataset, TRAIN, VALIDATION) for trainer in runs]
    losses = [[record["loss"] for record in history] for history in histories]
    assert losses[0] == losses[1] != losses[2]
    weights = [list(trainer.model.state_dict().values()) for trainer in runs]
    assert all(torch.equal(a, b) for a, b in zip(weights[0], weights[1]))


def test_the_best_epoch_is_kept(make_trainer, dataset):
    trainer = make_trainer(epochs=10, learning_rate=1e-2)
    states = {}
    history = trainer.fit(
        dataset,
        TRAIN,
        VALIDATION,
        lambda record, kept: states.update({record["epoch"]: copy.deepcopy(trainer.model.state_dict())}),
    )
    qualities = [(record["accuracy"], record["roc_auc"]) for record in history]
    assert len({accuracy for accuracy, _ in qualities}) < len(set(qualities))  # of equal ones ROC-AUC decides
    assert trainer.kept_epoch == 1 + qualities.index(max(qualities))
    kept = trainer.model.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in states[trainer.kept_epoch].items())


def test_a_state_of_a_former_version_keeps_its_best_epoch(make_trainer, dataset):
    """It does not say how good that epoch was, but for its metrics."""
    whole, states = make_trainer(epochs=10, learning_rate=1e-2), []
    whole.fit(dataset, TRAIN, VALIDATION, lambda *args: states.append(copy.deepcopy(whole.state_dict())))
    assert whole.kept_epoch < 10
    state = {name: value for name, value in states[whole.kept_epoch].items() if name != "kept_quality"}
    again = make_trainer(epochs=10, learning_rate=1e-2)
    again.load_state_dict(state)
    again.fit(dataset, TRAIN, VALIDATION)
    assert again.kept_epoch == whole.kept_epoch


def test_the_unit_of_one_of_two_targets_decides_nothing(make_trainer, dataset):
    """Nor which epoch is kept; continued from a state, the best so far is that of before."""

    def make():
        trainer = make_trainer(epochs=12, learning_rate=0.02)
        trainer.task = Regression(["a", "b"])
        return trainer

    def fit(trainer, items):
        states = []
        trainer.fit(items, TRAIN, VALIDATION, lambda *args: states.append(copy.deepcopy(trainer.state_dict())))
        return states

    torch.manual_seed(3)
    targets, kept = torch.randn(24, 2), {}
    for unit in (1.0, 1e6):
        items = [(graph, row * torch.tensor([1.0, unit])) for (graph, _), row in zip(dataset, targets)]
        whole = make()
        states = fit(whole, items)
        parts = [targets[list(part)].double() for part in (TRAIN, VALIDATION)]
        rmse = []
        for state in states:
            whole.evaluated.load_state_dict(state["model"])
            error = whole.predict(items, VALIDATION) / torch.tensor([1.0, unit]) - parts[1]
            rmse.append(error.square().mean(0).sqrt() / parts[0].std(0))
        of_b, of_both = torch.stack(rmse)[:, 1], torch.stack(rmse).mean(1)
        assert whole.kept_epoch == 1 + of_both.argmin() != 1 + of_b.argmin()
        kept[unit] = whole.kept_epoch
        again = make()
        again.load_state_dict(states[whole.kept_epoch])
        fit(again, items)
        assert again.kept_epoch == whole.kept_epoch
    assert kept[1.0] == kept[1e6] not in (1, 12)


def test_clustering_steps_end_every_period(make_trainer, dataset):
    history = make_trainer(epochs=6, clustering_period=3).fit(dataset, TRAIN, VALIDATION)
    assert [record["clustering_loss"] is not None for record in history] == [False, False, True] * 2


def test_keys_move_in_clustering_steps_only(make_trainer, dataset):
    trainer = make_trainer(clustering_period=3)
    keys = trainer.model.readout.layers[0].keys
    seen = [keys.detach().clone()]
    trainer.fit(dataset, TRAIN, VALIDATION, lambda *_: seen.append(keys.detach().clone()))
    moved = [not torch.equal(before, after) for before, after in zip(seen, seen[1:])]
    assert moved == [False, False, True] * 2


def test_keys_never_move_without_clustering(make_trainer, dataset):
    trainer = make_trainer(clustering_period=0)
    before = trainer.model.readout.layers[0].keys.detach().clone()
    trainer.fit(dataset, TRAIN, VALIDATION)
    assert torch.equal(before, trainer.model.readout.layers[0].keys)


def test_supervised_steps_move_the_keys_if_asked_to(make_trainer, dataset):
    trainer = make_trainer(clustering_period=0, supervised_keys=True)
    keys = [layer.keys for layer in trainer.model.readout.layers if layer.keys.shape[1] > 1]
    before = [each.detach().clone() for each in keys]
    trainer.fit(dataset, TRAIN, VALIDATION)
    assert keys and not any(torch.equal(a, b) for a, b in zip(before, keys))


def test_a_clustering_step_follows_the_gradient_of_all_training_graphs(make_trainer, dataset):
    """In small batches as in a single one; dropout and batch statistics are off for the comparison."""
    trainer, reference = make_trainer(clip_norm=1e9), make_trainer()
    trainer.model.eval()
    total = trainer._cluster(GraphDataLoader(dataset, batch_sampler=EvenBatches(24, 5, seed=0)))
    graph = dgl.batch([graph for graph, _ in dataset])
    _, assignments = reference.model.eval()(graph, *reference.inputs(graph), get_assignments=True)
    loss = clustering_loss(graph, assignments[0])
    loss.backward()
    assert total == pytest.approx(loss.item(), rel=1e-4)
    for ours, theirs in zip(trainer.model.parameters(), reference.model.parameters()):
        if ours.grad is None or theirs.grad is None:
            assert ours.grad is theirs.grad is None
        else:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-7)
    assert trainer.model.readout.layers[0].keys.grad.abs().sum() > 0


def test_stops_without_improvement(make_trainer, dataset):
    trainer = make_trainer(epochs=500, patience=4)
    history = trainer.fit(dataset, TRAIN, VALIDATION)
    assert len(history) == trainer.kept_epoch + 4


def test_the_last_epoch_is_kept_whatever_validation_says(make_trainer, dataset):
    """A rate that destroys what was learnt: the best epoch is an early one."""
    settings = {"epochs": 6, "learning_rate": 0.9}
    best, last = make_trainer(patience=6, **settings), make_trainer(keep="last", patience=1, **settings)
    history = best.fit(dataset, TRAIN, VALIDATION)
    weights = []

    def on_epoch(record, kept):
        weights.append(copy.deepcopy(last.model.state_dict()))

    assert last.fit(dataset, TRAIN, VALIDATION, on_epoch) == history
    assert best.kept_epoch < last.kept_epoch == 6
    for name, value in last.model.state_dict().items():
        assert torch.equal(value, weights[-1][name])
    for name, value in best.model.state_dict().items():
        assert torch.equal(value, weights[best.kept_epoch - 1][name])


def test_few_graphs_have_as_many_epochs_as_make_a_number_of_batches(make_trainer, dataset, monkeypatch):
    monkeypatch.setattr(config, "FEWEST_EPOCHS", 3)
    monkeypatch.setattr(config, "FEWEST_STEPS", 10)
    options = {"decay": "cosine", "keep": "last"}
    given, chosen = (make_trainer(epochs=epochs, **options) for epochs in (4, None))  # of 3 batches
    assert given.fit(dataset, TRAIN, VALIDATION) == chosen.fit(dataset, TRAIN, VALIDATION)
    assert len(make_trainer(epochs=None, batch_size=3, **options).fit(dataset, TRAIN, VALIDATION)) == 3  # of 6


def test_learning_rate_halves(make_trainer):
    schedule = make_trainer(learning_rate=0.8, halve_every=2).schedule
    rates = []
    for epoch in range(1, 6):
        schedule.begin_epoch(epoch)
        rates.append((schedule.supervised.param_groups[0]["lr"], schedule.clustering.param_groups[0]["lr"]))
    assert rates == [(0.8, 0.8)] * 2 + [(0.4, 0.4)] * 2 + [(0.2, 0.2)]


def test_the_first_step_needs_no_epoch_to_begin():
    """Adam's first step is as long as the rate of epoch 1, and the pre-trained do not move."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 2))
    before = copy.deepcopy(model)
    warm_up = lambda epoch: min(epoch / 4, 1)  # noqa: E731
    schedule = AlternatingSchedule(model, 0.01, warm_up, pretrained=model[0].parameters(), pretrained_rate=0.0)
    schedule.supervised_step(sum(p.square().sum() for p in model.parameters()))
    first, second = (old.weight - new.weight for old, new in zip(before, model))
    assert not first.any()
    torch.testing.assert_close(second, 0.01 / 4 * before[1].weight.sign(), rtol=1e-3, atol=0)
    assert [group["lr"] for group in schedule.clustering.param_groups] == [0, 0.01 / 4]


def test_gradients_are_clipped(make_trainer, dataset):
    trainer = make_trainer(clip_norm=1e-3)
    graph, label = dataset[0]
    trainer.model.eval()
    loss = trainer.task(trainer.model(graph, *trainer.inputs(graph)), label[None])
    trainer.schedule.supervised_step(1e3 * loss)
    norm = torch.stack(
        [
            p.grad.norm()
            for name, p in trainer.model.named_parameters()
            if p.grad is not None and not name.endswith("keys")
        ]
    ).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_the_gradient_of_keys_that_do_not_move_is_not_clipped_with_the_others(make_trainer):
    trainer = make_trainer(clip_norm=1.0)
    parameters = dict(trainer.model.named_parameters())
    keys = [parameters.pop(name) for name in list(parameters) if name.endswith("keys")]
    loss = 1e6 * sum(p.sum() for p in keys) + 1e-3 * sum(p.sum() for p in parameters.values())
    trainer.schedule.supervised_step(loss)
    assert keys and all((p.grad == torch.tensor(1e-3)).all() for p in parameters.values())


def test_predictions_keep_the_order_and_leave_no_trace(make_trainer, dataset):
    trainer = make_trainer()
    some = [5, 0, 17]
    before = copy.deepcopy(trainer.model.state_dict())
    together = trainer.predict(dataset, some)
    alone = torch.cat([predict(trainer.model, trainer.task, trainer.inputs, [dataset[i][0]]) for i in some])
    torch.testing.assert_close(together, alone)
    assert all(torch.equal(before[name], value) for name, value in trainer.model.state_dict().items())


def test_predictions_leave_modes_and_random_numbers_as_they_were(make_trainer, dataset):
    trainer = make_trainer()
    model = trainer.model.train()
    model.query.eval()
    before, state = [module.training for module in model.modules()], torch.get_rng_state()
    trainer.predict(dataset)
    node_shares(model, trainer.inputs, [dataset[0][0]])
    assert [module.training for module in model.modules()] == before
    assert torch.equal(torch.get_rng_state(), state)


def test_what_was_trained_is_left_in_evaluation_mode(make_trainer, dataset):
    graph = dgl.batch([graph for graph, _ in dataset])
    for parts in ([TRAIN], [TRAIN, VALIDATION]):
        trainer = make_trainer()
        trainer.fit(dataset, *parts)
        prediction = trainer.model(graph, *trainer.inputs(graph)).softmax(1)
        torch.testing.assert_close(prediction.detach(), trainer.predict(dataset))


@pytest.mark.parametrize("count", [2, 4])
def test_descriptors_of_other_graphs_are_refused(make_trainer, dataset, count):
    trainer, graphs = make_trainer(), [dataset[i][0] for i in range(3)]
    with pytest.raises(ValueError, match=f"There are {count} rows of descriptors for 3 graphs"):
        predict(trainer.model, trainer.task, trainer.inputs, graphs, descriptors=torch.zeros(count, 2))


def test_a_loss_that_is_not_finite_stops_the_training(make_trainer, dataset):
    trainer = make_trainer()
    graph, label = copy.deepcopy(dataset[3])
    graph.ndata["feat"][0] = float("inf")
    with pytest.raises(FloatingPointError, match="batch . of epoch 1"):
        trainer.fit([*dataset[:3], (graph, label), *dataset[4:]], TRAIN, VALIDATION)


def test_a_gradient_that_is_not_finite_stops_the_training(make_trainer, dataset):
    trainer, before = make_trainer(), {}

    class Steep(torch.autograd.Function):
        """Passes its input on, with an infinite slope."""

        @staticmethod
        def forward(ctx, loss):
            return loss.clone()

        @staticmethod
        def backward(ctx, grad):
            before.update(copy.deepcopy(dict(trainer.model.named_parameters())))
            return grad * float("inf")

    objective = trainer.task.forward
    trainer.task.forward = lambda output, label: Steep.apply(objective(output, label))
    with pytest.raises(FloatingPointError, match="norm of the gradient is (nan|inf) in batch 1 of epoch 1"):
        trainer.fit(dataset, TRAIN, VALIDATION)
    assert all(torch.equal(before[name], p) for name, p in trainer.model.named_parameters())


def test_a_clustering_loss_that_is_not_finite_stops_the_training(make_trainer, dataset, monkeypatch):
    monkeypatch.setattr(
        "dgl_memgnn.training.trainer.loss_of_calls", lambda calls, *detach: calls[0][1].sum() * float("nan")
    )
    with pytest.raises(FloatingPointError, match="loss is nan in the clustering step of epoch 2"):
        make_trainer(clustering_period=2).fit(dataset, TRAIN, VALIDATION)


def test_a_score_that_is_not_a_number(make_trainer, dataset):
    trainer = make_trainer()
    trainer.task.score = lambda prediction, label: {"accuracy": float("nan")}
    with pytest.raises(ValueError, match="accuracy on validation"):
        trainer.fit(dataset, TRAIN, VALIDATION)


def test_the_last_epoch_is_kept_where_validation_does_not_define_the_score(make_trainer, dataset):
    """As it is without a validation part."""
    graphs = [(graph, label[None].float()) for graph, label in dataset]
    one_class = [i for i in VALIDATION if dataset[i][1] == 0]

    def trained(validation, keep):
        reference = make_trainer(epochs=2, keep=keep)
        trainer = Trainer(
            GMN(1, 1, 8, 1, num_keys=(4, 1)), BinaryTasks(), reference.inputs, reference.config, progress=False
        )
        return trainer, trainer.fit(graphs, TRAIN, validation)

    trainer, history = trained(one_class, "last")
    alone, losses = trained(None, "last")
    assert [record["loss"] for record in history] == [record["loss"] for record in losses]
    assert all(np.isnan(record["roc_auc"]) for record in history)
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, alone.model.state_dict()[name])
    with pytest.raises(ValueError, match=r"roc_auc on validation is not a number.* \(keep='last'\)"):
        trained(one_class, "best")


@pytest.mark.parametrize(
    "weights, message",
    [
        (torch.ones(18), r"weights must have shape \(24,\), one for each graph of the data set, got \(18,\)"),
        (torch.ones(24, 1), r"must have shape \(24,\).* got \(24, 1\)"),
        (torch.ones(24).index_fill(0, torch.tensor(3), -0.5), "The weight of graph 3 is -0.5: give it a finite"),
        (torch.ones(24).index_fill(0, torch.tensor(20), float("nan")), "The weight of graph 20 is nan"),
        (torch.ones(24).index_fill(0, torch.tensor(0), float("inf")), "The weight of graph 0 is inf"),
    ],
)
def test_weights_that_are_none_are_refused(make_trainer, dataset, weights, message):
    with pytest.raises(ValueError, match=message):
        make_trainer().fit(dataset, TRAIN, VALIDATION, weights=weights)


@pytest.mark.parametrize(
    "num_graphs, batch_size, sizes",
    [
        (9, 4, [3, 3, 3]),
        (8, 4, [4, 4]),
        (33, 32, [17, 16]),
        (3, 2, [3]),
        (2, 100, [2]),
    ],
)
def test_even_batches(num_graphs, batch_size, sizes):
    batches = EvenBatches(num_graphs, batch_size, seed=0)
    first, again = list(batches), list(batches)
    batches.set_epoch(2)
    second = list(batches)
    assert first == again
    assert len(batches) == len(first) == len(sizes)
    assert sorted(map(len, first), reverse=True) == sizes
    assert sorted(sum(first, [])) == list(range(num_graphs))
    if num_graphs > 3:
        assert first != second


@pytest.mark.parametrize("num_graphs, batch_size", [(1, 32), (10, 1)])
def test_batches_of_one_are_refused(num_graphs, batch_size):
    with pytest.raises(ValueError, match="two graphs in a batch"):
        EvenBatches(num_graphs, batch_size, seed=0)


def test_a_single_graph_makes_no_number_of_epochs():
    with pytest.raises(ValueError, match="two graphs in a batch"):
        TrainingConfig(epochs=None).num_epochs(1)


def test_descriptors_are_learned_from_in_any_order():
    """Graphs are noise; the label is that of their descriptors, row by row."""
    ring = dgl.graph(([0, 1, 2], [1, 2, 0]))
    graphs = [ring.clone() for _ in range(80)]
    for graph in graphs:
        graph.ndata["feat"], graph.edata["feat"] = torch.randn(3, 3), torch.ones(3, 2)
    descriptors = torch.randn(80, 2)
    label = descriptors[:, :1] - descriptors[:, 1:]
    model = MemGNN(3, 2, 16, 1, num_layers=1, num_keys=(2, 1), descriptor_feats=2)
    model.descriptor_norm.fit(descriptors[:60])
    trainer = Trainer(
        model,
        Regression(),
        lambda g: (g.ndata["feat"], g.edata["feat"]),
        TrainingConfig(epochs=60, batch_size=8, learning_rate=1e-2),
        progress=False,
    )
    dataset = list(zip(graphs, label, descriptors))
    history = trainer.fit(dataset, range(60), range(60, 80))
    assert min(record["rmse"] for record in history) < 0.5 * label.std()
    expected = predict(trainer.model, trainer.task, trainer.inputs, graphs, descriptors=descriptors)
    torch.testing.assert_close(trainer.predict(dataset, [75, 3]), expected[[75, 3]])


@pytest.mark.parametrize("name, value", [("decay", "Cosine"), ("keep", "first")])
def test_an_unknown_choice_is_refused(make_trainer, name, value):
    with pytest.raises(ValueError, match=f"training.{name} must be one of .* got {value!r}"):
        make_trainer(**{name: value})


@pytest.mark.parametrize("form", [list, np.array, torch.tensor])
def test_parts_may_be_masks(make_trainer, dataset, form):
    mask = [i < 18 for i in range(24)]
    by_mask, by_index = make_trainer(epochs=2), make_trainer(epochs=2)
    history = by_mask.fit(dataset, form(mask), form([not chosen for chosen in mask]))
    assert history == by_index.fit(dataset, TRAIN, VALIDATION)
    assert torch.equal(by_mask.predict(dataset, form(mask)), by_index.predict(dataset, TRAIN))
    assert by_mask.score(dataset, form(mask)) == by_index.score(dataset, TRAIN)


@pytest.mark.parametrize(
    "train, validation, message",
    [
        (range(18), range(17, 24), "Row 17 is in both train and validation"),
        (range(18), [], "part validation is empty"),
        (range(18), [24], "validation holds 24, which is out of range for 24 rows"),
        ([True] * 20, range(18, 24), "train is a mask of 20 for 24 rows"),
    ],
)
def test_parts_that_are_none_are_refused(make_trainer, dataset, train, validation, message):
    with pytest.raises((ValueError, IndexError), match=message):
        make_trainer().fit(dataset, train, validation)


@pytest.mark.parametrize("form", [float, torch.tensor, lambda value: torch.tensor([value])])
def test_labels_may_be_plain_numbers(dataset, form):
    torch.manual_seed(0)
    graphs = [(graph, form(graph.num_nodes() / 2)) for graph, _ in dataset]
    model = GMN(1, 1, 8, 1, num_keys=(4, 1), num_heads=2)
    inputs = lambda graph: (graph.ndata["feat"], graph.ndata["topology"])  # noqa: E731
    trainer = Trainer(model, Regression(), inputs, TrainingConfig(epochs=40, batch_size=8), progress=False)
    history = trainer.fit(graphs, TRAIN, VALIDATION)
    assert history[-1]["rmse"] < 0.7 * history[0]["rmse"]
    assert trainer.predict(graphs).shape == (24, 1)


def test_a_network_with_frozen_parts_trains(make_trainer, dataset):
    """All but the head is frozen: nothing that the clustering loss depends on can move."""
    trainer = make_trainer(epochs=4, clustering_period=2)
    trainer.model.query.requires_grad_(False)
    trainer.model.readout.requires_grad_(False)
    frozen = copy.deepcopy(dict(trainer.model.query.named_parameters()))
    trainer = Trainer(trainer.model, trainer.task, trainer.inputs, trainer.config, progress=False)
    with pytest.warns(UserWarning, match="has a part in the clustering loss: clustering steps are left out"):
        history = trainer.fit(dataset, TRAIN, VALIDATION)
    assert [record["clustering_loss"] for record in history] == [None] * 4
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(torch.equal(frozen[name], value) for name, value in trainer.model.query.named_parameters())


def test_keys_that_can_move_do_though_the_rest_is_frozen(make_trainer, dataset):
    model = make_trainer().model
    model.query.requires_grad_(False)
    reference = make_trainer(epochs=2, clustering_period=2, keep="last")
    trainer = Trainer(model, reference.task, reference.inputs, reference.config, progress=False)
    keys = model.readout.layers[0].keys.detach().clone()
    history = trainer.fit(dataset, TRAIN, VALIDATION)
    assert history[-1]["clustering_loss"] is not None
    assert not torch.equal(keys, model.readout.layers[0].keys)


def test_a_frozen_network_is_refused(make_trainer):
    reference = make_trainer()
    model = reference.model.requires_grad_(False)
    with pytest.raises(ValueError, match="Nothing can be trained: all parameters but the keys are frozen"):
        Trainer(model, reference.task, reference.inputs)


def test_a_single_key_takes_no_clustering_step(dataset):
    model = GMN(1, 1, 8, 2, num_keys=(1,), num_heads=2)
    inputs = lambda graph: (graph.ndata["feat"], graph.ndata["topology"])  # noqa: E731
    config = TrainingConfig(epochs=2, batch_size=8, clustering_period=1)
    history = Trainer(model, Classes("ab"), inputs, config, progress=False).fit(dataset, TRAIN, VALIDATION)
    assert [record["clustering_loss"] for record in history] == [None, None]


def test_each_epoch_has_random_numbers_of_its_own(make_trainer, dataset):
    seeds = []
    for seed in (0, 0, 1):
        seeds.append([])
        make_trainer(seed, epochs=4).fit(
            dataset, TRAIN, VALIDATION, lambda *_: seeds[-1].append(torch.initial_seed())
        )
    assert seeds[0] == seeds[1] and len({*seeds[0], *seeds[2]}) == 8


def test_the_callers_random_numbers_are_left_alone(make_trainer, dataset):
    trainer = make_trainer(epochs=2)
    before = torch.get_rng_state()
    trainer.fit(dataset, TRAIN, VALIDATION)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_callers_random_numbers_are_left_alone_by_a_start_from_k_means(make_trainer, dataset):
    trainer = make_trainer(epochs=1, initial_keys="kmeans")
    trainer.model.query.feat_drop = torch.nn.AlphaDropout(0.1)  # draws in training
    before = torch.get_rng_state()
    trainer.fit(dataset, TRAIN, VALIDATION)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_trainer_that_has_learned_does_not_learn_from_others(make_trainer, dataset):
    """It would scale its predictions by labels that the network has not seen."""
    trainer = make_trainer(epochs=2)
    history = trainer.fit(dataset, TRAIN, VALIDATION)
    assert trainer.fit(dataset, TRAIN, VALIDATION) == history
    with pytest.raises(ValueError, match="has learned from other graphs or labels: make a new one"):
        trainer.fit(dataset, VALIDATION)


def test_a_state_does_not_grow_with_the_trainer_that_takes_it(make_trainer, dataset):
    first, second = make_trainer(epochs=2), make_trainer(epochs=4)
    first.fit(dataset, TRAIN, VALIDATION)
    second.load_state_dict(first.state_dict())
    second.fit(dataset, TRAIN, VALIDATION)
    assert [len(first.history), len(second.history)] == [2, 4]


@pytest.fixture
def far_from_0(dataset):
    """Targets of 1004 to 1009, and a maker of trainers that learn them."""

    def make(epochs):
        torch.manual_seed(0)
        model = GMN(1, 1, 8, 1, num_keys=(4, 1), num_heads=2)
        inputs = lambda graph: (graph.ndata["feat"], graph.ndata["topology"])  # noqa: E731
        settings = TrainingConfig(epochs=epochs, batch_size=8, clustering_period=2)
        return Trainer(model, Regression(), inputs, settings, progress=False)

    return [(graph, torch.tensor([1000.0 + graph.num_nodes()])) for graph, _ in dataset], make


def test_a_trainer_that_takes_a_state_predicts_in_the_unit_of_the_targets(far_from_0):
    graphs, make = far_from_0
    trained, restored = make(2), make(2)
    trained.fit(graphs, TRAIN)
    restored.load_state_dict(trained.state_dict())
    assert torch.equal(restored.predict(graphs), trained.predict(graphs))
    assert (restored.predict(graphs) - 1000).abs().max() < 100


def test_a_state_of_an_older_version_continues(far_from_0):
    """It holds no task."""
    graphs, make = far_from_0
    whole, begun, continued = make(4), make(2), make(4)
    whole.fit(graphs, TRAIN)
    begun.fit(graphs, TRAIN)
    state = begun.state_dict()
    del state["task"]
    continued.load_state_dict(state)
    assert continued.fit(graphs, TRAIN) == whole.history
    assert torch.equal(continued.predict(graphs), whole.predict(graphs))


class Wrapped(torch.nn.Module):
    """Memory layers somewhere within; no assignments are returned."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        return self.model(*inputs)


@pytest.mark.parametrize("options", [{"clustering_period": 2}, {"clustering_weight": 0.3}])
def test_memory_layers_are_found_wherever_they_are(options, make_trainer, dataset):
    plain, other = make_trainer(**options), make_trainer(**options)
    wrapped = Trainer(Wrapped(other.model), other.task, other.inputs, other.config, progress=False)
    assert wrapped.fit(dataset, TRAIN, VALIDATION) == plain.fit(dataset, TRAIN, VALIDATION)


def test_a_clustering_weight_wants_something_to_cluster(make_trainer):
    trainer = make_trainer()
    single = GMN(1, 1, 8, 2, num_keys=(1,))
    with pytest.raises(ValueError, match="clustering_weight is for networks that have a memory layer of several"):
        Trainer(single, trainer.task, trainer.inputs, TrainingConfig(clustering_weight=0.3))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"learning_rate": -0.1}, "positive number as learning_rate, got -0.1"),
        ({"clip_norm": 0}, "positive number as clip_norm, got 0"),
        ({"period": -1}, "integer of at least 0 as period, got -1"),
        ({"period": 2.5}, "integer of at least 0 as period, got 2.5"),
        ({"pretrained_rate": -1.0}, "pretrained_rate of at least 0, got -1.0"),
    ],
)
def test_schedules_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        AlternatingSchedule(GMN(1, 1, 8, 2), **options)


def test_nothing_to_predict_for_and_nothing_assigned(make_trainer, dataset):
    trainer = make_trainer()
    with pytest.raises(ValueError, match="no graph to predict for"):
        trainer.predict(dataset, [])
    with pytest.raises(ValueError, match="Linear has no memory layer, and so no assignments"):
        node_shares(torch.nn.Linear(1, 1), trainer.inputs, [dataset[0][0]])


class ByKeyword(torch.nn.Module):
    """A network that names what it asks its memory layer."""

    def __init__(self, query, layer):
        super().__init__()
        self.query, self.layer = query, layer

    def forward(self, graph, *inputs, get_assignments=False):
        pooled, assignment = self.layer(graph=graph, feat=self.query(*inputs), get_assignment=True)
        return (pooled[:, 0], [assignment]) if get_assignments else pooled[:, 0]


def test_what_a_memory_layer_is_asked_by_keyword_is_seen(make_trainer, dataset):
    trainer, graphs = make_trainer(), [graph for graph, _ in dataset]
    model = ByKeyword(trainer.model.query, trainer.model.readout.layers[0]).eval()
    expected = model.query(*trainer.inputs(dgl.batch(graphs))).detach().numpy()
    np.testing.assert_allclose(node_queries(model, trainer.inputs, graphs), expected, rtol=1e-5, atol=1e-6)
    initialise_keys(model, dataset, TRAIN, trainer.inputs, 18, seed=0)
    assert model.layer.keys.isfinite().all()


class Reversed:
    """A view of a data set, which keeps the labels of the whole."""

    def __init__(self, items):
        self.items, self.labels = items, torch.stack([label for _, label in items])

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[len(self.items) - 1 - i]


def test_labels_are_those_of_the_items(make_trainer, dataset):
    view, trainers = Reversed(dataset), [make_trainer(), make_trainer()]
    histories = [trainer.fit(items, TRAIN, VALIDATION) for trainer, items in zip(trainers, (view, [*view][:24]))]
    assert histories[0] == histories[1]
    assert trainers[0].score(view, VALIDATION) == trainers[1].score([view[i] for i in range(24)], VALIDATION)
    with pytest.raises(ValueError, match=r"label of a graph must be a tensor or a number, got \[0.1, 0.2\]"):
        make_trainer().fit([(graph, [0.1, 0.2]) for graph, _ in dataset], TRAIN)


def test_a_state_remembers_what_was_learned_from(make_trainer, dataset):
    trainer, other = make_trainer(epochs=2), make_trainer(epochs=2)
    trainer.fit(dataset, TRAIN, VALIDATION)
    other.load_state_dict(trainer.state_dict())
    with pytest.raises(ValueError, match="has learned from other graphs or labels"):
        other.fit([(graph, 1 - label) for graph, label in dataset], TRAIN, VALIDATION)
    assert other.fit(dataset, TRAIN, VALIDATION) == trainer.history


def test_predictions_that_are_not_finite_are_named(make_trainer, dataset):
    trainer, predict_ = make_trainer(), Trainer.predict

    def poisoned(self, *arguments):
        prediction = predict_(self, *arguments)
        prediction[2] = float("nan")
        return prediction

    trainer.predict = poisoned.__get__(trainer)
    with pytest.raises(FloatingPointError, match="The prediction for graph 20 of the validation .* after epoch 1"):
        trainer.fit(dataset, TRAIN, VALIDATION)


def test_a_network_with_too_many_outputs_is_refused(make_trainer, dataset):
    made = make_trainer()
    trainer = Trainer(made.model, Classes(["a", "b", "c"]), made.inputs, made.config, progress=False)
    for call in (lambda: trainer.fit(dataset, TRAIN), lambda: trainer.predict(dataset)):
        with pytest.raises(ValueError, match=r"output has shape \(\d+, 2\), and classification .* needs \(B, 3\)"):
            call()
