"""The SMTP server that the values of an Airflow connection of type ``smtp`` describe."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rastro.errors import Misconfigured


class Encryption(StrEnum):
    IMPLICIT = "implicit"  # TLS from the first byte, usually port 465
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mails are handed in. ``timeout`` is for every command, ``reply_timeout`` for the reply to the final dot."""

    host: str
    port: int
    encryption: Encryption
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    from_email: str = ""
    timeout: float = 30.0
    reply_timeout: float = 300.0


def server_from(
    host: str | None,
    port: int | None,
    login: str | None,
    password: str | None,
    extra: Mapping[str, object],
) -> SmtpServer:
    """
    The server, by the extras of Airflow's own SMTP connection.

    ``disable_ssl`` alone means STARTTLS, ``disable_tls`` alone TLS from the first byte, both no encryption. With
    neither (which Airflow's hook cannot work with) port 465 means TLS from the first byte, a server on this very
    machine no encryption, and any other one STARTTLS. Encryption that is meant is required: without it nothing is sent.
    ``timeout`` and, of our own, ``reply_timeout`` are seconds. ``from_email`` is kept; the others are not used.

    :raises Misconfigured: lists all that is wrong.
    """
    doubts = {
        "the host is missing": not (host or "").strip(),
        f"port {port} is none": port is not None and not 0 < port < 65536,
        "there is a password and no login": bool(password and not login),
        "login and password must be plain ASCII": not f"{login or ''}{password or ''}".isascii(),
        "auth_type oauth2 is not supported, give a login and password": extra.get("auth_type") == "oauth2",
        "ssl_context none is not supported, the certificate is always checked": extra.get("ssl_context") == "none",
    }
    wrong = [sentence for sentence, holds in doubts.items() if holds]
    read: dict[str, Any] = {}
    for name, reader in EXTRAS.items():
        try:
            read[name] = reader(str(extra.get(name) if extra.get(name) is not None else "").strip())
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        raise Misconfigured("The SMTP connection must be put right: " + "; ".join(wrong))
    name = (host or "").strip()
    encryption = encryption_for(name, port, no_ssl=read.pop("disable_ssl"), no_tls=read.pop("disable_tls"))
    return SmtpServer(
        host=name,
        port=port or USUAL_PORT[encryption],
        encryption=encryption,
        login=login or "",
        password=password or "",
        **read,
    )


def encryption_for(host: str, port: int | None, *, no_ssl: bool, no_tls: bool) -> Encryption:
    match no_ssl, no_tls:
        case True, True:
            return Encryption.NONE
        case False, True:
            return Encryption.IMPLICIT
        case True, False:
            return Encryption.STARTTLS
    if port == 465:
        return Encryption.IMPLICIT
    here = host.lower() in {"localhost", "::1"} or re.fullmatch(r"127(\.\d+){3}", host)
    return Encryption.NONE if here else Encryption.STARTTLS


def switch(text: str) -> bool:
    """On or off, as JSON or as text says it; absent is off."""
    if text.lower() in {"true", "1", "yes", "on"}:
        return True
    if text.lower() in {"", "false", "0", "no", "off"}:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def seconds(default: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        span = float(text or default)
        if not 0 < span <= 3600:
            raise ValueError(f"{text} is not above 0 and at most 3600 seconds")
        return span

    return read


EXTRAS: Mapping[str, Callable[[str], object]] = {
    "disable_ssl": switch,
    "disable_tls": switch,
    "timeout": seconds(30.0),
    "reply_timeout": seconds(300.0),
    "from_email": str,
}
USUAL_PORT = {Encryption.IMPLICIT: 465, Encryption.STARTTLS: 587, Encryption.NONE: 25}
