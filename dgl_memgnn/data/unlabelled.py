"""Molecules without labels out of files of any size: each once, and none that is to be left out."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dgl_memgnn.data.canonical import canonicalise
from dgl_memgnn.data.molecule_csv import iterate_molecules
from dgl_memgnn.data.smiles import Limits

__all__ = ["Unlabelled", "split_column"]

PIECE = 10_000  # molecules in memory at a time


@dataclass
class Unlabelled:
    """The molecules of some CSV files, one after the other, without those that also stand in others

    Molecules are the same if their canonical, isomeric SMILES are.

    Parameters
    ----------
    files : sequence of str
        CSV files, compressed where their names end in ``.gz``.
    smiles_column : str
        Their column of SMILES.
    exclude : sequence of str, optional
        CSV files of molecules to leave out; ``FILE:COLUMN`` where their column of SMILES has another name.
        Default: none.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps what was read, a piece at a time. Default: none.

    Attributes
    ----------
    rows : int
        Number of rows that were read; this and what follows is complete after :meth:`pieces`.
    no_molecule : collections.Counter
        Number of rows that are no molecule, for each kind of reason.
    duplicates : int
        Number of rows whose molecule stood in a row before them.
    excluded : int
        Number of rows whose molecule stands in a file to exclude.
    exclusions : int
        Number of different molecules to leave out.
    unread_exclusions : int
        Number of rows of files to exclude that are no molecule.

    Examples
    --------
    >>> import tempfile
    >>> path, other = (Path(tempfile.mkdtemp(), "molecules.csv") for _ in range(2))
    >>> _ = path.write_text("smiles\\nCCO\\nN\\nOCC\\nC1CC\\nC\\n"), other.write_text("mol\\n[CH4]\\n")
    >>> molecules = Unlabelled([str(path)], "smiles", [f"{other}:mol"])
    >>> list(molecules.pieces()), molecules.report()
    ([['CCO', 'N']], '2 molecules of 5 rows; 1 no molecule (invalid SMILES 1), 1 duplicate, 1 excluded.')
    """

    files: Sequence[str]
    smiles_column: str = "smiles"
    exclude: Sequence[str] = ()
    limits: Limits = Limits()
    cache_dir: str | os.PathLike[str] | None = None
    rows: int = 0
    duplicates: int = 0
    excluded: int = 0
    exclusions: int = 0
    unread_exclusions: int = 0
    no_molecule: Counter[str] = field(default_factory=Counter)

    def pieces(self) -> Iterator[list[str]]:
        """Canonical SMILES of the molecules, some thousand at a time."""
        left_out = self._left_out()
        self.exclusions = len(left_out)
        self.rows = self.duplicates = self.excluded = 0
        self.no_molecule.clear()
        seen: set[bytes] = set()  # digests, since SMILES take more memory
        for file in self.files:
            for piece in iterate_molecules(file, self.smiles_column, PIECE):
                canonical, reasons = canonicalise(piece.smiles, self.cache_dir, self.limits)
                self.rows += len(canonical)
                self.no_molecule.update(reason.partition(":")[0] for reason in reasons if reason)
                kept = []
                for text in filter(None, canonical):
                    digest = hashlib.blake2b(text.encode(), digest_size=12).digest()
                    if text in left_out:
                        self.excluded += 1
                    elif digest in seen:
                        self.duplicates += 1
                    else:
                        seen.add(digest)
                        kept.append(text)
                if kept:
                    yield kept

    def report(self) -> str:
        """What was read and left out, in a sentence."""
        bad = sum(self.no_molecule.values())
        kept = self.rows - bad - self.duplicates - self.excluded
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.no_molecule.most_common())
        unread = f" {self.unread_exclusions} {_plural(self.unread_exclusions, 'row')} to exclude: no molecule."
        return (
            f"{kept} {_plural(kept, 'molecule')} of {self.rows} rows; "
            f"{bad} no molecule{f' ({kinds})' * bool(bad)}, "
            f"{self.duplicates} {_plural(self.duplicates, 'duplicate')}, {self.excluded} excluded."
            f"{unread * (self.unread_exclusions > 0)}"
        )

    def counts(self) -> dict[str, Any]:
        """The same numbers as plain values."""
        names = ("rows", "duplicates", "excluded", "exclusions")
        return {**{name: getattr(self, name) for name in names}, "no_molecule": dict(self.no_molecule)}

    def digest(self) -> str:
        """SHA-256 of the files, byte by byte: tells whether they are others than before."""
        digest = hashlib.sha256(repr((self.smiles_column, self.limits)).encode())
        for name in [*self.files, *self.exclude]:
            path, column = split_column(name, self.smiles_column)
            with open(path, "rb") as file:
                own = hashlib.sha256()
                while block := file.read(1 << 20):
                    own.update(block)
            digest.update(f"{column} {own.hexdigest()}\n".encode())
        return digest.hexdigest()

    def _left_out(self) -> set[str]:
        left_out: set[str] = set()
        self.unread_exclusions = 0
        for name in self.exclude:
            path, column = split_column(name, self.smiles_column)
            found: list[str] = []
            for piece in iterate_molecules(path, column, PIECE):
                found += canonicalise(piece.smiles, self.cache_dir, self.limits)[0]
            if not any(found):
                raise ValueError(
                    f"The column {column!r} of {path} holds no molecule to leave out: name the one that holds "
                    f"SMILES (--exclude {path}:COLUMN)."
                )
            self.unread_exclusions += found.count("")
            left_out.update(filter(None, found))
        return left_out


def split_column(name: str, default: str) -> tuple[str, str]:
    """A file and its column of SMILES, out of ``FILE`` or ``FILE:COLUMN``.

    Examples
    --------
    >>> split_column("bace.csv:mol", "smiles"), split_column("esol.csv", "smiles")
    (('bace.csv', 'mol'), ('esol.csv', 'smiles'))
    """
    path, colon, column = name.rpartition(":")
    if not colon or Path(name).is_file():
        return name, default
    return path, column


def _plural(count: int, noun: str) -> str:
    return noun + "s" * (count != 1)
