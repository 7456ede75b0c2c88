"""Values from outside as people may be shown them: one line, bounded, and no link but a plain https one."""

import re
import unicodedata
from urllib.parse import urlsplit

LONGEST_VALUE = 160


def plain(value: str) -> str:
    """
    A value from outside as it may be shown: one line, bounded, without control or private characters.

    A value with an address of the web in it is left out: mail programs would turn it into a link we did not make.
    """
    visible = "".join(" " if char.isspace() else char for char in value if char.isspace() or printable(char))
    if re.search(r"://|\bwww\.", visible, re.IGNORECASE):
        return ""
    return shortened(" ".join(visible.split()), LONGEST_VALUE)


def in_line(text: str) -> str:
    """A text with a blank in place of whatever would end its line, move a cursor, or show it in another order."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def printable(char: str) -> bool:
    return not unicodedata.category(char).startswith("C")


def shortened(value: str, length: int) -> str:
    return value if len(value) <= length else value[: length - 1].rstrip() + "…"


def https(url: str) -> str:
    """The URL when it is an https one that shows where it leads; otherwise empty, and there is no link."""
    url = url.strip()
    if not re.fullmatch(r"https://[!-~]+", url) or re.search(r"[\"'<>\\`{}|^]", url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.hostname and "@" not in parts.netloc else ""
