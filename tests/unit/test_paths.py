"""The compiled JSONPaths: the same values as jsonpath-ng, in less time."""

import threading
from types import MappingProxyType

import pytest
from grown_paths import compare
from jsonpath_ng import jsonpath
from jsonpath_ng.ext.parser import parse

from httsleep import HttSleeper, paths
from httsleep.paths import compiled, searcher


def found_by_jsonpath_ng(path, document):
    """Return the values that jsonpath-ng finds."""
    return [match.value for match in parse(path).find(document)]


def test_grown_paths():
    """For paths that were grown out of documents, both find the same objects."""
    counts, problem = compare(pairs=2500, seed=1)
    assert problem is None
    assert counts["matches"] > counts["pairs"] / 2
    assert counts["several"] > counts["pairs"] / 10
    assert counts["walked"] > counts["pairs"] / 2


DOCUMENT = {
    "items": [{"id": 1, "x": None}, {"id": 2}, "text", ["deep"], None, 3],
    "*": {"a": 1, "b": 2},
    "0": "zero",
    "": {"": "empty"},
    "one": {"two": {"three": [[1, 2], [3], 4]}},
}


@pytest.mark.parametrize(
    "path",
    [
        *("$", "$.items", "items", "$.items[0].id", "$.items[*].id", "$.items[*].x"),
        *("$.items[*]", "$[*]", "$.*", "$[*][*]", "$.items[*][*]", "$.one[*][*][*]"),
        *("$.items[-1]", "$.items[-6]", "$.items[-7]", "$.items[6]", "$.items[0,0,-3]"),
        *("$.items[1:3]", "$.items[:]", "$.items[::-1]", "$.items[::0]", "$.items[9:]"),
        *("$.one[:]", "$.one[0]", "$.one[0:1]", "$.one[*][:]", "$.'0'", "$.0", "$[0]"),
        *("$['*']", "$.'*'.a", "$['*','0']", "$['items','0','items']", "$.items.id"),
        *("$['']['']", "$.(one.two).three", "$.one.(two.three[*][0])", "$.one.$.items"),
        *("$.items[*].$.one", "$..id", "$.items[?(@.id > 1)].id", "$.items.`len`"),
        *("@.items", "`this`.items", "$.missing", "$.missing[*].id", "$.one.two.*"),
    ],
)
def test_a_path_finds_what_jsonpath_ng_finds(path):
    """A JSONPath finds the same objects in the same order, whether plain or not."""
    expected = found_by_jsonpath_ng(path, DOCUMENT)
    found = compiled(path)(DOCUMENT)
    if path == "$.items.`len`":
        assert found == expected
    else:
        assert list(map(id, found)) == list(map(id, expected))


@pytest.mark.parametrize("document", [None, 0, "text", [], {}, "", True, float("nan")])
@pytest.mark.parametrize("path", ["$", "$.a", "$[0]", "$[*]", "$[:]", "$.a[*].b"])
def test_a_document_without_members(path, document):
    """A scalar or an empty document has no members, and is found as a whole."""
    assert compiled(path)(document) == ([document] if path == "$" else [])


class Unusual(dict):
    """A dict whose ``get`` has an opinion."""

    def get(self, key, default=None):
        if key == "refused":
            raise TypeError
        return super().get(key.upper(), default)


@pytest.mark.parametrize(
    "path", ["$.a", "$.refused", "$[*]", "$.*", "$[0]", "$.a[*]", "$.a[0]", "$.a[0:1]"]
)
@pytest.mark.parametrize(
    "document",
    [
        *(Unusual(A=(1, 2)), MappingProxyType({"a": [1]}), ({"a": 1}, {"a": 2})),
        *({1: "one", "a": MappingProxyType({"b": 1})}, {"a": ()}, {"a": Unusual(A=1)}),
    ],
    ids=repr,
)
def test_a_document_that_no_decoder_makes(path, document):
    """Other mappings and tuples, which test doubles may have, are searched likewise."""
    assert compiled(path)(document) == found_by_jsonpath_ng(path, document)


def test_a_plain_path_is_not_searched(monkeypatch):
    """jsonpath-ng makes no object for a match of a plain path."""
    finds = [compiled(path) for path in ("$.items[*].id", "one.two", "$.items[0:2]")]
    monkeypatch.setattr(jsonpath, "DatumInContext", None)
    assert [find(DOCUMENT) for find in finds] == [
        [1, 2],
        [DOCUMENT["one"]["two"]],
        DOCUMENT["items"][:2],
    ]


def test_a_path_of_many_steps_has_no_limit():
    """A plain JSONPath may have more steps than Python allows calls in calls."""
    document, names = "end", 3000
    for _ in range(names):
        document = {"a": document}
    assert compiled("$" + ".a" * names)(document) == ["end"]


def test_automatic_ids_are_those_of_jsonpath_ng(monkeypatch):
    """With ``auto_id_field``, also if it is set later, jsonpath-ng finds the values."""
    document = {"a": {"id": "x", "b": {}}, "c": [{}]}
    for path in ("$.a.b.id", "$.a.id", "$[*].id", "$.c[0].id", "$.*"):
        assert compiled(path)(document) == found_by_jsonpath_ng(path, document)
        with monkeypatch.context() as patch:
            patch.setattr(jsonpath, "auto_id_field", "id")
            assert compiled(path)(document) == found_by_jsonpath_ng(path, document)
            assert compiled(path)(document) != []


def test_a_foreign_expression_finds_by_itself():
    """An expression that the caller has compiled is asked as it is."""
    expression = parse("$.a")
    expression.find = lambda document: parse("$.b").find(document)
    assert searcher(expression)({"a": 1, "b": 2}) == [2]


def test_before_1_16_a_slice_without_bounds_is_the_wildcard(parsed, monkeypatch):
    """An older jsonpath-ng, which has no ``Wildcard``, has a slice in its place."""
    monkeypatch.setattr(paths, "_WILDCARD", None)
    assert compiled("$[:]")({"a": 1, "b": 2}) == [1, 2]
    assert compiled("$[0:]")({"a": 1, "b": 2}) == []


# the cache


@pytest.fixture
def parsed(monkeypatch):
    """Return a list of all that is parsed, with an empty cache."""
    parsed = []

    def noted(path):
        parsed.append(path)
        return parse(path)

    monkeypatch.setattr(paths, "parse", noted)
    compiled.cache_clear()
    yield parsed
    compiled.cache_clear()


def test_a_path_is_compiled_once(parsed):
    """Two sleepers with the same JSONPath parse it once."""
    for value in (1, 2):
        HttSleeper("http://server/endpoint", jsonpath={"$.compiled.once": value})
    assert parsed == ["$.compiled.once"]


def test_the_cache_has_a_bound(parsed):
    """The cache keeps a limited number of JSONPaths."""
    assert compiled.cache_info().maxsize == 1024


def test_a_refusal_is_not_cached(parsed):
    """A JSONPath that is not valid is refused each time, with the same words."""
    refusals = []
    for _ in range(2):
        with pytest.raises(ValueError, match="give a valid JSONPath") as caught:
            HttSleeper("http://server/endpoint", jsonpath={"$.[": 1})
        refusals.append(str(caught.value))
    assert refusals[0] == refusals[1]
    assert parsed == ["$.["] * 2
    assert compiled.cache_info().currsize == 0


def test_threads_share_a_compiled_path(parsed):
    """Threads that compile and search at the same time find what belongs to them."""
    wrong, start = [], threading.Barrier(8)

    def search(number):
        start.wait()
        for _ in range(50):
            for path in ("$.a[*].b", "$..b", "$.a[?(@.b >= 0)].b"):
                document = {"a": [{"b": number}] * 3}
                if compiled(path)(document) != [number] * 3:
                    wrong.append((number, path))

    threads = [threading.Thread(target=search, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert compiled.cache_info().currsize == 3
