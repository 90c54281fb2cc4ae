from __future__ import annotations

from pathlib import Path

import pytest

from reelway.model.http import HttpRequest, segment
from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox
from tests.cli.command import reelway
from tests.sandbox.caller import Acme

pytestmark = pytest.mark.usefixtures("keys")

LINKED = ("--provider", "cometapi", "--model", "seedance-2")
QUICK = ("--poll-every", "0.1")


def created(prompt: str = "A cat", *options: str) -> str:
    return reelway("create", prompt, *(options or LINKED), "-q").out.strip()


def done(prompt: str = "A cat", *options: str) -> str:
    ref = created(prompt, *options)
    assert reelway("wait", ref, *QUICK, "-q").code == 0
    return ref


def test_get_asks_once(sandbox: Sandbox) -> None:
    ref = created()
    said = reelway("get", ref)
    assert said.code == 0
    assert said.out.splitlines()[0] == f"reference  {ref}"
    assert sandbox.ledger.polls == 1


def test_get_shows_the_link_of_a_finished_task() -> None:
    ref = done()
    link = reelway("get", ref, "--json").record["video_url"]
    assert link.startswith("http://127.0.0.1:")
    assert f"video      {link}" in reelway("get", ref).out


def test_get_takes_a_bad_end_for_an_answer() -> None:
    ref = created("A cat [[fail:no cats]]", "--provider", "infinityblue", "--model", "seedance-2")
    assert reelway("wait", ref, *QUICK).code == 5
    said = reelway("get", ref, "--json")
    assert said.code == 0
    assert (said.record["status"], said.record["terminal"]) == ("failed", True)
    assert said.record["failure"]["message"] == "no cats"
    assert "no cats" in reelway("get", ref).out


def test_get_of_several_goes_on_after_one_that_fails() -> None:
    ref = created()
    said = reelway("get", "reelway1:cometapi:default::nobody", ref, "--json")
    assert said.code == 3
    first, second = said.records
    assert first["error"]["kind"] == "not_found"
    assert first["error"]["ref"] == "reelway1:cometapi:default::nobody"
    assert second["ref"] == ref


def test_bare_ids_need_a_provider() -> None:
    ref = created()
    task_id = ref.rpartition(":")[2]
    assert reelway("get", task_id, "--provider", "cometapi", "--json").record["ref"] == ref
    said = reelway("get", task_id)
    assert said.code == 2
    assert "--provider" in said.err


def test_a_bare_id_may_name_its_route() -> None:
    ref = created("A cat", "--provider", "octopusx", "--model", "seedance-2")
    assert ":generations:" in ref
    task_id = ref.rpartition(":")[2].replace("%3A", ":")
    said = reelway("get", task_id, "--provider", "octopusx", "--route", "generations", "--json")
    assert said.record["ref"] == ref


def test_references_keep_the_account_they_came_with() -> None:
    ref = created().replace(":default:", ":work:")
    assert reelway("get", ref, "--json").record["ref"] == ref


MISTAKES = {
    "a damaged reference": ("reelway1:cometapi",),
    "a reference of another kind": ("reelway2:a:b:c:d",),
    "an id that none can be": ("..", "--provider", "cometapi"),
    "another provider's reference": ("reelway1:cometapi:default::x", "--provider", "octopusx"),
    "one address for two providers": (
        *("reelway1:cometapi:default::x", "reelway1:octopusx:default::x"),
        *("--base-url", "http://127.0.0.1:9"),
    ),
    "one key for two providers": (
        *("reelway1:cometapi:default::x", "reelway1:octopusx:default::x"),
        *("--key-variable", "COMETAPI_KEY"),
    ),
    "an address that is none": ("x", "--provider", "cometapi", "--base-url", "nonsense"),
    "a provider that is not installed": ("x", "--provider", "nobody"),
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_found_before_anything_is_sent(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    assert reelway("get", *arguments).code == 2
    assert sandbox.ledger.calls == ()


def test_a_missing_key_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY")
    said = reelway("get", "reelway1:cometapi:default::x")
    assert said.code == 2
    assert "COMETAPI_KEY" in said.err


def test_a_key_is_read_from_the_variable_that_an_option_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORK_KEY", "bad-key")
    said = reelway("get", "reelway1:cometapi:default::x", "--key-variable", "WORK_KEY", "--json")
    assert (said.code, said.error["kind"]) == (3, "auth")


def test_a_malformed_key_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "sk-so secret")
    said = reelway("get", "reelway1:cometapi:default::x")
    assert said.code == 2
    assert "secret" not in said.out + said.err


def test_a_refused_key_has_the_code_of_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "bad-key")
    said = reelway("get", "reelway1:cometapi:default::x", "--json")
    assert (said.code, said.error["kind"]) == (3, "auth")


def test_cancel_is_refused_where_the_provider_has_none() -> None:
    said = reelway("cancel", created(), "--json")
    assert (said.code, said.error["type"]) == (2, "NotSupported")


class Stoppable(Acme):
    """A provider whose tasks can be stopped."""

    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="DELETE", path=f"v1/videos/{segment(task_id)}")


def test_cancel_stops_a_task_where_the_provider_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelway.cli.session.installed", lambda: Registry([Stoppable()]))
    monkeypatch.setenv("ACME_API_KEY", "sandbox")
    with Sandbox([Stoppable()]) as sandbox:
        monkeypatch.setenv("ACME_BASE_URL", sandbox.base_url("acme"))
        ref = created("A cat [[stuck]]", "--model", "acme-1")
        said = reelway("cancel", ref)
    assert (said.code, said.out) == (0, f"{ref} cancelled\n")


def test_download_stores_one_file(sandbox: Sandbox) -> None:
    ref = done()
    said = reelway("download", ref, "--to", "cat.mp4", "--allow-private-links")
    assert (said.code, said.out) == (0, "cat.mp4\n")
    assert Path("cat.mp4").stat().st_size == sandbox.ledger.tasks[0].size


def test_download_of_several_goes_into_a_folder() -> None:
    refs = [done(), done()]
    said = reelway("download", *refs, "--to", "videos", "--allow-private-links", "--json")
    assert said.code == 0
    assert [record["ref"] for record in said.records] == refs
    assert all(Path(record["path"]).parent == Path("videos") for record in said.records)
    assert len(list(Path("videos").glob("*.mp4"))) == 2


def test_download_refuses_to_replace_a_file() -> None:
    ref = done()
    Path("cat.mp4").write_text("mine")
    said = reelway("download", ref, "--to", "cat.mp4", "--allow-private-links", "--json")
    assert (said.code, said.error["type"], said.error["ref"]) == (2, "ConfigurationError", ref)
    assert Path("cat.mp4").read_text() == "mine"


def test_download_of_a_running_task_says_what_to_do_first() -> None:
    ref = created("A cat [[stuck]]")
    said = reelway("download", ref)
    assert said.code == 8
    assert said.err.endswith(f"Go on with: reelway wait {ref} && reelway download {ref}\n")


def test_download_of_a_failed_task_says_nothing_about_going_on() -> None:
    ref = created("A cat [[fail]]", "--provider", "infinityblue", "--model", "seedance-2")
    assert reelway("wait", ref, *QUICK, "-q").code == 5
    said = reelway("download", ref)
    assert said.code == 8
    assert "Go on with" not in said.err


def test_download_keeps_private_links_out_unless_asked() -> None:
    # This route has no content call that could stand in for the link.
    ref = done("A cat", "--provider", "infinityblue", "--model", "veo_3_1")
    assert reelway("download", ref).code == 8
    assert not list(Path().glob("*.mp4"))
    assert reelway("download", ref, "--allow-private-links").code == 0


def test_a_web_page_is_no_video() -> None:
    ref = done("A cat [[error-page-video:9]]")
    assert reelway("download", ref, "--allow-private-links").code == 8
    assert not list(Path().glob("*.mp4"))


def test_a_route_that_is_none_is_told_with_those_that_there_are() -> None:
    said = reelway("get", "task_1", "--provider", "octopusx", "--route", "nope", "--json")
    assert said.code == 3
    assert "has no route 'nope'; it has: " in said.error["message"]
    assert "generations" in said.error["message"]
    assert "damaged" not in said.error["message"]
