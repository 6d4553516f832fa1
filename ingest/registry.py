"""Finds the processor that `use` names in ingest.toml.

`module:function` is looked up in one package, `processors`, that looks module by module first in the user's
own folder and then among the bundled ones, so a local module may take the place of a bundled one and may
import the others. A name without a colon is an entry point of the group `ingest.processors`.

User code runs here at import. Whatever it raises becomes one line that names its file and line. Landing
never imports this module: a broken processor must not stop a file from being received.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from ingest import resources
from ingest.contract import Processor
from ingest.domain.facts import class_of, published
from ingest.domain.nearest import nearest
from ingest.domain.showing import show
from ingest.errors import IngestError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints  # slow to load, and most processors are files

GROUP = "ingest.processors"
PACKAGE = "processors"
FACTS = f"{PACKAGE}.facts"  # the bundled one, where the user has none
MAX_TEXT = 200  # characters of another's error message

_USE = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<function>[^\W\d]\w*)")
_EXAMPLE = 'as in "processors.payments:payments"'
_OWN_ERROR = "correct the file, or take the processor out of ingest.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A processor, where it was found, and the facts its module brings."""

    processor: Processor
    origin: str  # "local" | "bundled" | "entry point"
    module: str
    facts: tuple[type, ...]


def find(use: str, *, local: Path | None = None) -> Found:
    """The processor that `use` names; its module is imported and its facts are published.

    `local` is the user's folder of processors; it need not exist. Raises
    `UsageError` when there is no such processor, or its module cannot be imported.
    """
    folders = folders_of(local)
    mount(folders)
    _import(FACTS, folders)  # an event may have to be brought to another version, whoever reads it
    if ":" not in use:
        return _find_entry_point(use, folders)
    match = _USE.fullmatch(use)
    if match is None:
        raise UsageError(f"use = {use!r} names no function", hint=f"write it {_EXAMPLE}")
    module = _import(f"{PACKAGE}.{match['module'].removeprefix(PACKAGE + '.')}", folders)
    processor = _processor_in(module, match["function"])
    is_local = local is not None and _is_inside(str(module.__file__), [local])
    return _found(processor, origin="local" if is_local else "bundled", module=module.__name__)


def find_facts(uses: Sequence[str], *, local: Path | None) -> tuple[list[Any], list[UsageError]]:
    """Every fact class that is published where facts are looked for, and what could not be looked at.

    That is the engine, `processors/facts.py`, the modules that `uses` name, and every entry point.
    """
    refused = []
    folders = folders_of(local)
    mount(folders)
    named = dict.fromkeys([*uses, *_entry_points().names])
    looks: list[Callable[[], object]] = [partial(_import, FACTS, folders)]
    looks += [partial(find, use, local=local) for use in named]
    for look in looks:
        try:
            look()
        except UsageError as error:
            refused.append(error)
    found = [cls for cls in published() if _is_current(cls)]
    return found, list({str(error): error for error in refused}.values())


def modules(local: Path | None) -> Iterator[ModuleType | UsageError]:
    """Every module in the folders of processors, imported; or why one cannot be."""
    folders = folders_of(local)
    mount(folders)
    for name in dict.fromkeys(_module_names(folders)):
        try:
            yield _import(name, folders)
        except UsageError as error:
            yield error


def _is_current(cls: type) -> bool:
    """False of a class whose module was forgotten, or that no module holds."""
    return getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls


def facts_of(module: ModuleType) -> tuple[type, ...]:
    """The facts that a module declares or imports, but for those of the engine itself, by type."""
    found = {str(getattr(item, "type", "")): item for item in vars(module).values() if isinstance(item, type)}
    own = {type_: item for type_, item in found.items() if class_of(type_) is item}
    return tuple(own[type_] for type_ in sorted(own) if not own[type_].__module__.startswith("ingest."))


def unparsable(local: Path) -> Iterator[tuple[Path, UsageError]]:
    """Every module in the user's folder that cannot be read as Python: where, and what is wrong."""
    for path in sorted(local.glob("*.py")):
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            said = _as_usage_error(error, folders=[local], subject=show(str(path))).message
            yield path, UsageError(said, hint="correct the file, or remove it")


def mount(folders: Sequence[Path]) -> None:
    """The package `processors` looks for a module in each of `folders`, the first that has it winning.

    Modules already imported stay, unless one would now come from another file: then all are forgotten.
    """
    importlib.invalidate_caches()
    path = [str(folder) for folder in folders]
    package = sys.modules.get(PACKAGE)
    if package is None or _is_stale(path):
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        package = _new_package(path)
    package.__path__ = path


def _find_entry_point(use: str, folders: Sequence[Path]) -> Found:
    points = _entry_points()
    named = [point for point in points if point.name == use]
    if not named:
        known = [*points.names, *(f"{name}:<function>" for name in _module_names(folders))]
        raise UsageError(f"there is no processor {use!r}", hint=_meant(use, known, f"write it {_EXAMPLE}"))
    if len({point.value for point in named}) > 1:
        offered = ", ".join(sorted(_offered_by(point) for point in named))
        raise UsageError(
            f"several packages offer a processor {use!r}: {offered}", hint="uninstall all but one"
        )
    processor = _load(named[0])
    return _found(processor, origin="entry point", module=processor.function.__module__)


def _entry_points() -> EntryPoints:
    return cast("EntryPoints", importlib.import_module("importlib.metadata").entry_points(group=GROUP))


def _load(point: EntryPoint) -> Processor:
    try:
        target: Any = point.load()
    except (Exception, SystemExit) as error:
        raise _as_usage_error(error, folders=(), subject=f"entry point {point.name!r}") from error
    if not isinstance(target, Processor):
        raise UsageError(f"entry point {point.name!r} of {_offered_by(point)} is not a processor")
    return target


def _offered_by(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _found(processor: Processor, *, origin: str, module: str) -> Found:
    home = sys.modules[processor.function.__module__]  # `module` may merely have imported it
    return Found(processor=processor, origin=origin, module=module, facts=facts_of(home))


def folders_of(local: Path | None) -> list[Path]:
    """The folders of processors that exist, the user's `local` one first; none twice."""
    both = [folder for folder in (local, resources.processors_dir()) if folder is not None]
    return list(dict.fromkeys(folder.resolve() for folder in both if folder.is_dir()))


def _is_stale(path: Sequence[str]) -> bool:
    for name, module in list(sys.modules.items()):
        package, _, rest = name.partition(".")
        if package != PACKAGE or "." in rest:
            continue
        spec = PathFinder.find_spec(name, path) if rest else _package_spec(path)
        if spec is None or not _same_file(spec.origin, getattr(module, "__file__", None)):
            return True
    return False


def _same_file(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return os.path.realpath(one) == os.path.realpath(other)


def _package_spec(path: Sequence[str]) -> ModuleSpec | None:
    init = next((file for folder in path if (file := Path(folder, "__init__.py")).is_file()), None)
    if init is None:
        return ModuleSpec(PACKAGE, None, is_package=True)
    return spec_from_file_location(PACKAGE, init, submodule_search_locations=list(path))


def _new_package(path: Sequence[str]) -> ModuleType:
    spec = _package_spec(path) or ModuleSpec(PACKAGE, None, is_package=True)
    package = module_from_spec(spec)
    sys.modules[PACKAGE] = package
    if spec.loader is None:
        return package
    try:
        spec.loader.exec_module(package)
    except (Exception, SystemExit) as error:
        del sys.modules[PACKAGE]
        raise _as_usage_error(error, folders=[Path(folder) for folder in path]) from error
    return package


def _import(name: str, folders: Sequence[Path]) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _as_usage_error(error, folders=folders) from error
        looked = ", ".join(show(str(folder)) for folder in folders) or "no folder"
        hint = _meant(name, _module_names(folders), f"looked in {looked}")
        raise UsageError(f"there is no module {name!r}", hint=hint) from None
    except (Exception, SystemExit) as error:
        raise _as_usage_error(error, folders=folders) from error


def _processor_in(module: ModuleType, function: str) -> Processor:
    found = getattr(module, function, None)
    if isinstance(found, Processor):
        return found
    if found is not None:
        hint = f"put @processor(accepts=..., version=...) above def {function}"
        raise UsageError(f"{module.__name__}:{function} is not declared as a processor", hint=hint)
    declared = [name for name, item in vars(module).items() if isinstance(item, Processor)]
    offered = f"it has {', '.join(declared)}" if declared else "it declares no processor"
    raise UsageError(f"{module.__name__} has no {function!r}", hint=_meant(function, declared, offered))


def _module_names(folders: Sequence[Path]) -> list[str]:
    return [f"{PACKAGE}.{module.name}" for module in iter_modules([str(folder) for folder in folders])]


def _meant(name: str, known: Iterable[str], otherwise: str) -> str:
    """What the user may have meant, also where only its last part is near."""
    by_part = {part: item for item in known for part in (item, item.partition(":")[0].rpartition(".")[2])}
    close = nearest(name, by_part) or nearest(name.rpartition(".")[2], by_part)
    return otherwise if close is None else f"did you mean {by_part[close]}?"


def _as_usage_error(error: BaseException, *, folders: Sequence[Path], subject: str = "") -> UsageError:
    """One line for what user code raised: where, what, and what to do."""
    where = _where(error, folders) or subject
    if isinstance(error, IngestError):
        return UsageError(f"{where}: {error.message}", hint=error.hint or _OWN_ERROR)
    text = show(str(error.msg if isinstance(error, SyntaxError) else error))[:MAX_TEXT]
    hint = _OWN_ERROR
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(f"{PACKAGE}."):
        hint = f"install {error.name} beside ingest, or correct the import"
    return UsageError(f"{where}: {type(error).__name__}: {text}", hint=hint)


def _where(error: BaseException, folders: Sequence[Path]) -> str:
    """File and line of the innermost frame in `folders`, else of the innermost not of the import system."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    own = [frame for frame in frames if _is_inside(frame[0], folders)]
    others = [frame for frame in frames if "importlib" not in frame[0] and frame[0] != __file__]
    for filename, line in reversed(own or others):
        return f"{_short(filename, folders)}, line {line}"
    return ""


def _short(filename: str, folders: Sequence[Path]) -> str:
    for folder in folders:
        if _is_inside(filename, [folder]):
            return show(f"{folder.name}/{Path(filename).resolve().relative_to(folder.resolve()).as_posix()}")
    return show(filename)


def _is_inside(filename: str, folders: Sequence[Path]) -> bool:
    if filename.startswith("<"):  # "<string>", "<frozen importlib._bootstrap>": not a file
        return False
    return any(Path(filename).resolve().is_relative_to(folder.resolve()) for folder in folders)
