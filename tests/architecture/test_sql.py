"""SQL stands in the warehouse's .sql files, and nothing is ever formatted into it."""

import ast
import re
from collections.abc import Iterator

from sources import Source

from rastro.warehouse import queries
from stack.state import REPOSITORY

WAREHOUSE = "rastro.warehouse"
STATEMENT = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|TEMP|SCHEMA|DATABASE|VIEW|INDEX)"
    r"|ALTER\s+TABLE\s|DROP\s+\w+\s|COPY\s+\S+\s*(\(|FROM|TO)|TRUNCATE\s|WITH\s+\w+\s+AS\s*\()"
)
RUNNERS = {"execute", "executemany", "copy", "executescript", "text"}


def texts(node: ast.AST) -> Iterator[ast.Constant]:
    for inside in ast.walk(node):
        if isinstance(inside, ast.Constant) and isinstance(inside.value, str):
            yield inside


def is_made_up(node: ast.AST) -> bool:
    """An f-string, a sum, ``%`` or ``.format`` of a plain string."""
    return (
        isinstance(node, ast.JoinedStr)
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "format"
            and isinstance(node.func.value, ast.Constant)
        )
    )


def made_up_statements(tree: ast.AST) -> Iterator[int]:
    """Lines where a statement is put together from pieces, or something put together is run as one."""
    for node in ast.walk(tree):
        if is_made_up(node) and any(STATEMENT.match(text.value) for text in texts(node)):
            yield node.lineno  # type: ignore[attr-defined]
        runs = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
        name = getattr(node.func, "attr", getattr(node.func, "id", "")) if runs else ""
        if name in RUNNERS and node.args and is_made_up(node.args[0]):
            yield node.lineno


def test_only_the_warehouse_holds_sql(rastro: list[Source]) -> None:
    holders = {source.name for source in rastro if any(STATEMENT.match(text.value) for text in texts(source.tree))}
    assert any(name.startswith(WAREHOUSE) for name in holders), "the pattern finds nothing at all"
    assert not {name for name in holders if not name.startswith(WAREHOUSE)}


def test_nothing_is_formatted_into_sql(packages: list[Source], dag_files: list[Source]) -> None:
    found = [f"{source.name}:{line}" for source in [*packages, *dag_files] for line in made_up_statements(source.tree)]
    assert not found


def test_formatting_into_sql_is_caught() -> None:
    careless = [
        "db.execute(f'SELECT * FROM t WHERE id = {x}')",
        "db.execute('SELECT * FROM t WHERE id = %s' % x)",
        "db.execute('SELECT * FROM ' + table)",
        "q = 'SELECT * FROM {}'.format(table)",
        "db.execute(f'{verb} FROM t')",
    ]
    assert [line for line in careless if not list(made_up_statements(ast.parse(line)))] == []
    assert not list(made_up_statements(ast.parse("db.execute('SELECT * FROM t WHERE id = %s', [x])")))


def test_every_named_statement_is_used_and_every_used_one_is_there(rastro: list[Source]) -> None:
    files = sorted((REPOSITORY / "include/rastro/warehouse/sql").glob("*.sql"))
    assert files
    named = {name for file in files for name in re.findall(r"^-- name: (\w+)$", file.read_text("utf-8"), re.MULTILINE)}
    assert named
    used = {name for source in rastro for name in statements_named_in(source.tree)}
    assert used
    assert used <= named
    mentioned = {text.value for source in rastro for text in texts(source.tree)}
    assert named <= mentioned


def statements_named_in(tree: ast.AST) -> Iterator[str]:
    """What ``run(conn, NAME)``, ``copy_in(conn, NAME)`` and ``statement(NAME)`` name outright."""
    position = {"run": 1, "copy_in": 1, "statement": 0}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in position:
            for name in node.args[position[node.func.id] :][:1]:
                if isinstance(name, ast.Constant):
                    yield name.value


def test_what_is_copied_in_binary_is_known_to_be() -> None:
    """A statement that were not would be given text."""
    everything = "\n".join(path.read_text("utf-8") for path in queries.SQL.glob("*.sql"))
    assert len(queries.BINARY_COPY.findall(everything)) == everything.count("FORMAT binary") > 4
