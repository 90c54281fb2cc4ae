from __future__ import annotations

import json
import os
import re
import signal

import pytest

from reelway.cli.exit_codes import ExitCode
from reelway.sandbox import Sandbox
from tests.cli.command import Outcome, finished, python, reelway, started, until
from tests.cli.test_tasks import created

pytestmark = [
    pytest.mark.usefixtures("keys"),
    pytest.mark.skipif(os.name == "nt", reason="a process cannot be sent Ctrl-C there"),
]

QUICK = ("--poll-every", "0.1")


def polled(sandbox: Sandbox) -> bool:
    return all(task.polls > 2 for task in sandbox.ledger.tasks)


def test_a_wait_that_is_interrupted_tells_how_to_go_on(sandbox: Sandbox) -> None:
    refs = [created("[[stuck]]"), created("[[stuck]]")]
    process = started("wait", *refs, *QUICK)
    until(lambda: polled(sandbox))
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert (ended.code, ended.out) == (130, "")
    said = ended.err.partition("Interrupted")[2].splitlines()
    assert [line.strip() for line in said[1:3]] == refs
    assert said[3].strip() == f"Go on with: reelway wait {' '.join(refs)} --poll-every 0.1"
    assert len(said) == 4


def test_only_what_has_not_ended_is_told(sandbox: Sandbox) -> None:
    stuck, good = created("[[stuck]]"), created()
    process = started("wait", stuck, good, *QUICK)
    until(lambda: sandbox.ledger.task(stuck.rpartition(":")[2]).polls > 6)
    process.send_signal(signal.SIGINT)
    told = finished(process).err.partition("Interrupted")[2]
    assert stuck in told
    assert good not in told


def test_an_interrupted_wait_as_json_is_an_error_with_the_reference(sandbox: Sandbox) -> None:
    ref = created("[[stuck]]")
    process = started("wait", ref, *QUICK, "--json")
    until(lambda: polled(sandbox))
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert (ended.code, ended.err) == (130, "")
    assert (ended.error["type"], ended.error["ref"]) == ("Interrupted", ref)
    assert f"reelway wait {ref}" in ended.error["hint"]


def test_an_interrupted_generate_names_the_task_and_both_steps(sandbox: Sandbox) -> None:
    options = ("--provider", "cometapi", "--model", "seedance-2", "--to", "cat.mp4", "--quiet")
    process = started("generate", "A cat [[stuck]]", *options, *QUICK)
    until(lambda: bool(sandbox.ledger.tasks) and polled(sandbox))
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    ref = f"reelway1:cometapi:default::{sandbox.ledger.tasks[0].task_id}"
    assert (ended.code, ended.out) == (130, "")
    assert f"reelway wait {ref} --poll-every 0.1 && reelway download {ref} --to cat.mp4" in ended.err


def test_an_interrupted_create_says_how_to_settle_it(sandbox: Sandbox) -> None:
    ledger = ("--ledger", "sqlite:jobs.db")
    process = started("create", "A cat [[silence]]", "--provider", "cometapi", "--model", "seedance-2", *ledger)
    until(lambda: sandbox.ledger.creates > 0)
    process.send_signal(signal.SIGINT)
    said = finished(process).err
    [adopt] = re.findall(r"If it is there: (reelway adopt \S+ TASK-ID) --ledger sqlite:jobs.db; ", said)
    [abandon] = re.findall(r"if not: reelway (abandon \S+ --ledger \S+)", said)
    assert adopt.split()[2] == abandon.split()[1]
    assert reelway(*abandon.split()).code == 0


def test_an_interrupted_create_that_nothing_remembers_names_no_command(sandbox: Sandbox) -> None:
    wish = ("--provider", "cometapi", "--model", "seedance-2", "--ledger", "none")
    process = started("create", "A cat [[silence]]", *wish)
    until(lambda: sandbox.ledger.creates > 0)
    process.send_signal(signal.SIGINT)
    assert "reelway adopt" not in finished(process).err


def test_ctrl_c_before_a_command_has_begun_ends_without_a_traceback() -> None:
    ended = python(
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'reelway.cli.app': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "import reelway.cli as c; c.main()"
    )
    assert ended == Outcome(ExitCode.INTERRUPTED, "", "")


@pytest.mark.parametrize("command", ["create", "generate"])
def test_an_interrupted_create_says_that_a_task_may_exist(sandbox: Sandbox, command: str) -> None:
    process = started(command, "A cat [[silence]]", "--provider", "cometapi", "--model", "seedance-2", "--json")
    until(lambda: sandbox.ledger.creates > 0)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "may exist and be billed" in ended.error["message"]
    assert (ended.error["resubmit_safe"], ended.error["billed"]) == (False, "unknown")
    assert sandbox.ledger.creates == 1


def test_the_sandbox_ends_well_with_an_interrupt() -> None:
    process = started("sandbox", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["url"].startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
