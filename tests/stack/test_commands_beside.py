"""What a demo has beside Airflow: a file for the shell, and the customers' tracking pages."""

import stat
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from stack.airflow import LOOPBACK, connection_variable, environment, free_port
from stack.demo import newest_link, opens
from stack.shell_environment import shell_environment
from stack.state import secrets_of
from stack.tracking_pages import tracking_pages


def test_a_shell_that_reads_the_file_is_told_what_airflow_is_told(tmp_path: Path) -> None:
    told = {"AIRFLOW__RASTRO__SHOP_NAME": "Loja d'Água $HOME", "HOME": "/nowhere", "PYTHONPATH": "include"}
    with shell_environment(tmp_path, told, "postgresql:///w?host=/a b") as file:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        said = subprocess.run(
            ["sh", "-c", f'. "{file}"; printf "%s|" "$AIRFLOW__RASTRO__SHOP_NAME" "$RASTRO_WAREHOUSE_DSN" "$HOME"'],
            env={"HOME": "/mine"}, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert said == "Loja d'Água $HOME|postgresql:///w?host=/a b|/mine|"
    assert not file.exists(), "what it names has ended"


def test_the_newest_link_of_the_mails_is_found() -> None:
    mails = []
    for text in ("Veja em http://127.0.0.1:1/r/AAAAAAAAAAAAAAAAAAAAAA", "http://127.0.0.1:1/r/" + "B" * 22, "nada"):
        mail = EmailMessage()
        mail.set_content(f"Olá,\n\n{text}\n", cte="quoted-printable")
        mails.append({"raw": mail.as_string()})
    assert newest_link(mails) == f"http://127.0.0.1:1/r/{'B' * 22}"
    assert newest_link(mails[2:]) == ""
    assert not opens("")


@pytest.mark.slow
def test_tracking_pages_are_served_as_long_as_the_block_lasts(postgres, warehouse, tmp_path: Path) -> None:
    address = f"http://{LOOPBACK}:{free_port()}"
    database = warehouse.connection.info.dbname
    settings = connection_variable("rastro_warehouse", postgres.airflow_connection(database)) | {
        "AIRFLOW__RASTRO__TRACKING_PAGE": address, "AIRFLOW__RASTRO__SHOP_NAME": "Loja Exemplo",
    }  # fmt: skip
    told = environment(home=tmp_path / "home", postgres=postgres, secrets=secrets_of(tmp_path), settings=settings)
    with tracking_pages(address, environment=told, logs=tmp_path):
        assert requests.get(f"{address}/r/{'A' * 22}", timeout=30).status_code == 404
        assert not opens(f"{address}/r/{'A' * 22}")
    with pytest.raises(requests.ConnectionError):
        opens(address)
