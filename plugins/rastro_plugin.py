"""Loads Rastro's task bodies once in the scheduler, so that the tasks it forks do not each pay for importing them."""

from airflow.plugins_manager import AirflowPlugin

from rastro.orchestration import tasks


class RastroPlugin(AirflowPlugin):
    name = "rastro"
    preloaded = (tasks,)
