"""The command remembers: what was paid for is listed, gone on with and settled, whoever made it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from reelway.cli.state import default_file
from reelway.model.task import TaskRef
from reelway.sandbox import Sandbox
from tests.cli.command import at_a_terminal, reelway
from tests.cli.test_tasks import LINKED, QUICK, created

pytestmark = pytest.mark.usefixtures("keys")

DOUBTFUL = ("create", "A cat [[create-500]]", *LINKED)


def listed(*options: str) -> list[dict[str, Any]]:
    said = reelway("list", "--json", *options)
    assert said.code == 0
    return said.records


def doubtful(*options: str) -> str:
    """The id of a submission in doubt."""
    said = reelway(*DOUBTFUL, *options, "--json")
    assert said.code == 4
    return str(said.error["submission_id"])


# --- where ---


def test_the_ledger_is_the_users_alone(tmp_path: Path) -> None:
    created()
    file = tmp_path / "state" / "reelway" / "jobs.db"
    assert file.exists()
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("platform", "environ", "file"),
    [
        ("linux", {}, "~/.local/state/reelway/jobs.db"),
        ("linux", {"XDG_STATE_HOME": "relative"}, "~/.local/state/reelway/jobs.db"),
        ("darwin", {}, "~/Library/Application Support/reelway/jobs.db"),
        ("win32", {}, "~/AppData/Local/reelway/jobs.db"),
    ],
)
def test_each_platform_has_its_place(platform: str, environ: dict[str, str], file: str) -> None:
    assert default_file(environ, platform) == Path(file).expanduser()


@pytest.mark.parametrize(("platform", "variable"), [("linux", "XDG_STATE_HOME"), ("win32", "LOCALAPPDATA")])
def test_the_environment_may_name_another_place(platform: str, variable: str, tmp_path: Path) -> None:
    assert default_file({variable: str(tmp_path)}, platform) == tmp_path / "reelway" / "jobs.db"


def test_another_ledger_is_named_by_an_option_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    ref = created("A cat", *LINKED, "--ledger", "sqlite:mine.db")
    assert listed() == []
    assert [one["ref"] for one in listed("--ledger", "sqlite:mine.db")] == [ref]
    monkeypatch.setenv("REELWAY_LEDGER", "sqlite:mine.db")
    assert [one["ref"] for one in listed()] == [ref]


def test_whoever_looks_into_a_ledger_that_is_not_there_makes_none(tmp_path: Path) -> None:
    said = reelway("list", "--ledger", "sqlite:mien.db")
    assert (said.code, said.out) == (2, "")
    assert "There is no ledger sqlite:mien.db" in said.err
    assert not (tmp_path / "mien.db").exists()


def test_nothing_is_remembered_on_request(tmp_path: Path) -> None:
    created("A cat", *LINKED, "--ledger", "none")
    assert not (tmp_path / "state").exists()
    assert reelway("list", "--ledger", "none").code == 2
    assert reelway("wait", "--ledger", "none").code == 2


def test_a_ledger_that_cannot_be_opened_stops_a_create_and_names_the_ways_out(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("no folder")
    said = reelway("create", "A cat", *LINKED, "--json")
    assert said.code == 10
    assert "--ledger none" in said.error["hint"]
    assert sandbox.ledger.creates == 0


# --- list ---


def test_jobs_are_listed_newest_first_and_plain_through_a_pipe() -> None:
    first, second = created("A cat", *LINKED, "--label", "cats"), created()
    assert reelway("list").out == f"{second}\tqueued\tnone\t\n{first}\tqueued\tnone\tcats\n"


def test_the_list_is_sifted() -> None:
    cats, dogs = created("A cat", *LINKED, "--label", "cats"), created()
    assert reelway("wait", dogs, *QUICK, "-q").code == 0

    def refs(*options: str) -> list[str]:
        return [one["ref"] for one in listed(*options)]

    assert refs("--label", "cats") == refs("--status", "queued") == [cats]
    assert refs("--artifact", "available") == refs("--limit", "1") == [dogs]
    assert refs("--provider", "infinityblue") == []
    assert refs("--unfinished") == [dogs, cats]


def test_a_listed_job_says_all_but_its_links() -> None:
    created("A cat", *LINKED, "--label", "cats")
    [one] = listed()
    assert (one["submission"], one["in_doubt"], one["label"], one["results"]) == ("accepted", False, "cats", [])
    assert one["task"]["status"] == "queued"
    assert "video_url" not in one["task"]


@pytest.mark.skipif(os.name == "nt", reason="no terminals of this kind there")
def test_people_see_a_table_and_what_to_do() -> None:
    submission = doubtful()
    shown = at_a_terminal("list")
    assert submission in shown
    assert "in doubt, cometapi (default), 20" in " ".join(shown.split())
    assert "reelway adopt" in shown


# --- one wish ---


def test_a_key_gives_the_same_task_again(sandbox: Sandbox) -> None:
    first, again = (created("A cat", *LINKED, "--idempotency-key", "order 7") for _ in range(2))
    assert first == again
    assert sandbox.ledger.creates == 1


# --- what is in doubt ---


def test_a_create_in_doubt_tells_how_to_find_out_and_go_on() -> None:
    error = reelway(*DOUBTFUL, "--json").error
    [one] = listed()
    assert (error["submission_id"], error["phase"]) == (one["submission_id"], "RECEIVING")
    assert error["sent_at"].endswith("Z")
    assert error["go_on"] == f"reelway adopt {one['submission_id']} TASK-ID"
    said = reelway(*DOUBTFUL, "--ledger", "sqlite:mine.db")
    [other] = listed("--ledger", "sqlite:mine.db")
    assert f"Go on with: reelway adopt {other['submission_id']} TASK-ID --ledger sqlite:mine.db" in said.err


def test_a_submission_in_doubt_is_adopted_and_followed(sandbox: Sandbox) -> None:
    submission = doubtful()
    [task] = sandbox.ledger.tasks
    said = reelway("adopt", submission, task.task_id)
    assert said.code == 0
    ref = TaskRef.parse(said.out)
    assert said.err == f"Follow it with: reelway wait {ref}\n"
    assert reelway("wait", *QUICK).out.startswith(f"{ref} succeeded")


def test_a_submission_in_doubt_is_abandoned_and_its_key_is_free(sandbox: Sandbox) -> None:
    submission = doubtful("--idempotency-key", "order 7")
    assert reelway(*DOUBTFUL, "--idempotency-key", "order 7").code == 4
    assert reelway("abandon", submission).code == 0
    assert reelway("create", "A cat", *LINKED, "--idempotency-key", "order 7").code == 0
    assert sandbox.ledger.creates == 2


def test_a_submission_in_doubt_is_replaced_by_name(sandbox: Sandbox) -> None:
    submission = doubtful()
    assert reelway("create", "A cat", *LINKED, "--replaces", submission).code == 0
    assert [one["submission"] for one in listed()] == ["accepted", "abandoned"]
    assert reelway("abandon", "nobody").code == 2


# --- going on ---


def test_wait_and_download_go_on_with_all_that_is_unfinished(sandbox: Sandbox) -> None:
    refs = [created(), created("A dog")]
    assert sorted(line.split()[0] for line in reelway("wait", *QUICK).out.splitlines()) == sorted(refs)
    said = reelway("download", "--to", "videos", "--allow-private-links")
    assert (said.code, len(said.out.splitlines())) == (0, 2)
    assert {one["task"]["artifact"] for one in listed()} == {"stored"}
    assert all(Path(result["path"]).exists() for one in listed() for result in one["results"])
    assert [reelway(command).out for command in ("wait", "download")] == ["", ""]


def test_jobs_whose_key_is_missing_are_told_and_hold_up_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = created("A cat", "--provider", "infinityblue", "--model", "seedance-2")
    ours = created()
    monkeypatch.delenv("INFINITYBLUE_API_KEY")
    said = reelway("wait", *QUICK)
    assert (said.code, said.out.split()[0]) == (2, ours)
    assert "INFINITYBLUE_API_KEY" in said.err
    assert theirs not in said.out


def test_what_another_command_needs_to_find_the_job_is_told() -> None:
    said = reelway("create", "A cat", *LINKED, "--ledger", "sqlite:mine.db")
    assert said.err.endswith("--ledger sqlite:mine.db\n")


# --- doctor ---


def found(subject: str) -> tuple[str, str]:
    [one] = [one for one in reelway("doctor", "--json").records if one["subject"] == subject]
    return one["state"], one["detail"]


def test_doctor_tells_of_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "none yet" in found("ledger")[1]
    submission = doubtful()
    assert found("ledger")[0] == "ok"
    assert found("ledger")[1].endswith("1 unfinished")
    assert submission in found("submissions in doubt")[1]
    monkeypatch.setenv("REELWAY_LEDGER", "none")
    assert found("ledger")[0] == "hint"
    Path("text.db").write_text("no database")
    monkeypatch.setenv("REELWAY_LEDGER", "sqlite:text.db")
    assert found("ledger")[0] == "broken"


def test_an_id_that_nobody_knows_is_no_job() -> None:
    assert reelway("get", "task_none", "-p", "cometapi").code == 3
    assert listed() == []
    ref = created()
    assert reelway("get", ref).code == 0
    assert [entry["ref"] for entry in listed()] == [ref]
