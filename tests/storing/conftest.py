"""What tests of places share: an S3 on loopback, and a spool of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reelway.storing.objects import SPOOL
from tests.storing.s3 import LocalS3


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    monkeypatch.setenv(SPOOL, str(folder))
    return folder


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, spool: Path) -> Iterator[LocalS3]:
    with LocalS3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
