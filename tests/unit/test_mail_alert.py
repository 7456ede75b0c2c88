"""What the shop's own people read about parcels that only they can do something about."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.policy import default
from importlib.resources import files

import pytest

from rastro.languages import Language, moment
from rastro.mail.alert import KINDS, Alert, Incident, render_alert
from rastro.mail.compose import BadAddress, Sender, Stamp, enveloped
from rastro.mail.render import LONGEST_SUBJECT, blocks, templates
from rastro.models import FINAL, Channel, NoticeState, Status
from rastro.notices import ALERTED
from rastro.pipeline.alert_shop import Letter as AlertLetter
from rastro.pipeline.alert_shop import alert_about, rehearsed, sorted_out
from rastro.sending import UNTIL_A_PERSON_LOOKS, Claimed
from rastro.settings import settings_from
from rastro.warehouse.outbox import OrderKey, Parcel

AT = datetime(2026, 11, 27, 14, 32, tzinfo=timezone(timedelta(hours=-3)))
LATER = AT + timedelta(days=2)
LOST = Incident(
    kinds=("lost",),
    before=Status.IN_TRANSIT,
    after=Status.LOST,
    occurred_at=AT,
    tracking_number="QQ123456785BR",
    carrier_name="Correios",
    invoice_number="77",
    status=Status.LOST,
    status_at=AT,
    city="Vila Serena",
    state="MG",
    tracking_url="https://correios.example/p/1?a=1&b=2",
)


def alert(*incidents, language=Language.PORTUGUESE, **changes):
    return replace(
        Alert(account="vtex:loja", order_id="900100-01", language=language, incidents=incidents or (LOST,)), **changes
    )


def seen(html):
    """What a person reads of a page, tags away."""
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<body>")[2]).split())


# Words


@pytest.mark.parametrize("language", Language)
def test_there_are_words_for_every_kind_of_alert_and_every_state(language):
    known = {"order": "1", "account": "a", "before": "delivered"}
    words = blocks(templates(), f"alert.{language}.txt", known)
    assert {*ALERTED, "reopened"} == KINDS
    for name in [*KINDS, *(f"do_{kind}" for kind in KINDS), *(f"is_{status}" for status in Status)]:
        assert words[name], name
    assert len({words[f"is_{status}"] for status in Status}) == len(Status)


def test_the_languages_say_the_same_things():
    names = []
    for language in Language:
        text = (files("rastro.mail") / f"messages/alert.{language}.txt").read_text("utf-8")
        names.append((re.findall(r"{% block (\w+)", text), re.findall(r"{{ (\w+)", text)))
    assert len(names[0][0]) > 20
    assert names[0] == names[1] == names[2]


@pytest.mark.parametrize(
    ("kinds", "before", "after", "subject"),
    [
        (("lost",), "in_transit", "lost", "Order 900100-01: package lost"),
        (("returned",), "returning", "returned", "Order 900100-01: package returned to the shop"),
        (("reopened",), "delivered", "in_transit", "Order 900100-01: delivery taken back"),
        (("reopened",), "returned", "in_transit", "Order 900100-01: return taken back"),
        (("reopened",), "lost", "in_transit", "Order 900100-01: package found again"),
        (("reopened",), "cancelled", "in_transit", "Order 900100-01: cancellation taken back"),
        (("lost", "reopened"), "delivered", "lost", "Order 900100-01: package lost, delivery taken back"),
    ],
)
def test_the_subject_says_what_happened_to_which_order(kinds, before, after, subject):
    incident = replace(LOST, kinds=kinds, before=Status(before), after=Status(after), status=Status(after))
    assert render_alert(alert(incident, language=Language.ENGLISH)).subject == subject


def test_several_parcels_are_counted_in_the_subject_and_told_what_to_do_about_once():
    rendered = render_alert(
        alert(LOST, replace(LOST, tracking_number="QQ999999995BR"), replace(LOST, kinds=("returned",)))
    )
    assert rendered.subject == "Pedido 900100-01: volume extraviado (2), volume devolvido à loja"
    assert rendered.text.count("abra a reclamação na transportadora") == 1
    assert rendered.text.count("confira se o volume chegou à loja") == 1
    assert rendered.text.count("\nVolume extraviado\n") == 2


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("before", sorted(FINAL - {Status.EXPIRED}))
def test_text_and_html_say_the_same_and_nothing_is_left_open(language, before):
    incident = replace(LOST, kinds=("lost", "reopened"), before=before, status=Status.OUT_FOR_DELIVERY, status_at=LATER)
    rendered = render_alert(alert(incident, language=language))
    page = seen(rendered.html).replace("&#39;", "'")
    for fact in ("900100-01", "vtex:loja", "QQ123456785BR", "Correios", "77", "Vila Serena/MG", moment(AT, language)):
        assert fact in rendered.text
        assert fact in page
    assert moment(LATER, language) in rendered.text
    words = set(re.findall(r"\w+", rendered.text.replace(LOST.tracking_url, "")))
    assert len(words) > 40
    assert words - set(re.findall(r"\w+", page)) == set()
    assert LOST.tracking_url in rendered.text
    assert LOST.tracking_url.replace("&", "&amp;") in rendered.html
    assert "None" not in rendered.text + rendered.html
    assert f'lang="{language.tag}"' in rendered.html
    assert not re.search(r"<(img|script|link|iframe|form)\b", rendered.html)


def test_where_the_parcel_is_now_is_said_only_when_it_has_moved_on():
    assert "Agora" not in render_alert(alert(LOST)).text
    moved = replace(LOST, status=Status.DELIVERED, status_at=LATER)
    assert "Agora: entregue (domingo, 29/11, 14:32)" in render_alert(alert(moved)).text
    assert "Agora: entregue\n" in render_alert(alert(replace(moved, status_at=None))).text


def test_a_delivery_taken_back_is_not_promised_to_be_undone_everywhere():
    back = replace(LOST, kinds=("reopened",), before=Status.DELIVERED, after=Status.IN_TRANSIT)
    text = render_alert(alert(back)).text
    assert "marketplace não são desfeitos" in text
    assert "veja se o cliente sabe" in text


def test_an_alert_needs_only_a_number_and_what_changed():
    bare = replace(LOST, carrier_name="", invoice_number="", city="", state="", tracking_url="", status_at=None)
    rendered = render_alert(alert(bare))
    assert "http" not in rendered.text + rendered.html
    assert not re.search(r": *\n|\n\n\n|None", rendered.text)


HOSTILE = "<script>alert(1)</script>\"'&\r\nBcc: x@y.example {{ 7 * 7 }}"


def test_what_others_wrote_is_shown_as_text_in_one_line():
    hostile = replace(
        LOST, carrier_name=HOSTILE, city=HOSTILE, invoice_number=HOSTILE, tracking_url="javascript:alert(1)"
    )
    rendered = render_alert(alert(hostile, order_id=HOSTILE))
    assert "<script" not in rendered.html
    assert "javascript" not in rendered.html + rendered.text
    assert "{{ 7 * 7 }}" in rendered.text
    assert not [line for line in rendered.text.splitlines() if line.startswith("Bcc")]
    assert "\n" not in rendered.subject
    assert len(render_alert(alert(order_id="9" * 500)).subject) <= LONGEST_SUBJECT


@pytest.mark.parametrize("incidents", [(), (replace(LOST, kinds=("stolen",)),), (replace(LOST, kinds=()),)])
def test_what_there_are_no_words_for_is_refused(incidents):
    with pytest.raises(ValueError, match="an alert tells of lost, reopened, returned"):
        render_alert(Alert(account="a", order_id="1", language=Language.ENGLISH, incidents=incidents))


# The envelope


SENDER = Sender(name="Loja", address="pedidos@loja.example")
STAMP = Stamp(notice="7", message_id="<rastro.7.alert@loja.example>", date=AT, language=Language.PORTUGUESE)


def test_colleagues_get_one_message_and_see_each_other():
    to = ("expedicao@loja.example", "gerencia@loja.example")
    message = message_from_bytes(
        enveloped(render_alert(alert()), to=to, sender=SENDER, stamp=STAMP).as_bytes(), policy=default
    )
    assert [one.addr_spec for one in message["To"].addresses] == [*to]
    assert message["Subject"] == "Pedido 900100-01: volume extraviado"
    assert message["Auto-Submitted"] == "auto-generated"


def test_one_bad_address_among_good_ones_is_refused():
    with pytest.raises(BadAddress):
        enveloped(render_alert(alert()), to=("expedicao@loja.example", "nobody"), sender=SENDER, stamp=STAMP)


# Which notices go in which mail


def claimed(notice_id, **changes):
    return replace(
        Claimed(
            notice_id=notice_id, shipment_id=1, kind="lost", content="1", event_at=AT.astimezone(UTC), expires_at=None,
            attempts=1, message_id="", hand_overs=0, facts={"from": "in_transit", "to": "lost"},
        ),
        **changes,
    )  # fmt: skip


def sort(*notices, **settings):
    mails, left = sorted_out(notices, settings_from(settings), AT)
    return [[one.notice_id for one in mail] for mail in mails], [(one.notice_id, ended) for one, ended in left]


def test_everything_new_about_an_order_is_one_mail():
    assert sort(claimed(1), claimed(2, kind="reopened"), claimed(3, shipment_id=2)) == ([[1, 2, 3]], [])


def test_what_may_have_gone_out_waits_for_a_person_and_does_not_hold_up_the_rest():
    mails, left = sort(claimed(1, hand_overs=1, attempts=2, message_id="<a@b>"), claimed(2))
    assert mails == [[2]]
    ((notice_id, ended),) = left
    assert notice_id == 1
    assert ended.state is NoticeState.UNKNOWN
    assert ended.not_before == AT + UNTIL_A_PERSON_LOOKS
    assert "look, then release it" in ended.reason


def test_a_mail_that_surely_did_not_get_through_goes_with_what_came_since():
    before = [claimed(n, attempts=3, message_id="<a@b>") for n in (1, 2)]
    assert sort(*before, claimed(3)) == ([[1, 2, 3]], [])


def test_a_repeat_holds_what_the_mail_held_before_and_nothing_else():
    before = [claimed(n, hand_overs=1, attempts=2, message_id="<a@b>") for n in (1, 2)]
    other = claimed(3, hand_overs=1, attempts=2, message_id="<c@d>")
    assert sort(*before, claimed(4), other, resend_doubtful_mail="true") == ([[1, 2], [4], [3]], [])


def test_a_repeat_is_not_repeated():
    mails, left = sort(claimed(1, hand_overs=2, attempts=3, message_id="<a@b>"), resend_doubtful_mail="true")
    assert mails == []
    assert [notice_id for notice_id, _ in left] == [1]


# What a mail says of the parcels


def parcel(**changes):
    return replace(
        Parcel(
            shipment_id=1, order_id="900100-01", invoice_number="77", tracking_number="QQ123456785BR", courier="PAC",
            tracking_url="", carrier="correios", marketplace_order_id="", marketplace_endpoint="", locale="en-US",
            skip="", status=Status.LOST, status_at=AT.astimezone(UTC), delivered_at=None, estimated_at=None,
            pickup=None, city="Vila Serena", state="MG", once_delivered=False,
        ),
        **changes,
    )  # fmt: skip


ORDER = OrderKey(account="vtex:loja", order_id="900100-01")
PAGES = {"correios": "https://correios.example/{}".format}


def test_a_change_that_means_two_things_stands_once_and_changes_stand_in_their_order():
    facts = {"from": "delivered", "to": "lost"}
    notices = [
        claimed(1, content="9", event_at=LATER, facts=facts),
        claimed(2, content="9", event_at=LATER, facts=facts, kind="reopened"),
        claimed(3, content="4", kind="returned", shipment_id=2, facts={"from": "returning", "to": "returned"}),
    ]
    about = alert_about(ORDER, notices, [parcel(), parcel(shipment_id=2, tracking_number="QQ2")], PAGES)
    assert [(one.kinds, one.tracking_number) for one in about.incidents] == [
        (("returned",), "QQ2"),
        (("lost", "reopened"), "QQ123456785BR"),
    ]


def test_an_incident_tells_the_shops_own_names_local_times_and_the_carriers_page():
    (one,) = alert_about(ORDER, [claimed(1)], [parcel(status=Status.IN_TRANSIT)], PAGES).incidents
    assert (one.carrier_name, one.invoice_number) == ("PAC", "77")
    assert (one.before, one.after, one.status) == (Status.IN_TRANSIT, Status.LOST, Status.IN_TRANSIT)
    assert one.occurred_at.utcoffset() == timedelta(hours=-3)
    assert one.tracking_url == "https://correios.example/QQ123456785BR"


def test_a_parcel_no_longer_followed_is_told_of_all_the_same():
    assert alert_about(ORDER, [claimed(1)], [parcel(skip="the order was cancelled")], PAGES).incidents


def test_the_shop_is_told_in_the_language_of_the_order():
    assert alert_about(ORDER, [claimed(1)], [parcel()], PAGES).language is Language.ENGLISH
    assert alert_about(ORDER, [claimed(1)], [parcel(locale="")], PAGES).language is Language.PORTUGUESE


def test_a_rehearsed_alert_shows_the_mail_and_masks_whom_it_is_for():
    notices = [claimed(1), claimed(2, kind="reopened")]
    letter = AlertLetter(notices=notices, alert=alert_about(ORDER, notices, [parcel()], PAGES))
    kept = rehearsed(ORDER, letter, settings_from({"alert_to": "expedicao@loja.example, gerencia@loja.example"}))
    assert (kept.channel, kept.kind, kept.notices, kept.verdict) == (Channel.ALERT, "lost, reopened", 2, "send")
    assert kept.recipient == "e***@l***.example, g***@l***.example"
    assert "QQ123456785BR" in str(kept.rendered)
