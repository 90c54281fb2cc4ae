"""A broken plugin becomes a report and hurts nobody else."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from reelway.errors import ConfigurationError, PluginError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Observation
from reelway.model.request import VideoRequest
from reelway.provider.hookspecs import GROUP
from reelway.provider.interface import INTERFACE_VERSION, Cadence, Provider, ProviderInfo
from reelway.provider.models import Catalog, ModelSpec
from reelway.provider.registry import Registry


class Minimal(Provider):
    """As little as a provider can be; what plugins in these tests bring."""

    models = Catalog((), fallback=ModelSpec(name="*", form="plain"))

    def __init__(self, name: str, *, interface: int = INTERFACE_VERSION) -> None:
        self.info = ProviderInfo(
            name=name,
            title=name.title(),
            base_url=f"https://api.{name}.example",
            key_variable=f"{name.upper()}_API_KEY",
            docs_url=f"https://docs.{name}.example",
            words={},
            cadence=Cadence(5, 10),
            interface=interface,
        )

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        raise NotImplementedError

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        raise NotImplementedError

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        raise NotImplementedError

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        raise NotImplementedError


HEAD = """
from reelway.provider.hookspecs import Unusable, hookimpl
from tests.provider.test_registry import Minimal
"""


def hook(does: str) -> str:
    return f"@hookimpl\ndef reelway_providers():\n    {does}\n"


Install = Callable[..., EntryPoint]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write a plugin's module and give its entry point."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str | None = None, *, module: str | None = None) -> EntryPoint:
        module = module or f"plugin_{name}"
        source = HEAD + (source or hook(f"return [Minimal({name!r})]"))
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        return EntryPoint(name=name, value=module, group=GROUP)

    yield write
    for module in set(sys.modules) - before:
        if module.startswith("plugin_"):
            del sys.modules[module]


HALF = "class Half(Minimal):\n    def __init__(self): pass\n"

BROKEN = {
    "an import error": ("import nobody_has_this", "ModuleNotFoundError: No module named 'nobody_has_this'"),
    "a syntax error": ("def broken(:", "SyntaxError:"),
    "an error at import": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "an error without a message": ("raise RuntimeError", "RuntimeError: no message"),
    "an error that cannot be shown": (
        "class Bad(Exception):\n    def __str__(self): raise OSError\nraise Bad",
        "Bad: no message",
    ),
    "an error of the gravest kind": ("class Out(BaseException): pass\nraise Out('of here')", "Out: of here"),
    "an exit at import": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "a misspelt hook": (hook("return []").replace("rs()", "r()"), "unknown hook 'reelway_provider'"),
    "a hook with an argument nobody gives": (hook("return []").replace("()", "(registry)"), "{'registry'}"),
    "a hook without its mark": (hook("return [Minimal('bad')]").replace("@hookimpl", ""), "brings no provider"),
    "a hook that fails": (hook("return 1 / 0"), "ZeroDivisionError:"),
    "a hook that gives nothing": (hook("pass"), "It brings no provider"),
    "a hook that gives an empty list": (hook("return []"), "It brings no provider"),
    "a hook that gives no list": (hook("return Minimal('bad')"), "TypeError:"),
    "a hook that gives junk": (hook("return ['bad']"), "reelway_providers() gave a str, which is no Provider."),
    "a hook that gives the class": (hook("return [Minimal]"), "which is no Provider."),
    "a provider that is not complete": (HALF + hook("return [Half()]"), "AttributeError:"),
    "another interface": (
        hook("return [Minimal('bad', interface=99)]"),
        "'bad' was written for interface 99; this Reelway has 1.",
    ),
    "a taken name": (
        hook("return [Minimal('acme')]"),
        "The provider name 'acme' is taken by an unknown distribution.",
    ),
}
"""What a plugin may do wrong: its source, and a part of the reason in its report."""


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_a_report_with_the_reason(kind: str, install: Install) -> None:
    source, reason = BROKEN[kind]
    registry = Registry(plugins=[install("acme"), install("bad", source), install("zeta")])
    good, bad, other = registry.load_all()
    assert (bad.plugin, bad.providers) == ("bad", ())
    assert reason in (bad.problem or "")
    assert (good.problem, other.problem) == (None, None)


def test_a_plugin_that_names_no_interface_was_written_for_the_first() -> None:
    assert msgspec.structs.fields(ProviderInfo)[-1].encode_name == "interface"
    assert msgspec.structs.fields(ProviderInfo)[-1].default == 1


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_hurts_nobody_else(kind: str, install: Install) -> None:
    registry = Registry(plugins=[install("acme"), install("bad", BROKEN[kind][0]), install("zeta")])
    assert [provider.info.name for provider in registry.providers] == ["acme", "zeta"]
    assert registry.get("zeta").info.name == "zeta"


@pytest.mark.parametrize("kind", BROKEN)
def test_asking_for_a_broken_plugin_says_what_is_wrong_with_it(kind: str, install: Install) -> None:
    source, reason = BROKEN[kind]
    registry = Registry(plugins=[install("acme"), install("bad", source)])
    registry.get("acme")
    with pytest.raises(PluginError, match="The plugin for 'bad'") as caught:
        registry.get("bad")
    assert reason in str(caught.value)
    assert "Reinstall it" in str(caught.value)


def test_a_keyboard_interrupt_is_no_plugins_fault(install: Install) -> None:
    registry = Registry(plugins=[install("acme", "raise KeyboardInterrupt")])
    with pytest.raises(KeyboardInterrupt):
        registry.load_all()


def test_what_a_plugin_brought_before_it_failed_is_reported_and_stays(install: Install) -> None:
    both = hook("return [Minimal('one'), Minimal('acme')]")
    registry = Registry(plugins=[install("acme"), install("both", both)])
    _, report = registry.load_all()
    assert (report.providers, report.problem is None) == (("one",), False)
    assert registry.get("one").info.name == "one"


CONFIGURED = """
@hookimpl
def reelway_providers(environ):
    yield Minimal("acme")
    for name in environ.get("REELWAY_MORE", "").split():
        yield Unusable(name, f"REELWAY_MORE: {name} is odd.") if "odd" in name else Minimal(name)
"""


def test_a_plugin_may_bring_what_the_user_configures(install: Install) -> None:
    registry = Registry(plugins=[install("acme", CONFIGURED)], environ={"REELWAY_MORE": "east west"})
    assert [provider.info.name for provider in registry.providers] == ["acme", "east", "west"]
    assert registry.get("east").info.name == "east"


def test_without_an_environment_nothing_is_configured(install: Install) -> None:
    assert [one.info.name for one in Registry(plugins=[install("acme", CONFIGURED)]).providers] == ["acme"]


NOSY = """
@hookimpl
def reelway_providers(environ):
    return [Minimal("-".join(sorted(environ)).lower()), *map(Minimal, environ.values())]
"""


def test_a_plugin_is_handed_settings_and_no_key(install: Install) -> None:
    settings = {"REELWAY_GATEWAYS": "a", "XDG_CONFIG_HOME": "b", "APPDATA": "c", "HOME": "d"}
    keys = {"OPENAI_API_KEY": "k", "COMETAPI_KEY": "k", "MY_REELWAY_KEY": "k", "reelway_key": "k", "PATH": "k"}
    registry = Registry(plugins=[install("acme", NOSY)], environ=settings | keys)
    [report] = registry.load_all()
    assert report.providers == ("appdata-home-reelway_gateways-xdg_config_home", "a", "b", "c", "d")


def test_a_provider_that_is_configured_wrongly_is_a_report_of_its_own(install: Install) -> None:
    registry = Registry(plugins=[install("acme", CONFIGURED)], environ={"REELWAY_MORE": "odd east odder"})
    plugin, *wrong = registry.load_all()
    assert (plugin.providers, plugin.problem, plugin.error) == (("acme", "east"), None, None)
    assert [report.plugin for report in wrong] == ["odd", "odder"]
    assert [report.problem for report in wrong] == ["REELWAY_MORE: odd is odd.", "REELWAY_MORE: odder is odd."]


def test_asking_for_what_is_configured_wrongly_is_the_callers_mistake(install: Install) -> None:
    registry = Registry(plugins=[install("acme", CONFIGURED)], environ={"REELWAY_MORE": "odd"})
    with pytest.raises(ConfigurationError) as caught:
        registry.get("odd")
    assert str(caught.value) == "The provider 'odd' is configured wrongly: REELWAY_MORE: odd is odd."
    assert registry.get("acme").info.name == "acme"


def test_two_plugins_of_one_name_both_get_a_report(install: Install) -> None:
    registry = Registry(plugins=[install("acme"), install("acme", module="plugin_other")])
    first, second = registry.load_all()
    assert (first.providers, first.problem) == (("acme",), None)
    assert "taken" in (second.problem or "")
    assert registry.get("acme") is registry.providers[0]


def test_a_provider_that_is_there_already_keeps_its_name(install: Install) -> None:
    ours = Minimal("acme")
    registry = Registry([ours], plugins=[install("acme")])
    [report] = registry.load_all()
    assert report.problem == "The provider name 'acme' is taken by the program itself."
    assert registry.get("acme") is ours


def test_a_plugin_is_imported_when_its_provider_is_first_asked_for(install: Install) -> None:
    registry = Registry(plugins=[install("acme"), install("zeta")])
    assert not {"plugin_acme", "plugin_zeta"} & set(sys.modules)
    acme = registry.get("acme")
    assert "plugin_acme" in sys.modules
    assert "plugin_zeta" not in sys.modules
    assert registry.get("acme") is acme


def test_a_provider_may_have_another_name_than_its_plugin(install: Install) -> None:
    registry = Registry(plugins=[install("bundle", hook("return [Minimal('neu')]"))])
    assert registry.get("neu").info.name == "neu"


def test_a_plugin_is_loaded_once(install: Install) -> None:
    registry = Registry(plugins=[install("acme")])
    assert registry.load_all() == registry.load_all()
    assert registry.providers == registry.providers


def test_a_provider_nobody_brings_is_the_callers_mistake(install: Install) -> None:
    registry = Registry(plugins=[install("acme"), install("zeta")])
    with pytest.raises(ConfigurationError) as caught:
        registry.get("beta")
    assert caught.value.message == "There is no provider 'beta'; installed: acme, zeta."
    assert "called reelway-beta" in caught.value.hint


@pytest.mark.parametrize("typed", ["acmee", "Acme", "ACME", "acm"])
def test_a_mistyped_name_leads_to_the_provider_and_to_no_package(typed: str, install: Install) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Registry(plugins=[install("acme")]).get(typed)
    assert caught.value.hint == "Did you mean 'acme'?"


def test_no_plugin_at_all_is_said_as_such() -> None:
    with pytest.raises(ConfigurationError, match="installed: none"):
        Registry().get("acme")


def test_registries_share_nothing(install: Install) -> None:
    plugin = install("acme")
    one, other = Registry(plugins=[plugin]), Registry()
    one.load_all()
    assert other.providers == ()


# Distributions that are really installed.


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Install) -> None:
    """Two more distributions, found as any other is."""
    for name in ("acme", "zeta"):
        plugin = install(name)
        folder = tmp_path / f"reelway_{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: reelway-{name}\nVersion: 1.0\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {plugin.value}\n", encoding="utf-8")


@pytest.mark.usefixtures("on_path")
def test_installed_plugins_are_found_without_being_named() -> None:
    registry = Registry.installed({})
    reports = {report.plugin: report for report in registry.load_all()}
    assert reports["acme"].distribution == "reelway-acme"
    assert {"acme", "zeta"} <= {provider.info.name for provider in registry.providers}


@pytest.mark.usefixtures("on_path")
def test_a_distribution_whose_metadata_nobody_can_read_hurts_nobody(tmp_path: Path) -> None:
    (tmp_path / "reelway_acme-1.0.dist-info" / "METADATA").write_bytes(b"Name: \xff\xfe\n")
    reports = {report.plugin: report for report in Registry.installed({}).load_all()}
    assert (reports["acme"].distribution, reports["acme"].providers) == ("an unknown distribution", ("acme",))
    assert (reports["zeta"].distribution, reports["zeta"].problem) == ("reelway-zeta", None)


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize(
    ("limit", "loaded"),
    [("acme", ["acme"]), (" zeta , acme ", ["acme", "zeta"]), ("zeta,,", ["zeta"]), ("nobody", [])],
)
def test_the_environment_can_limit_what_is_loaded(limit: str, loaded: list[str]) -> None:
    registry = Registry.installed({"REELWAY_PLUGINS": limit})
    assert [provider.info.name for provider in registry.providers] == loaded


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("limit", ["", " ", ","])
def test_an_empty_limit_is_none(limit: str) -> None:
    assert len(Registry.installed({"REELWAY_PLUGINS": limit}).providers) >= 2


def test_every_provider_of_this_checkout_loads() -> None:
    assert [report for report in Registry.installed({}).load_all() if report.problem] == []
