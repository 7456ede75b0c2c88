"""A mail server that delivers into the mail log, and misbehaves when it is told to."""
# ruff: noqa: ARG001, ARG002, N802 -- aiosmtpd names its handlers and what they are given

import asyncio
import email
import email.policy
from collections.abc import Callable
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from simulator import credentials
from simulator.faults import Faults
from simulator.log import JsonLines
from simulator.world import World, now

ENHANCED = {2: "2.0.0", 4: "4.3.0", 5: "5.7.1"}
TEXTS = {
    450: "4.2.0 Mailbox unavailable, try again later",
    451: "4.3.0 Local error, try again later",
    452: "4.2.2 Mailbox full",
    454: "4.7.0 Throttling failure: Maximum sending rate exceeded",
    550: "5.1.1 No such user here",
    552: "5.2.2 Mailbox full",
    554: "5.6.0 Message rejected",
}


class Sink:
    """What aiosmtpd asks at each step of a mail."""

    def __init__(self, world: World, faults: Faults, mail_log: JsonLines) -> None:
        self._world = world
        self._faults = faults
        self._mail_log = mail_log

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._world.settings.smtp_auth and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if fault := self._faults.pick("smtp", address, kinds=frozenset({"mail"})):
            return reply(fault.status or 454)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if fault := self._faults.pick("smtp", address, kinds=frozenset({"rcpt"})):
            return reply(fault.status or 550)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        recipients = " ".join(envelope.rcpt_tos)
        kinds = frozenset({"data", "hang", "drop_before", "drop_after", "hang_after"})
        fault = self._faults.pick("smtp", recipients, kinds=kinds)
        if fault and fault.kind == "data":
            return reply(fault.status or 554)
        if fault and fault.kind == "hang":
            await asyncio.sleep(3600)
        if fault is None or fault.kind in {"drop_after", "hang_after"}:
            message = email.message_from_bytes(raw, policy=email.policy.default)
            self._mail_log.write(
                {
                    "time": now().isoformat(),
                    "mail_from": envelope.mail_from,
                    "rcpt_tos": envelope.rcpt_tos,
                    "message_id": str(message["message-id"] or ""),
                    "subject": str(message["subject"] or ""),
                    "raw": raw.decode("utf-8", "replace"),
                }
            )
        if fault and fault.kind == "hang_after":
            await asyncio.sleep(3600)
        if fault:
            cast("asyncio.Transport", server.transport).abort()
        return "250 2.0.0 Ok: queued"


def reply(status: int) -> str:
    return f"{status} {TEXTS.get(status, ENHANCED.get(status // 100, '5.0.0') + ' Refused')}"


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        credentials.SMTP_USER.encode(),
        credentials.SMTP_PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=False)


def mail_server(world: World, faults: Faults, mail_log: JsonLines) -> Callable[[], SMTP]:
    """A factory of SMTP sessions."""
    sink = Sink(world, faults, mail_log)

    def session() -> SMTP:
        return SMTP(
            sink,
            hostname="mail.simulator.example",
            ident="simulator",
            authenticator=authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
        )

    return session
