"""Ledgers by their URLs: those that are built in, those that plugins bring, and what goes wrong with either."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from reelway import Client, ConfigurationError, Ledger, LedgerError, PluginError, open_ledger
from reelway.ledger.records import Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.provider.hookspecs import LEDGERS
from tests.distributions import install

PASSWORD: Final = "CANARYPASSWORD"
ADDRESS: Final = f"attic://somebody:{PASSWORD}@example.com/jobs"

WORKS: Final = """
from reelway.ledger.sqlite import SqliteLedger
from reelway.provider.hookspecs import hookimpl

@hookimpl
def reelway_ledger(url):
    ledger = SqliteLedger()
    ledger.name = "attic://example.com"
    return ledger
"""

SAYS: Final = """
from reelway.errors import {0}
from reelway.provider.hookspecs import hookimpl

@hookimpl
def reelway_ledger(url):
    raise {0}({1})
"""


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REELWAY_PLUGINS", raising=False)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield tmp_path / "site"
    sys.modules.pop("invented_attic", None)


@pytest.mark.parametrize(
    ("url", "file"),
    [("sqlite:jobs.db", "jobs.db"), ("sqlite://{}/jobs.db", "jobs.db"), ("SQLite:a b.db", "a b.db")],
)
def test_a_sqlite_url_names_a_file(url: str, file: str, tmp_path: Path) -> None:
    with open_ledger(url.format(tmp_path)) as ledger:
        assert ledger.entries(Query()) == []
    assert (tmp_path / file).exists()


def test_a_ledger_in_memory_is_a_new_one_each_time() -> None:
    with open_ledger("memory:") as one, open_ledger("memory:") as other:
        assert one is not other


def test_an_open_ledger_is_taken_as_it_is() -> None:
    with SqliteLedger() as ledger:
        assert open_ledger(ledger) is ledger


@pytest.mark.parametrize(
    "url", ["jobs.db", "", "sqlite:", "sqlite::memory:", "sqlite://host/jobs.db", "memory:x", r"C:\jobs.db", "://x"]
)
def test_what_is_no_url_of_a_ledger_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_ledger(url)
    assert "memory:" in raised.value.hint


def test_a_file_that_cannot_be_made_is_trouble_of_the_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be opened"):
        open_ledger("sqlite:missing/jobs.db")


@pytest.mark.parametrize(("scheme", "says"), [("postgresql", "pip install reelway-postgres"), ("attic", "plugins")])
def test_a_scheme_that_nothing_opens_tells_what_could(
    scheme: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelway.provider.sole.entry_points", lambda group: ())
    with pytest.raises(ConfigurationError, match="memory, sqlite") as raised:
        open_ledger(f"{scheme}://somebody:{PASSWORD}@example.com/jobs")
    assert says in raised.value.hint
    assert PASSWORD not in str(raised.value)


def test_a_plugin_opens_the_urls_of_its_scheme(site: Path) -> None:
    install(site, "attic", WORKS, group=LEDGERS)
    with open_ledger(ADDRESS) as ledger:
        assert isinstance(ledger, Ledger)
        assert ledger.name == "attic://example.com"


@pytest.mark.parametrize(
    "source",
    [
        "raise SystemExit('I would rather not')",
        "import nothing_of_that_name",
        "x = 1",
        WORKS.replace("reelway_ledger(", "reelway_legder("),
        WORKS.replace("return ledger", "return 'ledger'"),
        SAYS.format("ReelwayError", "f'no way to {url}'").replace("ReelwayError(", "ValueError("),
    ],
)
def test_a_broken_plugin_is_named_and_hurts_nobody_else(site: Path, source: str) -> None:
    install(site, "attic", source, group=LEDGERS)
    with pytest.raises(PluginError, match="reelway-attic") as raised:
        open_ledger(ADDRESS)
    assert "report it" in raised.value.hint
    assert_no_password_in(raised.value)
    open_ledger("memory:").close()


def test_what_a_plugin_says_about_its_ledger_is_passed_on(site: Path) -> None:
    install(site, "attic", SAYS.format("LedgerError", "'The server is down.'"), group=LEDGERS)
    with pytest.raises(LedgerError, match="The server is down") as raised:
        Client("cometapi", api_key="any", ledger=ADDRESS)
    assert_no_password_in(raised.value)


def test_of_two_plugins_for_one_scheme_neither_is_taken(site: Path) -> None:
    install(site, "attic", WORKS, group=LEDGERS)
    install(site, "loft", WORKS, group=LEDGERS)
    described = site / "reelway_loft-1.0.dist-info" / "entry_points.txt"
    described.write_text(f"[{LEDGERS}]\nattic = invented_loft\n", encoding="utf-8")
    with pytest.raises(PluginError, match="reelway-attic and reelway-loft"):
        open_ledger(ADDRESS)


def test_a_plugin_that_may_not_be_loaded_is_not(site: Path) -> None:
    install(site, "attic", "raise SystemExit", group=LEDGERS)
    with pytest.raises(ConfigurationError, match="may not be loaded"):
        open_ledger(ADDRESS, environ={"REELWAY_PLUGINS": "cometapi"})


def assert_no_password_in(error: BaseException) -> None:
    """Neither what is said nor the locals of any frame of ours that it passed hold the password."""
    ours = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours.stack[:] = [frame for frame in ours.stack if "tests" not in frame.filename]
    assert PASSWORD not in "".join(ours.format())
