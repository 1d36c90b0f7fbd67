"""The moving average of the weights, beside the recursion written as a loop."""

import pytest
import torch
from torch import nn
from torch.optim import swa_utils

from dgl_memgnn.nn.norm import BatchNorm
from dgl_memgnn.training.average import moving_average

TRAIN, VALIDATION = range(18), range(18, 24)


@pytest.mark.parametrize("is_old", (False, True), ids=("one call for all tensors", "torch 2.0"))
@pytest.mark.parametrize("decay", (0.5, 0.99))
def test_it_is_the_recursion_of_weights_and_statistics(decay, is_old, monkeypatch):
    if is_old:
        monkeypatch.delattr(swa_utils, "get_ema_multi_avg_fn", raising=False)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), BatchNorm(2))
    average = moving_average(model, decay)
    expected = None
    for step in range(40):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        model(torch.randn(5, 3))  # moves the running statistics
        average.update_parameters(model)
        now = {name: value.double() for name, value in model.state_dict().items() if value.is_floating_point()}
        share = min(decay, (1 + step) / (10 + step))
        expected = now if step == 0 else {n: share * expected[n] + (1 - share) * now[n] for n in now}
    averaged = average.module.state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(averaged[name].double(), value, rtol=1e-5, atol=1e-6)


def test_a_short_training_is_not_an_average_of_its_start(make_trainer, dataset):
    plain, averaged = (
        make_trainer(epochs=30, learning_rate=1e-2, clustering_period=0, keep="last", weight_average=decay)
        for decay in (0.0, 0.99)
    )
    start = {name: value.clone() for name, value in plain.model.named_parameters()}
    for trainer in (plain, averaged):
        trainer.fit(dataset, TRAIN, VALIDATION)
    end = dict(plain.model.named_parameters())

    def distance(values):
        return sum((values[name] - end[name]).square().sum().item() for name in end) ** 0.5

    assert distance(dict(averaged.model.named_parameters())) < 0.2 * distance(start)
    assert averaged.history[-1]["accuracy"] == plain.history[-1]["accuracy"] == 1.0
