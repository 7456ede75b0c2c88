"""The file ``.env``: one ``NAME=value`` a line, as Docker Compose reads it too."""

import re
from pathlib import Path

from stack.processes import StackError

LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")


def read(file: Path) -> dict[str, str]:
    """
    Names and values; an absent file has none. Quotes around a whole value are taken off, nothing else is interpreted.

    :raises StackError: a line is neither a comment nor an assignment; the message says which, without its text.
    """
    values = {}
    lines = file.read_text().splitlines() if file.exists() else []
    for number, line in enumerate((line.strip() for line in lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise StackError(f"{file.name}, line {number}: neither a comment nor NAME=value")
        name, value = match[1], match[2].strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        values[name] = value[1:-1] if quoted else value
    return values
