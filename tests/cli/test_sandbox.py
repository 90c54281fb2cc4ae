from __future__ import annotations

import json
import shlex
from typing import Any

import httpx
import pytest

from reelway.sandbox import CATALOG
from tests.cli.command import finished, python, reelway, started


def test_the_faults_are_listed() -> None:
    shown = reelway("sandbox", "--list-faults").out
    assert all(f"[[{fault.name}]]" in shown for fault in CATALOG)
    assert [record["name"] for record in reelway("sandbox", "--list-faults", "--json").records] == [
        fault.name for fault in CATALOG
    ]


def test_the_sandbox_tells_how_to_use_it_and_what_it_saw() -> None:
    process = started("sandbox", "--json", "--job-seconds", "0")
    try:
        assert process.stdout is not None
        offered: dict[str, Any] = json.loads(process.stdout.readline())
        comet = offered["providers"]["cometapi"]
        _, *arguments = shlex.split(comet["example"])
        made = finished(started(*arguments, "-q", environ=comet["environment"]))
        assert (made.code, made.err) == (0, "")
        ledger = httpx.get(offered["ledger"]).json()
        assert (ledger["creates"], ledger["jobs"]) == (1, 1)
    finally:
        process.kill()
        process.communicate()


def test_people_are_told_the_variables_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    said = reelway("sandbox")
    assert said.code == 0
    assert "COMETAPI_BASE_URL=http://127.0.0.1:" in said.out
    assert "COMETAPI_KEY=sandbox" in said.out
    assert "reelway generate 'A paper boat at dawn' --provider cometapi" in said.out
    assert "/-/ledger" in said.out


def test_a_port_that_is_taken_is_wrong_use(sandbox: Any) -> None:
    port = sandbox.url.rpartition(":")[2]
    said = reelway("sandbox", "--port", port)
    assert said.code == 2
    assert port in said.err


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_without_its_library_the_sandbox_says_how_to_get_it(command: str) -> None:
    ended = python(
        f"import sys; sys.modules['h11'] = None; sys.argv[1:] = ['{command}']\nimport reelway.cli as c; c.main()"
    )
    assert ended.code == 2
    assert 'python -m pip install "reelway[cli]"' in ended.err
