"""Parts are found by name: built-in ones by their module, others by one entry-point group."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of strategies: one part, one module that is none, one that cannot be imported."""
    folder = tmp_path / "some_strategies"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "all_at_once.py").write_text("PART = 'all at once'\n")
    (folder / "contract.py").write_text("class Strategy:\n    PART = None\n")
    (folder / "broken.py").write_text("import no_such_module\nPART: int = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        part_lookup, "PACKAGES", {"strategies": ("some_strategies", "not_installed")}
    )
    part_lookup._built_in_parts.cache_clear()
    yield folder
    part_lookup._built_in_parts.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "some_strategies"]:
        del sys.modules[name]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """The entry points of plug-ins, to be added to; `plugin.module` declares the part 42."""
    module = ModuleType("plugin_module")
    module.PART = 42
    monkeypatch.setitem(sys.modules, "plugin_module", module)
    entries = [EntryPoint("strategies.other", "plugin_module", part_lookup.GROUP)]
    monkeypatch.setattr(part_lookup, "entry_points", lambda group: entries)
    return entries


@pytest.mark.usefixtures("package", "plugin")
def test_a_built_in_part_is_the_module_of_its_name() -> None:
    assert part_lookup.find("strategies", "all-at-once", plugins=False) == "all at once"


@pytest.mark.usefixtures("package", "plugin")
def test_listing_imports_no_part() -> None:
    assert part_lookup.names("strategies") == ["all-at-once", "broken", "other"]
    assert part_lookup.built_in_names("strategies") == ["all-at-once", "broken"]
    assert "some_strategies.all_at_once" not in sys.modules


@pytest.mark.usefixtures("package", "plugin")
@pytest.mark.parametrize(
    "name",
    ["contract", "all_at_once", "All-at-once", "../all", "all.at", "", "os", "a" * 65, 7, None],
)
def test_what_is_no_part_is_refused(name: str) -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "part.unknown"):
        part_lookup.find("strategies", name)


@pytest.mark.usefixtures("package")
def test_a_plugin_is_imported_only_where_it_is_allowed(plugin: list[EntryPoint]) -> None:
    plugin.append(EntryPoint("strategies.absent", "no_such_module_at_all", part_lookup.GROUP))
    assert part_lookup.find("strategies", "other") == 42
    with pytest.raises(InputError, check=lambda error: error.code == "part.plugin-not-allowed"):
        part_lookup.find("strategies", "absent", plugins=False)
    with pytest.raises(ModuleNotFoundError):
        part_lookup.find("strategies", "absent")


@pytest.mark.usefixtures("package")
def test_a_plugin_replaces_no_built_in_part(plugin: list[EntryPoint]) -> None:
    plugin.append(EntryPoint("strategies.all-at-once", "plugin_module", part_lookup.GROUP))
    assert part_lookup.find("strategies", "all-at-once") == "all at once"
    found = {part.name: part.distribution for part in part_lookup.installed("strategies")}
    assert found == {"all-at-once": None, "broken": None, "other": "plugin_module"}


@pytest.mark.usefixtures("package")
def test_the_group_is_not_read_for_a_built_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def scan(group: str) -> list[EntryPoint]:
        raise AssertionError(f"the group {group} was read")

    monkeypatch.setattr(part_lookup, "entry_points", scan)
    assert part_lookup.find("strategies", "all-at-once") == "all at once"


@pytest.mark.usefixtures("package")
def test_a_plugin_without_a_part_is_refused(plugin: list[EntryPoint]) -> None:
    sys.modules["plugin_module"].PART = None
    with pytest.raises(InputError, match=r"strategies\.other names the module .* declares no PART"):
        part_lookup.find("strategies", "other")


@pytest.mark.usefixtures("plugin")
def test_parts_that_are_quick_to_import_are_asked_for_summaries_and_others_are_read(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = '"""All of\nit.\n\nIn detail."""\n\n'
    code = "class Whole:\n    summary = 'does all'\n\n\nPART = Whole\n"
    (package / "all_at_once.py").write_text(said + code)
    monkeypatch.setattr(part_lookup, "PACKAGES", {"strategies": ("some_strategies",)})
    assert part_lookup.summaries("strategies") == {"all-at-once": "All of it."}
    assert "some_strategies.all_at_once" not in sys.modules
    monkeypatch.setattr(sys.modules["some_strategies"], part_lookup.QUICK, True, raising=False)
    # One cannot be imported, and the plug-in's part says nothing of itself.
    assert part_lookup.summaries("strategies") == {"all-at-once": "does all"}
    monkeypatch.setattr(part_lookup, "PACKAGES", {"strategies": ("some_strategies", "nowhere")})
    assert part_lookup.summaries("strategies") == {"all-at-once": "All of it."}
