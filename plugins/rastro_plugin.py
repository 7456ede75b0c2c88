"""
Mounts the operators' pages into Airflow's UI, links tasks with them, writes on each run what it did, and loads Rastro's
task bodies once in the scheduler, so that the tasks it forks do not each pay for importing them.
"""

from airflow.plugins_manager import AirflowPlugin

from rastro.orchestration import run_notes, tasks
from rastro.orchestration.links import RunPage
from rastro.pages import pages


class RastroPlugin(AirflowPlugin):
    name = "rastro"
    preloaded = (tasks,)
    operator_extra_links = [RunPage()]  # noqa: RUF012  as Airflow has it
    listeners = [run_notes]  # noqa: RUF012  likewise
    fastapi_apps = [{"app": pages, "url_prefix": "/rastro", "name": "rastro"}]  # noqa: RUF012  likewise
    external_views = [  # noqa: RUF012  likewise
        {
            "name": "Deliveries",
            "href": "rastro/",
            "url_route": "deliveries",
            "destination": "nav",
            "nav_top_level": True,
        }
    ]
