"""
The bill of materials, ``build/sbom.json``: what Rastro runs on, as ``requirements.txt`` pins it (CycloneDX).

``python -m stack.sbom`` writes it, and needs no network. Where a package was fetched from is left out: that is another
place for everybody.
"""

import json
import subprocess
import sys
from pathlib import Path

from stack.state import REPOSITORY

SBOM = REPOSITORY / "build" / "sbom.json"


def write(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible",
         "--pyproject", "pyproject.toml", "requirements.txt"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    bill = json.loads(done.stdout)
    for component in bill["components"]:
        component.pop("externalReferences", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(SBOM)
    print(f"Written: {SBOM}")
