"""
What was erased at a person's wish and is not kept again, whoever tells of it: orders and numbers of parcels.

Only a keyed hash of each is kept, since who reads the warehouse is not to learn whom it forgot. A name is (account,
order) or (carrier, number).
"""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from psycopg import Connection

from rastro.errors import Misconfigured
from rastro.warehouse.queries import run

Name: TypeAlias = tuple[str, str]

NOT_AT_HAND = (
    "The key by which erased orders are known is sealed with a Fernet key that is not at hand: put that one back, last "
    "in [core] fernet_key, until a run has come. If it is lost, see docs/recover.md"
)


class Sealer(Protocol):
    """Seals with the newest of several keys, and opens what any of them has sealed; ``oldest`` is one of them."""

    oldest: bytes

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...

    def is_newest(self, token: bytes) -> bool: ...


def hash_key(conn: Connection[Any], sealer: Sealer) -> bytes:
    """
    What keys the hashes of addresses and of what was erased: the same for ever, whatever it is sealed with.

    Names that were erased cannot be hashed anew. So the first sealing key is kept as it was then, and sealed anew with
    the newest as soon as there is one.

    :raises Misconfigured: it cannot be opened, and orders were erased that would come back.
    """
    (row,) = run(conn, "sealed_hash_key")
    key = sealer.oldest
    if row.sealed is not None:
        try:
            key = sealer.decrypt(row.sealed)
        except ValueError as error:
            if row.knows_erased:
                raise Misconfigured(NOT_AT_HAND) from error
    if row.sealed is None or not sealer.is_newest(row.sealed):
        run(conn, "keep_hash_key", sealed=sealer.encrypt(key))
    return key


def name_hash(name: Name, key: bytes) -> bytes:
    return hmac.new(key, "\0".join(name).encode(), hashlib.sha256).digest()


def note(conn: Connection[Any], names: Collection[Name], key: bytes, now: datetime) -> None:
    run(conn, "note_erased", name_hashes=[name_hash(one, key) for one in names], now=now)


def among(conn: Connection[Any], names: Collection[Name], key: bytes) -> set[Name]:
    """Those of the names that were erased."""
    by_hash = {name_hash(one, key): one for one in names}
    return {by_hash[row.name_hash] for row in run(conn, "erased_among", name_hashes=list(by_hash))}
