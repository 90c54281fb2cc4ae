from __future__ import annotations

import pytest

from reelway.sandbox import Sandbox
from tests.cli.command import finished, reelway, started
from tests.cli.test_tasks import created

pytestmark = pytest.mark.usefixtures("keys")

QUICK = ("--poll-every", "0.1")
OTHER = ("--provider", "infinityblue", "--model", "seedance-2")


def test_wait_prints_how_the_task_ended() -> None:
    ref = created()
    said = reelway("wait", ref, *QUICK)
    assert (said.code, said.out) == (0, f"{ref} succeeded (completed)\n")
    assert all(ref in line for line in said.err.splitlines())


def test_wait_follows_tasks_of_several_providers_at_once() -> None:
    refs = [created(), created("A dog", *OTHER), created("A cow", "--provider", "octopusx", "--model", "sora-2")]
    said = reelway("wait", *refs, *QUICK)
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == refs


def test_wait_as_json_is_a_line_for_each_task() -> None:
    refs = {created(), created("A dog", *OTHER)}
    said = reelway("wait", *refs, *QUICK, "--json")
    assert said.err == ""
    assert {record["ref"] for record in said.records} == refs
    assert all(record["video_url"] for record in said.records)


def test_the_same_task_is_followed_once() -> None:
    ref = created()
    assert len(reelway("wait", ref, ref, *QUICK, "--json").records) == 1


@pytest.mark.parametrize("fault", ["fail", "fail-silent", "cancelled", "expired"])
def test_a_bad_end_has_its_code(fault: str) -> None:
    ref = created(f"A cat [[{fault}]]", *OTHER)
    said = reelway("wait", ref, *QUICK, "--json")
    assert said.code == 5
    assert (said.record["ref"], said.record["terminal"]) == (ref, True)
    assert said.record["status"] in {"failed", "cancelled", "expired"}


def test_a_bad_end_is_explained_to_people() -> None:
    said = reelway("wait", created("A cat [[fail:no cats]]", *OTHER), *QUICK)
    assert said.code == 5
    assert "error: " in said.err
    assert "no cats" in said.err
    assert "Go on with" not in said.err


def test_a_wait_that_takes_too_long_has_its_code_and_the_command_to_go_on_with() -> None:
    ref = created("A cat [[stuck]]")
    said = reelway("wait", ref, "--timeout", "0.2", *QUICK)
    assert (said.code, said.out) == (6, "")
    assert said.err.endswith(f"Go on with: reelway wait {ref} --poll-every 0.1\n")


def test_the_first_task_that_did_not_succeed_decides_the_code() -> None:
    stuck, bad, good = created("[[stuck]]"), created("[[fail]]"), created()
    assert reelway("wait", good, stuck, bad, "--timeout", "1", *QUICK, "-q").code == 6
    assert reelway("wait", good, bad, stuck, "--timeout", "1", *QUICK, "-q").code == 5


def test_a_provider_out_of_reach_ends_the_wait_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    ref = created()
    monkeypatch.setenv("COMETAPI_KEY", "bad-key")
    said = reelway("wait", ref, *QUICK, "--json")
    assert (said.code, said.error["type"], said.error["ref"]) == (7, "ProviderUnreachable", ref)


def test_an_unknown_word_is_warned_about_and_waited_through() -> None:
    said = reelway("wait", created("A cat [[unknown-word]]"), *QUICK)
    assert said.code == 0
    assert said.err.count("warning: ") == 1
    assert "unknown status word" in said.err


def test_quiet_says_nothing_but_the_result() -> None:
    ref = created("A cat [[unknown-word]]")
    said = reelway("wait", ref, *QUICK, "--quiet")
    assert (said.out, said.err) == (f"{ref} succeeded (completed)\n", "")


def test_watch_prints_each_change() -> None:
    ref = created()
    said = reelway("watch", ref, *QUICK)
    states = [line.partition(f"{ref}  ")[2] for line in said.out.splitlines()]
    assert said.code == 0
    assert said.err == ""
    assert [state.split()[0] for state in states] == ["queued", "running", "succeeded"]


def test_watch_as_json_is_a_line_for_each_change() -> None:
    ref = created("A cat [[fail:no cats]]", *OTHER)
    said = reelway("watch", ref, *QUICK, "--json")
    assert said.code == 5
    assert [record["status"] for record in said.records[-2:]] == ["running", "failed"]
    assert said.records[-1]["failure"]["message"] == "no cats"
    assert not any("video_url" in record for record in said.records)


def test_a_reader_that_leaves_ends_the_watch_without_a_complaint(sandbox: Sandbox) -> None:
    process = started("watch", created("[[stuck]]"), created("[[stuck]]"), *QUICK)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    ended = finished(process)
    assert (ended.code, ended.err) == (1, "")
