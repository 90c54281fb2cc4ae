"""A Django project that is as the manual says finds the jobs, hands one in and does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reelway.ledger.records import Query
from reelway.sandbox import Sandbox
from reelway_postgres import PostgresLedger
from tests.docs.pages import DOCS, blocks
from tests.postgres_server import Server

SETTINGS = """
import os

INSTALLED_APPS = ["procrastinate.contrib.django", "films"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DATABASE_HOST"],
        "NAME": "postgres",
        "USER": "postgres",
    }
}
SECRET_KEY = "not one"
REELWAY_LEDGER = os.environ["LEDGER"]
USE_TZ = True
"""

USE = """
import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from procrastinate.contrib.django import app

assert {"reelway:sweep", "reelway:submit", "reelway:store", "reelway:recover"} <= app.tasks.keys()
request = {"prompt": "A cat", "model": "seedance-2"}
app.configure_task("reelway:submit").defer(request=request, idempotency_key="order-17")
call_command("procrastinate", "worker", "--one-shot", "--queues", "reelway")
"""


@pytest.mark.skipif(os.name == "nt", reason="the server of the tests has no socket there that Django could use")
def test_a_project_hands_in_a_job_and_does_it(server: Server, url: str, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    [shown] = [block for block in blocks(DOCS / "engines.md") if block.file]
    files = {"settings.py": SETTINGS, "films/__init__.py": "", str(shown.file): shown.text, "use.py": USE}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings",
        "DATABASE_HOST": str(server.folder),
        "LEDGER": url,
        "COMETAPI_KEY": "k",
        "COMETAPI_BASE_URL": sandbox.base_url("cometapi"),
    }
    subprocess.run([sys.executable, "use.py"], cwd=tmp_path, env=environ, check=True, timeout=60)
    assert (sandbox.ledger.creates, sandbox.ledger.jobs) == (1, 1)
    with PostgresLedger(url) as ledger:
        [entry] = ledger.entries(Query())
    assert entry.submission
    assert entry.submission.idempotency_key == "order-17"
