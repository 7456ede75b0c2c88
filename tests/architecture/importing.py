"""
Imports DAG files with an ear to the ground: ``python importing.py FILE…`` prints what they touched, one thing a line.

Heard are sockets, processes, files opened for writing, and looks at connections, variables and settings, all of which
Airflow looks up in the environment first.
"""

import importlib.util
import os
import sys
from pathlib import Path

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, task

LOUD = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system", "os.fork", "os.exec")
SETTINGS = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__RASTRO__", "RASTRO_")
touched: list[str] = []


def hear(event: str, arguments: tuple[object, ...]) -> None:
    if event in LOUD:
        touched.append(f"{event} {arguments[0]!r}")
    elif event == "open" and set(str(arguments[1])) & set("wax+") and "__pycache__" not in str(arguments[0]):
        touched.append(f"writes {arguments[0]!r}")


@dag(schedule=None)
def warm_up() -> None:
    """What Airflow does when its operators are imported and the first DAG is made is not the DAG files' doing."""
    task(hear)("", ()) >> TriggerDagRunOperator(task_id="other", trigger_dag_id="warm_up")


warm_up()


class Environment(type(os.environ)):  # type: ignore[misc]
    def __getitem__(self, key: str) -> str:
        if key.startswith(SETTINGS):
            touched.append(f"reads {key}")
        return super().__getitem__(key)


os.environ.__class__ = Environment
sys.addaudithook(hear)
for number, file in enumerate(sys.argv[1:]):
    before = len(touched)
    spec = importlib.util.spec_from_file_location(f"dag_file_{number}", file)
    assert spec is not None
    assert spec.loader is not None
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:  # noqa: BLE001 - a file that needs what is not there has touched it
        touched.append(f"fails: {type(error).__name__}: {error}")
    for line in touched[before:]:
        sys.stdout.write(f"{Path(file).name}: {line}\n")
    sys.stdout.write(f"{Path(file).name}: imported\n")
