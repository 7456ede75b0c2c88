"""
Addresses of tracking pages. Whoever has one sees where an order's parcels are, so nobody can guess one.

We keep the hash of a token only: who reads the warehouse learns no address.
"""

import hashlib
import re
import secrets

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 random bits


def new_token() -> str:
    return secrets.token_urlsafe(16)


def is_token(text: str) -> bool:
    """Whether it has the form of one, so that nothing else is looked up."""
    return TOKEN.fullmatch(text) is not None


def hash_of(token: str) -> bytes:
    """What is kept of a token, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def address_of(token: str, page: str) -> str:
    """
    :param page: the setting ``tracking_page``.
    """
    return f"{page}/r/{token}"
