"""
docs/connect.md is followed to the letter, and docs/doctor.md on what it made.

The simulated services stand in for VTEX, Correios and the mail server; Airflow's commands need none of its processes.
"""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from papers import COMMENT, PAGES, commands, fenced, run
from stack import dotenv
from stack.airflow import connection_variable
from stack.wiring import wiring

# Steps that are taken by hand or by the fixtures of this test; the last heading is another way to the same end.
DONE = ("cp ", "chmod ", "make up", ". .rastro/env")
STEPS, _, _ = PAGES["docs/connect.md"].partition("## How do I run it in an Airflow that I have?")
STANDS_IN = {"shop_main": "loja", "correios_contract": "correios", "rastro_smtp": "rastro_smtp"}


def written(folder: Path) -> dict[str, str]:
    """What the page's reader has in ``.env``."""
    file = folder / "env"
    file.write_text("".join(fenced(STEPS, "ini")), "utf-8")
    return dotenv.read(file)


def reaching(world: dict[str, str], page: dict[str, str]) -> dict[str, str]:
    """The page's connections with the addresses and credentials of the simulated services, and nothing else changed."""
    told = dict(page)
    for ours, theirs in STANDS_IN.items():
        shown = json.loads(page[f"AIRFLOW_CONN_{ours.upper()}"])
        real = json.loads(world[f"AIRFLOW_CONN_{theirs.upper()}"])
        assert shown["conn_type"] == real["conn_type"]
        told |= connection_variable(ours, {**shown, **real, "extra": {**shown["extra"], **real.get("extra", {})}})
    return told


@pytest.mark.slow
def test_a_shop_is_connected_tried_and_let_run(new_airflow, simulator, warehouse, tmp_path: Path) -> None:
    simulator.cohort(parcels=4, kinds=["delivered"], variants=["own"])
    order = simulator.truth()[0]["order_id"]
    page = written(tmp_path)
    world = wiring(simulator.info(), warehouse=warehouse.airflow_connection, shop=warehouse.airflow_connection)
    told = new_airflow.environment | reaching(world, page)
    told |= connection_variable("rastro_warehouse", warehouse.airflow_connection)
    told |= {
        "RASTRO_WAREHOUSE_DSN": warehouse.dsn,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    assert new_airflow.airflow("dags", "reserialize", **told).returncode == 0

    def type_in(command: str) -> str:
        return run(command.replace("1400120000001-01", order), tmp_path, **told)

    def writes() -> int:
        return len([one for one in simulator.requests() if one["method"] in {"PUT", "PATCH"}])

    steps = [line for block in fenced(STEPS, "sh") for line in block.splitlines()]
    steps = [COMMENT.sub("", line) for line in steps if not line.startswith(DONE)]
    doctor, dry_run, figures, mails, one_order, status, unpause = steps
    said = type_in(doctor)
    assert re.search(r"^vtex:shop_main +ok", said, re.MULTILINE)
    assert re.search(r"^correios:correios_contract +ok", said, re.MULTILINE)
    assert re.search(r"^mail +ok", said, re.MULTILINE)
    assert "track_deliveries is paused" in said

    type_in(dry_run)
    assert "order" in type_in(figures)
    assert "Loja Exemplo" in type_in(mails)
    assert (writes(), simulator.mails()) == (0, []), "nothing is sent before the trial of one order"

    type_in(one_order)
    assert order in type_in(status)
    assert {
        one["path"].split("/orders/")[1].split("/")[0] for one in simulator.requests() if one["method"] == "PUT"
    } == {order}
    type_in(unpause)
    assert "is unpaused" in type_in("rastro doctor --only airflow")

    assert len(commands("docs/doctor.md")) > 2
    for block in fenced(PAGES["docs/doctor.md"], "sh"):
        run(block, tmp_path, **told)
