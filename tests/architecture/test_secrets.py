"""No password, key or token is kept in the repository; the hook of pre-commit looks the same way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack.state import REPOSITORY

pytestmark = pytest.mark.slow

# Digests of packages, one's own settings, and the invented credentials of tests and simulated services.
PASSED_OVER = re.compile(r"requirements.*\.txt|tests/|include/simulator/|\.env$")
HOOK = [
    sys.executable, "-m", "detect_secrets.pre_commit_hook", "--disable-plugin", "KeywordDetector",
    "--exclude-lines", "://(user:password|rastro:%s)@",
]  # fmt: skip


def secrets_in(*files: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HOOK, *files], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)


def test_no_secret_is_kept_in_the_repository(text_files: dict[Path, str]) -> None:
    files = [path.as_posix() for path in text_files if not PASSED_OVER.match(path.as_posix())]
    assert len(files) > 100
    found = secrets_in(*files)
    assert found.returncode == 0, found.stdout


def test_a_key_that_somebody_left_is_found(tmp_path: Path) -> None:
    left = tmp_path / "deploy.env"
    left.write_text("AWS_ACCESS_KEY_ID=" + "AKIA" + "Q3EGRNBV7SLKDJ2M\n")
    found = secrets_in(str(left))
    assert found.returncode == 1
    assert "deploy.env" in found.stdout
