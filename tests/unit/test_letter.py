"""What the letter tells: changes that chance seldom makes; in three languages, with plots that can be printed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from io import BytesIO

import html5lib
import pytest
from PIL import Image

from rastro.languages import Language
from rastro.letter import (
    CarrierFigures,
    Days,
    DayShare,
    Figures,
    Kind,
    Lane,
    LaneFigures,
    Letter,
    Plot,
    Share,
    Span,
    change,
    days_of,
    findings,
    running,
    week_before,
)
from rastro.mail.compose import Sender, Stamp, enveloped
from rastro.mail.letter import Written, as_mail, as_page, percent, with_plots, write

WEEK = Span(first=date(2026, 11, 16), last=date(2026, 11, 22))
NAMES = {"correios": "Correios", "jadlog": "Jadlog", "loggi": "Loggi & <Filhos>"}
FAR, NEAR = Lane(state_from="SP", state_to="AM"), Lane(state_from="SP", state_to="RJ")


def named(code: str) -> str:
    return NAMES.get(code, code)


def lane(carrier: str, where: Lane, kept: int, known: int, median: float = 3) -> LaneFigures:
    days = Days(parcels=known, p10=median - 1, p50=median, p90=median + 4)
    return LaneFigures(carrier=carrier, lane=where, promise=Share(kept=kept, known=known), days=days)


def figures(*lanes: LaneFigures, silent: int = 0) -> Figures:
    """Carriers as the sums of their lanes."""
    carriers = []
    for code in sorted({one.carrier for one in lanes}):
        of_it = [one for one in lanes if one.carrier == code]
        promise = sum((one.promise for one in of_it), Share())
        days = Days(parcels=promise.known, p10=1, p50=3, p90=7)
        carriers.append(
            CarrierFigures(
                carrier=code, posted=promise.known + 5, delivered=promise.known, promise=promise,
                pending=40, silent=silent, days=days,
            )
        )  # fmt: skip
    return Figures(carriers=carriers, lanes=lanes)


def letter(now: Figures, before: Figures, carrier: str = "") -> Letter:
    series = [
        DayShare(carrier=one.carrier, day=WEEK.last - timedelta(days=back), promise=Share(kept=18, known=20))
        for one in now.carriers
        for back in range(30)
    ]
    return Letter(span=WEEK, carrier=carrier, now=now, before=before, series=series)


def kinds(one: Letter) -> list[Kind]:
    return [finding.kind for finding in findings(one)]


BUSY = letter(
    figures(
        lane("correios", FAR, 60, 100), lane("correios", NEAR, 960, 1000), lane("jadlog", NEAR, 850, 1000), silent=3
    ),
    figures(lane("correios", FAR, 90, 100), lane("correios", NEAR, 960, 1000), lane("jadlog", NEAR, 950, 1000)),
)


def test_wilson_and_newcombe_as_they_are_printed() -> None:
    """81 of 263 and 15 of 148: the table of Newcombe's papers of 1998."""
    assert (Share(kept=81, known=263).low(), Share(kept=81, known=263).high()) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )
    assert (Share(kept=15, known=148).low(), Share(kept=15, known=148).high()) == pytest.approx(
        (0.0624, 0.1605), abs=5e-5
    )
    assert (Share(kept=0, known=20).low(), Share(kept=29, known=29).high()) == (0.0, 1.0)
    # 56 of 70 and 48 of 80: the difference 0.2 has the interval 0.0524 to 0.3339.
    assert change(Share(kept=56, known=70), Share(kept=48, known=80), 1.96) == pytest.approx(0.2)
    # 9 of 10 and 3 of 10 have 0.1705 to 0.8090; 5 of 56 and 0 of 29 have -0.0381 to 0.1926.
    assert change(Share(kept=9, known=10), Share(kept=3, known=10), 1.96) == pytest.approx(0.6)
    assert change(Share(kept=5, known=56), Share(kept=0, known=29), 1.96) == 0


def test_a_change_is_told_of_the_whole_of_a_carrier_and_of_a_lane_each_where_it_is() -> None:
    changed = [one.values for one in findings(BUSY) if one.kind is Kind.CARRIER_CHANGED]
    assert [one["carrier"] for one in changed] == ["jadlog", "correios"]
    assert changed[0]["difference"] == pytest.approx(-0.1)
    assert kinds(BUSY).count(Kind.LANE_CHANGED) == 2
    assert [one.values["lane"] for one in findings(BUSY) if one.kind is Kind.WORST_LANE] == ["SP → AM", "SP → RJ"]
    assert Kind.NOTHING_CHANGED not in kinds(BUSY)


def test_what_chance_explains_is_no_change() -> None:
    now = figures(lane("correios", NEAR, 93, 100), lane("jadlog", NEAR, 88, 100))
    before = figures(lane("correios", NEAR, 95, 100), lane("jadlog", NEAR, 91, 100))
    assert kinds(letter(now, before)) == [Kind.WHOLE, Kind.NOTHING_CHANGED, Kind.SLEEPERS]


def test_few_parcels_tell_nothing() -> None:
    now = figures(lane("correios", NEAR, 0, 19), lane("jadlog", NEAR, 19, 19))
    before = figures(lane("correios", NEAR, 19, 19), lane("jadlog", NEAR, 0, 19))
    assert kinds(letter(now, before)) == [Kind.WHOLE, Kind.NOTHING_CHANGED, Kind.SLEEPERS]


def test_where_there_was_nothing_before_nothing_is_said_of_a_change() -> None:
    assert kinds(letter(figures(lane("correios", NEAR, 95, 100)), figures())) == [Kind.WHOLE, Kind.SLEEPERS]


def test_the_best_on_a_lane_is_by_promise_where_that_is_sure_else_by_days() -> None:
    sure = figures(lane("correios", NEAR, 99, 100, 5), lane("jadlog", NEAR, 60, 100, 2))
    (best,) = [one for one in findings(letter(sure, figures())) if one.kind is Kind.BEST_BY_PROMISE]
    assert (best.values["carrier"], best.values["other"]) == ("correios", "jadlog")
    alike = figures(lane("correios", NEAR, 90, 100, 5), lane("jadlog", NEAR, 88, 100, 4))
    (best,) = [one for one in findings(letter(alike, figures())) if one.kind is Kind.BEST_BY_DAYS]
    assert (best.values["carrier"], best.values["days"], best.values["next_days"]) == ("jadlog", 4, 5)
    same = figures(lane("correios", NEAR, 90, 100, 4.5), lane("jadlog", NEAR, 88, 100, 4))
    assert not {Kind.BEST_BY_DAYS, Kind.BEST_BY_PROMISE} & set(kinds(letter(same, figures())))


def test_the_fastest_is_one_of_those_that_keep_as_many_promises() -> None:
    now = figures(
        lane("correios", NEAR, 392, 400, 5), lane("jadlog", NEAR, 390, 400, 4), lane("loggi", NEAR, 200, 400, 1)
    )
    (best,) = [one for one in findings(letter(now, figures())) if one.kind is Kind.BEST_BY_DAYS]
    assert (best.values["carrier"], best.values["other"]) == ("jadlog", "correios")


def test_where_no_promise_fell_due_none_is_counted() -> None:
    now = figures(lane("correios", NEAR, 0, 0))
    told = letter(now, figures(lane("correios", NEAR, 95, 100)))
    assert kinds(told) == [Kind.WHOLE_UNPROMISED, Kind.SLEEPERS]
    assert [write(told, one, named).sentences[0].split(". ")[1] for one in Language] == [
        *("Nenhum prazo prometido venceu.", "No promise fell due.", "No venció ningún plazo."),
    ]


def test_a_handful_of_promises_is_no_change_of_the_whole() -> None:
    told = letter(figures(lane("correios", NEAR, 19, 19)), figures(lane("correios", NEAR, 0, 19)))
    assert kinds(told) == [Kind.WHOLE, Kind.NOTHING_CHANGED, Kind.SLEEPERS]


def test_a_best_carrier_must_be_better_than_each_of_the_others() -> None:
    three = figures(lane("correios", NEAR, 97, 100), lane("jadlog", NEAR, 96, 100), lane("loggi", NEAR, 50, 100))
    assert Kind.BEST_BY_PROMISE not in kinds(letter(three, figures()))


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        ("2026-11-23", "2026-11-16"),
        ("2026-11-29", "2026-11-16"),
        ("2026-11-30", "2026-11-23"),
        ("2027-01-01", "2026-12-21"),
    ],
)
def test_a_week_goes_from_monday_to_sunday_and_is_over(today: str, monday: str) -> None:
    span = week_before(date.fromisoformat(today))
    assert (span.first, span.days, span.before.days) == (date.fromisoformat(monday), 7, 7)
    assert span.before.last == span.first - timedelta(days=1)


def test_a_running_share_is_of_seven_days_and_of_enough_promises() -> None:
    days = [
        DayShare(carrier="correios", day=WEEK.first + timedelta(days=n), promise=Share(kept=4, known=5))
        for n in range(7)
    ]
    told = running([*days, replace(days[0], carrier="jadlog")], "correios", WEEK)
    assert told == [(WEEK.first + timedelta(days=n), pytest.approx(0.8)) for n in range(3, 7)]


def test_percentiles_of_days_lie_between_two_parcels_in_proportion() -> None:
    assert days_of({}) == Days()
    assert days_of({3: 1}) == Days(parcels=1, p10=3, p50=3, p90=3)
    assert days_of({9: 1, 2: 3}) == Days(parcels=4, p10=2, p50=2, p90=pytest.approx(6.9))  # 2 2 2 9
    assert days_of(dict.fromkeys(range(1, 22), 1)) == Days(parcels=21, p10=3, p50=11, p90=19)


@pytest.mark.parametrize("language", list(Language))
def test_every_language_has_words_for_everything(language: Language) -> None:
    everything = letter(
        figures(
            lane("correios", FAR, 60, 100), lane("correios", NEAR, 990, 1000, 2), lane("jadlog", NEAR, 700, 1000),
            lane("jadlog", FAR, 65, 100, 1), silent=2,
        ),
        figures(
            lane("correios", FAR, 95, 100), lane("correios", NEAR, 960, 1000), lane("jadlog", NEAR, 950, 1000),
            lane("jadlog", FAR, 60, 100),
        ),
    )  # fmt: skip
    ended = [replace(one, lost=1, returned=2) for one in everything.now.carriers]
    everything = replace(everything, now=replace(everything.now, carriers=ended))
    assert set(kinds(everything)) == set(Kind) - {Kind.NOTHING_CHANGED, Kind.WHOLE_UNPROMISED}
    written = write(everything, language, named)
    assert len(written.sentences) == len(findings(everything))
    assert all(sentence.endswith(".") and "  " not in sentence for sentence in written.sentences)
    assert [one.name for one in written.plots] == ["promise", "course", "days", "lanes", "silence"]
    empty = write(letter(figures(), figures()), language, named)
    assert (len(empty.sentences), empty.rows, empty.plots) == (1, [], [])


def test_numbers_are_written_as_the_language_writes_them() -> None:
    assert [write(BUSY, one, named).sentences[0] for one in Language] == [
        "2.110 volumes postados, 2.100 entregues. Dos 2.100 prazos que venceram, 89% foram cumpridos.",
        "2,110 parcels posted, 2,100 delivered. Of 2,100 promises that fell due, 89% were kept.",
        "2.110 envíos despachados, 2.100 entregados. De 2.100 plazos vencidos se cumplió el 89\N{NO-BREAK SPACE}%.",
    ]
    assert [percent(value, Language.PORTUGUESE) for value in (0.997, 1.0, 0.0, 0.004, 0.9)] == [
        *("99,7%", "100%", "0%", "0,4%", "90%"),
    ]


def page_of(written: Written) -> str:
    html = as_page(written)
    html5lib.HTMLParser(strict=True).parse(html)
    return html


def test_the_page_is_sound_html_needs_nobody_and_takes_no_orders() -> None:
    now = figures(lane("loggi", FAR, 60, 100), lane("correios", NEAR, 99, 100))
    html = page_of(write(letter(now, figures()), Language.PORTUGUESE, named))
    assert "Loggi &amp; &lt;Filhos&gt;" in html
    assert "<Filhos>" not in html
    assert "http" not in html.replace("data:image", "")
    assert html.count("data:image/png;base64,") == html.count("alt=") == 5


def test_plots_are_drawn_alike_each_time_and_stand_on_white() -> None:
    one, other = (write(BUSY, Language.ENGLISH, named).plots for _ in range(2))
    assert [plot.png for plot in one] == [plot.png for plot in other]
    for plot in one:
        image = Image.open(BytesIO(plot.png)).convert("L")
        assert image.width == pytest.approx(960, abs=2)
        assert image.getpixel((2, 2)) == 255
        assert image.getextrema()[0] < 60, "something is drawn"


def test_a_plot_is_drawn_when_it_is_looked_at_and_then_kept() -> None:
    drawn: list[str] = []
    plot = Plot(name="promise", says="", draw=lambda: drawn.append("once") or b"png")  # type: ignore[func-returns-value]
    assert drawn == []
    assert (plot.png, plot.png) == (b"png", b"png")
    assert drawn == ["once"]


def test_what_is_not_there_is_not_drawn() -> None:
    assert [
        one.name
        for one in write(letter(figures(lane("correios", NEAR, 99, 100)), figures()), Language.ENGLISH, named).plots
    ] == [
        *("promise", "course", "days", "silence"),
    ]


def test_the_mail_carries_its_plots() -> None:
    written = write(BUSY, Language.PORTUGUESE, named)
    stamp = Stamp(
        notice="letter.2026-11-16", message_id="<rastro.letter.2026-11-16@loja.example>",
        date=datetime(2026, 11, 23, 11, tzinfo=UTC), language=Language.PORTUGUESE,
    )  # fmt: skip
    sender = Sender(name="Loja", address="pedidos@loja.example")
    message = enveloped(as_mail(written), to=["dados@loja.example"], sender=sender, stamp=stamp)
    read = message_from_bytes(with_plots(message, written).as_bytes(), policy=default)
    html = read.get_body(("html",)).get_content()
    images = {part["Content-ID"]: part.get_content() for part in read.walk() if part.get_content_type() == "image/png"}
    assert images == {f"<{one.name}@rastro>": one.png for one in written.plots}
    assert [name for name in images if f"cid:{name[1:-1]}" not in html] == []
    text = read.get_body(("plain",)).get_content()
    assert written.sentences[0] in text
    assert "No prazo: 85%" in text
