"""What a user says about a gateway takes effect, or is refused with everything that is wrong with it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import ConfigurationError, InvalidRequest, NotSupported
from reelway.model.http import HttpRequest, Multipart, json_response
from reelway.model.observation import Observation, Status
from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.provider.carried import lost_fields
from reelway.provider.interface import Cadence, Capability
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_callback, read_retrieve
from reelway_videos_api import Gateway, OpenAIVideos, Settings, gateway
from reelway_videos_api.mapping import NAMES
from reelway_videos_api.settings import FACTS, MEANINGS, PATHS

ADDRESS = "https://gateway.example.com"
URL = "https://cdn.example/a.mp4"
PICTURE = Media.of("https://example.com/boat.png")
BYTES = Media(content=b"\x89PNG\r\n\x1a\n", filename="boat.png")


def made(**settings: Any) -> Gateway:
    return gateway("my-gateway", **{"base_url": ADDRESS, **settings})


def created(one: Gateway, **fields: Any) -> HttpRequest:
    request = VideoRequest(**{"model": "m", "prompt": "A boat"} | fields)
    checked = check(request, one.models, OnUnsupported.ERROR)
    return one.encode_create(checked.request, checked.spec)


def document(one: Gateway, **fields: Any) -> dict[str, Any]:
    body = created(one, **fields).body
    assert isinstance(body, bytes)
    read: dict[str, Any] = json.loads(body)
    return read


def form(one: Gateway, **fields: Any) -> Multipart:
    body = created(one, **fields).body
    assert isinstance(body, Multipart)
    return body


def poll(one: Gateway, answer: Mapping[str, Any], task_id: str = "t-1") -> Observation:
    return read_retrieve(one, json_response(answer), "", task_id)


def problems(name: str = "my-gateway", **settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        gateway(name, **settings)
    return str(caught.value)


LIKELY = (
    *Settings.__annotations__,
    *(*FACTS, *NAMES, *PATHS, *MEANINGS),
    *("json", "multipart", "WORK_KEY", ADDRESS, "v1/{id}", "v1", "a.0.b", "my-gateway"),
)
"""What may stand in a table, though not anywhere."""

# --- what takes effect ---


def test_an_address_is_enough() -> None:
    info = made().info
    assert (info.name, info.title, info.base_url) == ("my-gateway", "my-gateway", ADDRESS)
    assert info.key_variable == "MY_GATEWAY_API_KEY"
    assert info.words == OpenAIVideos.info.words
    assert info.capabilities == {Capability.CONTENT, Capability.REMIX, Capability.CALLBACKS}


def test_a_key_and_a_pace_may_be_its_own() -> None:
    info = made(key_variable="WORK_KEY", cadence=[2, 7.5]).info
    assert (info.key_variable, info.cadence) == ("WORK_KEY", Cadence(2, 7.5))


def test_words_come_beside_those_that_are_known() -> None:
    one = made(words={"Finished": "succeeded", "warming-up": "queued", "processing": "queued"})
    said = {
        word: poll(one, {"id": "t-1", "status": word}).status for word in ("FINISHED", "Warming Up", "completed")
    }
    assert said == {"FINISHED": Status.SUCCEEDED, "Warming Up": Status.QUEUED, "completed": Status.SUCCEEDED}
    assert poll(one, {"id": "t-1", "status": "processing"}).status is Status.QUEUED
    assert poll(one, {"id": "t-1", "status": "melting"}).status is None


def test_a_place_that_is_named_is_the_only_one() -> None:
    one = made(places={"links": "output.0.video", "ids": ["job.id", "job.uuid"], "words": "job.state"})
    answer = {
        "job": {"uuid": "t-1", "state": "completed"},
        "output": [{"video": URL}],
        "id": "x",
        "status": "failed",
    }
    seen = poll(one, answer)
    assert (seen.task_id, seen.status) == ("t-1", Status.SUCCEEDED)
    assert [video.url.reveal() for video in seen.videos] == [URL]
    assert poll(one, {"job": {"id": "t-1", "state": "completed"}, "video_url": URL}).videos == ()


def test_a_fact_may_have_no_place_at_all() -> None:
    one = made(places={"links": [], "progress": []})
    seen = poll(one, {"id": "t-1", "status": "completed", "url": "https://example.com/preview.png", "progress": 7})
    assert (seen.videos, seen.progress, seen.status) == ((), None, Status.SUCCEEDED)


def test_callbacks_are_read_from_the_same_places() -> None:
    one = made(places={"ids": "job.id", "words": "job.state"}, words={"finished": "succeeded"})
    [seen] = read_callback(one, (), b'{"job": {"id": "t-1", "state": "finished"}}', verified=False)
    assert (seen.task_id, seen.status) == ("t-1", Status.SUCCEEDED)


def test_paths_may_be_its_own() -> None:
    paths = {"create": "/v1/video/create", "read": "v1/video/query?id={id}", "remix": "v1/remix/{id}"}
    one = made(paths=paths)
    assert created(one).path == "v1/video/create"
    read = one.encode_retrieve("a/b", "")
    assert (read.path, read.query) == ("v1/video/query", (("id", "a/b"),))
    assert one.encode_remix("a/b", "", "In teal", None).path == "v1/remix/a%2Fb"
    assert one.encode_content("t-1", "").path == "v1/videos/t-1/content"


def test_an_empty_path_is_a_call_that_the_gateway_does_not_have() -> None:
    one = made(paths={"content": "", "remix": ""})
    assert one.info.capabilities == {Capability.CALLBACKS}
    with pytest.raises(NotSupported, match="my-gateway documents no content route"):
        one.encode_content("t-1", "")
    with pytest.raises(NotSupported, match="my-gateway documents no remix"):
        one.encode_remix("t-1", "", "In teal", None)


def test_a_document_is_written_as_openai_documents_it() -> None:
    written = document(made(body="json"), duration=5, size="1280x720", first_frame=PICTURE)
    assert written == {
        "model": "m",
        "prompt": "A boat",
        "seconds": "5",
        "size": "1280x720",
        "input_reference": {"image_url": PICTURE.url},
    }


def test_fields_may_go_to_places_of_their_own() -> None:
    fields = {
        "prompt": "input.text",
        "duration": "input.duration",
        "aspect_ratio": "ratio",
        "resolution": "resolution",
        "seed": "seed",
        "audio": "sound",
        "callback_url": "hook",
        "first_frame": "image",
        "last_frame": "image_tail",
        "references": "images",
    }
    written = document(
        made(body="json", fields=fields),
        duration=5,
        aspect_ratio="16:9",
        resolution="720p",
        seed=7,
        audio=False,
        callback_url="https://me.example/hook",
        first_frame=PICTURE,
        last_frame=BYTES,
        references=(PICTURE, PICTURE),
    )
    assert written == {
        "model": "m",
        "input": {"text": "A boat", "duration": 5},
        "ratio": "16:9",
        "resolution": "720p",
        "seed": 7,
        "sound": False,
        "hook": "https://me.example/hook",
        "image": PICTURE.url,
        "image_tail": "data:image/png;base64,iVBORw0KGgo=",
        "images": [PICTURE.url, PICTURE.url],
    }


def test_a_size_beside_a_ratio_is_sent_only_where_it_was_given() -> None:
    one = made(fields={"aspect_ratio": "ratio"})
    assert dict(form(one, aspect_ratio="4:3").fields) == {"model": "m", "prompt": "A boat", "ratio": "4:3"}
    assert dict(form(one, size="640x480").fields)["size"] == "640x480"


def test_a_form_takes_files() -> None:
    one = made(fields={"first_frame": "first", "last_frame": "last", "references": "more"})
    body = form(one, first_frame=BYTES, last_frame=BYTES, references=(BYTES, BYTES))
    assert [part.field for part in body.files] == ["first", "last", "more", "more"]
    assert one.models.fallback.media_forms == {MediaForm.FILE}


def test_a_form_without_media_has_no_files() -> None:
    assert form(made(fields={"last_frame": "last", "references": "more"})).files == ()


def test_a_document_without_media_has_no_links() -> None:
    written = document(made(body="json", fields={"last_frame": "last", "references": "more"}))
    assert written == {"model": "m", "prompt": "A boat"}


def test_a_field_without_a_place_is_no_silent_loss() -> None:
    one = made()
    request = VideoRequest(model="m", prompt="A boat", seed=7)
    [problem] = lost_fields(request, lambda wish: one.encode_create(wish, one.models.fallback))
    assert problem.field == "seed"
    with pytest.raises(InvalidRequest, match="give exact pixels"):
        created(one, aspect_ratio="4:3")


# --- what is refused ---

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"base_url": "gateway.example.com"}, "base_url: is no address such as https://api.example.com"),
    ({"base_url": "https://gateway.example.com/v1?a=1"}, "base_url: is no address"),
    ({"base_url": 7}, "base_url: is no address"),
    ({"key_variable": "my-key"}, "key_variable: is no name of an environment variable"),
    ({"key_variable": 7}, "key_variable: is no name of an environment variable"),
    ({"cadence": [5]}, "cadence: is not two numbers"),
    ({"cadence": [15, 5]}, "cadence: is not two numbers"),
    ({"cadence": [0, 5]}, "cadence: is not two numbers"),
    ({"cadence": [5, True]}, "cadence: is not two numbers"),
    ({"cadence": [5, float("inf")]}, "cadence: is not two numbers"),
    ({"cadence": 5}, "cadence: is not two numbers"),
    ({"body": "xml"}, "body: 'xml' is no way to send a body (allowed: json, multipart)"),
    (
        {"words": {"finished": "sucess"}},
        "words.finished: 'sucess' is no status (allowed: queued, running, succeeded,",
    ),
    ({"words": {"gone": "lost"}}, "words.gone: 'lost' is no status"),
    ({"words": {"fertig": ["succeeded"]}}, "words.fertig: ['succeeded'] is no status"),
    ({"words": {"完成": "succeeded"}}, "words.完成: is no word that can be compared"),
    ({"words": {" ": "succeeded"}}, "is no word that can be compared"),
    ({"words": {"all done": "succeeded", "ALL-DONE": "failed"}}, "words.all_done: is there twice"),
    ({"words": "finished"}, "words: 'finished' is no table"),
    ({"words": {7: "succeeded"}}, "words: 7 is no text"),
    ({"places": {"link": "video"}}, "places.link: is not known (allowed: links)"),
    ({"places": {"zzz": "video"}}, "places.zzz: is not known (allowed: ids, words, progress, model,"),
    ({"places": {"links": "a..b"}}, "places.links: 'a..b' is no path into JSON"),
    ({"places": {"links": ["a", ""]}}, "places.links: '' is no path into JSON"),
    ({"places": {"links": "$.a b"}}, "places.links: '$.a b' is no path into JSON"),
    ({"places": {"links": {"a": 1}}}, "places.links: {'a': 1} is no path into JSON"),
    ({"places": {"ids": []}}, "places.ids: needs a place"),
    ({"places": {"words": []}}, "places.words: needs a place"),
    ({"fields": {"length": "seconds"}}, "fields.length: is not known"),
    ({"fields": {"seed": ".seed"}}, "fields.seed: '.seed' is no path into JSON"),
    ({"fields": {"duration": "a", "duration_text": "b"}}, "duration and duration_text say the same"),
    ({"fields": {"seed": "size"}}, "fields.seed: 'size' is taken by size, at 'size'"),
    ({"fields": {"seed": "size.seed"}, "body": "json"}, "fields.seed: 'size.seed' is taken by size, at 'size'"),
    ({"fields": {"prompt": "model.text"}}, "fields.prompt: 'model.text' is taken by model, at 'model'"),
    ({"paths": {"list": "v1/videos"}}, "paths.list: is not known"),
    ({"paths": {"read": "v1/videos"}}, "paths.read: 'v1/videos' is no path such as 'v1/videos/{id}'"),
    ({"paths": {"read": ""}}, "paths.read: '' is no path"),
    ({"paths": {"create": ""}}, "paths.create: '' is no path"),
    ({"paths": {"create": "v1/videos/{id}"}}, "paths.create: 'v1/videos/{id}' is no path such as 'v1/videos'"),
    ({"paths": {"create": "v1/videos?a=1"}}, "paths.create: 'v1/videos?a=1' is no path"),
    ({"paths": {"read": "https://example.com/{id}"}}, "paths.read: 'https://example.com/{id}' is no path"),
    ({"paths": {"read": "../admin/{id}"}}, "paths.read: '../admin/{id}' is no path"),
    ({"paths": {"read": "v1//{id}"}}, "paths.read: 'v1//{id}' is no path"),
    ({"paths": {"read": "v1/{task}"}}, "paths.read: 'v1/{task}' is no path"),
    ({"paths": {"remix": "v1/remix?id={id}"}}, "paths.remix: 'v1/remix?id={id}' is no path"),
    ({"base_ur": ADDRESS}, "base_ur: is not known (allowed: base_url)"),
    (
        {"timeout": 5},
        "timeout: is not known (allowed: base_url, key_variable, cadence, body, words, places, fields,",
    ),
    ({"api_key": "sk-SECRET"}, "api_key: keys are kept in the environment; name their variable in key_variable"),
]


@pytest.mark.parametrize(("settings", "reason"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_told_in_the_users_terms(settings: dict[str, Any], reason: str) -> None:
    assert reason in problems(**{"base_url": ADDRESS, **settings})


@pytest.mark.parametrize("name", ["", "My-Gateway", "my gateway", "my_gateway", "-a", "7up", "a/b", "x" * 41])
def test_a_name_has_to_fit_into_references_and_variables(name: str) -> None:
    assert "is not of small letters, digits and hyphens" in problems(name, base_url=ADDRESS)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = problems("My", body="xml", words={"a": "b"}, places={"c": "d"}, fields={"e": "f"}, paths={"g": "h"})
    for field in ("name", "base_url", "body", "words.a", "places.c", "fields.e", "paths.g"):
        assert f" {field}: " in told
    assert told.startswith("The gateway 'My' is configured wrongly: ")


@pytest.mark.parametrize(
    "settings",
    [
        {"key_variable": "sk-SECRET"},
        {"base_url": "https://user:SECRET@gateway.example.com"},
        {"base_url": "https://gateway.example.com?key=SECRET"},
        {"api_key": "SECRET"},
        {"token": "SECRET"},
        {"authorization": "SECRET"},
    ],
    ids=json.dumps,
)
def test_what_may_be_a_key_is_not_quoted(settings: dict[str, Any]) -> None:
    assert "SECRET" not in problems(**{"base_url": ADDRESS, **settings})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(LIKELY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(LIKELY), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(LIKELY), st.dictionaries(st.sampled_from(LIKELY) | st.text(max_size=8), VALUES, max_size=8))
def test_whatever_a_table_holds_it_is_a_gateway_or_a_mistake(name: str, table: dict[str, Any]) -> None:
    with suppress(ConfigurationError):
        one = Gateway(name, {"base_url": ADDRESS} | table)
        assert poll(one, {}).status is None
        assert one.info.name == name


def test_gateways_share_nothing() -> None:
    one, other = made(words={"finished": "succeeded"}), made()
    assert "finished" in one.info.words
    assert "finished" not in other.info.words
    assert "finished" not in OpenAIVideos().info.words
