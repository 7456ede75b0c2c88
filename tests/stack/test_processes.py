"""Child processes end with the block that runs them, whatever they do about it."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from stack import dotenv
from stack.processes import StackError, members, running
from stack.state import claimed, holder, secrets_of
from stack.watchdog import left_running


def python(program: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(program)]


STUBBORN = python("""
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
    print("ready", flush=True)
    time.sleep(600)
""")


def wait_for(text: str, log: Path) -> None:
    for _ in range(300):
        if log.exists() and text in log.read_text():
            return
        signal.sigtimedwait([], 0.05)
    raise AssertionError(f"{text!r} does not come up in {log}")


def test_a_child_that_does_not_listen_is_killed_with_its_own_children(tmp_path: Path) -> None:
    with running({"stubborn": STUBBORN}, logs=tmp_path, patience=0.4) as processes:
        wait_for("ready", tmp_path / "stubborn.log")
        session = processes["stubborn"].pid
        assert len(members({session: None})) == 2
    assert not members({session: None})


def test_children_end_when_the_block_fails(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="on purpose"),
        running({"s": STUBBORN}, logs=tmp_path, patience=0.2) as started,
    ):
        raise ValueError("on purpose")
    assert started["s"].returncode is not None


def test_a_child_that_is_asked_nicely_may_say_goodbye(tmp_path: Path) -> None:
    polite = python("""
        import signal, sys, time
        def leave(*_):
            print("goodbye", flush=True)
            sys.exit(7)
        signal.signal(signal.SIGTERM, leave)
        print("ready", flush=True)
        while True:
            time.sleep(0.1)
    """)
    with running({"polite": polite}, logs=tmp_path) as processes:
        wait_for("ready", tmp_path / "polite.log")
    assert processes["polite"].returncode == 7
    assert "goodbye" in (tmp_path / "polite.log").read_text()


def test_the_watchdog_knows_what_has_not_ended() -> None:
    lines = ["+10 15 6.0\n", "+20 2 20.0\n", "-10\n", "+30 15 6.0\n"]
    assert left_running(lines) == [(20, signal.SIGINT, 20.0), (30, signal.SIGTERM, 6.0)]


def test_one_state_folder_serves_one_process_at_a_time(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with claimed(tmp_path):
        assert holder(tmp_path) is not None
        with pytest.raises(StackError, match="already runs"), claimed(tmp_path):
            pass
    assert holder(tmp_path) is None


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = secrets_of(tmp_path)
    assert secrets_of(tmp_path) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert first.ui_password not in repr(first)


def test_env_files_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# note\n\nA=1\nexport B='two words'\nC=\"x=y\"\nD=\n")
    assert dotenv.read(file) == {"A": "1", "B": "two words", "C": "x=y", "D": ""}
    assert dotenv.read(tmp_path / "absent") == {}


def test_a_broken_line_of_an_env_file_is_named_but_not_shown(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nsecret without a name\n")
    with pytest.raises(StackError, match=r"\.env, line 2: neither") as caught:
        dotenv.read(file)
    assert "secret" not in str(caught.value)


def test_make_names_what_there_is_to_make() -> None:
    told = subprocess.run(["make"], capture_output=True, text=True, check=True, timeout=60).stdout
    for target in ("demo", "up", "test", "check", "lock", "clean"):
        assert f"make {target} " in told
