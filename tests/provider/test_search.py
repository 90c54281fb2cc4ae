"""A search finds what looking into one place after the other finds, and walks a document once for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway.provider.readers import first, link, moment, text, word
from reelway.provider.registry import Registry
from reelway.provider.search import Search
from reelway.provider.videos_api import READERS, Places, VideosApi
from reelway.testing.payloads import json_values

KEYS = ["a", "b", "data", "0", "1", ""]

several_places = st.lists(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3).map(".".join), max_size=6).map(
    tuple
)

leaves = json_values | st.sampled_from(["https://cdn.example/1.mp4", 1764347090, "task_1", "", 0, None])

documents = st.recursive(
    leaves,
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


facts = st.lists(st.tuples(several_places, st.sampled_from([text, word, moment, link])), max_size=5)


@given(table=facts, document=documents)
def test_a_search_finds_what_one_place_after_the_other_would(table: list[Any], document: Any) -> None:
    assert Search(table)(document) == [first(document, places, read) for places, read in table]


def test_the_more_trusted_place_counts_wherever_it_stands_in_the_document() -> None:
    search = Search([(("id", "data.id"), word)])
    assert search({"data": {"id": "inner"}, "id": "outer"}) == ["outer"]
    assert search({"id": "outer", "data": {"id": "inner"}}) == ["outer"]
    assert search({"id": 7, "data": {"id": "inner"}}) == ["inner"]


def test_one_place_may_serve_several_facts() -> None:
    search = Search([(("url",), link), (("error", "url"), text)])
    assert search({"url": "too dark"}) == [None, "too dark"]


def test_a_list_is_searched_by_number() -> None:
    search = Search([(("output.1", "output.0"), word)])
    assert search({"output": ["first", "second"]}) == ["second"]
    assert search({"output": ["first"]}) == ["first"]
    assert search(["no object"]) == [None]


def test_each_value_is_read_once() -> None:
    seen: list[Any] = []

    def read(value: Any) -> Any:
        seen.append(value)
        return value

    Search([(("a.b", "a"), read)])({"a": {"b": 1}, "c": 2})
    assert seen == [{"b": 1}, 1]


def test_places_that_were_changed_are_searched_anew() -> None:
    before = Places()
    assert before.search({"id": "1", "task_id": "2"})[0] == "1"
    after = replace(before, ids=("task_id", "id"))
    assert after.search({"id": "1", "task_id": "2"})[0] == "2"


def test_each_fact_that_has_places_has_a_reader() -> None:
    assert tuple(READERS) == Places.__struct_fields__


@pytest.mark.parametrize(
    "provider",
    [one for one in Registry.installed({}).providers if isinstance(one, VideosApi)],
    ids=lambda provider: provider.info.name,
)
@given(data=st.data())
def test_the_places_of_a_provider_are_all_searched(provider: VideosApi, data: st.DataObject) -> None:
    tables = [*(one.places for one in provider.dialects.values()), provider.callback_places]
    table = data.draw(st.sampled_from(tables))
    place = data.draw(st.sampled_from([place for fact in READERS for place in getattr(table, fact)]))
    value = data.draw(leaves)
    for key in reversed(place.split(".")):
        value = [value] if key == "0" else {key: value}
    found = [first(value, getattr(table, fact), read) for fact, read in READERS.items()]
    assert table.search(value) == found
