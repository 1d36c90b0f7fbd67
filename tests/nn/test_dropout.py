import pytest
import torch

from dgl_memgnn.nn.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
def test_rate_and_scale(p):
    """A share p of the entries is zero, in each of the four places of a random word, and the mean is kept."""
    torch.manual_seed(0)
    out = Dropout(p)(torch.ones(1000, 1000))
    for place in range(4):
        assert (out.flatten()[place::4] == 0).double().mean().item() == pytest.approx(p, abs=5e-3)
    assert out.double().mean().item() == pytest.approx(1, abs=1e-2)
    assert out.unique().tolist() == pytest.approx([0, 1 / (1 - p)], rel=1e-4)


def test_neighbours_are_independent():
    torch.manual_seed(0)
    dropped = (Dropout(0.3)(torch.ones(400_000)) == 0).double()
    for distance in (1, 2, 3, 4, 128):
        both = (dropped[distance:] * dropped[:-distance]).mean().item()
        assert both == pytest.approx(0.09, abs=3e-3)


def test_gradient_passes_where_entries_passed():
    feat = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    out = Dropout(0.5)(feat)
    (grad,) = torch.autograd.grad(out.sum(), feat)
    torch.testing.assert_close(grad * feat, out)


def test_seed_rate_and_mode():
    feat = torch.randn(5, 3)
    layer = Dropout(0.5)
    torch.manual_seed(1)
    first = layer(feat)
    torch.manual_seed(1)
    assert torch.equal(layer(feat), first)
    assert torch.equal(Dropout(0.0)(feat), feat)
    assert torch.equal(Dropout(1.0)(feat), torch.zeros(5, 3))
    assert torch.equal(layer.eval()(feat), feat)
    assert Dropout(0.5)(feat.to(torch.bfloat16)).dtype == torch.bfloat16
    assert Dropout(0.5)(torch.empty(0, 3)).shape == (0, 3)
