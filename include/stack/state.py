"""The one folder that holds all state on this machine, who uses it, and its secrets."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stack.processes import StackError

REPOSITORY = Path(__file__).resolve().parents[2]
STATE = REPOSITORY / ".rastro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What Airflow's processes share, and the password of the UI; made once per state folder."""

    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    api_secret_key: str = field(repr=False)
    ui_password: str = field(repr=False)


@contextmanager
def claimed(state: Path) -> Iterator[Path]:
    """
    Holds the folder for one process at a time.

    :raises StackError: another process runs on it.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(state).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"Rastro already runs on {state} (process {holder(state)}): stop that one first") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield state


def holder(state: Path) -> int | None:
    """The process that runs on the folder; None when nobody does."""
    try:
        with _lock(state).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
    except (FileNotFoundError, ValueError):
        pass
    return None


def secrets_of(state: Path) -> Secrets:
    """Read from ``secrets.json`` in the folder, which is made for its owner only when it is not there."""
    file = state / "secrets.json"
    if not file.exists():
        made = Secrets(
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            jwt_secret=secrets.token_urlsafe(64),
            api_secret_key=secrets.token_urlsafe(48),
            ui_password=secrets.token_urlsafe(12),
        )
        write_private(file, json.dumps(asdict(made), indent=2))
    return Secrets(**json.loads(file.read_text()))


def write_private(file: Path, text: str) -> None:
    """Replaces a file in one step, readable by its owner only from the start."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(text)
    new.replace(file)


def _lock(state: Path) -> Path:
    return state / "lock"
