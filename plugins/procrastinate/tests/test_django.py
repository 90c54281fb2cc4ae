"""A Django project finds the jobs of Reelway in its own Procrastinate, hands one in and does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reelway.ledger.records import Query
from reelway.sandbox import Sandbox
from reelway_postgres import PostgresLedger
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
USE_TZ = True
"""

TASKS = """
import os

from procrastinate.contrib.django import app

from reelway.engines import EngineWork
from reelway_procrastinate import blueprint

app.add_tasks_from(blueprint(EngineWork(os.environ["LEDGER"], "cometapi")), namespace="reelway")
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
    for name, text in {"settings": SETTINGS, "films/__init__": "", "films/tasks": TASKS, "use": USE}.items():
        (tmp_path / f"{name}.py").write_text(text)
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
