"""A file of gateways brings a provider for each table; a broken one is told with its place and hurts no other."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from reelway.errors import ConfigurationError
from reelway.provider.hookspecs import GROUP, Unusable
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry
from reelway_videos_api.gateways import gateways, path_of

GOOD = """
[east]
base_url = "https://east.example.com"
key_variable = "EAST_KEY"
words = { finished = "succeeded" }
places = { links = ["result.video", "result.url"] }

[west]
base_url = "https://west.example.com/v1"
body = "json"
fields = { first_frame = "image" }
cadence = [2, 10]
"""


def found(environ: Mapping[str, str]) -> dict[str, Provider | str]:
    """What a file gives: by name, the provider or the reason why there is none."""
    brought = gateways(environ, {"videos-api", "cometapi"})
    return {
        one.name if isinstance(one, Unusable) else one.info.name: one.problem if isinstance(one, Unusable) else one
        for one in brought
    }


def written(folder: Path, text: str | bytes) -> dict[str, str]:
    """The environment of a user who has written a file."""
    path = folder / "gateways.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {"REELWAY_GATEWAYS": str(path)}


def test_each_table_is_a_provider(tmp_path: Path) -> None:
    brought = found(written(tmp_path, GOOD))
    assert [one.info.base_url for one in brought.values() if isinstance(one, Provider)] == [
        "https://east.example.com",
        "https://west.example.com/v1",
    ]
    east = brought["east"]
    assert isinstance(east, Provider)
    assert east.info.key_variable == "EAST_KEY"
    assert "finished" in east.info.words


def test_a_broken_table_is_told_with_file_table_and_reason(tmp_path: Path) -> None:
    environ = written(tmp_path, GOOD + '[north]\nbase_url = "nowhere"\nwords = { done = "sucess" }\n')
    brought = found(environ)
    reason = brought["north"]
    assert isinstance(reason, str)
    assert reason.startswith(f"{environ['REELWAY_GATEWAYS']}, table [north]: base_url: ")
    assert "words.done: 'sucess' is no status" in reason
    assert isinstance(brought["east"], Provider)
    assert isinstance(brought["west"], Provider)


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ('version = 1\n[east]\nbase_url = "https://e.example"', "version", "is no table"),
        ('[cometapi]\nbase_url = "https://e.example"', "cometapi", "is that of an installed plugin"),
        ('[videos-api]\nbase_url = "https://e.example"', "videos-api", "is that of an installed plugin"),
        ('["My Gateway"]\nbase_url = "https://e.example"', "My Gateway", "is not of small letters"),
        ("[east]\n", "east", "base_url: is missing"),
        ('[east]\nbase_url = "https://e.example"\n[east]\n', "gateways.toml", "is no readable TOML"),
        ("[east", "gateways.toml", "is no readable TOML"),
        (b"[east]\nbase_url = '\xff'", "gateways.toml", "is no readable TOML"),
        ("a = " + "[" * 100_000, "gateways.toml", "is no readable TOML"),
    ],
)
def test_what_is_wrong_is_a_reason_and_no_failure(
    tmp_path: Path, text: str | bytes, name: str, reason: str
) -> None:
    told = found(written(tmp_path, text))[name]
    assert isinstance(told, str)
    assert str(tmp_path) in told
    assert reason in told


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.toml"
    [(name, reason)] = found({"REELWAY_GATEWAYS": str(missing)}).items()
    assert name == "nothing.toml"
    assert reason == f"{missing} cannot be read: No such file or directory."


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "reelway" / "gateways.toml").mkdir(parents=True)
    [reason] = found({"XDG_CONFIG_HOME": str(tmp_path)}).values()
    assert "cannot be read" in str(reason)


@pytest.mark.parametrize("environ", [{}, {"REELWAY_GATEWAYS": ""}, {"HOME": "/nowhere"}, {"XDG_CONFIG_HOME": ""}])
def test_without_a_file_there_are_no_gateways(environ: dict[str, str]) -> None:
    assert found(environ) == {}


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/somebody"}, "/somebody/.config/reelway/gateways.toml"),
        ({"HOME": "/somebody", "XDG_CONFIG_HOME": "/settings"}, "/settings/reelway/gateways.toml"),
        ({"HOME": "/somebody", "XDG_CONFIG_HOME": ""}, "/somebody/.config/reelway/gateways.toml"),
        ({"APPDATA": "/roaming", "HOME": "/somebody"}, "/roaming/reelway/gateways.toml"),
        ({"HOME": "/somebody", "REELWAY_GATEWAYS": "mine.toml"}, "mine.toml"),
        ({"HOME": "/somebody", "REELWAY_GATEWAYS": ""}, None),
        ({}, None),
    ],
)
def test_the_file_is_named_or_among_the_users_settings(environ: dict[str, str], path: str | None) -> None:
    assert path_of(environ) == (None if path is None else Path(path))


def test_the_file_of_the_users_settings_is_read(tmp_path: Path) -> None:
    (tmp_path / ".config" / "reelway").mkdir(parents=True)
    (tmp_path / ".config" / "reelway" / "gateways.toml").write_text(GOOD)
    assert list(found({"HOME": str(tmp_path)})) == ["east", "west"]


def test_a_file_in_the_present_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert found({"HOME": str(tmp_path / "home")}) == {}


# --- through the registry ---

PLUGIN = EntryPoint(name="videos-api", value="reelway_videos_api", group=GROUP)


def test_the_registry_has_them_beside_the_protocol_itself(tmp_path: Path) -> None:
    registry = Registry(plugins=[PLUGIN], environ=written(tmp_path, GOOD))
    assert [one.info.name for one in registry.providers] == ["east", "videos-api", "west"]
    assert registry.get("west").info.key_variable == "WEST_API_KEY"


def test_the_registry_reports_what_is_broken_and_keeps_the_rest(tmp_path: Path) -> None:
    registry = Registry(plugins=[PLUGIN], environ=written(tmp_path, GOOD + "[north]\n"))
    plugin, north = registry.load_all()
    assert (plugin.providers, plugin.problem) == (("videos-api", "east", "west"), None)
    assert north.plugin == "north"
    with pytest.raises(ConfigurationError, match=r"'north' is configured wrongly: .*base_url: is missing"):
        registry.get("north")


def test_a_broken_file_leaves_the_protocol_itself(tmp_path: Path) -> None:
    registry = Registry(plugins=[PLUGIN], environ=written(tmp_path, "[north"))
    assert [one.info.name for one in registry.providers] == ["videos-api"]
    assert [report.plugin for report in registry.load_all() if report.problem] == ["gateways.toml"]
