"""Keys of atoms are those of the assignments, in any order of the atoms, and pictures show them."""

import re
from xml.etree import ElementTree

import dgl
import numpy as np
import pandas as pd
import pytest
import torch
from rdkit import Chem

from dgl_memgnn import GMN, MemGNN
from dgl_memgnn.data import MoleculeError, smiles_to_graph
from dgl_memgnn.models import NETWORKS
from dgl_memgnn.runs.stored import StoredNetwork
from dgl_memgnn.training import node_queries, node_shares
from dgl_memgnn.training.assignments import fit_batch_norms
from dgl_memgnn.visualization import KeyColours, RunClusters, draw_graphs, draw_molecules, draw_molecules_png
from dgl_memgnn.visualization.legend import legend

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CCCO", "C"]


def inputs(graph):
    return graph.ndata["feat"], graph.edata["feat"]


def fills(svg):
    """The colour of each atom's circle, in an SVG of one molecule."""
    found = re.findall(r"class='atom-(\d+)'\s+style='fill:(#[0-9A-F]{6})", svg)
    return [colour for _, colour in sorted(found, key=lambda pair: int(pair[0]))]


def test_shares_are_the_product_of_the_assignments_of_each_graph_alone():
    model = MemGNN(74, 12, 16, 1, num_layers=1, num_keys=(5, 3, 1)).eval()
    graphs = [smiles_to_graph(smiles) for smiles in SMILES]
    found = node_shares(model, inputs, graphs)
    queries = []
    for graph, shares in zip(graphs, found):
        with torch.no_grad():
            _, (first, second, third) = model(graph, *inputs(graph), get_assignments=True)
            queries.append(model.query(graph, *inputs(graph)))
        by_hand = torch.zeros(graph.num_nodes(), 3)
        for i in range(graph.num_nodes()):
            for j in range(5):
                for k in range(3):
                    by_hand[i, k] += first[i, j] * second[0, j, k]
        assert np.allclose(shares[0], first, atol=1e-6) and np.allclose(shares[1], by_hand, atol=1e-6)
        assert shares[2].shape == (graph.num_nodes(), 1) and np.allclose(shares[2], 1, atol=1e-6)
        assert third.shape == (1, 3, 1)
    assert np.allclose(node_queries(model, inputs, graphs), torch.cat(queries), atol=1e-5)


def test_many_graphs_give_what_each_gives_alone():
    model = MemGNN(74, 12, 16, 1, num_layers=1, num_keys=(5, 1))
    graphs = [smiles_to_graph("C" * (1 + i % 7) + "O") for i in range(300)]
    together = node_shares(model, inputs, graphs)
    assert len(together) == 300
    for i in (0, 127, 128, 299):
        assert np.allclose(together[i][0], node_shares(model, inputs, [graphs[i]])[0][0], atol=1e-6)


def test_the_network_before_the_training_is_as_it_was_drawn(runs):
    network = StoredNetwork(runs.regression)
    graphs = [smiles_to_graph(smiles, "attentivefp") for smiles in SMILES]
    untrained = network.untrained(graphs)
    torch.manual_seed(0)
    model = NETWORKS["MemGNN"].build(network.config.model, network._widths, network.task, 0)
    drawn, found = dict(model.named_parameters()), dict(untrained._learner.evaluated.named_parameters())
    assert drawn.keys() == found.keys() and all(torch.equal(drawn[name], found[name]) for name in drawn)
    assert np.array_equal(untrained.keys[0], model.readout.layers[0].keys.detach())
    assert not np.array_equal(untrained.keys[0], network.keys[0])
    assert not np.array_equal(untrained.keys[0], network.untrained(graphs, seed=1).keys[0])


def test_batch_normalisation_of_an_untrained_network_does_in_evaluation_what_it_does_in_training():
    model = GMN(3, 4, 8, 1, num_keys=(4, 1))
    graphs = [dgl.rand_graph(n, 3 * n) for n in (50, 200, 400)]
    for graph in graphs:
        graph.ndata["feat"] = 5 + 3 * torch.randn(graph.num_nodes(), 3)
        graph.ndata["topology"] = torch.rand(graph.num_nodes(), 4)

    def take(graph):
        return graph.ndata["feat"], graph.ndata["topology"]

    graph = dgl.batch(graphs)
    with torch.no_grad():
        _, expected = model.train()(graph, *take(graph), get_assignments=True)
    fit_batch_norms(model, take, graphs)
    found = np.concatenate([share[0] for share in node_shares(model, take, graphs)])
    assert np.allclose(found, expected[0], atol=1e-3)  # variances are those of a sample
    assert model.query.feat_norm.momentum == GMN(3, 4, 8, 1).query.feat_norm.momentum


def test_colours_are_those_of_the_largest_share(runs):
    clusters, network = RunClusters(runs.regression), StoredNetwork(runs.regression)
    for smiles in SMILES:
        graph = smiles_to_graph(smiles, "attentivefp")
        model = network._learner.evaluated.eval()
        with torch.no_grad():
            _, (first, second, _) = model(graph, *inputs(graph), get_assignments=True)
        for layer, share in [(1, first), (2, first @ second[0])]:
            drawn = fills(draw_molecules([clusters.molecule(smiles)], layer))
            assert drawn == [clusters.colours[layer - 1].of(int(key)) for key in share.argmax(1)]


def test_the_same_key_has_the_same_colour_in_all_pictures_and_calls(runs):
    first, second = RunClusters(runs.regression), RunClusters(runs.regression)
    second.molecules(["CCCCCCCC", "OO"])
    assert [colours.own for colours in first.colours] == [colours.own for colours in second.colours]
    of_key = {}
    for smiles in [*SMILES, "CCCCCCO", "ClC(Cl)(Cl)C"]:
        clustered = first.molecule(smiles)
        for key, colour in zip(clustered.keys(), fills(clustered._repr_svg_())):
            assert of_key.setdefault(key, colour) == colour
    assert len(set(of_key.values())) == len(of_key)


def test_the_order_of_the_atoms_is_the_molecules_own(runs):
    clusters = RunClusters(runs.regression)
    molecule = Chem.MolFromSmiles(SMILES[0])
    order = np.random.default_rng(0).permutation(molecule.GetNumAtoms()).tolist()
    permuted = Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False)
    match = Chem.MolFromSmiles(permuted).GetSubstructMatch(molecule)
    one, other = clusters.molecule(SMILES[0]), clusters.molecule(permuted)
    assert list(match) != list(range(len(match)))
    assert np.allclose(one.shares[0], other.shares[0][list(match)], atol=1e-6)
    assert fills(one._repr_svg_()) == [fills(other._repr_svg_())[atom] for atom in match]


def test_table_of_a_molecule(runs):
    clustered = RunClusters(runs.regression).molecule("CCO", "ethanol")
    table = clustered.table()
    assert table["element"].tolist() == ["C", "C", "O"]
    assert table["key_1"].tolist() == clustered.keys(1).tolist()
    assert table["share_2"].tolist() == clustered.shares[1].max(axis=1).tolist()
    assert table["key_3"].tolist() == [0, 0, 0]


def test_pictures_are_whole(runs):
    clusters = RunClusters(runs.regression)
    clustered = clusters.molecules(SMILES, ["one & <two>", "ethanol", "x" * 80])
    svg = draw_molecules(clustered)
    root = ElementTree.fromstring(svg.encode())
    title = root.find("{http://www.w3.org/2000/svg}title").text
    assert title.startswith("Keys of the atoms in memory layer 1. one & <two>: C0 ")
    assert svg.count("<ellipse") == sum(len(each.shares[0]) for each in clustered) + len(legend(clustered)[0])
    assert draw_molecules_png(clustered).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no molecule to draw"):
        draw_molecules([])


def test_soft_colours_are_paler_the_smaller_the_share():
    colours = KeyColours([0.5, 0.5], strong_share=0.9)
    brightness = [int(colours.of(0, share)[1:3], 16) for share in (0.4, 0.5, 0.6, 0.75, 0.9, 1.0)]
    assert brightness == sorted(brightness, reverse=True)
    assert brightness[:2] == [255, 255] and colours.of(0, 0.95) == colours.of(0)


def test_more_keys_than_colours():
    """The most used have colours, the others are grey, by number; the legend says so."""
    usage = np.random.default_rng(0).random(160)
    colours = KeyColours(usage.tolist())
    most = np.argsort(-usage)[:8].tolist()
    assert list(colours.own) == most and len(set(colours.own.values())) == 8
    rare = int(usage.argmin())

    class Everything:
        colours = [KeyColours(usage.tolist())]

        def keys(self, layer):
            return np.array([most[0], most[1], rare])

    entries, note = legend([Everything()])
    assert [text for text, _ in entries] == [f"key {most[0]}", f"key {most[1]}"]
    assert note == "grey: 1 key less used, by number"


def test_a_rare_key_stands_beside_its_atom(runs):
    clusters = RunClusters(runs.regression)
    clusters.colours = [KeyColours([0.0] * 6), *clusters.colours[1:]]
    clustered = clusters.molecule("CCO")
    assert clustered.unnamed() == dict(enumerate(clustered.keys().tolist()))
    assert set(fills(clustered._repr_svg_())) == {"#DDDDDD"}
    assert clustered._repr_svg_().count("class='note'") >= 3
    clusters.colours[0] = KeyColours([1.0] * 6)  # all have colours: no numbers
    assert "class='note'" not in clusters.molecule("CCO")._repr_svg_()


def test_the_notes_of_a_small_picture_are_whole(runs):
    clusters = RunClusters(runs.regression)
    clusters.colours = [KeyColours([0.0] * 6), *clusters.colours[1:]]
    clustered = [clusters.molecule("CCO")]
    for soft in (False, True):
        svg = draw_molecules(clustered, soft=soft)
        width, height = map(int, re.search(r"width='(\d+)px' height='(\d+)px'", svg).groups())
        starts = [tuple(map(float, place)) for place in re.findall(r"<path d='M ([\d.]+) ([\d.]+)", svg)]
        letters = [(x, y) for x, y in starts if y > 0.8 * width]  # below the molecule
        assert len(letters) == len(legend(clustered, soft=soft)[1].replace(" ", ""))
        assert all(x < width - 5 and y < height - 5 for x, y in letters)


def test_notes_stand_there_where_all_nodes_are_grey(graph_run):
    clusters = RunClusters(graph_run)
    clusters.colours = [KeyColours([0.0] * 5), *clusters.colours[1:]]
    graph = dgl.to_bidirected(dgl.graph(([0, 1, 2, 3], [1, 2, 3, 0])))
    graph.ndata["feat"] = torch.log(1 + graph.in_degrees().float())[:, None]
    figure = draw_graphs(clusters.graphs([graph], ["ring"]), soft=True)
    figure.draw_without_rendering()
    [legend] = figure.legends
    assert legend.get_title().get_text().startswith("grey: ") and "white: " in legend.get_title().get_text()
    assert 0 <= legend.get_window_extent().x0 and legend.get_window_extent().x1 <= figure.bbox.x1


def test_graphs_are_drawn(graph_run):
    clusters = RunClusters(graph_run)
    graph = dgl.to_bidirected(dgl.graph(([0, 1, 2, 3], [1, 2, 3, 0])))
    graph.ndata["feat"] = torch.log(1 + graph.in_degrees().float())[:, None]
    [clustered] = clusters.graphs([graph], ["ring"])
    for layer in (1, 2):
        figure = draw_graphs([clustered], layer)
        [nodes] = [each for each in figure.axes[0].collections if len(each.get_offsets()) == 4]
        found = [
            "#{:02X}{:02X}{:02X}".format(*(round(255 * c) for c in face[:3])) for face in nodes.get_facecolor()
        ]
        assert found == clustered.fill(layer)
    assert "<svg" in clustered._repr_svg_()


def test_what_cannot_be_clustered_is_refused(runs, graph_run, tmp_path):
    for name, words in [("sum", "readout sum"), ("forest", "network RandomForest")]:
        with pytest.raises(ValueError, match=f"no memory layers.*{words}"):
            RunClusters(runs.folder / name)
    with pytest.raises(FileNotFoundError, match="holds 7 runs: give one of them"):
        RunClusters(runs.folder)
    with pytest.raises(FileNotFoundError, match="holds no checkpoint.pt"):
        RunClusters(tmp_path)
    with pytest.raises(MoleculeError, match="'C1CC' is no molecule: invalid SMILES"):
        RunClusters(runs.regression).molecules(["CCO", "C1CC"])
    with pytest.raises(ValueError, match="trained on TINY, not on molecules"):
        RunClusters(graph_run).molecule("CCO")


def test_descriptors_do_not_matter_to_clusters(runs):
    clustered = RunClusters(runs.descriptors).molecule("CCO")
    assert np.isfinite(clustered.shares[0]).all() and np.allclose(clustered.shares[0].sum(axis=1), 1)


def test_a_run_that_has_not_ended_has_colours_too(runs, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes((runs.binary / "checkpoint.pt").read_bytes())
    clusters = RunClusters(tmp_path)
    clustered = clusters.molecule("CCCO")
    assert set(clusters.colours[0].own) == set(clustered.keys().tolist())
    assert isinstance(clustered.table(), pd.DataFrame)
