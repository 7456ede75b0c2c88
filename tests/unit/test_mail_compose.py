"""The envelope: headers, addresses that may be written to, and what may be kept of an address."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.policy import default

import pytest

from rastro.errors import Misconfigured, Permanent
from rastro.languages import Language
from rastro.mail.compose import BadAddress, Sender, Stamp, address_hash, compose, masked, recipient
from rastro.mail.render import SLOT, Rendered

RENDERED = Rendered(
    subject="Pedido 900100-01 a caminho",
    text=f"Olá{SLOT},\n\nÉ só um aviso.\n.\n",
    html=f"<p>Olá{SLOT},</p><p>É só um aviso.</p>",
)
SENDER = Sender(name="Loja São João", address="pedidos@loja.example", reply_to="ajuda@loja.example")
STAMP = Stamp(
    notice="n-42",
    message_id="<n-42@loja.example>",
    date=datetime(2026, 11, 27, 14, 32, tzinfo=timezone(timedelta(hours=-3))),
    language=Language.PORTUGUESE,
)


def composed(**changes):
    how = {"to": "joana@cliente.example", "first_name": "Joana", "sender": SENDER, "stamp": STAMP, **changes}
    return compose(how.pop("rendered", RENDERED), **how)


def received(message):
    """The message as a mail program reads it from the wire."""
    return message_from_bytes(message.as_bytes(), policy=default)


def test_headers_say_who_what_and_that_a_machine_wrote():
    headers = dict(received(composed()).items())
    assert headers["Message-ID"] == "<n-42@loja.example>"
    assert headers["Date"] == "Fri, 27 Nov 2026 14:32:00 -0300"
    assert headers["From"] == "Loja São João <pedidos@loja.example>"
    assert headers["To"] == "joana@cliente.example"
    assert headers["Reply-To"] == "ajuda@loja.example"
    assert headers["Subject"] == "Pedido 900100-01 a caminho"
    assert headers["Content-Language"] == "pt-BR"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert headers["X-Rastro-Notice"] == "n-42"


def test_no_header_speaks_for_a_list_or_names_the_customer():
    message = composed()
    assert not {"Precedence", "List-Unsubscribe", "Cc", "Bcc"} & set(message.keys())
    assert not [value for value in message.values() if "Joana" in value]


def test_text_comes_first_then_html_and_both_greet_by_name():
    message = received(composed())
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().startswith("Olá, Joana,")
    assert "Olá, Joana," in html.get_content()
    assert SLOT not in text.get_content() + html.get_content()


def test_the_wire_carries_ascii_in_short_lines():
    wire = composed(sender=replace(SENDER, name="Ação" * 30)).as_bytes()
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78


def test_a_repeat_has_the_same_headers_so_that_receivers_can_tell():
    assert composed().items() == composed().items()


@pytest.mark.parametrize("name", ['José "Zé" <x>, y', "Loja\r\nBcc: x@y.example", "a@x;b@y", "Loja, Cia. & Filhos"])
def test_a_strange_name_of_the_shop_makes_no_second_address_or_header(name):
    message = received(composed(sender=replace(SENDER, name=name)))
    assert [address.addr_spec for address in message["From"].addresses] == ["pedidos@loja.example"]
    assert message["From"].addresses[0].display_name == " ".join(name.split())
    assert message["Bcc"] is None


def test_line_breaks_in_a_subject_are_only_spaces():
    subject = composed(rendered=replace(RENDERED, subject="Pedido\r\nBcc: x@y.example"))["Subject"]
    assert subject == "Pedido Bcc: x@y.example"


@pytest.mark.parametrize(
    ("address", "written_to"),
    [
        ("Joana.Silva@Cliente.example", "Joana.Silva@cliente.example"),
        (" joana@cliente.example ", "joana@cliente.example"),
        ("joana+loja@cliente.com.br", "joana+loja@cliente.com.br"),
        ("o'brien@cliente.example", "o'brien@cliente.example"),
        ("joana@ação.com.br", "joana@xn--ao-siap.com.br"),
    ],
)
def test_an_address_is_written_to_in_ascii(address, written_to):
    assert recipient(address) == written_to
    assert composed(to=address)["To"].addresses[0].addr_spec == written_to


@pytest.mark.parametrize(
    "address",
    [
        "",
        "joana",
        "joana@",
        "@cliente.example",
        "joana@cliente",
        "a@x.example;b@y.example",
        "a@x.example,b@y.example",
        "a@x.example b@y.example",
        "joana@cliente.example\r\nBcc: x@y.example",
        "joana@cliente.example\n",
        "\tjoana@cliente.example",
        "Joana <joana@cliente.example>",
        '"jo ana"@cliente.example',
        "joana@[127.0.0.1]",
        "joão@cliente.example",
        "joana@cliente..example",
    ],
)
def test_what_is_not_one_plain_address_is_refused_with_the_way_out_and_without_the_address(address):
    with pytest.raises(BadAddress, match="one plain address") as refused:
        composed(to=address)
    assert isinstance(refused.value, Permanent)
    assert "joana@" not in str(refused.value)
    assert "joão@" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "alias",
    ["a1b2c3d4@ct.vtex.com.br", "A1B2@CT.VTEX.COM.BR", "joana@cliente-123456b.ct.vtex.com.br"],
)
def test_an_alias_that_ends_with_the_invoice_is_never_written_to(alias):
    with pytest.raises(BadAddress, match="alias"):
        composed(to=alias)


@pytest.mark.parametrize(
    ("sender", "setting"),
    [
        (replace(SENDER, address="loja"), "mail_from"),
        (replace(SENDER, address="a@loja.example\r\nBcc: x@y.example"), "mail_from"),
        (replace(SENDER, reply_to="ajuda"), "reply_to"),
    ],
)
def test_a_wrong_address_of_our_own_names_its_setting(sender, setting):
    with pytest.raises(Misconfigured, match=setting):
        composed(sender=sender)


def test_answers_go_to_the_sender_when_no_other_address_is_set():
    assert composed(sender=replace(SENDER, reply_to=""))["Reply-To"] is None


@pytest.mark.parametrize(
    "stamp",
    [
        replace(STAMP, message_id="n-42"),
        replace(STAMP, message_id="<n-42@loja.example>\r\nBcc: x"),
        replace(STAMP, message_id="<n 42@loja.example>"),
        replace(STAMP, message_id="<ç@loja.example>"),
        replace(STAMP, notice="n\n42"),
        replace(STAMP, notice=""),
    ],
)
def test_a_stamp_that_would_break_its_header_is_refused(stamp):
    with pytest.raises(ValueError, match=r"Message-ID|letters"):
        composed(stamp=stamp)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("joana@cliente.example", "j***@c***.example"),
        ("j@c.com.br", "j***@c***.br"),
        ("a@x.example;b@y.example", "a***@y***.example"),
        ("joana", "***"),
        ("", "***"),
        ("@cliente.example", "***"),
        ("joana@localhost", "j***@l***"),
        ("joana@x.ex\r\nBcc: a", "j***@x***"),
    ],
)
def test_a_log_shows_only_where_an_address_begins(address, shown):
    assert masked(address) == shown


def test_an_address_is_known_again_by_its_hash_and_only_with_the_key():
    first = address_hash("Joana@Cliente.example ", b"key")
    assert first == address_hash("joana@cliente.example", b"key")
    assert first != address_hash("joana@cliente.example", b"another key")
    assert len(first) == 64
    assert "joana" not in first
