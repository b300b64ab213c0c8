"""Decoding of configuration: plain TOML values into typed structs, with every mistake found, not only the first.

msgspec alone stops at the first error and does not know durations. So structs, tables and lists are walked here, key by
key, and only the leaves are given to msgspec.
"""

from __future__ import annotations

import functools
import json
import math
import re
import types
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from agent.configuration.durations import format_duration, parse_duration
from collectors import safe_text

T = TypeVar("T")
_UNIONS = (Union, types.UnionType)
_LISTS = (list, tuple, set, frozenset)
_DATES: dict[type, str] = {
    inspect.DateType: "a date, for example 2028-06-30",
    inspect.DateTimeType: "a time with its zone, for example 2028-06-30T12:00:00Z",
}
_WRONG = object()  # stands where a value could not be had; the error is noted


class ConfigError(msgspec.Struct, frozen=True):
    """One mistake in the configuration. Never holds free text from the file: it could be a secret in the wrong place.

    file: where it is written. key: dotted, as in TOML; empty for the file itself. problem, cure: plain words.
    """

    file: str
    key: str
    problem: str
    cure: str

    def __str__(self) -> str:
        """Return one line: where, what, how to mend it."""
        return f"{self.file}: {self.key + ': ' if self.key else ''}{self.problem} — mend: {self.cure}"


class ConfigErrors(Exception):
    """The configuration cannot be used. `errors` holds all mistakes, part by part."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        """Keep the errors; the text has one line for each."""
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


def decode(type_: type[T], data: object, *, file: str, key: str = "") -> tuple[T | None, list[ConfigError]]:
    """Given plain `data` found at `key` of `file`, return it as a `type_`, and everything that is wrong with it.

    What is wrong is left at its default, so that the rest can be used to look for more mistakes; None where none exists.
    """
    decoder = _Decoder(file)
    value = decoder.value(type_, data, key)
    return (None if value is _WRONG else value), decoder.errors


def join(*keys: str) -> str:
    """Return a dotted key as TOML writes it.

    >>> join("desks", "my desk", "url")
    'desks."my desk".url'
    """
    return ".".join(_quoted(key) for key in keys if key)


@functools.cache
def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a cure for an unknown `name`: the known one it is most like, or `otherwise`, or all that are known."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake asks for it

    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return otherwise or (f"known here: {', '.join(names)}" if names else "leave it out")


class _Decoder:
    """One walk through the data; `errors` gathers what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[ConfigError] = []

    def value(self, type_: Any, data: Any, key: str) -> Any:
        plain = _alternative(type_, data)
        origin, parts = get_origin(plain) or plain, get_args(plain)
        if isinstance(data, dict) and _is_struct(plain):
            return self._struct(plain, data, key)
        if isinstance(data, dict) and origin is dict and parts:
            data = {
                self.value(parts[0], name, _below(key, name)): self.value(parts[1], item, _below(key, name))
                for name, item in data.items()
            }
            data = {name: item for name, item in data.items() if _WRONG not in (name, item)}
        elif isinstance(data, list) and origin in _LISTS and parts:
            data = [self.value(parts[0], item, f"{key}[{number}]") for number, item in enumerate(data)]
            if _WRONG in data:
                return _WRONG
        return self._leaf(type_, data, key)

    def _struct(self, struct: type[msgspec.Struct], data: dict[str, Any], key: str) -> Any:
        fields = _fields(struct)
        known = {*fields, struct.__struct_config__.tag_field or ""} - {""}
        before = len(self.errors)
        for name in data:
            if name not in known and struct.__struct_config__.forbid_unknown_fields:
                self._wrong(_below(key, name), "unknown key", nearest(name, known))
        values = {}
        for name, field in fields.items():
            if name in data:
                values[field.name] = self.value(field.type, data[name], _below(key, name))
            elif field.required:
                expected = expectation(inspect.type_info(field.type))
                values[field.name] = self._wrong(_below(key, name), "is missing", f"write {expected}")
        right = {name: value for name, value in values.items() if value is not _WRONG}
        if any(field.required and field.name not in right for field in fields.values()):
            return _WRONG
        try:
            return struct(**right)
        except ValueError as error:  # the struct's own check of values that are right one by one
            if len(self.errors) > before:
                return _WRONG  # the missing values may be to blame
            return self._wrong(key, str(error), "change what contradicts it")

    def _leaf(self, type_: Any, data: Any, key: str) -> Any:
        try:
            plain = parse_duration(data) if isinstance(data, str) and _is_duration(type_) else data
            if not isinstance(plain, float) or math.isfinite(plain):  # inf would pass every lower limit
                return msgspec.convert(plain, type_)
        except ValueError:  # msgspec.ValidationError is one too
            pass
        info = inspect.type_info(type_)
        return self._wrong(key, f"is {_found(data, info)}", f"write {expectation(info)}")

    def _wrong(self, key: str, problem: str, cure: str) -> object:
        self.errors.append(ConfigError(self.file, key, problem, cure))
        return _WRONG


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the fields by the names that stand in the file. Remembered: there are dozens of rules, and msgspec looks long."""
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _is_duration(type_: Any) -> bool:
    """Return whether an annotation says so, of the type itself or of one that it may be."""
    if isinstance(type_, msgspec.Meta):
        return "duration" in (type_.extra or ())
    origin = get_origin(type_)
    return (origin is Annotated or origin in _UNIONS) and any(map(_is_duration, get_args(type_)))


def _is_struct(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def _below(key: str, name: str) -> str:
    return f"{key}.{join(name)}" if key else join(name)


def _alternative(type_: Any, data: object) -> Any:
    """Return `type_` without annotations, and of a union the one member that has the shape of `data`."""
    while get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    if get_origin(type_) not in _UNIONS:
        return type_
    members = [_alternative(member, data) for member in get_args(type_)]
    fitting = [member for member in members if _has_shape(member, data)]
    return fitting[0] if len(fitting) == 1 else type_


def _has_shape(member: Any, data: object) -> bool:
    origin = get_origin(member) or member
    if isinstance(data, dict):
        return origin is dict or _is_struct(member)
    return isinstance(data, list) and origin in _LISTS


def expectation(info: inspect.Type) -> str:
    """Given what msgspec knows of a type, return in words what a value of it is, with its range and an example."""
    metadata, info = unwrapped(info)
    examples = metadata.get("examples", [])
    match info:
        case inspect.BoolType():
            words = "true or false"
        case inspect.IntType():
            words = "a whole number" + _range(info, str)
        case inspect.FloatType() if metadata.get("duration"):
            words, examples = "a duration" + _range(info, format_duration, evident=0), examples or ["15m"]
        case inspect.FloatType():
            words = "a number" + _range(info, "{:g}".format)
        case inspect.StrType():
            words = "text" + _length(info, "characters")
        case inspect.LiteralType(values):
            words = "one of " + ", ".join(json.dumps(value) for value in values)
        case inspect.DateType() | inspect.DateTimeType():
            return _DATES[type(info)]
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            words = "a list" + _length(info, "items") + ", each " + expectation(info.item_type)
        case inspect.UnionType():
            words = " or ".join(map(expectation, _not_none(info)))
        case _:
            words = "a table of keys and values"
    return f"{words}, for example {json.dumps(examples[0])}" if examples else words


def unwrapped(info: inspect.Type) -> tuple[dict[str, Any], inspect.Type]:
    """Return everything that annotations say (examples, duration), and the type without them and without None."""
    metadata: dict[str, Any] = {}
    while True:
        if isinstance(info, inspect.Metadata):
            metadata |= (info.extra_json_schema or {}) | (info.extra or {})
            info = info.type
        elif isinstance(info, inspect.UnionType) and len(members := _not_none(info)) == 1:
            info = members[0]
        else:
            return metadata, info


def _not_none(union: inspect.UnionType) -> list[inspect.Type]:
    return [member for member in union.types if not isinstance(member, inspect.NoneType)]


def _range(info: inspect.IntType | inspect.FloatType, write: Callable[[Any], str], evident: float | None = None) -> str:
    limits = {"of at least": info.ge, "above": info.gt, "of at most": info.le, "below": info.lt}
    return "".join(f" {words} {write(limit)}" for words, limit in limits.items() if limit not in (None, evident))


def _length(info: Any, of: str) -> str:
    if info.min_length == 1 and info.max_length is None:
        return " that is not empty"
    limits = {"of at least": info.min_length, "of at most": info.max_length}
    return "".join(f" {words} {limit} {of}" for words, limit in limits.items() if limit is not None)


def _found(data: object, info: inspect.Type) -> str:
    """Return what stands there. Text is repeated only where a closed form was expected, never where a secret could be."""
    _, expected = unwrapped(info)
    wants_text = isinstance(expected, inspect.StrType)
    if isinstance(data, str) and isinstance(expected, inspect.LiteralType | inspect.FloatType | inspect.DateType):
        return json.dumps(safe_text(data, 40), ensure_ascii=False)
    if isinstance(data, bool | int | float) and not wants_text:
        return json.dumps(data)
    words = {str: "text", dict: "a table", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    found = words.get(type(data), "a date or time")
    if data in ("", []):
        return "empty"
    return f"{found} of another form" if wants_text and isinstance(data, str) else found
