"""
docs/ten-questions.ipynb as a page with its answers: ``python -m stack.ten_questions`` runs it on a warehouse of made-up
parcels and writes the page and its pictures. The notebook itself is kept without what came out of it.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import nbformat
import psycopg
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from rastro.cli.warehouse import VARIABLE
from rastro.pipeline.forecast import forecast_deliveries
from rastro.pipeline.report import make_report
from stack.postgres import embedded_postgres
from stack.processes import INCLUDE
from stack.product import RASTRO, migrate_warehouse
from stack.state import REPOSITORY

NOTEBOOK = REPOSITORY / "docs/ten-questions.ipynb"
PAGE = NOTEBOOK.with_suffix(".md")
PICTURES = REPOSITORY / "docs/images/ten-questions"
HISTORY = Path(__file__).with_name("sample_history.sql")
# When that history ends, and the last day that was over by then.
NOW, LAST_DAY = datetime(2026, 5, 4, 12, tzinfo=UTC), date(2026, 5, 3)
ABOUT = "<!-- made from ten-questions.ipynb by `python -m stack.ten_questions`; not to be edited -->"
KERNEL = "rastro"


def fill(conn: psycopg.Connection) -> None:
    """The made-up parcels, with their reports and forecasts, in an empty warehouse."""
    conn.execute(HISTORY.read_text("utf-8"))
    conn.commit()
    make_report(conn, None, NOW)
    forecast_deliveries(conn, LAST_DAY, NOW)
    conn.commit()


def read() -> NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call, no-any-return]


def execute(notebook: NotebookNode, dsn: str, folder: Path) -> None:
    """
    Runs every cell on a warehouse, by a kernel that is this very Python, and puts what came out into the notebook.

    :param folder: empty; the copy in Parquet is made there, and whatever else a kernel leaves.
    :raises nbclient.exceptions.CellExecutionError: a cell failed.
    """
    environment = os.environ | {
        VARIABLE: dsn,
        "PYTHONPATH": str(INCLUDE),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLCONFIGDIR": str(folder / "mpl"),
    }
    subprocess.run(
        [str(RASTRO), "export", "--to", "lake"], cwd=folder, env=environment, check=True, capture_output=True
    )
    kernels = folder / "kernels"
    (kernels / KERNEL).mkdir(parents=True)
    (kernels / KERNEL / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "Rastro",
                "language": "python",
            }
        )
    )
    manager = AsyncKernelManager(
        kernel_name=KERNEL,
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False),
        connection_file=str(folder / "connection.json"),
        transport="ipc",  # by files: no port, so nobody else hears of it
        ip=str(folder / "kernel"),
    )
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=120,
        iopub_timeout=120,  # seconds: what a slow machine says late is not left out
        raise_on_iopub_timeout=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment)


def page(notebook: NotebookNode) -> str:
    """The notebook as a page of docs/: text, code, and what came out of it."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        else:
            parts.append(f"```python\n{cell.source}\n```")
            parts.extend(f"```text\n{text}\n```" for text in printed(cell))
            parts.extend(f"![{title}](images/ten-questions/{name})" for name, title, _ in drawn(cell))
    title, _, rest = "\n\n".join(parts).partition("\n")
    return f"{title}\n\n{ABOUT}\n{rest}\n"


def pictures(notebook: NotebookNode) -> dict[str, bytes]:
    """File name → picture, of all that the notebook draws."""
    return {name: picture for cell in notebook.cells for name, _, picture in drawn(cell)}


def printed(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        if output.get("name") == "stderr":  # a slow machine's "building the font cache"
            continue
        text = output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        if text and "image/png" not in output.get("data", {}):
            yield "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def drawn(cell: NotebookNode) -> Iterator[tuple[str, str, bytes]]:
    """File name, title and content of a cell's picture; both names come from its ``draw("…")``."""
    if not cell.get("outputs"):
        return
    found = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    titles = re.findall(r'^draw\("(.+?)"', cell.source, re.MULTILINE)
    for title, picture in zip(titles, found, strict=True):
        yield f"{re.sub(r'[^a-z]+', '-', title.lower()).strip('-')}.png", title, base64.b64decode(picture)


def write(notebook: NotebookNode) -> None:
    PAGE.write_text(page(notebook), encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.iterdir():
        old.unlink()
    for name, picture in pictures(notebook).items():
        (PICTURES / name).write_bytes(picture)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rastro-questions-") as name:
        folder = Path(name)
        (folder / "run").mkdir()
        with embedded_postgres(folder / "postgres", durable=False) as server:
            dsn = server.create("questions")
            migrate_warehouse(dsn)
            with psycopg.connect(dsn) as conn:
                fill(conn)
            notebook = read()
            execute(notebook, dsn, folder / "run")
    write(notebook)
    print(f"Written: {PAGE} and {len(pictures(notebook))} pictures")


if __name__ == "__main__":
    main()
