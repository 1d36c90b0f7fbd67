"""Dataclasses whose fields are options: typed, in range, and with a line of help."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

__all__ = ["Options", "command_line", "option"]


def option(
    default: Any,
    help: str,  # noqa: A002
    choices: Any = None,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A field of :class:`Options`.

    Parameters
    ----------
    default : object
        Its default value.
    help : str
        What it means, for the command line.
    choices : sequence of str, optional
        The values that it may have. Default: any.
    low, high : float, optional
        The range that a number, or each number of a list, must be in. Default: any finite number.
    """
    metadata = {"help": help, "choices": choices, "low": low, "high": high}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def command_line(kind: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """How argparse reads a key of the configuration. Values are validated with those of the file."""
    text = metadata["help"].replace("%", "%%")
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction, "help": text}
    if get_origin(kind) is list:
        if metadata["choices"]:
            return {"type": lambda s: s.split(","), "help": text, "metavar": "A,B"}
        if kind.__args__[0] is str:
            return {"action": "append", "help": text, "metavar": "A,B"}  # split by _names
        item = kind.__args__[0]
        return {"type": lambda s: [item(v) for v in s.split(",")], "help": text, "metavar": "A,B"}
    if get_origin(kind) is Union:
        kind = kind.__args__[0]
    return {
        "type": kind if kind in (int, float) else str,
        "help": text,
        "choices": metadata["choices"],
        "metavar": None if metadata["choices"] else getattr(kind, "__name__", "str").upper(),
    }


@dataclass
class Options:
    """Base of dataclasses of options: values are checked, and put into their type, when an object is made

    Raises
    ------
    ValueError
        If a value has the wrong type or is out of range; the message names section and key.

    Examples
    --------
    >>> @dataclass
    ... class Optimiser(Options):
    ...     section = "optimiser"
    ...     rate: float = option(1e-3, "learning rate", low=0)
    >>> Optimiser(rate="1e-2").rate  # YAML reads 1e-2, without a point, as a string
    0.01
    >>> Optimiser(rate=-1)
    Traceback (most recent call last):
    ...
    ValueError: optimiser.rate must be at least 0, got -1.0.
    """

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self))
        for each in fields(self):
            key = f"{self.section}.{each.name}"
            setattr(self, each.name, _value(key, getattr(self, each.name), kinds[each.name], each.metadata))


def _value(key: str, value: Any, kind: Any, metadata: Any) -> Any:
    """The value in its type; ValueError if it does not fit the type or the range."""
    if get_origin(kind) is list:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{key} must be a list, got {value!r}.")
        return [_value(key, item, get_args(kind)[0], metadata) for item in value]
    if get_origin(kind) is Union:
        if value is None:
            return None
        kind = get_args(kind)[0]
    if kind is float and isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            value = float(value)
        except (ValueError, OverflowError):  # an integer that is too large
            pass
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{key} must be of type {kind.__name__}, got {value!r}.")
    choices, low, high = metadata["choices"], metadata["low"], metadata["high"]
    if choices and value not in choices:
        raise ValueError(f"{key} must be one of {', '.join(choices)}, got {value!r}.")
    if low is not None and not value >= low:
        raise ValueError(f"{key} must be at least {low}, got {value}.")
    if high is not None and not value <= high:
        raise ValueError(f"{key} must be at most {high}, got {value}.")
    if value == float("inf"):
        raise ValueError(f"{key} must be finite, got {value}.")
    return value
