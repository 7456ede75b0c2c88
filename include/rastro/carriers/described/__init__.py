"""
Carriers that are described by a YAML file each: those shipped here, and a shop's own in a folder beside them.

The file's name is the carrier's code. ``generic.yaml`` is the example that people copy, and stands in the registry.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rastro.carriers.base import Carrier
from rastro.carriers.generic import TEMPLATE, Generic
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured

SUFFIXES = frozenset({".yaml", ".yml"})
SHIPPED: Mapping[str, Path] = {
    path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml")) if path != TEMPLATE
}


def described(folder: Path | None = None) -> Mapping[str, Carrier]:
    """
    The carriers shipped as descriptions, and those of ``folder``, by code.

    :raises Misconfigured: a file is no sound description, or its code is taken; the message lists all of these.
    """
    found: dict[str, Carrier] = {code: Generic.from_file(path) for code, path in SHIPPED.items()}
    problems = []
    for path in descriptions_in(folder) if folder else ():
        if path.stem in CARRIERS:
            problems.append(f"{path.name}: Rastro has a carrier {path.stem} already; give the file another name")
        elif path.stem in SHIPPED:
            problems.append(f"{path.name}: Rastro ships a description {path.stem} already; give the file another name")
        elif path.stem in found:
            problems.append(f"{path.name}: another file here describes {path.stem} already")
        else:
            try:
                found[path.stem] = Generic.from_file(path)
            except Misconfigured as error:
                problems.append(str(error))
    if problems:
        raise Misconfigured(f"{folder}: {'; '.join(problems)}")
    return found


def all_carriers() -> Mapping[str, Carrier]:
    """Every carrier that Rastro comes with, by code: those of the registry, and those that it has a description of."""
    return {**CARRIERS, **described()}


def described_in(config: str) -> Carrier:
    """
    The carrier of one file, given by its path, or by the code of a shipped description.

    :raises Misconfigured: there is no such description, or it is not sound.
    """
    path = Path(config)
    if config in SHIPPED and not path.is_file():
        path = SHIPPED[config]
    if not path.is_file():
        shipped = ", ".join(SHIPPED)
        raise Misconfigured(
            f"there is no file {config!r} and no shipped description of that name; shipped are {shipped}"
        )
    return Generic.from_file(path)


def descriptions_in(folder: Path) -> Iterator[Path]:
    """
    The descriptions in a folder, in the order of their names.

    :raises Misconfigured: there is no such folder.
    """
    if not folder.is_dir():
        raise Misconfigured(f"there is no folder {str(folder)!r} of carriers' descriptions")
    return (path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES and path.is_file())
