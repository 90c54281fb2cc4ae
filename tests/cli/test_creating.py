from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reelway.model.task import TaskRef
from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox
from tests.cli.command import Outcome, reelway

pytestmark = pytest.mark.usefixtures("keys")

SORA = ("--provider", "cometapi", "--model", "sora-2")
SEEDANCE = ("--provider", "cometapi", "--model", "seedance-2")
QUICK = ("--poll-every", "0.1", "--allow-private-links")


def test_create_prints_the_reference_alone(sandbox: Sandbox) -> None:
    said = reelway("create", "A cat", *SORA)
    ref = TaskRef.parse(said.out)
    assert (said.code, ref.provider, ref.account) == (0, "cometapi", "default")
    assert said.out == f"{ref}\n"
    assert said.err == f"Follow it with: reelway wait {ref}\n"
    assert sandbox.ledger.task(ref.id).polls == 0


def test_create_is_quiet_on_request() -> None:
    assert reelway("create", "A cat", *SORA, "--quiet").err == ""


def test_create_as_json_is_the_task_without_a_link() -> None:
    said = reelway("create", "A cat", *SORA, "--json")
    assert said.err == ""
    assert list(said.record) == [
        "ref",
        "id",
        "provider",
        "status",
        "provider_status",
        "terminal",
        "progress",
        "model",
        "created_at",
        "completed_at",
        "expires_at",
        "failure",
        "artifact",
    ]
    assert said.record["status"] == "queued"
    assert said.record["created_at"].endswith("Z")


def test_the_only_provider_with_a_key_need_not_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in Registry.installed().providers:
        if provider.info.name != "cometapi":
            monkeypatch.delenv(provider.info.key_variable)
    assert reelway("create", "A cat", "--model", "sora-2").out.startswith("reelway1:cometapi:default:")


def test_every_option_reaches_the_request(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    said = reelway(
        *("create", "A cat", "--provider", "infinityblue", "--model", "seedance-2", "--duration", "5"),
        *("--aspect-ratio", "16:9", "--resolution", "720p", "--seed", "7", "--audio"),
        *("--reference", "a.png", "--reference", "https://example.com/b.png", "--extra", "metadata.watermark=true"),
    )
    assert said.code == 0
    assert sandbox.ledger.jobs == 1


ERRORS = {
    "nothing that the model offers": (("--duration", "99"), "", 2, "InvalidRequest"),
    "an extra field without a key": (("--extra", "nonsense"), "", 2, "InvalidRequest"),
    "a picture that is not there": (("--first-frame", "no.png"), "", 2, "InvalidRequest"),
    "no money": ((), "[[quota]]", 3, "SubmissionRejected"),
    "a refused key": ((), "[[unauthorized]]", 3, "SubmissionRejected"),
    "a connection that breaks": ((), "[[reset]]", 4, "SubmissionUnknown"),
    "an answer without an id": ((), "[[no-id]]", 4, "SubmissionUnknown"),
}


@pytest.mark.parametrize(("options", "fault", "code", "kind"), ERRORS.values(), ids=ERRORS)
def test_a_create_that_goes_wrong_has_its_code(
    sandbox: Sandbox, options: tuple[str, ...], fault: str, code: int, kind: str
) -> None:
    said = reelway("create", f"A cat {fault}", *SORA, *options, "--json")
    assert (said.code, said.error["type"]) == (code, kind)
    assert sandbox.ledger.creates <= 1


def test_an_error_as_json_says_what_can_be_done() -> None:
    error = reelway("create", "A cat [[reset]]", *SORA, "--json").error
    assert error.keys() == {
        *("type", "message", "hint", "kind", "code", "fault"),
        *("retryable", "resubmit_safe", "billed", "ref", "go_on", "problems"),
        *("submission_id", "sent_at", "phase"),
    }
    assert (error["resubmit_safe"], error["billed"], error["ref"]) == (False, "unknown", None)
    assert error["problems"] == []


def test_an_error_as_json_lists_every_problem_by_its_field() -> None:
    error = reelway("create", "A cat", *SORA, "--duration", "99", "--seed", "1", "--json").error
    assert [one["field"] for one in error["problems"]] == ["duration", "seed"]
    assert error["problems"][0]["allowed"]
    assert all(one["message"] for one in error["problems"])


def test_an_error_for_people_lists_every_problem_and_what_to_do() -> None:
    said = reelway("create", "A cat", *SORA, "--duration", "99", "--seed", "1")
    assert said.out == ""
    assert said.err.startswith("error: The request is not valid.\n  - duration: ")
    assert "\n  - seed: " in said.err
    assert said.err.endswith("Nothing was sent.\n")


def test_a_warning_is_told_beside_the_result() -> None:
    said = reelway("create", "A cat", "--provider", "cometapi", "--model", "sora-3")
    assert said.err.startswith("warning: model: 'sora-3'")
    assert reelway("create", "A cat", "--provider", "cometapi", "--model", "sora-3", "-q").err == ""


def test_a_provider_that_cannot_be_reached_has_its_code() -> None:
    # The key is malformed on purpose: with a good one, an unreachable provider is tried for a minute.
    said = reelway("get", "some-id", "--provider", "cometapi", "--base-url", "http://127.0.0.1:9", "--json")
    assert (said.code, said.error["kind"]) == (7, "unavailable")


def generated(*arguments: str) -> Outcome:
    return reelway("generate", *arguments, *QUICK)


def test_generate_stores_the_video_and_prints_its_path(sandbox: Sandbox) -> None:
    said = generated("A cat", *SEEDANCE, "--to", "cat.mp4")
    assert (said.code, said.out) == (0, "cat.mp4\n")
    [task] = sandbox.ledger.tasks
    assert hashlib.sha256(Path("cat.mp4").read_bytes()).hexdigest() == task.sha256
    assert f"reelway1:cometapi:default::{task.task_id}  succeeded" in said.err
    assert task.sha256 in said.err


def test_generate_tells_each_change_once_and_with_the_provider_word() -> None:
    lines = generated("A cat", *SEEDANCE, "--to", "cat.mp4").err.splitlines()
    states = [line.split("  ")[-1] for line in lines if "reelway1:" in line]
    assert [state.split()[0] for state in states] == ["queued", "running", "succeeded"]
    assert states[1].endswith("% (in_progress)")
    assert states[-1] == "succeeded (completed)"


def test_generate_as_json_is_one_object(sandbox: Sandbox) -> None:
    said = generated("A cat", *SEEDANCE, "--to", "out/", "--json")
    [task] = sandbox.ledger.tasks
    assert said.err == ""
    assert said.record["path"] == f"out/{task.task_id}.mp4"
    assert (said.record["bytes"], said.record["sha256"]) == (task.size, task.sha256)
    assert (said.record["status"], said.record["artifact"]) == ("succeeded", "stored")
    assert "video_url" not in said.record


def test_generate_is_quiet_on_request() -> None:
    said = generated("A cat", *SEEDANCE, "--to", "cat.mp4", "-q")
    assert (said.out, said.err) == ("cat.mp4\n", "")


def test_generate_pays_for_nothing_that_has_no_place(sandbox: Sandbox) -> None:
    Path("cat.mp4").write_text("mine")
    said = generated("A cat", *SEEDANCE, "--to", "cat.mp4")
    assert said.code == 2
    assert "--overwrite" in said.err
    assert sandbox.ledger.creates == 0


def test_generate_replaces_a_file_on_request() -> None:
    Path("cat.mp4").write_text("mine")
    assert generated("A cat", *SEEDANCE, "--to", "cat.mp4", "--overwrite").code == 0
    assert Path("cat.mp4").read_bytes()[4:8] == b"ftyp"


def test_generate_ends_badly_with_the_job() -> None:
    said = generated("A cat [[fail:no cats]]", *SEEDANCE, "--json")
    assert said.code == 5
    assert said.error["type"] == "TaskFailed"
    assert said.error["ref"].startswith("reelway1:cometapi:default::")


def test_generate_says_how_to_go_on_after_a_wait_that_took_too_long(sandbox: Sandbox) -> None:
    said = generated("A cat [[stuck]]", *SEEDANCE, "--timeout", "0.3", "--to", "a b.mp4")
    [task] = sandbox.ledger.tasks
    ref = f"reelway1:cometapi:default::{task.task_id}"
    assert said.code == 6
    assert said.err.endswith(
        f"Go on with: reelway wait {ref} --allow-private-links --poll-every 0.1"
        f" && reelway download {ref} --allow-private-links --to 'a b.mp4'\n"
    )


def test_generate_says_how_to_go_on_after_a_download_that_failed(sandbox: Sandbox) -> None:
    Path("file").touch()
    said = generated("A cat", *SEEDANCE, "--to", "file/cat.mp4")
    [task] = sandbox.ledger.tasks
    ref = f"reelway1:cometapi:default::{task.task_id}"
    assert said.code == 8
    assert said.err.endswith(f"Go on with: reelway download {ref} --allow-private-links --to file/cat.mp4\n")


def test_generate_names_the_task_when_its_file_turns_out_to_be_there(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = generated("A cat", *SEEDANCE, "-q").out.strip()
    # The sandbox counts from one again, so the next task has the id, and the file name, of the first.
    sandbox.world.reset()
    said = generated("A cat", *SEEDANCE, "--json")
    assert said.code == 2
    assert said.error["message"] == f"{first} exists already."
    assert said.error["ref"] is not None


def test_remix_makes_a_new_task(sandbox: Sandbox) -> None:
    first = reelway("create", "A cat", *SORA, "-q").out.strip()
    assert reelway("wait", first, "--poll-every", "0.1").code == 0
    said = reelway("remix", first, "Now with a hat")
    assert said.code == 0
    assert TaskRef.parse(said.out) != TaskRef.parse(first)
    assert sandbox.ledger.jobs == 2


def test_remix_is_refused_where_the_provider_has_none() -> None:
    ref = reelway("create", "A cat", "--provider", "infinityblue", "--model", "seedance-2", "-q").out.strip()
    said = reelway("remix", ref, "Now with a hat", "--json")
    assert (said.code, said.error["type"]) == (2, "NotSupported")


@pytest.mark.parametrize("option", ["--timeout", "--poll-every"])
def test_a_time_that_is_no_number_is_refused_before_anything_is_paid(option: str, sandbox: Sandbox) -> None:
    said = reelway("generate", "A cat", *SEEDANCE, option, "nan")
    assert said.code == 2
    assert sandbox.ledger.creates == 0
