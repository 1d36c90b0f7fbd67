"""What stands in tables of keys and groups, for readers."""

from __future__ import annotations

import pandas as pd

from dgl_memgnn.visualization.groups import PAPER_GROUPS

__all__ = ["leading_groups", "markdown_table", "paper_groups", "readable_information"]

_SIGNIFICANT = 0.05
_COLUMNS = {
    "key": "key",
    "group": "group",
    "key_atoms": "atoms of the key",
    "group_atoms": "atoms of the group",
    "odds_ratio": "odds ratio",
    "p_corrected": "corrected p",
    "key_in_group": "of the key's atoms in the group",
    "group_in_key": "of the group's atoms with the key",
}


def leading_groups(enrichment: pd.DataFrame, number: int = 3) -> pd.DataFrame:
    """The groups that each key is enriched in and overlaps with most; a key without one has a row that says so.

    Parameters
    ----------
    enrichment : pandas.DataFrame
        What :func:`group_enrichment` has found.
    number : int, optional
        Number of groups a key. Default: ``3``.

    Returns
    -------
    pandas.DataFrame
        With columns to be read; the key with the most atoms first.
    """
    enriched = enrichment[(enrichment["p_corrected"] < _SIGNIFICANT) & (enrichment["odds_ratio"] > 1)]
    leading = enriched.groupby("key").head(number)
    lacking = enrichment[~enrichment["key"].isin(enriched["key"])].drop_duplicates("key").copy()
    lacking["group"] = "none"
    lacking[["group_atoms", "odds_ratio", "p_corrected", "key_in_group", "group_in_key"]] = None
    found = pd.concat([leading, lacking]) if len(lacking) else leading
    found = found.sort_values(["key_atoms", "key", "overlap"], ascending=[False, True, False], kind="stable")
    return _readable(found)


def paper_groups(enrichment: pd.DataFrame) -> pd.DataFrame:
    """The groups that the paper's pictures show, and the key that overlaps most with each.

    Parameters
    ----------
    enrichment : pandas.DataFrame
        What :func:`group_enrichment` has found. Groups that the molecules lack are left out.
    """
    there = enrichment[enrichment["group"].isin(PAPER_GROUPS)]
    best = there.sort_values("overlap", ascending=False, kind="stable").drop_duplicates("group")
    order = {name: i for i, name in enumerate(PAPER_GROUPS)}
    return _readable(best.sort_values("group", key=lambda names: names.map(order)))


def readable_information(information: pd.DataFrame) -> pd.DataFrame:
    """What :func:`group_information` has found, with columns to be read."""
    columns = {
        "network": "network",
        "keys_in_use": "keys in use",
        "information": "normalised mutual information",
        "information_sd": "deviation over seeds",
        "shuffled": "keys shuffled",
        "shuffled_sd": "deviation over shuffles",
    }
    return information.rename(columns=columns).round(4)


def markdown_table(table: pd.DataFrame) -> str:
    """A table as Markdown.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"key": [3], "odds ratio": [15.9108], "p": ["< 1e-300"]})))
    | key | odds ratio | p |
    | --- | --- | --- |
    | 3 | 15.91 | < 1e-300 |
    """
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    lines = [[str(name) for name in table.columns], ["---"] * len(table.columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _readable(enrichment: pd.DataFrame) -> pd.DataFrame:
    table = enrichment[list(_COLUMNS)].rename(columns=_COLUMNS).reset_index(drop=True)
    table["corrected p"] = ["< 1e-300" if value == 0 else _number(value) for value in table["corrected p"]]
    table["odds ratio"] = [_number(value) for value in table["odds ratio"]]
    for name in ("of the key's atoms in the group", "of the group's atoms with the key"):
        table[name] = ["" if pd.isna(value) else f"{value:.1%}" for value in table[name]]
    table["atoms of the group"] = ["" if pd.isna(value) else int(value) for value in table["atoms of the group"]]
    return table


def _number(value: float | None) -> str:
    if value is None or pd.isna(value):
        return ""
    return "∞" if value == float("inf") else f"{value:.3g}"


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return ("" if text == "nan" else text).replace("|", r"\|")
