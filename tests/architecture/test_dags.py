"""A DAG file only wires, and importing it touches nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from sources import Source

LONGEST = 140
IMPORTING = Path(__file__).with_name("importing.py")
CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}


def touched_by(*files: Path) -> list[str]:
    """What importing these files touches, and one line ``FILE: imported`` for each."""
    command = [sys.executable, "-B", IMPORTING, *files]  # compiled modules are Python's own to write, and are not meant
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_dag_files_are_short(dag_files: list[Source]) -> None:
    assert not [source.name for source in dag_files if len(source.text.splitlines()) > LONGEST]


def test_a_dag_files_docstring_is_the_doc_that_airflow_shows(dag_files: list[Source]) -> None:
    for source in dag_files:
        assert len(ast.get_docstring(source.tree) or "") > 200, source.name
        shown = [
            node.value.id
            for node in ast.walk(source.tree)
            if isinstance(node, ast.keyword) and node.arg == "doc_md" and isinstance(node.value, ast.Name)
        ]
        assert shown == ["__doc__"], source.name


def test_a_dag_files_name_is_its_dag_id(dag_files: list[Source]) -> None:
    for source in dag_files:
        stem = source.path.stem
        decorated = [node.name for node in source.tree.body if isinstance(node, ast.FunctionDef)]
        named = [
            node.value.value
            for node in ast.walk(source.tree)
            if isinstance(node, ast.keyword) and node.arg == "dag_id" and isinstance(node.value, ast.Constant)
        ]
        assert stem in [*decorated, *named], source.name


def test_dag_files_ask_no_clock(dag_files: list[Source]) -> None:
    calls = [
        f"{source.name}:{node.lineno}"
        for source in dag_files
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    ]
    assert not calls


@pytest.mark.slow
def test_importing_a_dag_file_touches_nothing(dag_files: list[Source]) -> None:
    assert sorted(touched_by(*(source.path for source in dag_files))) == [
        f"{source.path.name}: imported" for source in dag_files
    ]


@pytest.mark.slow
def test_a_dag_file_that_touches_something_is_caught(tmp_path: Path) -> None:
    curious = {
        "setting.py": "from airflow.sdk import conf\nconf.get('rastro', 'slice_size', fallback='')",
        "variable.py": "from airflow.sdk import Variable\nVariable.get('city', default='')",
        "connection.py": "from airflow.sdk import Connection\nConnection.get('shop')",
        "network.py": "import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)",
        "file.py": f"open({str(tmp_path / 'note')!r}, 'w').close()",
        "process.py": "import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])",
    }
    for name, text in curious.items():
        (tmp_path / name).write_text(text)
    told = touched_by(*(tmp_path / name for name in curious))
    silent = [
        name for name in curious if not any(line.startswith(f"{name}: ") and "imported" not in line for line in told)
    ]
    assert not silent
