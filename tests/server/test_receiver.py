"""A receiver stores what it is sent before it says so, has the task polled, and believes nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event
from typing import Any

import pytest

from reelway.errors import ConfigurationError, LedgerError
from reelway.ledger.quota import MOST_BYTES, MOST_DELIVERIES, Kept
from reelway.ledger.records import Callback, Chore, Claim, Entry, Settlement
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import Headers, find_header
from reelway.provider.registry import Registry
from reelway.server import CallbackReceiver, Limits
from reelway.server.body import MIB
from tests.acme import Acme
from tests.server.caller import ACME, BODY, Job, Line, Reply, Shop, call, post, scope_of

PACES = {ACME: 1000.0}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def job(shop: Shop) -> Job:
    return shop.job(due_in=100)


def receiver_of(shop: Shop, **options: Any) -> CallbackReceiver:
    return CallbackReceiver(shop.ledger, clock=shop.clock, **options)


def claim(shop: Shop) -> list[Claim]:
    return shop.ledger.claim(10, 60, PACES, {Chore.POLL})


# --- what is taken ---


def test_a_callback_is_kept_as_it_came(shop: Shop, job: Job) -> None:
    headers = {"Content-Type": "application/json", "X-Acme-Signature": "ab", "Webhook-Id": "7"}
    assert post(receiver_of(shop), job.path, b"\x00\xff not even JSON", headers) == Reply(
        202, {"content-length": "0"}, b""
    )
    assert shop.ledger.callbacks(job.number) == [
        Callback(
            number=job.number,
            received_at=shop.clock.now(),
            headers=(("content-type", "application/json"), ("x-acme-signature", "ab"), ("webhook-id", "7")),
            body=b"\x00\xff not even JSON",
        )
    ]


def test_credentials_and_what_proxies_add_are_not_kept(shop: Shop, job: Job) -> None:
    names = ["authorization", "cookie", "x-api-key", "x-webhook-token", "x-webhook-secret", "x-forwarded-for"]
    assert post(receiver_of(shop), job.path, headers=dict.fromkeys(names, "private")).status == 202
    [kept] = shop.ledger.callbacks(job.number)
    assert kept.headers == ()


def test_a_body_arrives_in_pieces(shop: Shop, job: Job) -> None:
    line = Line([b"one ", b"", b"two"])
    assert asyncio.run(call(receiver_of(shop), scope_of(job.path), line)).status == 202
    assert shop.bodies(job) == [b"one two"]


def test_copies_are_taken_and_kept_once(shop: Shop, job: Job) -> None:
    receiver = receiver_of(shop)
    assert {post(receiver, job.path).status for _ in range(3)} == {202}
    assert shop.bodies(job) == [BODY]


def test_a_callback_that_overtakes_the_answer_to_its_create_is_kept(shop: Shop) -> None:
    job = shop.job(accepted=False)
    assert post(receiver_of(shop), job.path).status == 202
    assert shop.bodies(job) == [BODY]


def test_it_brings_the_poll_forward_and_sets_no_state(shop: Shop) -> None:
    job = shop.job(due_in=0)
    [held] = claim(shop)
    shop.ledger.settle([Settlement(claim=held, again=300, rest=5)])
    assert post(receiver_of(shop), job.path).status == 202
    assert shop.ledger.next_due(PACES, {Chore.POLL}) == 5
    assert claim(shop) == []
    shop.clock.advance(5)
    [again] = claim(shop)
    assert (again.entry.task, again.entry.revision) == (held.entry.task, held.entry.revision)


def test_a_wake_up_that_fails_costs_nothing(shop: Shop, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(numbers: Sequence[int]) -> None:
        raise LedgerError("the disk is gone")

    monkeypatch.setattr(shop.ledger, "wake", broken)
    assert post(receiver_of(shop), job.path).status == 202
    assert shop.bodies(job) == [BODY]


# --- what is refused ---


STRANGE_PATHS: list[Callable[[Job], str]] = [
    lambda job: "/",
    lambda job: "",
    lambda job: "/AAAAAAAAAAAAAAAAAAAAAA",
    lambda job: f"/{job.token[:-1]}",
    lambda job: f"/{job.token}A",
    lambda job: f"/{job.token}/",
    lambda job: f"//{job.token}",
    lambda job: f"/elsewhere/{job.token}",
    lambda job: f"/{job.token}/more",
    lambda job: f"/{job.token.swapcase()}",
    lambda job: f"/ {job.token}",
    lambda job: "/\x00",
    lambda job: "/\udcff",
    lambda job: "/" + "A" * 100_000,
]


@pytest.mark.parametrize("path_of", STRANGE_PATHS)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "OPTIONS"])
def test_whatever_is_not_known_is_the_same_404(
    shop: Shop, job: Job, path_of: Callable[[Job], str], method: str
) -> None:
    line = Line([b"x"] * 3)
    reply = asyncio.run(call(receiver_of(shop), scope_of(path_of(job), method), line))
    assert reply == Reply(404, {"content-length": "0"}, b"")
    assert line.taken == 0


def test_what_is_not_known_is_looked_up_like_what_is(shop: Shop, job: Job) -> None:
    asked: list[int] = []

    class Counting(SqliteLedger):
        def owner(self, token_digest: bytes) -> Entry | None:
            asked.append(len(token_digest))
            return super().owner(token_digest)

    receiver = CallbackReceiver(Counting())
    for path in (job.path, "/", "/AAAA", "/a/b/c"):
        post(receiver, path)
    assert asked == [32] * 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_told_so_where_the_token_is_known(shop: Shop, job: Job, method: str) -> None:
    reply = asyncio.run(call(receiver_of(shop), scope_of(job.path, method)))
    assert reply == Reply(405, {"content-length": "0", "allow": "POST"}, b"")
    assert shop.bodies(job) == []


SMALL = Limits(body=10, seconds=0.01, memory=3 * 4096)

REFUSED = [
    (b"x" * 11, {}, 413),
    (b"x", {"content-length": "11"}, 413),
    (b"x", {"content-length": "9" * 15}, 413),
    (b"x", {"content-length": "9" * 5000}, 400),
    (b"x", {"content-length": "-1"}, 400),
    (b"x", {"content-length": "ten"}, 400),
    (b"x", {"content-encoding": "gzip"}, 415),
    (b"x", {"content-encoding": "identity, br"}, 415),
    (b"x" * 10, {"content-encoding": " Identity "}, 202),
    (b"x" * 10, {"content-length": "10"}, 202),
]


@pytest.mark.parametrize(("body", "headers", "status"), REFUSED)
def test_a_body_is_bounded(shop: Shop, job: Job, body: bytes, headers: dict[str, str], status: int) -> None:
    assert post(receiver_of(shop, limits=SMALL), job.path, body, headers).status == status
    assert shop.bodies(job) == ([body] if status == 202 else [])


def test_a_body_that_is_announced_too_large_is_not_read(shop: Shop, job: Job) -> None:
    line = Line([b"x"] * 3)
    scope = scope_of(job.path, headers={"content-length": str(2 * 1024 * 1024 + 1)})
    assert asyncio.run(call(receiver_of(shop), scope, line)).status == 413
    assert line.taken == 0


def test_a_body_that_does_not_say_its_length_is_read_no_further_than_the_limit(shop: Shop, job: Job) -> None:
    line = Line([b"xxxx"] * 100)
    assert asyncio.run(call(receiver_of(shop, limits=SMALL), scope_of(job.path), line)).status == 413
    assert line.taken == 12


def test_a_dripping_body_is_given_up(shop: Shop, job: Job) -> None:
    line = Line([b"x"], hangs=True)
    assert asyncio.run(call(receiver_of(shop, limits=SMALL), scope_of(job.path), line)).status == 408
    assert shop.bodies(job) == []


def test_a_body_that_breaks_off_is_not_kept_and_not_answered(shop: Shop, job: Job) -> None:
    line = Line([b"x"], breaks_off=True)
    asyncio.run(receiver_of(shop)(scope_of(job.path), line.receive, line.send))
    assert (line.sent, shop.bodies(job)) == ([], [])


def test_memory_is_bounded_over_all_bodies_and_given_back(shop: Shop, job: Job) -> None:
    async def story() -> list[int]:
        receiver = receiver_of(shop, limits=SMALL)
        dripping = [Line([b"x" * 10], hangs=True) for _ in range(4)]
        first = await asyncio.gather(*(call(receiver, scope_of(job.path), line) for line in dripping))
        return [*sorted(reply.status for reply in first), (await call(receiver, scope_of(job.path))).status]

    # Two fit; those that find no room are to come again. At last there is room for one that is too large.
    assert asyncio.run(story()) == [408, 408, 503, 503, 413]


def test_a_full_queue_is_no_202(shop: Shop, job: Job) -> None:
    hold, entered = Event(), Event()

    class Slow(SqliteLedger):
        def owner(self, token_digest: bytes) -> Entry | None:
            entered.set()
            hold.wait()
            return shop.ledger.owner(token_digest)

    async def story() -> list[Reply]:
        receiver = CallbackReceiver(Slow(), limits=Limits(waiting=2))
        tasks = [asyncio.create_task(call(receiver, scope_of("/nobody")))]
        await asyncio.to_thread(entered.wait)
        tasks += [asyncio.create_task(call(receiver, scope_of("/nobody"))) for _ in range(3)]
        last = await tasks[-1]
        hold.set()
        return [*(await asyncio.gather(*tasks[:-1])), last]

    *waited, refused = asyncio.run(story())
    assert [reply.status for reply in waited] == [404] * 3
    assert refused == Reply(503, {"content-length": "0", "retry-after": "5"}, b"")


@pytest.mark.parametrize("method", ["owner", "keep"])
def test_without_the_ledger_nothing_is_acknowledged(
    shop: Shop, job: Job, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = receiver_of(shop)

    def broken(*_: object) -> None:
        raise LedgerError("The disk is full.", hint="Make room.")

    with monkeypatch.context() as broke:
        broke.setattr(shop.ledger, method, broken)
        broken_receiver = receiver_of(shop)
        assert post(broken_receiver, job.path).status == 503
    assert shop.bodies(job) == []
    assert "The disk is full. Make room." in caplog.text
    assert post(receiver, job.path).status == 202


# --- signatures ---


class Signing(Acme):
    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        if secret == "broken":
            raise LookupError(secret)
        return find_header(headers, "x-signature") == f"{secret} {body.decode()} {now:%Y}"


GOOD = {"x-signature": "s3 body 2026"}


@pytest.mark.parametrize(
    ("secrets", "headers", "status"),
    [
        ({"acme": "s3"}, GOOD, 202),
        ({"acme": "s3"}, {}, 403),
        ({"acme": "s3"}, {"x-signature": "s4 body 2026"}, 403),
        ({("acme", "default"): "s3"}, GOOD, 202),
        ({("acme", "default"): "s3", "acme": "s4"}, GOOD, 202),
        ({("acme", "default"): "s4", "acme": "s3"}, GOOD, 403),
        ({("acme", "other"): "s3"}, {}, 202),
        ({"acme": lambda: "s3"}, GOOD, 202),
        ({"acme": lambda: "s4"}, GOOD, 403),
        ({"acme": "broken"}, GOOD, 503),
        ({}, {}, 202),
    ],
)
def test_where_the_secret_is_known_an_unsigned_callback_is_not_kept(
    shop: Shop, job: Job, secrets: Any, headers: dict[str, str], status: int
) -> None:
    receiver = receiver_of(shop, secrets=secrets, registry=Registry([Signing()]))
    assert post(receiver, job.path, b"body", headers).status == status
    assert len(shop.bodies(job)) == (status == 202)


def test_a_verifier_that_breaks_is_told_of_without_what_it_said(
    shop: Shop, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {"acme": "broken"}
    assert post(receiver_of(shop, secrets=secrets, registry=Registry([Signing()])), job.path).status == 503
    assert "acme" in caplog.text
    assert "LookupError" in caplog.text
    assert "broken" not in caplog.text


def test_a_verified_callback_wakes_a_poll_and_sets_no_state_either(shop: Shop) -> None:
    job = shop.job(due_in=0)
    [held] = claim(shop)
    shop.ledger.settle([Settlement(claim=held, again=300)])
    shop.clock.advance(1)
    assert claim(shop) == []
    receiver = receiver_of(shop, secrets={"acme": "s3"}, registry=Registry([Signing()]))
    assert post(receiver, job.path, b"body", GOOD).status == 202
    [again] = claim(shop)
    assert (again.entry, shop.ledger.events()) == (held.entry, [])


def test_a_secret_of_a_provider_that_is_not_there_is_told_at_once(shop: Shop) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        receiver_of(shop, secrets={"nowhere": "s3"}, registry=Registry([Signing()]))


# --- more than is kept ---


def test_a_flood_at_one_address_fills_no_disk_and_is_answered_alike(
    shop: Shop, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, other = receiver_of(shop), shop.job("2")

    async def flood(path: str, count: int) -> set[int]:
        lines = [Line([b"%d" % number]) for number in range(count)]
        replies = await asyncio.gather(*(call(receiver, scope_of(path), line) for line in lines))
        return {reply.status for reply in replies}

    assert asyncio.run(flood(job.path, MOST_DELIVERIES + 1000)) == {202}
    assert shop.bodies(job) == [b"%d" % number for number in range(MOST_DELIVERIES)]
    assert asyncio.run(flood(other.path, 3)) == {202}
    assert len(shop.bodies(other)) == 3
    assert [message.rpartition("; ")[2] for message in caplog.messages] == [
        f"{count} came beyond that." for count in (1, 10, 100, 1000)
    ]
    assert "submission-1 at acme" in caplog.text
    assert job.token not in caplog.text


def test_large_ones_fill_no_disk_either(shop: Shop, job: Job) -> None:
    receiver = receiver_of(shop)
    large = [bytes([number]) * 2 * MIB for number in range(8)]
    assert {post(receiver, job.path, body).status for body in large} == {202}
    assert len(b"".join(shop.bodies(job))) <= MOST_BYTES


def test_what_is_not_kept_wakes_a_poll_all_the_same(shop: Shop) -> None:
    job = shop.job(due_in=100)
    for number in range(MOST_DELIVERIES):
        shop.ledger.keep([Callback(number=job.number, received_at=shop.clock.now(), body=b"%d" % number)])
    shop.clock.advance(100)
    [taken] = claim(shop)
    shop.ledger.settle([Settlement(claim=taken, again=1000, rest=10)])
    assert post(receiver_of(shop), job.path, b"one more").status == 202
    shop.clock.advance(10)
    assert len(claim(shop)) == 1


# --- groups ---


def test_what_arrives_together_is_written_together(shop: Shop) -> None:
    jobs = [shop.job(str(number)) for number in range(50)]
    written: list[int] = []

    class Counting(SqliteLedger):
        def keep(self, callbacks: Sequence[Callback]) -> list[Kept]:
            written.append(len(callbacks))
            return shop.ledger.keep(callbacks)

        def owner(self, token_digest: bytes) -> Entry | None:
            return shop.ledger.owner(token_digest)

    async def story() -> list[int]:
        receiver = CallbackReceiver(Counting())
        replies = await asyncio.gather(*(call(receiver, scope_of(job.path)) for job in jobs))
        return [reply.status for reply in replies]

    assert asyncio.run(story()) == [202] * 50
    assert sum(written) == 50
    assert len(written) <= 5


# --- as a server's application ---


def test_a_path_of_its_own_is_the_only_one(shop: Shop, job: Job) -> None:
    receiver = receiver_of(shop, path="/callbacks/")
    assert post(receiver, f"/callbacks{job.path}").status == 202
    assert [post(receiver, path).status for path in (job.path, f"/callbacks/x{job.path}", "/callbacks")] == [
        404
    ] * 3


@pytest.mark.parametrize("path", ["/hooks{}", "{}"])
def test_below_a_mount_either_form_of_the_path_is_understood(shop: Shop, job: Job, path: str) -> None:
    assert post(receiver_of(shop), path.format(job.path), root_path="/hooks").status == 202


def test_a_server_may_start_and_stop_it(shop: Shop) -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(receiver_of(shop)({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_there_is_no_websocket_here(shop: Shop, job: Job) -> None:
    line = Line()
    asyncio.run(receiver_of(shop)({"type": "websocket", "path": job.path}, line.receive, line.send))
    assert line.sent == [{"type": "websocket.close"}]
