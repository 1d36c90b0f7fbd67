"""Batch normalisation: torch's on rows, kept by a conversion, and joint over processes only where asked for."""

import dgl
import pytest
import torch
from dgl import DGLError
from packaging.version import Version
from processes import run_in_two

from dgl_memgnn import GMN, MemGNN, MemoryReadout
from dgl_memgnn.nn.norm import BatchNorm, join_batch_norms
from dgl_memgnn.training.distributed import process_group, rank


@pytest.mark.parametrize("momentum", [0.1, None])
def test_it_is_torchs_on_rows(momentum):
    ours, theirs = (kind(4, momentum=momentum).double() for kind in (BatchNorm, torch.nn.BatchNorm1d))
    torch.nn.init.normal_(theirs.weight)
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    for feat in torch.randn(3, 6, 4, dtype=torch.float64):
        assert torch.equal(ours(feat), theirs(feat))
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    assert torch.equal(ours.eval()(feat), theirs.eval()(feat))


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (3, 5)])
def test_other_shapes_are_refused(shape):
    """On (B, K, D) it would not be what torch's class and its conversions do there."""
    with pytest.raises(DGLError, match=r"BatchNorm takes feat of shape \(n, 4\)"):
        BatchNorm(4)(torch.randn(shape))


def networks():
    graph = dgl.batch([dgl.rand_graph(n, 2 * n) for n in (4, 7)])
    memory = {"num_keys": (3, 1), "num_heads": 2}
    feat = torch.randn(11, 5)
    yield MemoryReadout(5, 8, **memory, batch_norm=True), (graph, feat)
    yield GMN(5, 6, 8, 2, **memory), (graph, feat, torch.rand(11, 6))
    yield MemGNN(5, 3, 8, 2, 2, **memory), (graph, feat, torch.randn(22, 3))


def test_converted_networks_compute_the_same():
    for network, inputs in networks():
        network(*inputs)  # moves the running statistics
        expected = network.eval()(*inputs)
        norms = sum(isinstance(module, BatchNorm) for module in network.modules())
        converted = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
        assert sum(isinstance(module, torch.nn.SyncBatchNorm) for module in converted.modules()) == norms > 0
        torch.testing.assert_close(converted.eval()(*inputs), expected)


def test_running_statistics_can_be_fitted_anew():
    """As torch.optim.swa_utils does for averaged weights."""
    norm = torch.nn.Sequential(BatchNorm(4))
    feat = torch.randn(50, 4) * 3 + 7
    torch.optim.swa_utils.update_bn([feat], norm)
    torch.testing.assert_close(norm[0].running_mean, feat.mean(0))
    torch.testing.assert_close(norm[0].running_var, feat.var(0))


@pytest.mark.skipif(
    Version(torch.__version__) < Version("2.3"), reason="this torch transforms what DGL counts too"
)
def test_training_within_a_transform_names_the_remedy():
    for network, inputs in networks():
        parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())

        def loss(parameters, *state, network=network, inputs=inputs):
            return torch.func.functional_call(network, (parameters, *state), inputs).sum()

        for transform in (torch.func.grad, lambda f: torch.func.vmap(f, randomness="same")):
            values = parameters
            if transform is not torch.func.grad:
                values = {name: torch.stack([value, value]) for name, value in parameters.items()}
            with pytest.raises(DGLError, match=r"BatchNorm cannot update .* eval\(\) .*functional_call"):
                transform(loss)(values)
        assert all(value.isfinite().all() for value in torch.func.grad(loss)(parameters, buffers).values())


FEAT = torch.arange(24.0, dtype=torch.float64).view(6, 4).sin() * torch.tensor([1.0, 10.0, 0.1, 1.0])
PARTS = [[0, 1, 2, 3], [4, 5]]


def step(rows, joint):
    """Output, first gradient, and gradients of a penalty on it; from some of the rows."""
    norm = BatchNorm(4).double()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
    join_batch_norms(norm, joint)
    feat = FEAT[rows].clone().requires_grad_()
    out = norm(feat)
    (first,) = torch.autograd.grad(out.tanh().sum(), feat, create_graph=True)
    second = torch.autograd.grad(first.square().sum(), [feat, norm.weight])
    return {"out": out, "first": first, "feat": second[0], "weight": second[1], "state": norm.state_dict()}


def expected_step(rows):
    return step(rows, joint=False)


def test_joined_processes_are_one_and_others_keep_to_themselves(tmp_path):
    run_in_two(main, tmp_path)
    results = [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in range(2)]
    whole = expected_step([0, 1, 2, 3, 4, 5])
    for rows, (joint, alone) in zip(PARTS, results):
        for name in ("out", "first", "feat"):
            torch.testing.assert_close(joint[name], whole[name][rows].detach())
        torch.testing.assert_close(joint["state"], whole["state"])
        expected = expected_step(rows)
        for name in ("out", "first", "feat", "weight"):
            torch.testing.assert_close(alone[name], expected[name].detach())
        torch.testing.assert_close(alone["state"], expected["state"])
    torch.testing.assert_close(results[0][0]["weight"] + results[1][0]["weight"], whole["weight"])


def main(folder):
    with process_group("cpu"):
        torch.save([step(PARTS[rank()], joint) for joint in (True, False)], folder / f"{rank()}.pt")


def test_joined_ones_keep_the_digits_of_features_far_from_0():
    feat = 1000 + torch.randn(100, 4)
    norm, exact = BatchNorm(4), torch.nn.BatchNorm1d(4).double()
    join_batch_norms(norm)
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        out = norm(feat)
    finally:
        torch.distributed.destroy_process_group()
    torch.testing.assert_close(out.double(), exact(feat.double()), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(norm.running_var.double(), exact.running_var, rtol=1e-6, atol=0)
