"""
What was erased at a person's wish and is not kept again, whoever tells of it: orders and numbers of parcels.

Only a keyed hash of each is kept, since who reads the warehouse is not to learn whom it forgot. A name is (account,
order) or (carrier, number).
"""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeAlias

from psycopg import Connection

from rastro.warehouse.queries import run

Name: TypeAlias = tuple[str, str]


def name_hash(name: Name, key: bytes) -> bytes:
    return hmac.new(key, "\0".join(name).encode(), hashlib.sha256).digest()


def note(conn: Connection[Any], names: Collection[Name], key: bytes, now: datetime) -> None:
    run(conn, "note_erased", name_hashes=[name_hash(one, key) for one in names], now=now)


def among(conn: Connection[Any], names: Collection[Name], key: bytes) -> set[Name]:
    """Those of the names that were erased."""
    by_hash = {name_hash(one, key): one for one in names}
    return {by_hash[row.name_hash] for row in run(conn, "erased_among", name_hashes=list(by_hash))}
