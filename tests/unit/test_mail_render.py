"""What customers read: every message in every language, and what must never get into one."""

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from html.parser import HTMLParser
from importlib.resources import files

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.errors import Misconfigured
from rastro.languages import Language, day, language_accepted, language_for, moment
from rastro.mail.render import (
    LONGEST_SUBJECT,
    MESSAGES,
    SHOWS,
    SLOT,
    Mail,
    Parcel,
    blocks,
    fill,
    has_link,
    legible,
    render,
    templates,
)
from rastro.models import Pickup
from rastro.reasons import Reason
from rastro.wording import https

AT = datetime(2026, 11, 27, 14, 32, tzinfo=timezone(timedelta(hours=-3)))
FOLDERS = [folder for folder in (files("rastro.mail") / "messages").iterdir() if folder.is_dir()]
EVERY_ONE = list(itertools.product(sorted(MESSAGES), Language))


def parcel(**changes):
    return replace(
        Parcel(
            tracking_number="QQ123456785BR",
            carrier_name="Veloz Entregas",
            occurred_at=AT,
            city="Vila Serena",
            state="MG",
            estimated=date(2026, 12, 2),
            pickup=Pickup(place="Agência Central", address="Rua das Flores, 10", deadline=date(2026, 12, 4)),
            tracking_url="https://veloz.example/p/1",
        ),
        **changes,
    )


def mail(message="in_transit", **changes):
    return replace(
        Mail(
            message=message,
            order_id="900100-01",
            shop_name="Loja Exemplo",
            language=Language.PORTUGUESE,
            parcels=(parcel(),),
            has_page=True,
            help_url="https://loja.example/ajuda",
        ),
        **changes,
    )


PAGE = "https://rastro.loja.example/r/AAAAAAAAAAAAAAAAAAAAAA"


def filled(one, *, first_name="Joana", link=PAGE):
    """A mail as it goes out."""
    return fill(render(one), first_name=first_name, link=link)


class Reader(HTMLParser):
    """What a person sees of a page, where its links lead, and everything it would load or run."""

    def __init__(self, html):
        super().__init__()
        self.seen, self.links, self.tags, self.handlers, self._hidden = "", [], [], [], []
        self.feed(html)
        self.seen = " ".join(self.seen.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.links += [values["href"]] if "href" in values else []
        self.handlers += [name for name in values if name.startswith("on") or name in {"src", "srcset", "background"}]
        if tag in {"style", "title"} or "display:none" in values.get("style", ""):
            self._hidden.append(tag)

    def handle_endtag(self, tag):
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data):
        self.seen += "" if self._hidden else f" {data}"


def test_every_message_has_a_folder_with_all_three_languages_and_every_folder_is_a_message():
    assert len(FOLDERS) >= 8
    assert {folder.name for folder in FOLDERS} == MESSAGES
    for folder in FOLDERS:
        assert {file.name for file in folder.iterdir()} == {f"{language}.txt" for language in Language}, folder


def test_the_languages_say_the_same_things():
    assert MESSAGES
    for message in ["words", *MESSAGES]:
        names = []
        for language in Language:
            path = f"messages/{message}.{language}.txt" if message == "words" else f"messages/{message}/{language}.txt"
            words = (files("rastro.mail") / path).read_text("utf-8")
            names.append((re.findall(r"{% block (\w+)", words), sorted(re.findall(r"{{ (\w+)", words))))
        assert names[0][0], message
        assert names[0] == names[1] == names[2], message


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_text_and_html_carry_the_same_facts(message, language):
    rendered = filled(mail(message, language=language))
    page = Reader(rendered.html)
    text = " ".join(rendered.text.split())
    known = ["Joana", "900100-01", "Loja Exemplo", "Veloz Entregas", "QQ123456785BR", "Vila Serena/MG"]
    known += [moment(AT, language), "https://loja.example/ajuda"]
    if SHOWS[message].estimate:
        known.append(day(date(2026, 12, 2), language))
    if SHOWS[message].pickup:
        known += ["Agência Central", "Rua das Flores, 10", day(date(2026, 12, 4), language)]
    for fact in known:
        assert fact in text, fact
        assert fact in page.seen, fact
    assert set(page.links) == set(re.findall(r"https://\S+", text))
    for sentence in re.split(r"(?<=[.:?])\s", text.partition(" -- ")[2]):
        assert sentence in page.seen


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_every_word_of_the_text_stands_in_the_html(message, language):
    rendered = render(mail(message, language=language))
    seen = Reader(rendered.html).seen
    words = [word for word in re.findall(r"\w+", rendered.text) if not word.startswith("http")]
    assert len(words) > 50
    assert set(words) - set(re.findall(r"\w+", seen + " ".join(Reader(rendered.html).links))) == set()


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_a_mail_says_its_language_loads_nothing_and_is_small(message, language):
    html = render(mail(message, language=language)).html
    page = Reader(html)
    assert html.count(f'lang="{language.tag}"') == 2
    assert '<meta name="color-scheme" content="light dark">' in html
    assert page.tags.count("h1") == 1
    assert html.count("<table") == html.count('<table role="presentation"')
    assert not {"img", "script", "link", "iframe", "form"} & set(page.tags)
    assert not page.handlers
    assert "url(" not in html
    assert len(html.encode()) < 20_000


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_a_subject_names_the_order_calmly_and_the_preview_is_short(message, language):
    rendered = render(mail(message, language=language))
    assert "900100-01" in rendered.subject
    assert "!" not in rendered.subject
    assert len(rendered.subject.replace("900100-01", "")) < 50
    assert 15 <= len(re.search(r"line-height:1px;color:#f2f4f7\">([^&]*)", rendered.html)[1]) <= 90


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_a_mail_needs_only_number_carrier_and_time(message, language):
    bare = Parcel(tracking_number="QQ123456785BR", carrier_name="Veloz Entregas", occurred_at=AT)
    rendered = filled(
        mail(message, language=language, parcels=(bare,), has_page=False, help_url="", replies=False), first_name=""
    )
    assert "None" not in rendered.text + rendered.html
    assert "QQ123456785BR" in rendered.text
    assert "http" not in rendered.text
    assert not Reader(rendered.html).links
    assert not re.search(r"\n\n\n|: *\n|\(\)", rendered.text)


@pytest.mark.parametrize("reason", [None, *Reason])
@pytest.mark.parametrize("language", Language)
def test_reasons_change_the_words_only_where_they_mean_something(reason, language):
    of = {
        message: render(mail(message, language=language, parcels=(parcel(reason=reason),)))
        for message in sorted(MESSAGES)
    }
    without = {message: render(mail(message, language=language)) for message in sorted(MESSAGES)}
    changed = {message for message in MESSAGES if of[message] != without[message]}
    expected = {None: set(), Reason.CUSTOMS: {"on_hold"}}.get(reason, {"delivery_failed"})
    assert changed == expected


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_whoever_receives_a_parcel_is_not_told_that_they_bought_it(message, language):
    bought = r"\b[Ss]eu pedido|tem um pedido|\b[Tt]u pedido|tienes un pedido|\b[Yy]our order|you placed"
    to_buyer, to_receiver = (filled(mail(message, language=language, to_receiver=it)) for it in (False, True))
    assert re.search(bought, to_buyer.text)
    assert not re.search(bought, to_receiver.text + to_receiver.html)


def test_a_mail_about_a_hold_leads_nowhere_but_to_the_shops_own_pages():
    for reason in (None, Reason.CUSTOMS):
        rendered = filled(mail("on_hold", parcels=(parcel(reason=reason),)))
        assert set(Reader(rendered.html).links) == {"https://loja.example/ajuda", PAGE}
        assert "Não pague por links" in rendered.text


def test_every_mail_says_that_nobody_asks_for_money():
    warnings = {Language.PORTUGUESE: "não pague", Language.ENGLISH: "do not pay", Language.SPANISH: "no pagues"}
    for message, language in EVERY_ONE:
        rendered = render(mail(message, language=language))
        assert warnings[language] in rendered.text.partition("\n-- \n")[2]
        assert warnings[language] in rendered.html


def test_one_of_two_parcels_says_which_one_it_is():
    rendered = render(mail("in_transit", parcels=(parcel(position=1),), total_parcels=2))
    assert rendered.subject == "Pedido 900100-01: a caminho (volume 1 de 2)"
    assert "volume 1 de 2" in rendered.text
    assert "volume 1 de 2" in Reader(rendered.html).seen


def test_parcels_of_one_order_stand_in_one_mail_with_their_own_facts():
    both = (
        parcel(position=1, estimated=date(2026, 12, 2)),
        parcel(position=3, estimated=date(2026, 12, 3), tracking_number="QQ999999995BR", city="Porto Claro"),
    )
    rendered = render(mail("in_transit", parcels=both, total_parcels=3))
    assert rendered.subject.endswith("(2 de 3 volumes)")
    for seen in (rendered.text, Reader(rendered.html).seen):
        for fact in ("Volume 1 de 3", "Volume 3 de 3", "quarta-feira, 02/12", "quinta-feira, 03/12", "Porto Claro/MG"):
            assert fact in seen


def test_a_whole_order_of_two_parcels_needs_no_count_in_its_subject():
    both = (parcel(position=1), parcel(position=2, tracking_number="QQ999999995BR"))
    assert render(mail("delivered", parcels=both, total_parcels=2)).subject == "Pedido 900100-01: entregue"


def test_a_delivery_without_known_positions_is_headed_by_tracking_numbers():
    both = (parcel(), parcel(tracking_number="QQ999999995BR"))
    rendered = render(mail("delivered", parcels=both, total_parcels=2))
    assert "<h2" in rendered.html
    assert rendered.text.count("QQ999999995BR") == 2


@pytest.mark.parametrize("message", sorted(MESSAGES - {"in_transit"}))
def test_an_estimate_that_events_overtook_is_not_shown(message):
    assert "02/12" not in render(mail(message)).text


def test_no_message_promises_a_day_of_its_own():
    for message, language in EVERY_ONE:
        said = " ".join(blocks(templates(), f"{message}/{language}.txt", WORDS_WITHOUT_FACTS).values()).lower()
        assert not re.search(r"\b(hoje|amanhã|today|tomorrow|hoy|mañana|reembolso|refund|grátis|sem custo)\b", said)
        assert not re.search(r"\d", said)


WORDS_WITHOUT_FACTS = {
    "order": "N",
    "shop": "S",
    "suffix": "",
    "estimated": "",
    "forecast": True,
    "recorded_day": "",
    "place": True,
    "deadline": "",
    "reason": None,
    "some": True,
    "to_receiver": False,
}


# What is stored knows nobody


def test_a_rendered_mail_holds_no_name_until_it_is_greeted():
    rendered = render(mail())
    assert rendered.text.count(SLOT) == rendered.html.count(SLOT) == 1
    greeted = fill(rendered, first_name="Joana", link=PAGE)
    assert "\nOlá, Joana,\n" in greeted.text
    assert ">Olá, Joana,<" in greeted.html
    assert SLOT not in greeted.text + greeted.html
    assert "Olá, [first name]," in legible(rendered.text)


@pytest.mark.parametrize("message", sorted(MESSAGES))
def test_a_rendered_mail_holds_no_address_of_the_tracking_page_until_it_goes_out(message):
    rendered = render(mail(message))
    assert has_link(rendered)
    assert "/r/" not in rendered.text + rendered.html
    sent = fill(rendered, first_name="", link=PAGE)
    assert PAGE in Reader(sent.html).links
    assert PAGE in sent.text
    assert not has_link(sent)
    assert not has_link(render(mail(message, has_page=False)))


def test_a_mail_that_links_to_a_tracking_page_does_not_go_out_without_one():
    with pytest.raises(Misconfigured, match=r"tracking_page in .* is empty"):
        fill(render(mail()), first_name="Joana")


def test_machines_are_told_what_the_mail_says_and_no_more(tmp_path):
    hostile = parcel(carrier_name="</script><b>Veloz</b>", city="Vila Serena")
    html = filled(mail(parcels=(hostile, parcel(tracking_number="QQ2")), markup=True)).html
    found = [json.loads(one) for one in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]
    assert [one["trackingNumber"] for one in found] == ["QQ123456785BR", "QQ2"]
    assert found[0]["carrier"]["name"] == "</script><b>Veloz</b>"
    assert found[0]["trackingUrl"] == PAGE
    assert found[0]["expectedArrivalUntil"] == "2026-12-02"
    assert "Vila Serena" not in str(found)
    assert "ld+json" not in filled(mail()).html
    html5lib.HTMLParser(strict=True).parse(html)


def test_a_shops_own_files_take_the_place_of_ours_one_by_one(tmp_path):
    (tmp_path / "in_transit").mkdir()
    own = (files("rastro.mail") / "messages/in_transit/pt.txt").read_text("utf-8").replace("a caminho", "na estrada")
    (tmp_path / "in_transit/pt.txt").write_text(own, "utf-8")
    assert "Seu pedido está na estrada" in filled(mail(templates=str(tmp_path))).html
    assert "is on its way" in filled(mail(language=Language.ENGLISH, templates=str(tmp_path))).html


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("in_transit/pt.txt", "{% block subject %}x", "in_transit/pt.txt, line 1: "),
        ("layout.html", "<p>\n{{ nobody }}", "'nobody' is undefined"),
        ("layout.html", "{{ ''.__class__.__mro__ }}", "unsafe"),
        ("layout.txt", "{% include 'none.txt' %}", "none.txt"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_before_anything_is_sent(tmp_path, name, content, says):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(Misconfigured, match=r"^mail_templates: ") as refused:
        render(mail(templates=str(tmp_path)))
    assert says in str(refused.value)


@pytest.mark.parametrize(("message", "language"), EVERY_ONE)
def test_every_mail_is_valid_html(message, language):
    one = mail(
        message, language=language, parcels=(parcel(), parcel(tracking_number="QQ2")), logo="https://l.example/a"
    )
    html5lib.HTMLParser(strict=True).parse(filled(one).html)


def test_a_shop_has_its_logo_and_its_colour_and_what_stands_on_it_can_be_read():
    dark = filled(mail(logo="https://loja.example/logo.png", colour="#7a1f4e")).html
    assert '<img src="https://loja.example/logo.png" alt="Loja Exemplo"' in dark
    assert "background-color:#7a1f4e;color:#ffffff" in dark
    light = filled(mail(logo="http://loja.example/logo.png", colour="#ffe14d")).html
    assert "<img" not in light
    assert "background-color:#ffe14d;color:#000000" in light


@pytest.mark.parametrize(
    ("given_name", "greeting"),
    [
        ("Joana", "Olá, Joana,"),
        ("  JOSÉ  da Silva", "Olá, José,"),
        ("D'Ávila", "Olá, D'Ávila,"),
        ("Ana-Lia", "Olá, Ana-Lia,"),
        ("", "Olá,"),
        ("<b>Ana</b>", "Olá,"),
        ('"Zé"', "Olá,"),
        ("Ana\r\nBcc: x@y.example", "Olá, Ana,"),
        ("http://ganhe.example", "Olá,"),
        ("ganhe.example", "Olá,"),
        ("11987654321", "Olá,"),
        ("A" * 31, "Olá,"),
        ("\u202eanaoJ", "Olá, anaoJ,"),
        (SLOT, "Olá,"),
    ],
)
def test_only_a_name_gets_into_the_greeting(given_name, greeting):
    greeted = filled(mail(), first_name=given_name)
    assert f"\n{greeting}\n" in greeted.text
    assert f">{greeting}<" in greeted.html.replace("&#x27;", "'")


def test_no_value_from_outside_can_pretend_to_be_the_slot_of_the_name():
    rendered = render(mail(shop_name=f"Loja {SLOT}", parcels=(parcel(city=SLOT),)))
    assert rendered.text.count(SLOT) == rendered.html.count(SLOT) == 1
    assert SLOT not in rendered.subject


# Hostile input

HOSTILE = "<script>alert(1)</script>\"'&\r\nBcc: x@y.example"


def test_tags_in_what_others_wrote_are_shown_and_not_obeyed():
    hostile = parcel(
        city=HOSTILE,
        carrier_name=HOSTILE,
        tracking_number=HOSTILE,
        pickup=Pickup(place=HOSTILE, address=HOSTILE),
    )
    rendered = render(mail("ready_for_pickup", order_id=HOSTILE, shop_name=HOSTILE, parcels=(hostile,)))
    assert "<script" not in rendered.html
    assert "&lt;script&gt;" in rendered.html
    assert "&amp;lt;" not in rendered.html
    assert "<script>alert(1)</script>\"'& Bcc" in rendered.text
    assert not [line for line in rendered.text.splitlines() if line.startswith("Bcc")]
    assert "\n" not in rendered.subject


def test_template_marks_in_values_stay_text():
    assert "{{ 7 * 7 }}" in render(mail(shop_name="{{ 7 * 7 }}")).text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://loja.example/p",
        "https://",
        "https:///p",
        "//loja.example",
        "https://correios.example@golpe.example/",
        "https://loja.example/\r\nBcc: x",
        "https://loja.example/a b",
        'https://loja.example/"onclick="x',
        "https://loja.example/<b>",
        "https://[::1",
        "https://lójá.example/",
        "data:text/html,x",
    ],
)
def test_a_url_that_is_not_plainly_https_makes_no_link(url):
    rendered = render(mail(has_page=False, help_url=url, parcels=(parcel(tracking_url=url),)))
    assert not Reader(rendered.html).links
    assert url not in rendered.text


def test_a_url_with_a_query_is_a_link_in_both_parts():
    url = "https://loja.example:8443/p?a=1&b=%20#c"
    rendered = filled(mail(parcels=(parcel(tracking_url=url),)), link=url)
    assert https(url) == url
    assert url in Reader(rendered.html).links
    assert url in rendered.text


def test_text_that_holds_an_address_of_the_web_is_left_out():
    rendered = render(mail(parcels=(parcel(city="pague em http://golpe.example", carrier_name="WWW.golpe.example"),)))
    assert "golpe" not in rendered.text + rendered.html


@given(st.text(), st.text(), st.text())
def test_whatever_others_write_the_subject_is_one_bounded_line_and_the_page_has_no_new_tag(order, shop, city):
    try:
        rendered = render(mail(order_id=order, shop_name=f"L{shop}", parcels=(parcel(city=city),)))
    except Misconfigured:
        return
    assert len(rendered.subject) <= LONGEST_SUBJECT
    assert rendered.subject == " ".join(rendered.subject.split())
    tags = Reader(rendered.html).tags
    assert set(tags) == set(Reader(render(mail()).html).tags)


def test_a_shop_without_a_name_is_told_which_setting_to_fill():
    with pytest.raises(Misconfigured, match="shop_name"):
        render(mail(shop_name=" "))


@pytest.mark.parametrize("wrong", [{"message": "lost"}, {"parcels": ()}])
def test_a_mail_about_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="at least one parcel"):
        render(mail(**wrong))


# Languages


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("pt-BR", "pt"),
        ("en-US", "en"),
        ("en_GB", "en"),
        ("es-AR", "es"),
        ("ES", "es"),
        ("fr-FR", "pt"),
        ("", "pt"),
        (None, "pt"),
    ],
)
def test_the_language_follows_the_orders_locale(locale, language):
    assert language_for(locale) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("es-AR,es;q=0.9,en;q=0.8", "es"),
        ("fr-CA, fr;q=0.9, en;q=0.5, es;q=0.7", "es"),
        ("de;q=1.0, EN-us ; q=0.3", "en"),
        ("en;q=0, es;q=0.1", "es"),
        ("en;q=0.000", "pt"),
        ("en;q=much, es;q=", "es"),
        ("*", "pt"),
        ("fr", "pt"),
        ("", "pt"),
        (",;q=,,", "pt"),
    ],
)
def test_the_language_follows_what_a_browser_wants_most_of_those_that_we_write(header, language):
    assert language_accepted(header, Language.PORTUGUESE) == language


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("pt", "sexta-feira, 27/11, 14:32"),
        ("en", "Friday, Nov 27, 14:32"),
        ("es", "viernes 27/11, 14:32"),
    ],
)
def test_a_moment_is_said_on_its_own_clock(language, said):
    assert moment(AT, Language(language)) == said
    assert moment(AT.astimezone(UTC), Language(language)) != said


# Colours


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_words_can_be_read_on_their_ground_by_day_and_night():
    layout = (files("rastro.mail") / "messages" / "layout.html").read_text("utf-8")
    colour = dict(re.findall(r'{% set (\w+) = "(#\w{6})" %}', layout))
    pairs = [("ink", "card"), ("ink", "page"), ("muted", "card"), ("muted", "page"), ("accent", "card")]
    pairs += [(f"dark_{front}", f"dark_{ground}") for front, ground in pairs] + [("dark_page", "dark_accent")]
    for front, ground in pairs:
        light, dark = sorted((luminance(colour[front]), luminance(colour[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, ground)
