"""Pages that are made of the package itself: the API, the configuration, the command line.

They are written into docs/reference when the documentation is built, and are not kept in the repository.
"""

import argparse
import dataclasses
import importlib
import inspect
import json
import re
from importlib import resources
from typing import Any, Union, get_args, get_origin, get_type_hints

# In the order in which data flow. A name that several modules have has its page with the first.
MODULES = {
    "dgl_memgnn": "Layers and networks",
    "dgl_memgnn.nn": "Parts of the networks",
    "dgl_memgnn.nn.functional": "Equations on plain tensors",
    "dgl_memgnn.models": "What a configuration calls by name",
    "dgl_memgnn.transforms": "Topological embeddings, fewer edges",
    "dgl_memgnn.data": "Data sets, featurizers, splits",
    "dgl_memgnn.tasks": "Kinds of task",
    "dgl_memgnn.training": "Training",
    "dgl_memgnn.objectives": "Objectives of pre-training",
    "dgl_memgnn.weights": "Weights to start from",
    "dgl_memgnn.runs": "Runs and predictions",
    "dgl_memgnn.results": "Tables of results",
    "dgl_memgnn.visualization": "Pictures",
    "dgl_memgnn.sklearn": "Estimators for scikit-learn",
    "dgl_memgnn.config": "Configurations",
}


def write_pages(folder):
    """Write all pages that are generated."""
    reference = folder / "reference"
    reference.mkdir(exist_ok=True)
    for name, text in {**api_pages(), "configuration": configuration_page(), "cli": cli_page()}.items():
        path = reference / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # what is as it was is not built anew
            path.write_text(text, encoding="utf-8")
    (reference / "tested.inc").write_text(tested(folder / "results" / "matrix.json"), encoding="utf-8")


def tested(path):
    """A table of what the matrix of noxfile.py found last; the install page has it."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    rows = [["Python", "DGL", "PyTorch", "tests", "on"]]
    for outcome in json.loads(path.read_text(encoding="utf-8")).values():
        rows.append([outcome[key] for key in ("python", "dgl", "torch", "outcome", "date")])
    for row in rows:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def api_pages():
    """A page a module, which lists its symbols; autosummary makes a page of each symbol."""
    pages, homes = {}, {}
    for name, title in MODULES.items():
        module = importlib.import_module(name)
        groups = {"Classes": [], "Functions": [], "Elsewhere": [], "Data": []}
        for symbol in module.__all__:
            value = getattr(module, symbol)
            if not (inspect.isclass(value) or inspect.isroutine(value)):
                groups["Data"].append((symbol, value))
                continue
            home = homes.setdefault(value, f"{name}.{symbol}")
            kind = "Classes" if inspect.isclass(value) else "Functions"
            groups[kind if home == f"{name}.{symbol}" else "Elsewhere"].append(home)
        pages[name] = module_page(name, title, groups)
    rows = [f"   {title} <{name}>\n" for name, title in MODULES.items()]
    pages["api"] = heading("API") + API_TEXT + toctree(rows)
    return pages


API_TEXT = """
Everything that is public, module by module: what stands in the ``__all__`` of each. Names that begin with an
underscore, and modules that are not here, can change at any time.
"""


def module_page(name, title, groups):
    text = (
        heading(f"{name}: {title}") + f"\n.. automodule:: {name}\n   :no-members:\n\n.. currentmodule:: {name}\n"
    )
    for kind in ("Classes", "Functions"):
        if groups[kind]:
            text += section(kind) + "\n.. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n"
            text += "".join(f"   {full[len(name) + 1 :]}\n" for full in sorted(groups[kind], key=str.lower))
    if groups["Data"]:
        text += section("Data")
        for symbol, value in groups["Data"]:
            text += f"\n.. py:data:: {symbol}\n\n" + indented(described(value))
    if groups["Elsewhere"]:
        text += section("Described elsewhere") + "\n.. autosummary::\n   :nosignatures:\n\n"
        text += "".join(f"   ~{full}\n" for full in sorted(groups["Elsewhere"], key=str.lower))
    return text


def described(value):
    """What a dict, list, tuple or str that is public holds."""
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return "".join(f"``{name}``\n    {escaped(text)}.\n" for name, text in value.items())
    if isinstance(value, str):
        return f"``{value}``.\n"
    kind = "A mapping with the keys" if isinstance(value, dict) else f"A {type(value).__name__} of"
    return f"{kind} {', '.join(f'``{name}``' for name in value)}.\n"


def configuration_page():
    """All keys of a configuration, section by section, and the configurations that come with the package."""
    config = importlib.import_module("dgl_memgnn.config")
    text = heading("Configuration") + CONFIGURATION_TEXT
    for field in dataclasses.fields(config.Config):
        kind = get_type_hints(config.Config)[field.name]
        if not dataclasses.is_dataclass(kind):
            continue
        text += section(f"Section {field.name}")
        types = get_type_hints(kind)
        for key in dataclasses.fields(kind):
            text += f"\n.. confval:: {key.name}\n   :type: {type_name(types[key.name])}\n"
            text += f"   :default: {default_of(key)}\n\n" + indented(key_help(key.metadata))
    text += "\n.. _configurations:\n" + section("Configurations that come with the package")
    for path in shipped():
        title = f"``{path.stem}``"
        text += f"\n{title}\n{'~' * len(title)}\n\n.. code-block:: yaml\n\n"
        text += indented(path.read_text(encoding="utf-8"))
    return text


CONFIGURATION_TEXT = """
A configuration is a YAML file of up to four sections. A key that it does not name has its default; one that is
unknown, of another type or out of range is an error that names the key. Each key is an option of ``train`` and
``benchmark`` too, with hyphens for underscores: :confval:`batch_size` is ``--batch-size``. Of a key that is true
or false, ``--key`` and ``--no-key`` say which; lists have commas between their values.

The section ``search`` holds lists of values by key, the candidates of protocol ``fair``: see
:doc:`../guide/protocols`.
"""


def key_help(metadata):
    text = escaped(metadata["help"])
    text = f"{text[0].upper()}{text[1:]}."
    if metadata["choices"]:
        text += f" One of {', '.join(f'``{choice}``' for choice in metadata['choices'])}."
    low, high = metadata["low"], metadata["high"]
    if low is not None and high is not None:
        text += f" From {low:g} to {high:g}."
    elif low is not None:
        text += f" At least {low:g}."
    return text + "\n"


def type_name(kind):
    if get_origin(kind) is Union:
        return type_name(get_args(kind)[0])
    if get_origin(kind) is list:
        return f"list of {get_args(kind)[0].__name__}"
    return {bool: "true or false"}.get(kind, getattr(kind, "__name__", str(kind)))


def default_of(field):
    value: Any = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    if value is None:
        return "none"
    return f"``{str(value).lower() if isinstance(value, bool) else value}``"


def shipped():
    folder = resources.files("dgl_memgnn") / "configs"
    return sorted((path for path in folder.iterdir() if path.name.endswith(".yaml")), key=lambda path: path.name)


def cli_page():
    """All commands, with the options that are not keys of a configuration."""
    cli, config = importlib.import_module("dgl_memgnn.cli"), importlib.import_module("dgl_memgnn.config")
    keys = {name for name, _, _ in config.options()}
    parser = cli._parser()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    text = heading("Command line") + CLI_TEXT
    for name, command in commands.choices.items():
        shared = keys <= {action.dest for action in command._actions}
        own = [a for a in command._actions if a.dest != "help" and not (shared and a.dest in keys)]
        text += (
            section(f"dgl-memgnn {name}") + f"\n{escaped(command.description)}\n\n.. program:: dgl-memgnn {name}\n"
        )
        usage = " ".join(
            ["dgl-memgnn", name, *map(usage_of, own), *(["[OPTION OF A CONFIGURATION ...]"] * shared)]
        )
        text += f"\n.. code-block:: text\n\n   {usage}\n"
        for action in own:
            text += f"\n.. option:: {spelled(action)}\n\n" + indented(option_help(action))
        if shared:
            text += "\nBesides, every key of a :doc:`configuration <configuration>`.\n"
    return text


CLI_TEXT = """
``dgl-memgnn COMMAND``, or ``python -m dgl_memgnn COMMAND``. ``dgl-memgnn COMMAND --help`` prints what stands here.
"""


def usage_of(action):
    if not action.option_strings:
        return f"[{action.metavar}]" if action.nargs in ("?", "*") else str(action.metavar or action.dest)
    text = spelled(action)
    return text if action.required else f"[{text}]"


def spelled(action):
    if not action.option_strings:
        return str(action.metavar or action.dest)
    value = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else action.dest.upper())
    return action.option_strings[0] + ("" if action.nargs == 0 else f" {value}")


def option_help(action):
    text = (action.help or "").replace("%%", "%") if action.help else ""
    text = escaped(text)
    return f"{text[:1].upper()}{text[1:]}.\n"


def heading(title):
    return f"{title}\n{'=' * len(title)}\n"


def section(title):
    return f"\n{title}\n{'-' * len(title)}\n"


def toctree(rows):
    return "\n.. toctree::\n   :maxdepth: 1\n\n" + "".join(rows)


def indented(text):
    return "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())


def escaped(text):
    return re.sub(r"([\\*`|_])", r"\\\1", text)
