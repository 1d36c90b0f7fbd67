"""e-GAT against equation 8 in loops, and against dgl's layer."""

import dgl
import pytest
import torch
from dgl import DGLError
from dgl.nn import EdgeGATConv as DGLEdgeGATConv
from graphs import random_graph

from dgl_memgnn import EdgeGATConv


@pytest.fixture(params=[torch.int32, torch.int64])
def graph(request):
    return dgl.add_self_loop(dgl.rand_graph(8, 20, idtype=request.param))


def leaky_relu(x):
    return x if x > 0 else 0.2 * x


@pytest.mark.parametrize("edge_message", [False, True])
def test_equation_8(graph, edge_message):
    conv = EdgeGATConv(5, 3, 4, num_heads=2, edge_message=edge_message)
    torch.nn.init.normal_(conv.bias)
    feat, edge_feat = torch.randn(8, 5), torch.randn(graph.num_edges(), 3)
    out, attention = conv(graph, feat, edge_feat, get_attention=True)
    src, dst = (ends.tolist() for ends in graph.edges())
    for head in range(2):
        rows = slice(4 * head, 4 * head + 4)
        node_weight, edge_weight = conv.fc.weight[rows], conv.fc_edge.weight[rows]
        row = torch.cat([conv.attn_r[0, head], conv.attn_l[0, head], conv.attn_edge[0, head]])
        for i in range(8):
            edges = [e for e in range(graph.num_edges()) if dst[e] == i]
            scores = torch.stack(
                [
                    leaky_relu(
                        row
                        @ torch.cat(
                            [node_weight @ feat[i], node_weight @ feat[src[e]], edge_weight @ edge_feat[e]]
                        )
                    )
                    for e in edges
                ]
            )
            alpha = scores.exp() / scores.exp().sum()
            torch.testing.assert_close(attention[edges, head, 0], alpha)
            messages = [node_weight @ feat[src[e]] + edge_message * (edge_weight @ edge_feat[e]) for e in edges]
            update = sum(a * m for a, m in zip(alpha, messages)) + conv.bias[rows]
            torch.testing.assert_close(out[i, head], update, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_equals_dgl_with_copied_weights(graph, residual, bias):
    arguments = {"residual": residual, "bias": bias, "activation": torch.tanh, "negative_slope": 0.1}
    reference = DGLEdgeGATConv(5, 3, 4, 2, **arguments)
    conv = EdgeGATConv(5, 3, 4, 2, edge_message=True, **arguments)
    conv.load_state_dict(reference.state_dict())
    inputs = [
        (torch.randn(8, 5, requires_grad=True), torch.randn(graph.num_edges(), 3, requires_grad=True))
        for _ in range(2)
    ]
    for ours, theirs in zip(*inputs):
        ours.data.copy_(theirs)
    out, attention = conv(graph, *inputs[0], get_attention=True)
    expected, expected_attention = reference(graph, *inputs[1], get_attention=True)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(attention, expected_attention)
    weight = torch.randn_like(out)
    (out * weight).sum().backward()
    (expected * weight).sum().backward()
    for ours, theirs in zip(inputs[0], inputs[1]):
        torch.testing.assert_close(ours.grad, theirs.grad)
    theirs = dict(reference.named_parameters())
    for name, ours in conv.named_parameters():
        torch.testing.assert_close(ours.grad, theirs[name].grad, msg=name)


def test_bipartite_equals_dgl():
    graph = dgl.heterograph({("a", "to", "b"): (torch.tensor([0, 1, 2, 2]), torch.tensor([0, 0, 1, 0]))})
    reference = DGLEdgeGATConv((5, 6), 3, 4, 2, residual=True)
    conv = EdgeGATConv((5, 6), 3, 4, 2, residual=True, edge_message=True)
    conv.load_state_dict(reference.state_dict())
    feat, edge_feat = (torch.randn(3, 5), torch.randn(2, 6)), torch.randn(4, 3)
    torch.testing.assert_close(conv(graph, feat, edge_feat), reference(graph, feat, edge_feat))


def test_one_width_for_a_pair_equals_dgl():
    graph = dgl.heterograph({("a", "to", "b"): (torch.tensor([0, 1, 2, 2]), torch.tensor([0, 0, 1, 0]))})
    reference = DGLEdgeGATConv(5, 3, 4, 2, residual=False)
    conv = EdgeGATConv(5, 3, 4, 2, edge_message=True)
    conv.load_state_dict(reference.state_dict())
    feat, edge_feat = (torch.randn(3, 5), torch.randn(2, 5)), torch.randn(4, 3)
    torch.testing.assert_close(conv(graph, feat, edge_feat), reference(graph, feat, edge_feat))


def test_block_equals_dgl(graph):
    block = dgl.to_block(dgl.in_subgraph(graph, [0, 1]), [0, 1])
    reference = DGLEdgeGATConv(5, 3, 4, 2, residual=True)
    conv = EdgeGATConv(5, 3, 4, 2, residual=True, edge_message=True)
    conv.load_state_dict(reference.state_dict())
    feat, edge_feat = torch.randn(block.num_src_nodes(), 5), torch.randn(block.num_edges(), 3)
    out = conv(block, feat, edge_feat)
    assert out.shape == (2, 2, 4)
    torch.testing.assert_close(out, reference(block, feat, edge_feat))


def test_gradcheck():
    graph = dgl.graph(([0, 1, 2, 0], [1, 2, 0, 0]))
    conv = EdgeGATConv(3, 2, 2, 2, edge_message=True).double()
    inputs = [torch.randn(n, d, dtype=torch.float64, requires_grad=True) for n, d in [(3, 3), (4, 2)]]
    assert torch.autograd.gradcheck(lambda *x: conv(graph, *x), inputs)


def test_a_graph_alone_equals_the_graph_in_a_batch():
    conv = EdgeGATConv(5, 3, 4, 2)
    graphs = [dgl.add_self_loop(random_graph(n)) for n in (1, 6, 3)]
    feats = [(torch.randn(g.num_nodes(), 5), torch.randn(g.num_edges(), 3)) for g in graphs]
    joint = conv(dgl.batch(graphs), *(torch.cat(part) for part in zip(*feats)))
    alone = torch.cat([conv(g, *feat) for g, feat in zip(graphs, feats)])
    torch.testing.assert_close(joint, alone)


def test_no_in_edges():
    graph = dgl.graph(([0], [1]))
    feat, edge_feat = torch.randn(2, 5), torch.randn(1, 3)
    conv = EdgeGATConv(5, 3, 4, 2)
    with pytest.raises(DGLError, match="add_self_loop"):
        conv(graph, feat, edge_feat)
    conv.set_allow_zero_in_degree(True)
    out = conv(graph, feat, edge_feat)
    torch.testing.assert_close(out[0], conv.bias.view(2, 4))


def test_it_is_in_edges_that_count():
    """Both nodes of the first graph have an out-edge, both of the second an in-edge."""
    conv, feat, edge_feat = EdgeGATConv(5, 3, 4, 2), torch.randn(2, 5), torch.randn(2, 3)
    with pytest.raises(DGLError, match="without in-edges"):
        conv(dgl.graph(([0, 1], [1, 1])), feat, edge_feat)
    assert conv(dgl.graph(([0, 0], [0, 1])), feat, edge_feat).isfinite().all()


def test_dropout_of_attention():
    """In training some of it is 0, the rest is larger, and the update is by what is left."""
    conv = EdgeGATConv(5, 3, 4, 2, attn_drop=0.5, allow_zero_in_degree=True)
    graph, feat, edge_feat = dgl.rand_graph(40, 200), torch.randn(40, 5), torch.randn(200, 3)
    out, dropped = conv(graph, feat, edge_feat, get_attention=True)
    _, whole = conv.eval()(graph, feat, edge_feat, get_attention=True)
    kept = dropped != 0
    assert 0.3 < kept.float().mean() < 0.7
    torch.testing.assert_close(dropped[kept], 2 * whole[kept])
    message = conv.fc(feat).view(40, 2, 4)
    expected = torch.zeros(40, 2, 4)
    for u, v, alpha in zip(*graph.edges(), dropped):
        expected[v] += alpha * message[u]
    torch.testing.assert_close(out, expected + conv.bias.view(2, 4))


def test_no_edges_and_no_nodes():
    conv = EdgeGATConv(5, 3, 4, 2, allow_zero_in_degree=True, edge_message=True)
    for n in (0, 3):
        out = conv(dgl.graph(([], []), num_nodes=n), torch.randn(n, 5), torch.randn(0, 3))
        assert out.shape == (n, 2, 4)


def test_features_stay_out_of_the_graph(graph):
    EdgeGATConv(5, 3, 4, 2)(graph, torch.randn(8, 5), torch.randn(graph.num_edges(), 3))
    assert not graph.ndata and not graph.edata


@pytest.mark.parametrize("edge_message", [False, True])
def test_bfloat16_and_autocast(graph, edge_message):
    conv = EdgeGATConv(5, 3, 4, 2, edge_message=edge_message)
    feat, edge_feat = torch.randn(8, 5), torch.randn(graph.num_edges(), 3)
    expected = conv(graph, feat, edge_feat)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = conv(graph, feat, edge_feat)
        out.float().sum().backward()
    torch.testing.assert_close(out.float(), expected, atol=0.1, rtol=0.1)
    half = conv.to(torch.bfloat16)(graph, feat.to(torch.bfloat16), edge_feat.to(torch.bfloat16))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("order", ["csr", "csc"])
@pytest.mark.parametrize("idtype", [torch.int32, torch.int64])
def test_graphs_that_are_made_of_compressed_rows_or_columns(order, idtype):
    """Their edges are numbered in that order, and dgl keeps no ids of them."""
    offsets, ends = torch.tensor([0, 2, 2, 3, 6], dtype=idtype), torch.tensor([1, 3, 0, 0, 1, 2], dtype=idtype)
    graph = dgl.graph((order, (offsets, ends, [])), num_nodes=4)
    same = dgl.graph(graph.edges(order="eid"), num_nodes=4)
    conv = EdgeGATConv(5, 3, 4, num_heads=2, edge_message=True, allow_zero_in_degree=True)
    found = []
    for each in (graph, same):
        torch.manual_seed(0)
        feat, edge_feat = torch.randn(4, 5, requires_grad=True), torch.randn(6, 3, requires_grad=True)
        out = conv(each, feat, edge_feat)
        found.append([out, *torch.autograd.grad(out.square().sum(), [feat, edge_feat, *conv.parameters()])])
    for ours, expected in zip(*found):
        torch.testing.assert_close(ours, expected)
