"""Handing in mails to real SMTP servers on loopback, which accept, refuse, throttle and hang up as real ones do."""

# ruff: noqa: N802, ARG002  (aiosmtpd names its hooks after the commands and passes all of them the same things)

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rastro.errors import CredentialsRefused, Doubtful, Misconfigured, RateLimited, Transient
from rastro.languages import Language
from rastro.mail.compose import Sender, Stamp, compose
from rastro.mail.render import Rendered
from rastro.mail.replies import HardRefusal, MessageRefused, Unreachable
from rastro.mail.server import Encryption, SmtpServer, server_from
from rastro.mail.smtp import Postman

TO = "joana@cliente.example"


def message(number=1, *, text="Olá\n.começa com ponto\n..com dois\n", to=TO):
    return compose(
        Rendered(subject=f"Pedido {number}", text=text, html="<p>Olá</p>"),
        to=to,
        first_name="",
        sender=Sender(name="Loja", address="pedidos@loja.example"),
        stamp=Stamp(
            notice=f"n-{number}",
            message_id=f"<n-{number}@loja.example>",
            date=datetime(2026, 11, 27, tzinfo=UTC),
            language=Language.PORTUGUESE,
        ),
    )


class Server:
    """
    What the other side does. ``says`` maps a command to the replies it gives, in turn; then it accepts.

    ``hang_up`` is "at MAIL", "at DATA", "before the dot", "after the dot" or "after each mail".
    """

    def __init__(self, says=None, hang_up=""):
        self.says = {command: list(replies) for command, replies in (says or {}).items()}
        self.hang_up = hang_up
        self.mails: list[Envelope] = []
        self.bodies_offered = 0
        self.connections = 0

    def _reply(self, command, otherwise="250 2.0.0 OK"):
        left = self.says.get(command)
        return left.pop(0) if left else otherwise

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.hang_up == "at MAIL" or (self.hang_up == "after each mail" and getattr(session, "used", False)):
            server.transport.abort()
        reply = self._reply("MAIL")
        if reply.startswith("2"):
            envelope.mail_from = address
        return reply

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self._reply("RCPT")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        self.bodies_offered += 1
        if self.hang_up == "after the dot":
            server.transport.abort()
        reply = self._reply("DATA", "250 2.0.0 Ok: queued as 4F1B")
        if reply.startswith("2"):
            self.mails.append(envelope)
        session.used = True
        return reply


class Speaker(SMTP):
    """aiosmtpd, which cannot hang up in the middle of DATA by a handler alone."""

    async def smtp_DATA(self, arg):
        if self.event_handler.hang_up == "at DATA":
            self.transport.abort()
        elif self.event_handler.hang_up == "before the dot":
            await self.push("354 go on")
            await self._reader.read(1024)
            self.transport.abort()
        elif refusal := self.event_handler._reply("DATA command", ""):
            await self.push(refusal)
        else:
            await super().smtp_DATA(arg)


class Loopback(Controller):
    def factory(self):
        return Speaker(self.handler, **self.SMTP_kwargs)


@contextlib.contextmanager
def listening(server, **options):
    controller = Loopback(server, hostname="127.0.0.1", port=0, **options)
    # The controller checks itself by connecting to the port it was given, so it is told the one it got.
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        controller.port = found.getsockname()[1]
    controller.start()
    server.connections = 0
    try:
        yield SmtpServer(host="127.0.0.1", port=controller.port, encryption=Encryption.NONE, timeout=5, reply_timeout=5)
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 by its own authority: the server's context and the client's."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


# What goes well


def test_an_accepted_mail_arrives_as_it_was_written_and_the_servers_word_comes_back():
    server = Server()
    with listening(server) as at, Postman(at) as postman:
        reply = postman.send(message())
    assert (reply.code, reply.text) == (250, "2.0.0 Ok: queued as 4F1B")
    (mail,) = server.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("pedidos@loja.example", [TO])
    assert mail.content == message_as_received(mail.content)
    assert b"\r\n.come=C3=A7a com ponto\r\n..com dois\r\n" in mail.content


def message_as_received(content):
    """Our own bytes with the boundary that this copy happens to have."""
    boundary = content.split(b'boundary="')[1].split(b'"')[0]
    again = message()
    again.set_boundary(boundary.decode())
    return again.as_bytes()


def test_one_connection_carries_many_mails_and_is_renewed_after_its_share():
    server = Server()
    with listening(server) as at, Postman(at, mails_per_connection=2) as postman:
        for number in range(5):
            postman.send(message(number))
    assert len(server.mails) == 5
    assert server.connections == 3


def test_no_mail_no_connection():
    server = Server()
    with listening(server) as at, Postman(at):
        pass
    assert server.connections == 0


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew_without_a_word():
    server = Server(hang_up="after each mail")
    with listening(server) as at, Postman(at) as postman:
        for number in range(3):
            postman.send(message(number))
    assert len(server.mails) == 3
    assert server.connections == 3


def test_a_farewell_on_an_idle_connection_is_no_failure():
    server = Server({"MAIL": ["250 OK", "421 4.4.2 idle for too long"]})
    with listening(server) as at, Postman(at) as postman:
        postman.send(message(1))
        postman.send(message(2))
    assert len(server.mails) == 2
    assert server.connections == 2


# What the server refuses

REFUSALS = [
    ("RCPT", "550 5.1.1 <joana@cliente.example>: no such user", HardRefusal, None),
    ("RCPT", "553 5.1.3 bad address", HardRefusal, None),
    ("RCPT", "550 5.7.1 blocked by policy", MessageRefused, None),
    ("RCPT", "554 5.7.1 relay access denied", MessageRefused, None),
    ("RCPT", "550 relaying denied", MessageRefused, None),
    ("RCPT", "550 5.1.8 sender domain not found", Misconfigured, None),
    ("RCPT", "450 4.2.0 greylisted", Transient, 300),
    ("RCPT", "451 4.3.0 try later", Transient, 300),
    ("RCPT", "452 4.2.2 mailbox full", Transient, 21600),
    ("RCPT", "552 5.2.2 mailbox full", Transient, 21600),
    ("RCPT", "552 too much mail", Transient, 21600),
    ("RCPT", "421 4.7.0 too many", Transient, 300),
    ("RCPT", "503 5.5.1 bad sequence", Transient, 300),
    ("MAIL", "553 5.7.1 not your address", Misconfigured, None),
    ("MAIL", "550 sender rejected", Misconfigured, None),
    ("MAIL", "530 5.7.0 log in first", CredentialsRefused, None),
    ("MAIL", "552 5.3.4 too large", MessageRefused, None),
    ("MAIL", "451 4.7.1 later", Transient, 300),
    ("MAIL", "421 4.3.2 closing", Unreachable, 300),
    ("DATA command", "451 4.3.0 not now", Transient, 300),
    ("DATA command", "554 5.5.1 no valid recipients", MessageRefused, None),
    ("DATA", "454 4.7.0 Throttling failure: Maximum sending rate exceeded.", RateLimited, 120),
    ("DATA", "451 4.3.0 not now", Transient, 300),
    ("DATA", "554 5.6.0 content refused", MessageRefused, None),
    ("DATA", "550 5.1.1 no such user", HardRefusal, None),
    ("DATA", "552 5.3.4 too large", MessageRefused, None),
]


@pytest.mark.parametrize(("command", "reply", "kind", "retry_after"), REFUSALS)
def test_a_refusal_is_sorted_by_what_to_do_next_and_the_next_mail_goes_through(command, reply, kind, retry_after):
    server = Server({command: [reply]})
    with listening(server) as at, Postman(at) as postman:
        with pytest.raises(kind) as refused:
            postman.send(message(1))
        assert not server.mails
        postman.send(message(2))
    assert type(refused.value) is kind
    assert getattr(refused.value, "retry_after", None) == retry_after
    assert len(server.mails) == 1
    assert server.bodies_offered <= 2


@pytest.mark.parametrize("code", [250, 554])
def test_a_refused_body_is_offered_once(code):
    server = Server({"DATA": [f"{code} 5.6.0 said once"]})
    with listening(server) as at, Postman(at) as postman, contextlib.suppress(MessageRefused):
        postman.send(message())
    assert server.bodies_offered == 1


def test_an_error_shows_what_the_server_said_and_not_to_whom():
    server = Server({"RCPT": [f"550 5.1.1 <{TO.upper()}>: no such user {TO}, ask postmaster@cliente.example"]})
    with listening(server) as at, Postman(at) as postman, pytest.raises(HardRefusal) as refused:
        postman.send(message())
    assert "5.1.1" in str(refused.value)
    assert "no such user" in str(refused.value)
    assert "@" not in str(refused.value)


# What is lost on the way


@pytest.mark.parametrize(
    ("hang_up", "kind"),
    [("at MAIL", Unreachable), ("at DATA", Transient), ("before the dot", Transient), ("after the dot", Doubtful)],
)
def test_only_a_loss_after_the_dot_is_doubtful(hang_up, kind):
    server = Server(hang_up=hang_up)
    lines = 300_000 if hang_up == "before the dot" else 1  # more than the buffers on the way can hold
    with listening(server) as at, Postman(at) as postman:
        with pytest.raises(kind) as lost:
            postman.send(message(text="Linha de um texto comprido que enche o caminho todo.\n" * lines))
        assert type(lost.value) is kind
        server.hang_up = ""
        assert postman.send(message(2)).code == 250
    assert len(server.mails) == (2 if kind is Doubtful else 1)


def test_a_server_that_stays_silent_after_the_dot_is_doubtful_and_before_it_is_not():
    for silent_at, kind in (("mail", Unreachable), ("rcpt", Transient), (".", Doubtful)):
        with scripted(silent_at) as at, Postman(replace(at, timeout=0.2, reply_timeout=0.2)) as postman:
            with pytest.raises(kind) as lost:
                postman.send(message())
            assert type(lost.value) is kind


def test_an_answer_to_the_dot_that_makes_no_sense_is_doubtful():
    with scripted("", last=b"hello there\r\n") as at, Postman(at) as postman, pytest.raises(Doubtful):
        postman.send(message())


@contextlib.contextmanager
def scripted(silent_at, *, greeting=b"220 hi\r\n", last=b"250 OK\r\n"):
    """A server on a bare socket, for what no proper server does."""

    def talk():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(greeting)
                in_data = False
                for line in lines:
                    word = "." if line == b".\r\n" else "" if in_data else line[:4].decode().strip().lower()
                    if word and word == silent_at:
                        done.wait(10)
                        return
                    if word == ".":
                        in_data = False
                        connection.sendall(last)
                    elif not in_data:
                        in_data = word == "data"
                        connection.sendall(b"354 go on\r\n" if in_data else b"250 OK\r\n")

    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        try:
            port = listener.getsockname()[1]
            yield SmtpServer(host="127.0.0.1", port=port, encryption=Encryption.NONE, timeout=5, reply_timeout=5)
        finally:
            done.set()
            listener.close()
            thread.join(10)


@pytest.mark.parametrize("greeting", [b"554 5.7.1 no service\r\n", b"421 busy\r\n", b"nonsense\r\n"])
def test_a_server_that_does_not_greet_is_left_for_later(greeting):
    with scripted("", greeting=greeting) as at, Postman(at) as postman, pytest.raises(Unreachable):
        postman.send(message())


def test_a_server_that_is_not_there_is_left_for_later():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    nowhere = SmtpServer(host="127.0.0.1", port=port, encryption=Encryption.NONE, timeout=5)
    with Postman(nowhere) as postman, pytest.raises(Unreachable, match="host right"):
        postman.send(message())


# Login and encryption


def only_joana(server, session, envelope, mechanism, data):
    right = data.login == b"loja" and data.password == b"senha-inventada"
    return AuthResult(success=right, handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server's own remark about this set-up
def test_a_right_login_opens_and_a_wrong_one_says_where_to_look_and_keeps_the_password():
    options = {"authenticator": only_joana, "auth_required": True, "auth_require_tls": False}
    server = Server()
    with listening(server, **options) as at:
        with Postman(replace(at, login="loja", password="senha-inventada")) as postman:
            postman.send(message())
        with Postman(replace(at, login="loja", password="errada")) as postman:
            with pytest.raises(CredentialsRefused, match=r"535.*SMTP connection") as refused:
                postman.send(message())
            assert "errada" not in str(refused.value)
        with Postman(at) as postman, pytest.raises(CredentialsRefused, match="530"):
            postman.send(message())
    assert len(server.mails) == 1


def test_a_login_where_none_is_offered_is_a_wrong_connection():
    with (
        listening(Server()) as at,
        Postman(replace(at, login="loja", password="x")) as postman,
        pytest.raises(Misconfigured, match="log in"),
    ):
        postman.send(message())


def test_without_starttls_nothing_is_sent_not_even_the_login():
    server = Server()
    wanted = {"encryption": Encryption.STARTTLS, "login": "loja", "password": "senha-inventada"}
    with (
        listening(server) as at,
        Postman(replace(at, **wanted)) as postman,
        pytest.raises(Misconfigured, match="STARTTLS"),
    ):
        postman.send(message())
    assert server.connections == 1
    assert not server.mails


def test_starttls_with_a_trusted_certificate(certificate):
    theirs, ours = certificate
    server = Server()
    with (
        listening(server, tls_context=theirs, require_starttls=True) as at,
        Postman(replace(at, encryption=Encryption.STARTTLS), tls=ours) as postman,
    ):
        assert postman.send(message()).code == 250
    assert len(server.mails) == 1


def test_tls_from_the_first_byte_with_a_trusted_certificate(certificate):
    theirs, ours = certificate
    server = Server()
    with tls_listening(server, theirs) as at, Postman(at, tls=ours) as postman:
        assert postman.send(message()).code == 250
    assert len(server.mails) == 1


@contextlib.contextmanager
def tls_listening(server, theirs):
    """The same server behind TLS from the first byte; the controller's own check does not know our authority."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    found = []

    def run():
        asyncio.set_event_loop(loop)
        listener = loop.run_until_complete(
            loop.create_server(lambda: Speaker(server, loop=loop), "127.0.0.1", 0, ssl=theirs)
        )
        found.append(listener.sockets[0].getsockname()[1])
        ready.set()
        loop.run_forever()
        listener.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        yield SmtpServer(host="127.0.0.1", port=found[0], encryption=Encryption.IMPLICIT, timeout=5, reply_timeout=5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@pytest.mark.parametrize("encryption", [Encryption.STARTTLS, Encryption.IMPLICIT])
def test_a_certificate_that_nobody_vouches_for_stops_the_mail(certificate, encryption):
    theirs, _ours = certificate
    server = Server()
    with contextlib.ExitStack() as stack:
        if encryption is Encryption.IMPLICIT:
            at = stack.enter_context(tls_listening(server, theirs))
        else:
            at = stack.enter_context(listening(server, tls_context=theirs))
        with (
            Postman(replace(at, encryption=encryption)) as postman,
            pytest.raises(Misconfigured, match="not trusted"),
        ):
            postman.send(message())
    assert not server.mails


def test_tls_from_the_first_byte_on_a_plain_port_says_what_to_check():
    with (
        listening(Server()) as at,
        Postman(replace(at, encryption=Encryption.IMPLICIT)) as postman,
        pytest.raises(Misconfigured, match="disable_ssl"),
    ):
        postman.send(message())


def test_a_mail_to_two_people_is_refused_before_anything_is_said():
    two = message()
    del two["To"]
    two["To"] = "joana@cliente.example, ana@cliente.example"
    server = Server()
    with listening(server) as at, Postman(at) as postman, pytest.raises(ValueError, match="one recipient"):
        postman.send(two)
    assert server.connections == 0


def colleagues():
    several = message()
    del several["To"]
    several["To"] = "ana@loja.example, rui@loja.example"
    return several


def test_colleagues_who_are_told_together_share_one_message():
    server = Server()
    with listening(server) as at, Postman(at) as postman:
        postman.send(colleagues(), together=True)
    (mail,) = server.mails
    assert mail.rcpt_tos == ["ana@loja.example", "rui@loja.example"]


@pytest.mark.parametrize(
    ("replies", "kind", "which"),
    [
        (["550 5.1.1 <ana@loja.example> left"], HardRefusal, "recipient 1 of 2"),
        (["250 OK", "550 5.1.1 <rui@loja.example> left, ask ana@loja.example"], HardRefusal, "recipient 2 of 2"),
        (["250 OK", "452 4.2.2 full"], Transient, "recipient 2 of 2"),
    ],
)
def test_a_message_to_several_goes_to_all_of_them_or_to_none(replies, kind, which):
    server = Server({"RCPT": replies})
    with listening(server) as at, Postman(at) as postman:
        with pytest.raises(kind, match=which) as refused:
            postman.send(colleagues(), together=True)
        assert "@" not in str(refused.value)
        assert not server.mails
        postman.send(colleagues(), together=True)
    assert len(server.mails) == 1


# The connection's values


@pytest.mark.parametrize(
    ("host", "port", "extra", "encryption", "used_port"),
    [
        ("smtp.example", 465, {}, Encryption.IMPLICIT, 465),
        ("smtp.example", 587, {}, Encryption.STARTTLS, 587),
        ("smtp.example", 25, {}, Encryption.STARTTLS, 25),
        ("smtp.example", None, {}, Encryption.STARTTLS, 587),
        ("smtp.example", 587, {"disable_ssl": True}, Encryption.STARTTLS, 587),
        ("smtp.example", 2465, {"disable_tls": True}, Encryption.IMPLICIT, 2465),
        ("smtp.example", 465, {"disable_ssl": "false", "disable_tls": "false"}, Encryption.IMPLICIT, 465),
        ("smtp.example", 465, {"disable_ssl": "False", "disable_tls": "True"}, Encryption.IMPLICIT, 465),
        ("smtp.example", 465, {"disable_ssl": True}, Encryption.STARTTLS, 465),
        ("mail", 1025, {"disable_ssl": "true", "disable_tls": "true"}, Encryption.NONE, 1025),
        ("mail", None, {"disable_ssl": True, "disable_tls": True}, Encryption.NONE, 25),
        ("smtp.example", None, {"disable_tls": True}, Encryption.IMPLICIT, 465),
        ("localhost", 1025, {}, Encryption.NONE, 1025),
        ("127.0.0.1", 1025, {"disable_ssl": None}, Encryption.NONE, 1025),
        ("127.0.0.1", 1025, {"disable_ssl": True}, Encryption.STARTTLS, 1025),
        ("127.0.0.1.example", 1025, {}, Encryption.STARTTLS, 1025),
    ],
)
def test_how_a_connection_is_encrypted(host, port, extra, encryption, used_port):
    server = server_from(host, port, "loja", "x", extra)
    assert (server.encryption, server.port) == (encryption, used_port)


def test_timeouts_and_sender_are_read_as_numbers_and_text():
    server = server_from(
        "smtp.example", 587, None, None, {"timeout": "10", "reply_timeout": 600, "from_email": "p@loja.example"}
    )
    assert (server.timeout, server.reply_timeout, server.from_email) == (10.0, 600.0, "p@loja.example")
    usual = server_from("smtp.example", 587, None, None, {})
    assert (usual.timeout, usual.reply_timeout) == (30.0, 300.0)


def test_everything_wrong_with_a_connection_is_said_at_once_and_no_secret():
    extra = {
        "disable_tls": "perhaps",
        "timeout": "soon",
        "reply_timeout": 0,
        "auth_type": "oauth2",
        "ssl_context": "none",
    }
    with pytest.raises(Misconfigured) as wrong:
        server_from(" ", 70000, None, "señha-inventada", extra)
    for part in (
        "host",
        "70000",
        "no login",
        "ASCII",
        "disable_tls",
        "timeout",
        "reply_timeout",
        "oauth2",
        "ssl_context",
    ):
        assert part in str(wrong.value)
    assert "inventada" not in str(wrong.value)
    assert "inventada" not in repr(server_from("smtp.example", 587, "loja", "senha-inventada", {}))
