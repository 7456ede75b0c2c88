"""
From a task in Airflow's UI to the operators' page of its run.

The plugin that mounts the pages gives the link, so there is none where there are no pages, and nothing of it is stored
with a DAG or a run. Airflow finds it by the task's class: hence decorators of our own, else those of Airflow.
"""

from functools import partial
from typing import Any
from urllib.parse import quote

from airflow.providers.standard.decorators.branch_python import _BranchPythonDecoratedOperator
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import BaseOperatorLink, conf
from airflow.sdk.bases.decorator import task_decorator_factory


class RastroTask(_PythonDecoratedOperator):
    """What ``@task()`` makes."""


class RastroBranch(_BranchPythonDecoratedOperator):
    """What ``@branch()`` makes."""


task = partial(task_decorator_factory, decorated_operator_class=RastroTask)
branch = partial(task_decorator_factory, decorated_operator_class=RastroBranch)


class RunPage(BaseOperatorLink):
    name = "Deliveries of this run"
    operators = [RastroTask, RastroBranch]  # noqa: RUF012  as Airflow has it

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  Airflow names them
        base = str(conf.get("api", "base_url", fallback="")).rstrip("/")
        return f"{base}/plugin/deliveries/rastro/runs/{quote(ti_key.dag_id, safe='')}/{quote(ti_key.run_id, safe='')}"
