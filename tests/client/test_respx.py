"""Whole stories at the seam of the HTTP library: the requests that a user's own mocks see, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx

from reelway import ProviderUnreachable, Registry, Status, SubmissionRejected, SubmissionUnknown, TaskFailed
from reelway.sandbox.video import reel
from reelway.testing import VirtualClock
from tests.acme import ACME
from tests.client.both import Both, Kind

API = "https://api.acme.example/v1/videos"
CDN = "https://cdn.example/v/task-1.mp4?X-Sig=a%2Fb%2B&exp=9"


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    """Everything that is asked has to be expected, and everything expected asked."""
    with respx.mock(assert_all_called=True) as router:
        yield router


@pytest.fixture
def client(kind: Kind, clock: VirtualClock) -> Iterator[Both]:
    with Both(kind, "acme", api_key="good-key", registry=Registry([ACME]), clock=clock) as client:
        yield client


def says(status: str, **facts: object) -> httpx.Response:
    return httpx.Response(200, json={"id": "task-1", "status": status, **facts})


def keys(route: respx.Route) -> set[str | None]:
    return {call.request.headers.get("authorization") for call in route.calls}


def test_a_video_is_made_followed_and_held(router: respx.MockRouter, client: Both, tmp_path: Path) -> None:
    create = router.post(API).mock(return_value=says("queued"))
    poll = router.get(f"{API}/task-1")
    poll.side_effect = [says("queued"), says("running", progress=40), says("succeeded", video_url=CDN)]
    link = router.get(url=CDN).mock(return_value=httpx.Response(200, content=reel()))

    held = client.generate("A cat.", model="m", to=tmp_path / "cat.mp4")

    assert held.path.read_bytes() == reel()
    assert (create.call_count, poll.call_count, link.call_count) == (1, 3, 1)
    assert keys(create) == keys(poll) == {"Bearer good-key"}
    assert keys(link) == {None}
    assert link.calls[0].request.extensions["target"] == b"/v/task-1.mp4?X-Sig=a%2Fb%2B&exp=9"


def test_a_refused_link_is_renewed_and_a_dead_one_replaced_by_the_content_route(
    router: respx.MockRouter, client: Both, tmp_path: Path
) -> None:
    poll = router.get(f"{API}/task-1").mock(return_value=says("succeeded", video_url=CDN))
    link = router.get(url=CDN).mock(return_value=httpx.Response(403))
    content = router.get(f"{API}/task-1/content").mock(return_value=httpx.Response(200, content=reel()))

    client.download("task-1", tmp_path / "cat.mp4")

    assert (poll.call_count, link.call_count, content.call_count) == (3, 3, 1)
    assert keys(content) == {"Bearer good-key"}


def test_a_content_route_may_lead_elsewhere_and_the_key_stays_behind(
    router: respx.MockRouter, client: Both, tmp_path: Path
) -> None:
    router.get(f"{API}/task-1").mock(return_value=says("succeeded"))
    moved = httpx.Response(302, headers={"Location": CDN})
    content = router.get(f"{API}/task-1/content").mock(return_value=moved)
    link = router.get(url=CDN).mock(return_value=httpx.Response(200, content=reel()))

    client.download("task-1", tmp_path / "cat.mp4")

    assert (keys(content), keys(link)) == ({"Bearer good-key"}, {None})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            httpx.Response(402, json={"error": {"code": "insufficient_quota", "message": "empty"}}),
            SubmissionRejected,
        ),
        (httpx.Response(307, headers={"Location": "https://evil.example/"}), SubmissionRejected),
        (httpx.Response(500, json={"error": {"message": "oops"}}), SubmissionUnknown),
        (httpx.Response(200, html="<html>hello</html>"), SubmissionUnknown),
        (httpx.ReadTimeout("slow"), SubmissionUnknown),
        (httpx.RemoteProtocolError("half"), SubmissionUnknown),
    ],
)
def test_a_create_is_asked_for_once(
    router: respx.MockRouter, client: Both, answer: httpx.Response | Exception, error: type[Exception]
) -> None:
    create = router.post(API).mock(side_effect=[answer])
    with pytest.raises(error):
        client.create("A cat.", model="m")
    assert create.call_count == 1


def test_a_create_that_never_left_or_was_turned_away_is_asked_for_again(
    router: respx.MockRouter, client: Both
) -> None:
    create = router.post(API)
    turned_away = httpx.Response(429, headers={"Retry-After": "3"})
    create.side_effect = [httpx.ConnectError("refused"), turned_away, says("queued")]
    assert client.create("A cat.", model="m").id == "task-1"
    assert create.call_count == 3


def test_trouble_with_polls_is_ridden_out(router: respx.MockRouter, client: Both) -> None:
    poll = router.get(f"{API}/task-1")
    poll.side_effect = [
        httpx.Response(503, headers={"Retry-After": "1"}),
        httpx.ReadTimeout("slow"),
        httpx.Response(200, text="half a sentence"),
        httpx.Response(404, json={"error": {"code": "task_not_exist"}}),
        says("succeeded"),
    ]
    assert client.wait("task-1").status is Status.SUCCEEDED


def test_a_key_that_is_refused_ends_the_wait_at_once(router: respx.MockRouter, client: Both) -> None:
    poll = router.get(f"{API}/task-1").mock(return_value=httpx.Response(401))
    with pytest.raises(ProviderUnreachable):
        client.wait("task-1")
    assert poll.call_count == 1


def test_a_bad_end_is_told_in_the_provider_s_words(router: respx.MockRouter, client: Both) -> None:
    reason = {"code": "moderation", "message": f"blocked\x1b[2J, see {CDN} for more"}
    router.get(f"{API}/task-1").mock(return_value=says("failed", error=reason))
    with pytest.raises(TaskFailed) as caught:
        client.wait("task-1")
    assert "moderation: blocked" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "X-Sig" not in str(caught.value)


def test_a_cancelled_task_is_asked_about_afterwards(router: respx.MockRouter, client: Both) -> None:
    cancel = router.delete(f"{API}/task-1").mock(return_value=httpx.Response(204))
    router.get(f"{API}/task-1").side_effect = [says("queued"), says("cancelled")]
    assert client.cancel("task-1").status is Status.CANCELLED
    assert cancel.call_count == 1
