"""Links to an order's tracking page: in its mails and on its order, good once, and kept by nobody but their readers."""

import email
import re
from datetime import timedelta
from email.policy import default

import pytest

from rastro.cli import main
from rastro.languages import Language
from rastro.tracking_links import hash_of
from rastro.web.tracking_page import Shown
from webserver import serving

pytestmark = pytest.mark.slow

PAGE = "https://rastro.loja.example"
LINK = re.compile(rf"{PAGE}/r/([A-Za-z0-9_-]+)")


def parts(mail: dict[str, str]) -> list[str]:
    """Text and HTML of a mail that arrived."""
    message = email.message_from_string(mail["raw"], policy=default)
    return [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]


def tokens_in(mails: list[dict[str, str]]) -> list[str]:
    """The one link of each mail, the same in both of its parts."""
    found = []
    for mail in mails:
        (text,), (html,) = (sorted(set(LINK.findall(part))) for part in parts(mail))
        assert text == html
        found.append(text)
    return found


def everything_kept(shop) -> str:
    tables = shop.ask("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'rastro'")
    rows = (shop.ask(f'SELECT t::text AS row FROM rastro."{one.name}" t') for one in tables)
    return "\n".join(row.row for some in rows for row in some)


SHOWN = Shown(
    shop_name="Loja",
    shop_logo="",
    shop_colour="#0b57a4",
    help_url="",
    mail_language=Language.PORTUGUESE,
    tracking_link_for=timedelta(days=90),
    tracking_origins=frozenset(),
)


def test_each_mail_has_a_link_that_leads_to_its_order_and_is_kept_nowhere(shop, caplog):
    shop.configure(tracking_page=PAGE)
    shop.rows("delivered", parcels=2)
    shop.mail_all()
    with caplog.at_level("DEBUG"):
        assert [hour.failures for hour in shop.to_the_end() if hour.failures] == []
    mails = shop.simulator.mails()
    tokens = tokens_in(mails)
    assert len(mails) >= 4
    assert len(set(tokens)) == len(tokens), "each mail has its own"
    kept = everything_kept(shop)
    logged = "\n".join(one.getMessage() for one in caplog.records if one.name != "mail.log")  # the server's own
    for token in tokens:
        assert hash_of(token).hex() in kept
        assert token not in kept
        assert token not in logged
    owners = {one["email"]: one["order_id"] for one in shop.simulator.truth()}
    with serving(shop.warehouse, shown=SHOWN) as web:
        for mail, token in zip(mails, tokens, strict=True):
            told = web.send(f"/r/{token}.json", method="GET").json()
            assert told["number"] == owners[mail["rcpt_tos"][0]]
            assert told["title"] == "Entregue"


def test_an_order_without_a_tracking_url_gets_one_of_ours_and_only_one(shop):
    shop.configure(tracking_page=PAGE)
    shop.orders("delivered", variant="no_url")
    assert [hour.failures for hour in shop.to_the_end() if hour.failures] == []
    patches = shop.received("PATCH", r"/invoice/")
    assert len(patches) == 1
    (order,) = shop.simulator.control("GET", "vtex/loja/orders")
    (package,) = order["packages"]
    (token,) = LINK.findall(package["tracking_url"])
    assert token not in everything_kept(shop)
    with serving(shop.warehouse, shown=SHOWN) as web:
        assert web.send(f"/r/{token}.json", method="GET").json()["title"] == "Entregue"


def test_a_shop_without_the_page_links_to_nothing_of_ours(shop):
    shop.rows("delivered")
    shop.mail_all()
    shop.to_the_end()
    assert shop.simulator.mails()
    assert shop.ask("SELECT FROM rastro.tracking_link") == []


def test_a_mail_that_waited_gets_a_link_that_is_good(shop):
    """It was worked out and stored before the server was reached; its link is made when it goes out."""
    shop.configure(tracking_page=PAGE, resend_doubtful_mail="true")
    shop.rows("delivered")
    shop.mail_all()
    shop.simulator.fault("smtp", "drop_before", times=1)
    shop.hour()
    shop.pauses_end()
    assert shop.hour().failures == {}
    (token, *_) = tokens_in(shop.simulator.mails())
    with serving(shop.warehouse, shown=SHOWN) as web:
        assert web.send(f"/r/{token}", method="GET").status_code == 200


def test_links_are_ended_by_a_command_and_the_next_mail_has_a_good_one(shop, capsys):
    shop.configure(tracking_page=PAGE)
    shop.rows("delivered")
    shop.mail_all()
    assert shop.hour().failures == {}
    (first,) = tokens_in(shop.simulator.mails())
    order_id = shop.simulator.truth()[0]["order_id"]
    assert main(["revoke", order_id, "--dsn", shop.warehouse]) == 0
    assert "1 links to the order" in capsys.readouterr().out
    assert main(["revoke", "no-such-order", "--dsn", shop.warehouse]) == 1
    shop.to_the_end()
    last = tokens_in(shop.simulator.mails())[-1]
    with serving(shop.warehouse, shown=SHOWN) as web:
        assert web.send(f"/r/{first}", method="GET").status_code == 404
        assert web.send(f"/r/{last}", method="GET").status_code == 200


def test_a_dry_run_shows_what_would_be_mailed_and_gives_out_no_link(shop):
    shop.configure(tracking_page=PAGE)
    shop.rows("delivered_at_once")
    shop.mail_all()
    shop.hour(params={"dry_run": True})
    shop.hour(params={"dry_run": True})
    assert shop.ask("SELECT FROM rastro.v_rehearsal WHERE channel = 'email'")
    assert shop.ask("SELECT FROM rastro.tracking_link") == []
