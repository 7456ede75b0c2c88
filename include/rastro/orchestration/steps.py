"""How a task is made of one body, alone or once for each part that another task has planned."""

from collections.abc import Callable, Sequence
from typing import Any

from airflow.sdk import Asset, get_current_context
from airflow.sdk.definitions.context import Context

from rastro.orchestration import tasks
from rastro.orchestration.links import task

PLAN = "plan"  # the XCom key under which a branch leaves the lists that the tasks behind it are mapped over


def step(body: Callable[[str, Context], dict[str, Any]], *, outlets: Sequence[Asset] = (), **options: Any) -> Any:
    """A task that is one body, named like it; what it counted goes with the event of each asset that it updates."""

    @task(task_id=body.__name__, outlets=list(outlets), **options)
    def run(run_id: str) -> dict[str, Any]:
        context = get_current_context()
        figures = body(run_id, context)
        for asset in outlets:
            context["outlet_events"][asset].extra = {"run_id": run_id, **figures}
        return figures

    return run()  # type: ignore[misc,call-arg]  # Airflow gives a task its run's id


def step_for_each(body: Callable[[str, Context, Any], dict[str, int]], parts: Any, **options: Any) -> Any:
    """A mapped task: the body once for each part, labelled with it."""

    @task(map_index_template="{{ label }}", **options)
    def run(part: Any, run_id: str) -> dict[str, int]:
        context = get_current_context()
        context["label"] = tasks.label_of(part)  # type: ignore[typeddict-unknown-key]
        return body(run_id, context, part)

    return run.expand(part=parts)


@task()
def planned_by(branch: str, name: str) -> list[Any]:
    plan = get_current_context()["ti"].xcom_pull(task_ids=branch, key=PLAN)
    return list(plan[name])


def for_each_planned(branch: Any, name: str, list_id: str, body: Any, then: Any, **options: Any) -> None:
    """What a branch has planned under a name, read by one task and mapped over by another."""
    parts = planned_by.override(task_id=list_id)(branch.operator.task_id, name)
    branch >> parts
    step_for_each(body, parts, **options) >> then
