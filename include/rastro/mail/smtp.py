"""
Handing mails to an SMTP server, one recipient each but for what colleagues are told together.

Not Airflow's hook, which sends a body again and again after a refusal and drops the server's last word.

The final dot divides the outcomes: a connection lost before it was sent took nothing, one lost after it may have taken
the mail (RFC 1047), and only a person or a setting decides whether to repeat that. A body is sent once per call.
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage

from rastro.errors import Doubtful, Misconfigured, Transient
from rastro.mail.replies import LATER, OUT_OF_STEP, Reply, Stage, Unreachable, opening_failure, refusal, reply_from
from rastro.mail.server import Encryption, SmtpServer

MAILS_PER_CONNECTION = 100


class Idle(Exception):
    """The connection was closed before anything of this mail was taken from us; another one may do."""


class Postman:
    """
    Sends mails over one connection, opened at the first mail, renewed after some mails and after any loss.

    A context manager, for one thread. ``tls`` replaces the system's idea of which certificates to trust.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        tls: ssl.SSLContext | None = None,
        mails_per_connection: int = MAILS_PER_CONNECTION,
    ) -> None:
        self.server = server
        self._at = f"SMTP {server.host}:{server.port}"
        self._tls = tls
        self._most = mails_per_connection
        self._client: smtplib.SMTP | None = None
        self._sent = 0  # over this connection

    def __enter__(self) -> "Postman":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def send(self, message: EmailMessage, *, together: bool = False) -> Reply:
        """
        The server's word that it has taken the mail, which is not yet delivery.

        :param together: the mail may have several recipients. It goes to all of them or to none, so that it has one
            outcome: nothing is sent as soon as one of them is refused.
        :raises HardRefusal: there is no such recipient.
        :raises MessageRefused: this message is not taken.
        :raises Doubtful: the connection was lost after the final dot; the mail may have been taken.
        :raises Unreachable: the server cannot be used now; the mail was not taken.
        :raises Transient: this mail is not taken now.
        :raises CredentialsRefused: the login is wrong or missing.
        :raises Misconfigured: the server refuses our sender, or offers no safe connection.
        """
        sender, recipients = ends_of(message, together=together)
        body = on_the_wire(message)
        if self._sent >= self._most:
            self._leave()
        if self._client:
            with contextlib.suppress(Idle):  # servers close connections that lay waiting
                return self._hand_in(self._client, sender, recipients, body)
        try:
            return self._hand_in(self._open(), sender, recipients, body)
        except Idle as error:
            raise Unreachable(f"{self._at} hung up; try again later", retry_after=LATER) from error

    def greet(self) -> None:
        """
        Connect, encrypt and log in, and say goodbye: no mail is sent.

        :raises RastroError: as :meth:`send`, as far as it comes.
        """
        self._open()
        self._leave()

    def _hand_in(self, client: smtplib.SMTP, sender: str, recipients: Sequence[str], body: bytes) -> Reply:
        stage, whole = Stage.SENDER, False
        try:
            size = [f"size={len(body)}"] if client.has_extn("size") else []
            self._expect(2, stage, client.mail(sender, size), recipients)
            stage = Stage.RECIPIENT
            for position, recipient in enumerate(recipients, start=1):
                which = f" about recipient {position} of {len(recipients)}" if len(recipients) > 1 else ""
                self._expect(2, stage, client.rcpt(recipient), recipients, which)
            stage = Stage.MESSAGE
            self._expect(3, stage, client.docmd("DATA"), recipients)
            client.send(body)
            whole = True
            client.send(b".\r\n")
            wait(client, self.server.reply_timeout)
            answer = client.getreply()
            wait(client, self.server.timeout)
        except OSError as error:  # smtplib's own errors are OSErrors too
            self._drop()
            if whole:
                raise self._doubt("the connection was lost") from error
            if stage is Stage.SENDER:
                raise Idle from error
            lost = f"{self._at}: the connection was lost at {stage}, before all of it was sent; try again later"
            raise Transient(lost, retry_after=LATER) from error
        if answer[0] // 100 not in {2, 4, 5}:
            self._drop()
            raise self._doubt("the answer makes no sense")
        reply = self._expect(2, stage, answer, recipients)
        self._sent += 1
        return reply

    def _expect(
        self, kind: int, stage: Stage, answer: tuple[int, bytes], recipients: Sequence[str], which: str = ""
    ) -> Reply:
        """The reply, if its first digit is ``kind``; otherwise its meaning, raised, and the connection made ready."""
        reply = reply_from(answer, *recipients)
        if reply.code // 100 == kind:
            return reply
        if reply.code == 421 or reply.code in OUT_OF_STEP or reply.code // 100 not in {4, 5}:
            self._drop()
            if stage is Stage.SENDER and reply.code == 421:
                raise Idle
        else:
            self._reset()
        raise refusal(stage, reply, f"{self._at}{which}")

    def _doubt(self, what: str) -> Doubtful:
        return Doubtful(f"{self._at}: {what} after the whole mail was sent; it may have been taken")

    def _open(self) -> smtplib.SMTP:
        self._drop()
        stage = Stage.GREETING
        try:
            client = self._client = self._connected()
            if client.sock:  # a mail ends in a packet of its own, which must not wait for the answer to the one before
                client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.ehlo_or_helo_if_needed()
            if self.server.encryption is Encryption.STARTTLS:
                self._encrypt(client)
            stage = Stage.LOGIN
            if self.server.login:
                client.login(self.server.login, self.server.password)
        except Misconfigured:
            self._drop()
            raise
        except OSError as error:
            self._drop()
            raise opening_failure(stage, error, self._at) from error
        return client

    def _connected(self) -> smtplib.SMTP:
        server = self.server
        if server.encryption is Encryption.IMPLICIT:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=self._trust())
        return smtplib.SMTP(server.host, server.port, timeout=server.timeout)

    def _encrypt(self, client: smtplib.SMTP) -> None:
        if not client.has_extn("starttls"):
            raise Misconfigured(
                f"{self._at} offers no STARTTLS, and nothing is sent in the clear: use the port for TLS (often 465), "
                "or set disable_ssl and disable_tls on the connection if the network is your own"
            )
        client.starttls(context=self._trust())
        client.ehlo_or_helo_if_needed()

    def _trust(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    def _reset(self) -> None:
        """Ends the transaction but not the connection, where that works."""
        try:
            if self._client and self._client.rset()[0] != 250:
                self._drop()
        except OSError:
            self._drop()

    def _leave(self) -> None:
        """Says goodbye. What was sent is settled, so nothing that goes wrong here matters."""
        with contextlib.suppress(OSError):
            if self._client:
                wait(self._client, min(5.0, self.server.timeout))
                self._client.quit()
        self._drop()

    def _drop(self) -> None:
        if self._client:
            self._client.close()
        self._client, self._sent = None, 0


def wait(client: smtplib.SMTP, span: float) -> None:
    """How many seconds the next answers may take."""
    if client.sock:
        client.sock.settimeout(span)


def ends_of(message: EmailMessage, *, together: bool = False) -> tuple[str, list[str]]:
    """
    Sender and recipients, by the message's own headers.

    One recipient, so that an outcome is one customer's and nobody sees another's address, unless they are colleagues.
    """
    senders, recipients = ([] if message[name] is None else message[name].addresses for name in ("From", "To"))
    if len(senders) != 1 or not recipients or (len(recipients) > 1 and not together) or message["Cc"] or message["Bcc"]:
        raise ValueError("a mail has one sender and one recipient, and copies go to nobody")
    return senders[0].addr_spec, [recipient.addr_spec for recipient in recipients]


def on_the_wire(message: EmailMessage) -> bytes:
    """The message in lines that end in CRLF, leading dots doubled (RFC 5321 4.5.2), without the final dot."""
    body = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    body = re.sub(rb"^\.", b"..", body, flags=re.MULTILINE)
    return body if body.endswith(b"\r\n") else body + b"\r\n"
