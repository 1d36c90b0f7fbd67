"""Pieces of a page that needs nothing but itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import pandas as pd

__all__ = ["page", "paragraph", "picture", "pictures", "preformatted", "section", "table"]

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; border-top: 1px solid #bbb; margin: 2rem 0 .5rem; padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
a { color: #004f7c; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
.scroll { overflow-x: auto; }
.scroll td, .scroll th { min-width: 4.5rem; }
table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #444; padding-bottom: .25rem; }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top;
  overflow-wrap: normal; }
td.number { text-align: right; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0 0 1rem; max-width: 100%; }
.pictures figure { flex: 0 1 20rem; }
img { max-width: 100%; height: auto; }
figcaption { font-size: .85rem; color: #333; }
pre { white-space: pre-wrap; background: #f4f4f4; padding: .75rem; font-size: .8rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  .pictures figure { flex-basis: 30%; }
}
"""

_PAGE = """<!DOCTYPE html>
<html lang='en'>
<head>
<meta charset='utf-8'>
<meta name='viewport' content='width=device-width, initial-scale=1'>
<title>{title}</title>
<link rel='icon' href='data:,'>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1></header>
<nav aria-label='Sections'><ul>{links}</ul></nav>
<main>
{body}</main>
</body>
</html>
"""


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """A page of sections, each with a heading and its HTML.

    Examples
    --------
    >>> "<h2 id='section-1'>A &amp; B</h2>" in page("A run", [("A & B", paragraph("text"))])
    True
    """
    links, body = [], []
    for i, (name, content) in enumerate(sections, start=1):
        heading = f"<h2 id='section-{i}'>{escape(name)}</h2>"
        links.append(f"<li><a href='#section-{i}'>{escape(name)}</a></li>")
        body.append(f"<section aria-labelledby='section-{i}'>{heading}\n{content}\n</section>\n")
    return _PAGE.format(title=escape(title), style=_STYLE, links="".join(links), body="".join(body))


def section(heading: str, content: str) -> str:
    """A part of a section."""
    return f"<h3>{escape(heading)}</h3>\n{content}"


def paragraph(text: str) -> str:
    """Sentences; a line break where there is one."""
    return f"<p>{_lines(text)}</p>"


def preformatted(text: str) -> str:
    """Text as it stands."""
    return f"<pre>{escape(text)}</pre>"


def table(content: pd.DataFrame, caption: str) -> str:
    """A table with a caption; numbers with four significant digits."""
    head = "".join(f"<th scope='col'>{escape(str(name))}</th>" for name in content.columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in content.itertuples(index=False))
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(caption)}'><table>"
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def picture(content: str | bytes, alternative: str, caption: str = "") -> str:
    """An SVG or a PNG as part of the page, what it shows in words, and what stands below it."""
    kind, data = ("svg+xml", content.encode()) if isinstance(content, str) else ("png", content)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    below = f"<figcaption>{_lines(caption)}</figcaption>" if caption else ""
    return f"<figure><img src='{source}' alt='{escape(alternative)}'>{below}</figure>"


def pictures(figures: Sequence[str]) -> str:
    """Pictures beside each other, where the page is wide enough."""
    return f"<div class='pictures'>{''.join(figures)}</div>"


def _lines(text: str) -> str:
    return "<br>".join(map(escape, text.splitlines()))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"<td class='number'>{'' if value != value else format(value, '.4g')}</td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td class='number'>{value}</td>"
    return f"<td>{escape(str(value))}</td>"
