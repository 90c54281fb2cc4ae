"""A client that is forked while another thread uses it serves the new process as well."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from typing import Final

import pytest

from reelway.locks import ForkSafeLock

FORKED_MEANWHILE: Final = """
    import importlib, os, signal, sys, threading, warnings
    from reelway import Account, Client, WaitTimeout

    warnings.simplefilter("ignore")
    module, name = sys.argv[1].split(":")
    owner, inside = importlib.import_module(module), threading.Event()
    real = getattr(owner, name)

    def hang(*arguments, **options):
        if threading.current_thread() is not threading.main_thread():
            inside.set()
            threading.Event().wait()
        return real(*arguments, **options)

    def ask():
        try:
            client.wait("task-1", timeout=0.05)
        except WaitTimeout:
            os._exit(0)

    setattr(owner, name, hang)
    client = Client(Account("cometapi", api_key="sk-SECRETKEY", base_url="http://127.0.0.1:9"))
    threading.Thread(target=ask, daemon=True).start()
    assert inside.wait(20)
    child = os.fork()
    if not child:
        signal.alarm(10)
        ask()
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.parametrize(
    "hanging", ["reelway.transport.http:tls_context", "reelway.account:reserve", "reelway.ages:since_when"]
)
def test_a_fork_waits_for_no_thread_of_its_parent(hanging: str) -> None:
    program = [sys.executable, "-c", textwrap.dedent(FORKED_MEANWHILE), hanging]
    ended = subprocess.run(program, timeout=60, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_lock_that_was_held_in_another_process_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, through = ForkSafeLock(), threading.Event()

    def pass_through() -> None:
        with lock:
            through.set()

    with lock:
        threading.Thread(target=pass_through, daemon=True).start()
        assert not through.wait(0.01)
        with monkeypatch.context() as patched:
            patched.setattr(os, "getpid", lambda: -1)
            pass_through()
            assert through.is_set()
