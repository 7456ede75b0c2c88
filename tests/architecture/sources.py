"""The project's own sources, read as text and syntax trees; nothing here is imported or run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

NOT_OURS = {
    ".git",
    ".venv",
    ".rastro",
    "secrets",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "__pycache__",
}


@dataclass(frozen=True)
class Source:
    """One Python file: ``name`` is dotted as it is imported (``rastro.mail.smtp``, ``dags.track_deliveries``)."""

    path: Path
    name: str

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every module or name imported anywhere in the file, dotted and absolute."""
        found: set[str] = set()
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                front = package[: len(package) - node.level + 1] if node.level else []
                base = ".".join([*front, *([node.module] if node.module else [])])
                found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        return frozenset(found)


def python_files(root: Path, prefix: str = "") -> Iterator[Source]:
    for path in sorted(root.rglob("*.py")):
        if NOT_OURS.isdisjoint(path.parts):
            parts = path.relative_to(root).with_suffix("").parts
            yield Source(path, ".".join(part for part in [prefix, *parts] if part not in {"", "__init__"}))
