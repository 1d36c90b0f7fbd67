"""Molecules with their atoms in the colours of their keys."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from dgl_memgnn.data import Limits, parse_smiles
from dgl_memgnn.visualization.legend import legend

if TYPE_CHECKING:
    from dgl_memgnn.visualization.clusters import ClusteredMolecule

__all__ = ["TITLE", "draw_molecules", "draw_molecules_png", "draw_plain_molecule"]

TITLE = "Keys of the atoms in memory layer"  # as the title of each picture begins
_BOND, _FONT = 30, 14
_ENTRY, _ROW = 80, 28  # width of an entry of the legend, and height of a row of it
_MARGIN, _LETTER = 12, 7  # left and right of the legend, and width of a letter of it
_LONGEST_NAME = 36


def draw_molecules(
    molecules: Sequence[ClusteredMolecule], layer: int = 1, soft: bool = False, columns: int = 4
) -> str:
    """Draw molecules with their atoms in the colours of their keys, and a legend.

    All atoms have their symbols. A key without a colour of its own is grey, with its number beside the atom.

    Parameters
    ----------
    molecules : sequence of ClusteredMolecule
        Molecules of one run; several make a grid.
    layer : int, optional
        Which memory layer, counted from 1. Default: ``1``.
    soft : bool, optional
        Whether an atom is paler the more of it other keys have. Default: ``False``.
    columns : int, optional
        Columns of the grid. Default: ``4``.

    Returns
    -------
    str
        The picture, as SVG.

    Raises
    ------
    ValueError
        If there is no molecule.
    """
    from rdkit.Chem.Draw import rdMolDraw2D

    text: str = _draw(rdMolDraw2D.MolDraw2DSVG, molecules, layer, soft, columns, scale=1)
    title = f"<title>{escape(_description(molecules, layer))}</title>"
    text = text.replace("encoding='iso-8859-1'", "encoding='utf-8'")
    return text.replace("<!-- END OF HEADER -->", title, 1)


def draw_molecules_png(
    molecules: Sequence[ClusteredMolecule], layer: int = 1, soft: bool = False, columns: int = 4
) -> bytes:
    """The picture of :func:`draw_molecules` as PNG, in twice as many pixels a side."""
    from rdkit.Chem.Draw import rdMolDraw2D

    picture: bytes = _draw(rdMolDraw2D.MolDraw2DCairo, molecules, layer, soft, columns, scale=2)
    return picture


def draw_plain_molecule(smiles: str, limits: Limits = Limits()) -> str:
    """A molecule without clusters, as SVG."""
    from rdkit.Chem.Draw import rdMolDraw2D

    molecule = parse_smiles(smiles, limits)
    drawer = rdMolDraw2D.MolDraw2DSVG(*_panel(molecule.GetNumAtoms()))
    options: Any = drawer.drawOptions()
    options.fixedBondLength = _BOND
    drawer.DrawMolecule(molecule)
    drawer.FinishDrawing()
    text: str = drawer.GetDrawingText()
    return text.replace("encoding='iso-8859-1'", "encoding='utf-8'")


def _draw(
    canvas: Any, molecules: Sequence[ClusteredMolecule], layer: int, soft: bool, columns: int, scale: int
) -> Any:
    if not molecules:
        raise ValueError("There is no molecule to draw.")
    columns = min(columns, len(molecules))
    largest = max(each.molecule.GetNumAtoms() for each in molecules)
    width, height = (scale * side for side in _panel(largest))
    entries, notes = legend(molecules, layer, soft)
    per_row = max(1, columns * width // (_ENTRY * scale))
    lines = textwrap.wrap(notes, (columns * width // scale - 2 * _MARGIN) // _LETTER)
    legend_rows = -(-len(entries) // per_row) + len(lines)
    top = -(-len(molecules) // columns) * height
    drawer = canvas(columns * width, top + legend_rows * _ROW * scale, width, height)
    options: Any = drawer.drawOptions()
    options.useBWAtomPalette()
    options.setAtomNoteColour((0.2, 0.2, 0.2))
    options.fillHighlights, options.continuousHighlight, options.highlightRadius = True, False, 0.36
    options.drawMolsSameScale, options.fixedBondLength = False, _BOND * scale
    options.bondLineWidth, options.scaleBondWidth = 1.5 * scale, False
    options.legendFontSize, options.annotationFontScale, options.padding = _FONT * scale, 0.6, 0.06
    colours = [dict(enumerate(map(_rgb, each.fill(layer, soft)))) for each in molecules]
    drawer.DrawMolecules(
        [_labelled(each, layer) for each in molecules],
        highlightAtoms=[list(colour) for colour in colours],
        highlightBonds=[[] for _ in colours],
        highlightAtomColors=colours,
        legends=[_shortened(each.name) for each in molecules],
    )
    _draw_legend(drawer, entries, lines, top, per_row, scale)
    drawer.FinishDrawing()
    return drawer.GetDrawingText()


def _labelled(clustered: ClusteredMolecule, layer: int) -> Any:
    """The molecule with a symbol at each carbon, and a number at each atom whose key has no colour of its own."""
    from rdkit import Chem

    molecule = Chem.Mol(clustered.molecule)
    for atom in molecule.GetAtoms():
        if atom.GetSymbol() == "C" and not (atom.GetFormalCharge() or atom.GetIsotope() or atom.GetAtomMapNum()):
            atom.SetProp("_displayLabel", "C")
    for node, key in clustered.unnamed(layer).items():
        molecule.GetAtomWithIdx(node).SetProp("atomNote", str(key))
    return molecule


def _draw_legend(
    drawer: Any, entries: Sequence[tuple[str, str]], lines: Sequence[str], top: int, per_row: int, scale: int
) -> None:
    from rdkit.Geometry import Point2D

    drawer.SetFillPolys(True)
    drawer.SetFontSize(_FONT * scale)
    for i, (text, colour) in enumerate(entries):
        x, y = (_MARGIN + i % per_row * _ENTRY) * scale, top + (i // per_row + 0.5) * _ROW * scale
        drawer.SetColour(_rgb(colour))
        drawer.DrawEllipse(Point2D(x, y - 8 * scale), Point2D(x + 16 * scale, y + 8 * scale), True)
        drawer.SetColour((0, 0, 0))
        drawer.DrawString(text, Point2D(x + 21 * scale, y), 1, True)
    drawer.SetColour((0, 0, 0))
    for row, line in enumerate(lines, start=-(-len(entries) // per_row)):
        drawer.DrawString(line, Point2D(_MARGIN * scale, top + (row + 0.5) * _ROW * scale), 1, True)


def _description(molecules: Sequence[ClusteredMolecule], layer: int) -> str:
    """The picture in words, for those who cannot see it."""
    of_molecules = []
    for each in molecules:
        symbols = [atom.GetSymbol() for atom in each.molecule.GetAtoms()]
        atoms = ", ".join(f"{symbol}{i} {key}" for i, (symbol, key) in enumerate(zip(symbols, each.keys(layer))))
        of_molecules.append(f"{each.name}: {atoms}")
    return f"{TITLE} {layer}. " + "; ".join(of_molecules)


def _panel(num_atoms: int) -> tuple[int, int]:
    """Width and height that a molecule needs."""
    width = max(280, round(80 + 45 * math.sqrt(num_atoms)))
    return width, round(0.8 * width)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(min(1.0, (int(colour[i : i + 2], 16) + 0.4) / 255) for i in (1, 3, 5))  # rdkit rounds down


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 3] + "..."
