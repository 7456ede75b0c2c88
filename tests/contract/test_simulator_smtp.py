"""The simulated mail server, asked by Python's own client."""

import smtplib
from email.message import EmailMessage

import pytest

from simulator.testing import Running

TO = "ana.1@cliente.example"


def mail(to: str = TO) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "pedidos@loja.example"
    message["To"] = to
    message["Subject"] = "Seu pedido saiu para entrega às 14h"
    message["Message-ID"] = "<um@loja.example>"
    message.set_content("Olá, Ana!")
    return message


def send(simulator: Running, to: str = TO, login: tuple[str, str] | None = None, timeout: float = 10) -> None:
    with smtplib.SMTP("127.0.0.1", simulator.smtp_port, timeout=timeout) as client:
        if login:
            client.login(*login)
        client.send_message(mail(to))


def test_a_mail_is_written_down_with_all_that_was_said(simulator: Running) -> None:
    send(simulator)
    (line,) = simulator.mails()
    assert set(line) == {"time", "mail_from", "rcpt_tos", "message_id", "subject", "raw"}
    assert line["mail_from"] == "pedidos@loja.example"
    assert line["rcpt_tos"] == [TO]
    assert line["message_id"] == "<um@loja.example>"
    assert line["subject"] == "Seu pedido saiu para entrega às 14h"
    assert "To: ana.1@cliente.example" in line["raw"]


@pytest.mark.parametrize("status", [550, 450])
def test_a_recipient_can_be_refused_while_others_are_served(simulator: Running, status: int) -> None:
    simulator.fault("smtp", "rcpt", status=status, match="bento", times=0)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(simulator, "bento.2@cliente.example")
    assert refused.value.recipients["bento.2@cliente.example"][0] == status
    send(simulator)
    assert [line["rcpt_tos"] for line in simulator.mails()] == [[TO]]


def test_a_mail_can_be_refused_after_it_was_read(simulator: Running) -> None:
    simulator.fault("smtp", "data", status=554)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(simulator)
    assert refused.value.smtp_code == 554
    assert simulator.mails() == []


def test_the_sender_can_be_throttled(simulator: Running) -> None:
    simulator.fault("smtp", "mail", status=454)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(simulator)
    assert refused.value.smtp_code == 454


@pytest.mark.parametrize(("kind", "taken"), [("drop_before", 0), ("drop_after", 1)])
def test_the_connection_can_be_lost_after_the_final_dot(simulator: Running, kind: str, taken: int) -> None:
    simulator.fault("smtp", kind)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send(simulator)
    assert len(simulator.mails()) == taken
    send(simulator)
    assert len(simulator.mails()) == taken + 1


def test_a_mail_can_be_taken_without_a_word(simulator: Running) -> None:
    simulator.fault("smtp", "hang_after")
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(simulator, timeout=0.3)
    assert len(simulator.mails()) == 1


def test_a_login_can_be_demanded(simulator: Running) -> None:
    told = simulator.info()["smtp"]
    send(simulator, login=(told["user"], told["password"]))
    simulator.configure(smtp_auth=True)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(simulator)
    assert refused.value.smtp_code == 530
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(simulator, login=(told["user"], "wrong"))
    send(simulator, login=(told["user"], told["password"]))
    assert len(simulator.mails()) == 2
