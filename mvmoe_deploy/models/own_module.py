"""A user's own routed model, named on the command line: `package.module:factory`.

The factory is Python code of the user and is run: it is named by the person who starts the command,
never by a file. What is called may be a function without arguments or a class; an attribute that is
a module already is taken as it is.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.text import quoted

_EXPECTED = "expected package.module:factory or file.py:factory"


def make_own_module(spec: str) -> nn.Module:
    """The module that the factory `spec` gives.

    Of `package.module:factory` the package is looked for in the current directory too, of
    `file.py:factory` what the file imports is looked for beside it. Raises InputError for a spec of
    another form, a file, module or attribute that does not exist, code that raises, and a factory
    that gives no `torch.nn.Module`.
    """
    place, separator, attribute = spec.rpartition(":")
    if not separator or not place or not attribute:
        raise InputError(
            f"the model was given as {quoted(spec)}; {_EXPECTED}",
            code="input.option",
            name="model",
            given=spec,
            expected="a factory",
        )
    module = _from_file(Path(place)) if place.endswith(".py") else _from_package(place)
    factory = _attribute(module, attribute, place)
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        raise InputError(
            f"{spec} is of the type {type(factory).__name__}; expected a function without "
            "arguments that gives the model, or a torch.nn.Module",
            code="input.option",
            name="model",
            given=spec,
            expected="a function",
        )
    with user_code(f"the factory {spec}"):
        model = factory()
    if not isinstance(model, nn.Module):
        raise InputError(
            f"the factory {spec} gave a {type(model).__name__}; expected a torch.nn.Module",
            code="input.option",
            name="model",
            given=spec,
            expected="a module",
        )
    return model


def is_factory(text: str) -> bool:
    """Whether a text can name a factory: a preset and a JSON file do not have its form."""
    return ":" in text and not text.endswith(".json")


def lasting_spec(spec: str) -> str:
    """The spec of a factory that means the same in another directory."""
    place, separator, attribute = spec.rpartition(":")
    return f"{Path(place).resolve()}{separator}{attribute}" if place.endswith(".py") else spec


def _attribute(module: ModuleType, dotted: str, place: str) -> Any:
    """The attribute of a module, or of what is in it, by its dotted name."""
    found: Any = module
    for name in dotted.split("."):
        if not hasattr(found, name):
            raise InputError(
                f"{place} has no {quoted(dotted)}; give the name of a function without arguments "
                "that gives the model",
                code="input.option",
                name="model",
                given=dotted,
                expected="a name of the module",
            )
        found = getattr(found, name)
    return found


def _from_file(path: Path) -> ModuleType:
    """The module of a Python file, under a name that no import finds by accident."""
    if not path.is_file():
        raise InputError(
            f"the file {path} of the model does not exist; {_EXPECTED}",
            code="input.option",
            name="model",
            given=str(path),
            expected="a file",
        )
    name = f"_mvmoe_own_module_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(
            f"the file {path} of the model is no Python file; {_EXPECTED}",
            code="input.option",
            name="model",
            given=str(path),
            expected="a Python file",
        )
    module = importlib.util.module_from_spec(spec)
    # Data classes and forward references look their module up while the file is run.
    sys.modules[name] = module
    try:
        _search(path.resolve().parent)
        with user_code(f"importing {path}"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _from_package(dotted: str) -> ModuleType:
    """The module of a dotted name."""
    if not all(part.isidentifier() for part in dotted.split(".")):
        raise InputError(
            f"the model is in {quoted(dotted)}, which names no module; {_EXPECTED}",
            code="input.option",
            name="model",
            given=dotted,
            expected="a name of a module",
        )
    _search(Path.cwd())
    with user_code(f"importing {dotted}"):
        return importlib.import_module(dotted)


def _search(folder: Path) -> None:
    """Look for modules in a folder first, as Python does for a script.

    The folder stays in the path: a model's code may import when it is called.
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
