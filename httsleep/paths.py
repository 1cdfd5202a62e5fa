"""JSONPaths, compiled: plain ones are walked, and jsonpath-ng finds all others.

A JSONPath is plain if it consists of names, indices, slices and ``[*]``. For each value
on the way to a match, jsonpath-ng makes an object that knows its place, which for long
lists costs more than to decode the document. A condition needs only the values. The
rules of each step are those of ``find()`` in jsonpath-ng 1.13 to 1.16.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jsonpath_ng import jsonpath
from jsonpath_ng.ext.parser import parse
from jsonpath_ng.jsonpath import Child, Fields, Index, Root, Slice

__tracebackhide__ = True  # pytest shows the line of the caller

#: A function that returns the values that a JSONPath finds in a decoded document.
Finder = Callable[[Any], list[Any]]
#: A function that goes on from each of some values to the values of the next step.
Step = Callable[[list[Any]], list[Any]]

_MISSING = object()  # not None, which is a value
_WILDCARD = getattr(jsonpath, "Wildcard", None)  # before 1.16 a slice without bounds


@lru_cache(1024)  # because jsonpath-ng builds its parser anew for each JSONPath
def compiled(path: str) -> Finder:
    """Return the finder of a JSONPath.

    :raises Exception: it is not valid; the errors of the parser have no common base.
    """
    expression = parse(path)
    search = searcher(expression)
    first, *others = _nodes(expression)
    nodes = others if type(first) is Root else [first, *others]
    steps = [step for node in nodes if (step := _step(node)) is not None]
    if len(steps) < len(nodes):
        return search

    def find(document: Any) -> list[Any]:
        if jsonpath.auto_id_field is not None:  # then each object has one more name
            return search(document)
        values = [document]
        for step in steps:
            values = step(values)
        return values

    return find


def searcher(expression: Any) -> Finder:
    """Return the finder of an expression that any JSONPath library has compiled."""
    find = expression.find
    return lambda document: [match.value for match in find(document)]


def _nodes(expression: Any) -> list[Any]:
    """Return the nodes of a parsed JSONPath from left to right."""
    left_over, nodes = [expression], []
    while left_over:
        node = left_over.pop()
        if type(node) is Child:
            left_over += [node.right, node.left]
        else:
            nodes.append(node)
    return nodes


def _step(node: Any) -> Step | None:
    """Return the step of a node; ``None`` if the node is not plain."""
    kind = type(node)
    if kind is Fields and "*" not in node.fields:  # before 1.16 "*" stands for all
        return _members(node.fields)
    if kind is Index:
        return _elements(node.indices)
    if kind is Slice:
        bounds = slice(node.start, node.end, node.step)
        if _WILDCARD is None and bounds == slice(None):
            return _children(node)
        return _part(bounds) if bounds.step != 0 else None
    return _children(node) if kind is _WILDCARD else None


def _members(names: tuple[str, ...]) -> Step:
    """Return a step to the members of objects that have one of the names."""
    return lambda values: [
        member
        for value in values
        for name in names
        if (
            member := value.get(name, _MISSING)
            if type(value) is dict
            else _member(value, name)
        )
        is not _MISSING
    ]


def _member(value: Any, name: str) -> Any:
    """Return the member of an object of any class; ``_MISSING`` if there is none."""
    try:
        return value.get(name, _MISSING)
    except (AttributeError, TypeError):  # the value is not an object
        return _MISSING


def _elements(indices: tuple[int, ...]) -> Step:
    """Return a step to the elements of arrays that have one of the indices."""
    return lambda values: [
        value[index]
        for value in values
        if isinstance(value, (list, tuple))
        for index in indices
        if -len(value) <= index < len(value)
    ]


def _part(bounds: slice) -> Step:
    """Return a step to the elements of arrays that are in a slice."""
    return lambda values: [
        value[index]
        for value in values
        if isinstance(value, (list, tuple))
        for index in range(len(value))[bounds]
    ]


def _children(wildcard: Any) -> Step:
    """Return a step to all elements of arrays and all members of objects."""
    search = searcher(wildcard)

    def step(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if isinstance(value, (list, tuple)):
                found += value
            elif isinstance(value, dict):
                found += value.values()
            else:  # no JSON, or a scalar: the versions of jsonpath-ng differ
                found += search(value)
        return found

    return step
