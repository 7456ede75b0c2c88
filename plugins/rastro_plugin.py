"""
Loads Rastro's task bodies once in the scheduler, so that the tasks it forks do not each pay for importing them, and
writes on each run what it did.
"""

from airflow.plugins_manager import AirflowPlugin

from rastro.orchestration import run_notes, tasks


class RastroPlugin(AirflowPlugin):
    name = "rastro"
    preloaded = (tasks,)
    listeners = [run_notes]  # noqa: RUF012  as Airflow has it
