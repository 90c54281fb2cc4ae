"""Keys and addresses are checked before anything is sent, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from reelway import (
    Account,
    Client,
    ConfigurationError,
    InvalidRequest,
    OnUnsupported,
    PluginError,
    Registry,
    Status,
    TaskRef,
)
from reelway.account import base_url_variable, endpoint_of
from reelway.model.http import HttpRequest, HttpResponse
from reelway.operations import Settings
from reelway.provider.interface import Cadence
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock, in_process
from reelway.transport.http import HttpSettings
from tests.acme import ACME, Acme
from tests.client.both import Both, Kind
from tests.reports import full_report

KEY = "sk-SECRETKEY"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in (*Registry.installed().providers, ACME):
        monkeypatch.delenv(provider.info.key_variable, raising=False)
        monkeypatch.delenv(base_url_variable(provider.info.name), raising=False)


def open_client(**options: Any) -> Client:
    return Client("acme", registry=Registry([ACME]), **options)


def error_of(call: Callable[[], object]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        call()
    return caught.value


# --- keys ---


def test_a_missing_key_is_told_with_the_variable_that_holds_it(provider: str, kind: Kind) -> None:
    variable = Registry.installed().get(provider).info.key_variable
    error = error_of(lambda: kind(provider))
    assert variable in error.hint
    assert "no key" in str(error)


@pytest.mark.parametrize("key", ["", None])
def test_an_empty_key_is_a_missing_one(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.setenv("ACME_API_KEY", "")
    assert "no key" in str(error_of(lambda: open_client(api_key=key)))


MALFORMED = [
    f"{KEY}\n",
    f" {KEY}",
    f"Bearer {KEY}",
    f"{KEY}\r\nX-Evil: 1",
    f"{KEY}ü",
    f"\t{KEY}",
    " ",
]


@pytest.mark.parametrize("key", [*MALFORMED, f"{KEY}\x00"])
def test_a_malformed_key_is_refused_and_never_quoted(key: str) -> None:
    assert_tells_of_the_key(error_of(lambda: open_client(api_key=key)))


@pytest.mark.parametrize("key", MALFORMED)
def test_a_malformed_key_of_the_environment_is_refused_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("ACME_API_KEY", key)
    assert_tells_of_the_key(error_of(open_client))


def assert_tells_of_the_key(error: ConfigurationError) -> None:
    assert "ACME_API_KEY" in str(error)
    assert KEY not in repr(error) + str(error) + error.hint


def test_no_report_of_a_refused_key_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", KEY + "\n")
    error = error_of(open_client)
    frames = full_report(error)
    assert KEY not in frames


def test_no_report_of_a_refused_address_shows_the_key() -> None:
    assert KEY not in full_report(error_of(_with_a_bad_address))


def _with_a_bad_address() -> None:
    Client("acme", registry=Registry([ACME]), api_key=KEY, base_url="x")


def test_the_argument_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "from-the-environment")
    account = Account("acme", api_key="from-the-argument")
    assert endpoint_of(account, ACME).key.reveal() == "from-the-argument"
    assert endpoint_of(Account("acme"), ACME).key.reveal() == "from-the-environment"


def test_an_account_shows_no_key() -> None:
    account = Account("acme", api_key=KEY)
    assert KEY not in repr(account) + str(account) + repr(account.__rich_repr__())


# --- addresses ---


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.acme.example", "https://api.acme.example"),
        ("https://api.acme.example/", "https://api.acme.example"),
        ("https://api.acme.example/v1", "https://api.acme.example"),
        ("https://api.acme.example/v1/", "https://api.acme.example"),
        ("https://api.acme.example//", "https://api.acme.example"),
        ("https://gateway.example/acme", "https://gateway.example/acme"),
        ("https://gateway.example/acme/v1", "https://gateway.example/acme"),
        ("https://api.acme.example/api/v3", "https://api.acme.example"),
        ("https://gateway.example/acme/api/v3/", "https://gateway.example/acme"),
        ("https://gateway.example/api", "https://gateway.example/api"),
        ("https://gateway.example/dev1", "https://gateway.example/dev1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/v1", "http://[::1]:8080"),
    ],
)
def test_an_address_may_be_written_in_several_ways(given: str, used: str) -> None:
    assert endpoint_of(Account("acme", api_key="k", base_url=given), ACME).base_url == used


UNUSABLE = """
acme.example|ftp://acme.example|https://|https://user:SECRETKEY@acme.example|//acme.example|https://acme.example?x=1
|https://acme.example?|https://acme.example#x|https://acme.example:0|https://acme.example:99999|https://[::1
|https://acme .example|https://acme.example\t| https://a|https://acme.example\\@evil.example|javascript:alert(1)
|https:///v1
""".replace("\n", "").split("|")


@pytest.mark.parametrize("address", [*UNUSABLE, "https://acme.example\n"])
def test_an_address_that_cannot_be_used_is_refused_and_not_quoted(address: str) -> None:
    error = error_of(lambda: open_client(api_key="k", base_url=address))
    assert "base URL" in str(error)
    assert "SECRETKEY" not in str(error)
    assert "https://api.example.com" in error.hint


def test_an_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_BASE_URL", "https://gateway.example/acme/")
    assert endpoint_of(Account("acme", api_key="k"), ACME).base_url == "https://gateway.example/acme"
    given = Account("acme", api_key="k", base_url="https://other.example")
    assert endpoint_of(given, ACME).base_url == "https://other.example"


@pytest.mark.parametrize(("name", "variable"), [("acme", "ACME_BASE_URL"), ("acme-video", "ACME_VIDEO_BASE_URL")])
def test_the_variable_of_an_address_follows_from_the_name(name: str, variable: str) -> None:
    assert base_url_variable(name) == variable


def test_a_key_may_stand_in_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "k1")
    monkeypatch.setenv("WORK_KEY", "k2")
    assert endpoint_of(Account("acme", key_variable="WORK_KEY"), ACME).key.reveal() == "k2"
    assert endpoint_of(Account("acme", key_variable="WORK_KEY", api_key="k3"), ACME).key.reveal() == "k3"
    assert "OTHER_KEY" in error_of(lambda: endpoint_of(Account("acme", key_variable="OTHER_KEY"), ACME)).hint


@pytest.mark.parametrize("named", [KEY, "", "work key", "WORK-KEY", "abcdef0123456789"])
def test_what_is_no_name_of_a_variable_may_be_the_key_and_is_not_quoted(named: str) -> None:
    error = error_of(lambda: Client(Account("acme", key_variable=named), registry=Registry([ACME])))
    assert "no name" in str(error)
    assert not named or named not in f"{error} {error.hint}"


# --- options ---


@pytest.mark.parametrize("policy", ["ignore", "", "ERROR"])
def test_a_policy_that_there_is_not_is_told_with_those_that_there_are(policy: str) -> None:
    error = error_of(lambda: open_client(api_key=KEY, on_unsupported=policy))
    assert "error, warn, drop" in str(error)


@pytest.mark.parametrize("policy", list(OnUnsupported))
def test_a_policy_may_be_given_by_its_name(policy: OnUnsupported) -> None:
    with open_client(api_key=KEY, on_unsupported=policy.value) as client:
        assert client.preview("A cat.", model="m").method == "POST"


def test_an_http_library_that_there_is_not_is_told() -> None:
    assert "'requests'" in str(error_of(lambda: open_client(api_key=KEY, http="requests")))


# --- which accounts ---


def test_a_provider_that_is_not_installed_is_told_so() -> None:
    assert "'nobody'" in str(error_of(lambda: Client("nobody", api_key="k")))


def acme_settings(sandbox: Sandbox, clock: VirtualClock) -> Settings:
    return Settings(clock=clock, draw=lambda: 0.5, http=HttpSettings(transport=in_process(sandbox.respond)))


def test_several_accounts_are_told_apart_by_their_names(kind: Kind, clock: VirtualClock) -> None:
    keys: list[str | None] = []
    sandbox = Sandbox([ACME], clock=clock)

    def respond(request: HttpRequest) -> HttpResponse:
        keys.append(request.header("authorization"))
        return sandbox.respond(request)

    address = sandbox.base_url("acme")
    accounts = {
        "main": Account("acme", api_key="k1", base_url=address),
        "spare": Account("acme", api_key="k2", base_url=address, cadence=Cadence(1, 1)),
    }
    settings = replace(acme_settings(sandbox, clock), http=HttpSettings(transport=in_process(respond)))
    with Both(kind, accounts, registry=Registry([ACME]), settings=settings) as client:
        made = client.create("A cat.", model="m", account="spare")
        assert str(made.ref).startswith("reelway1:acme:spare:")
        assert client.retrieve(made).ref == made.ref
        assert client.wait(made).status is Status.SUCCEEDED
    assert {"Bearer k2"} == set(keys)


@pytest.mark.parametrize("task", ["..", ".", "a\nb", "", "x" * 600, "a\ud800"])
def test_an_id_that_no_provider_gives_is_refused_unsent(kind: Kind, clock: VirtualClock, task: str) -> None:
    sandbox = Sandbox([ACME], clock=clock)
    account = Account("acme", api_key="k", base_url=sandbox.base_url("acme"))
    with Both(kind, account, registry=Registry([ACME]), settings=acme_settings(sandbox, clock)) as client:
        with pytest.raises(InvalidRequest, match="no provider gives"):
            client.retrieve(task)
        with pytest.raises(InvalidRequest, match="no provider gives"):
            client.cancel(TaskRef("acme", "default", "", task))
    assert sandbox.ledger.calls == ()


def test_accounts_may_be_given_by_the_names_of_their_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "k")
    with Client({"a": "acme", "b": Account("acme")}, registry=Registry([ACME])) as client:
        assert client.preview("A cat.", model="m", account="b").url == "https://api.acme.example/v1/videos"


def test_a_provider_of_ones_own_needs_no_registry() -> None:
    with Client(ACME, api_key="k", base_url="https://own.example", registry=Registry()) as client:
        assert client.preview("A cat.", model="m").url == "https://own.example/v1/videos"
    with Client({"own": Account(ACME, api_key="k")}, registry=Registry()) as client:
        assert client.preview("A cat.", model="m").url == "https://api.acme.example/v1/videos"


def test_accounts_may_be_given_by_providers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "k")
    with Client({"a": ACME, "b": Account("acme")}, registry=Registry([ACME])) as client:
        assert client.preview("A cat.", model="m", account="a").url == "https://api.acme.example/v1/videos"


def test_a_provider_of_ones_own_is_checked_like_any_other() -> None:
    class Future(Acme):
        info = replace(Acme.info, interface=99)

    with pytest.raises(PluginError, match="written for interface 99"):
        Client(Future(), api_key="k")


def test_an_account_is_shown_by_the_name_of_its_provider() -> None:
    assert (
        repr(Account(ACME, api_key=KEY)) == repr(Account("acme", api_key=KEY)) == "Account('acme', base_url=None)"
    )


def test_reports_are_read_with_all_their_frames() -> None:
    def fail() -> None:
        held = KEY
        raise ValueError(len(held))

    with pytest.raises(ValueError, match="12") as caught:
        fail()
    assert KEY in full_report(caught.value)


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("https://gateway.example", False),
        ("http://gateway.example", True),
        ("http://GATEWAY.example.:8080/api", True),
        ("http://8.8.8.8", True),
        ("http://[2606:4700::1111]", True),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://192.168.0.7", False),
        ("http://localhost:8000", False),
        ("http://gateway:8000", False),
        ("http://gateway.internal", False),
    ],
)
def test_an_address_on_the_way_to_which_a_key_can_be_read_is_told(
    address: str, exposed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    Client(ACME, api_key=KEY, base_url=address, registry=Registry()).close()
    told = [record.getMessage() for record in caplog.records if "can be read on the way" in record.getMessage()]
    assert len(told) == exposed
    assert KEY not in caplog.text
