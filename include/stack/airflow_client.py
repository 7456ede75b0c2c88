"""The part of Airflow's REST API (v2) that driving and checking runs takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import requests

from stack.processes import StackError

FINISHED = frozenset({"success", "failed"})
PAGE = 100
TIMEOUT_SECONDS = 30.0


class AirflowClient:
    """Logs in on first use, and again when its token has run out. Records are the API's own JSON objects."""

    def __init__(self, *, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._credentials = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # the server is on this machine, whatever proxy the environment names

    def call(self, method: str, path: str, *, ok: Sequence[int] = (), **options: Any) -> requests.Response:
        """
        One request below ``/api/v2``.

        :param ok: statuses to hand back although they stand for an error.
        :raises StackError: the API refuses; the message holds its reason.
        """
        response = self._send(method, path, options)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._log_in()
            response = self._send(method, path, options)
        if not response.ok and response.status_code not in ok:
            raise StackError(f"Airflow answers {response.status_code} to {method} {path}: {response.text[:500]}")
        return response

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params).json()

    def everything(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, limit=PAGE, offset=len(found), **params)
            found += page[key]
            if not page[key] or len(found) >= page["total_entries"]:
                return found

    def unhealthy(self) -> list[str]:
        """Names of the parts that do not report themselves healthy."""
        parts = self.get("/monitor/health")
        wanted = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return [name for name in wanted if (parts.get(name) or {}).get("status") != "healthy"]

    def has_dag(self, dag_id: str) -> bool:
        return self.call("GET", f"/dags/{dag_id}", ok=[HTTPStatus.NOT_FOUND]).status_code == HTTPStatus.OK

    def import_errors(self) -> list[str]:
        """One text per DAG file that cannot be loaded."""
        found = self.everything("/importErrors", "import_errors")
        return [f"{error['filename']}:\n{error['stack_trace']}" for error in found]

    def set_pools(self, pools: Mapping[str, Mapping[str, Any]]) -> None:
        """
        Creates pools or changes them to match.

        :param pools: as ``airflow pools import`` reads them: name → slots, description, include_deferred.
        """
        entities = [
            {
                "name": name,
                "slots": pool["slots"],
                "description": pool.get("description", ""),
                "include_deferred": pool.get("include_deferred", False),
            }
            for name, pool in pools.items()
        ]
        action = {"action": "create", "action_on_existence": "overwrite", "entities": entities}
        answer = self.call("PATCH", "/pools", json={"actions": [action]}).json()
        if errors := answer["create"]["errors"]:
            raise StackError(f"Airflow refuses these pools: {errors}")

    def unpause(self, dag_id: str, *, paused: bool = False) -> None:
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def trigger(
        self,
        dag_id: str,
        *,
        window: tuple[datetime, datetime] | None = None,
        logical_date: datetime | None = None,
        conf: Mapping[str, Any] | None = None,
    ) -> str:
        """
        Asks for a run, and returns its run id.

        :param window: data interval of the run, aware; by default the DAG's timetable derives it from the logical date.
        :param logical_date: aware, unique per DAG; by default the present.
        """
        body: dict[str, Any] = {"logical_date": (logical_date or datetime.now(UTC)).isoformat(), "conf": conf or {}}
        if window is not None:
            body |= {"data_interval_start": window[0].isoformat(), "data_interval_end": window[1].isoformat()}
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", json=body).json()["dag_run_id"])

    def backfill(
        self,
        dag_id: str,
        *,
        start: datetime,
        end: datetime,
        conf: Mapping[str, Any] | None = None,
        reprocess: str = "none",
        max_active_runs: int = 1,
    ) -> int:
        """
        Asks for the runs of all windows that start between two moments, both included; returns the backfill's id.

        :param reprocess: what to do with windows that have a run: ``none``, ``failed`` or ``completed``.
        """
        body = {
            "dag_id": dag_id,
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "dag_run_conf": conf or {},
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
        }
        return int(self.call("POST", "/backfills", json=body).json()["id"])

    def wait_for_backfill(self, backfill_id: int, *, seconds: float = 600) -> None:
        """
        :raises StackError: it is not completed in time.
        """
        deadline = time.monotonic() + seconds
        while self.get(f"/backfills/{backfill_id}")["completed_at"] is None:
            if time.monotonic() > deadline:
                raise StackError(f"Backfill {backfill_id} is not completed after {seconds:.0f} s")
            time.sleep(0.5)

    def runs(self, dag_id: str, **params: Any) -> list[dict[str, Any]]:
        return self.everything(f"/dags/{dag_id}/dagRuns", "dag_runs", **params)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return dict(self.get(f"/dags/{dag_id}/dagRuns/{run_id}"))

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        seconds: float = 300,
        watch: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """
        The run when it has finished, well or not.

        :param watch: is handed the run at each look, for showing progress.
        :raises StackError: it is not finished in time.
        """
        deadline = time.monotonic() + seconds
        while (run := self.run(dag_id, run_id))["state"] not in FINISHED:
            if watch:
                watch(run)
            if time.monotonic() > deadline:
                raise StackError(f"Run {run_id} of {dag_id} is still {run['state']} after {seconds:.0f} s")
            time.sleep(0.25)
        if watch:
            watch(run)
        return run

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.everything(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def task_log(self, dag_id: str, run_id: str, task_id: str, *, attempt: int = 1, map_index: int = -1) -> str:
        """The log of one attempt at a task, one line per entry, with the entries' fields."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        content = self.get(path, map_index=map_index, full_content=True)["content"]
        return "\n".join(entry if isinstance(entry, str) else _line(entry) for entry in content)

    def xcoms(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1) -> dict[str, Any]:
        """What a task handed on: key → value."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries"
        keys = [entry["key"] for entry in self.everything(path, "xcom_entries", map_index=map_index)]
        return {key: self.get(f"{path}/{key}", map_index=map_index)["value"] for key in keys}

    def _send(self, method: str, path: str, options: Mapping[str, Any]) -> requests.Response:
        return self._session.request(method, f"{self.url}/api/v2{path}", timeout=TIMEOUT_SECONDS, **options)

    def _log_in(self) -> None:
        response = self._session.post(f"{self.url}/auth/token", json=self._credentials, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise StackError(f"Airflow does not let {self._credentials['username']} in: {response.status_code}")
        self._session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"


def _line(entry: Mapping[str, Any]) -> str:
    fields = (f"{key}={value!r}" for key, value in entry.items() if key not in {"timestamp", "event", "level"})
    return " ".join([str(entry.get("timestamp") or ""), str(entry.get("level") or ""), str(entry["event"]), *fields])
