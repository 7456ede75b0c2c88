"""
Rastro on this machine with the user's own connections: ``python -m stack.up``, for ``make up``.

Connections (``AIRFLOW_CONN_…``) and settings (``AIRFLOW__RASTRO__…``) come from the environment and from ``.env``, the
environment first. Without a connection of its own the warehouse is the embedded PostgreSQL.
"""

import os
import sys

from stack import dotenv
from stack.airflow import airflow_stack, connection_variable
from stack.postgres import embedded_postgres
from stack.processes import StackError, stop_when_told
from stack.product import migrate_warehouse, pools
from stack.shell_environment import shell_environment
from stack.state import REPOSITORY, STATE, claimed

OURS = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__")
WAREHOUSE = "rastro_warehouse"
USUAL_PORT = 8080


def own_settings() -> dict[str, str]:
    """What the user has set, for Airflow's processes."""
    given = dotenv.read(REPOSITORY / ".env") | dict(os.environ)
    return {name: value for name, value in given.items() if name.startswith(OURS) and value}


def up() -> None:
    settings = own_settings()
    with claimed(STATE), embedded_postgres(STATE / "postgres") as postgres:
        ours = connection_variable(WAREHOUSE, postgres.airflow_connection("rastro"))
        warehouse = postgres.dsn("rastro") if ours.keys().isdisjoint(settings) else ""
        if warehouse:
            print("Bringing the warehouse to the newest schema …", flush=True)
            migrate_warehouse(postgres.create("rastro"))
            print(f"The warehouse: {warehouse}", flush=True)
        else:
            print("The warehouse is yours: `rastro migrate` brings it to the newest schema.", flush=True)
        with (
            airflow_stack(
                STATE, postgres, settings=ours | settings, pools=pools(), preferred_port=USUAL_PORT
            ) as airflow,
            shell_environment(STATE, airflow.environment, warehouse) as told,
        ):
            print(f"\nAirflow: {airflow.url}\nUser: {airflow.user}\nPassword: {airflow.password}", flush=True)
            print(
                f"\nFor commands, in another shell at the top of the project: . {told.relative_to(REPOSITORY)}",
                flush=True,
            )
            print(
                "\nDAGs start paused: unpause track_deliveries when its connections are set. Ctrl-C stops.", flush=True
            )
            airflow.stay()


def main() -> int:
    stop_when_told()
    try:
        up()
    except KeyboardInterrupt:
        print("\nStopped.")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
