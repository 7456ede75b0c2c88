"""What is written in ``[rastro]``, read into types."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro import setting_values
from rastro.errors import Misconfigured
from rastro.models import Channel, Route
from rastro.polling import Pace
from rastro.setting_values import Endpoint, OrderRoute
from rastro.settings import OPTIONS, Settings, settings_from


def said(**values: str) -> str:
    """What a person is told about these texts."""
    with pytest.raises(Misconfigured) as refused:
        settings_from(values)
    return str(refused.value)


# The readers


def test_text_is_taken_without_the_space_around_it() -> None:
    assert setting_values.text("  Loja Exemplo ") == "Loja Exemplo"


def test_endpoints_name_adapter_connection_and_relation() -> None:
    assert setting_values.endpoints(" vtex:shop_main ,sql:erp_db:public.shipment,") == (
        Endpoint(adapter="vtex", connection="shop_main"),
        Endpoint(adapter="sql", connection="erp_db", relation="public.shipment"),
    )
    assert setting_values.endpoints("") == setting_values.endpoints(" , ") == ()


def test_an_endpoints_key_leaves_the_relation_out() -> None:
    assert Endpoint(adapter="sql", connection="erp_db", relation="public.shipment").key == "sql:erp_db"


@pytest.mark.parametrize("written", ["vtex", "vtex:", ":shop", "sql:a:b:c", "sql::b", "sql:a:"])
def test_an_endpoint_of_another_form_is_refused_by_name(written: str) -> None:
    with pytest.raises(ValueError, match="not of the form adapter:connection") as refused:
        setting_values.endpoints(f"vtex:good, {written}")
    assert repr(written) in str(refused.value)


@pytest.mark.parametrize("written", ["vtex:a, vtex:a", "sql:a:one, sql:a:two"])
def test_one_account_cannot_stand_twice(written: str) -> None:
    with pytest.raises(ValueError, match="stands twice"):
        setting_values.endpoints(written)


def test_a_key_is_long_and_plain_or_absent() -> None:
    assert setting_values.key(f" {'k' * 24} ") == "k" * 24
    assert not setting_values.key("  ")


@pytest.mark.parametrize("written", ["k" * 23, "ç" * 30, "two words of a sentence that is long", "k" * 24 + "\x00"])
def test_a_key_that_is_short_or_odd_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="at least 24") as refused:
        setting_values.key(written)
    assert written not in str(refused.value)


def test_a_key_is_not_shown_with_the_settings() -> None:
    assert OPTIONS["hub_key"].secret
    assert "invented-key" not in repr(settings_from({"hub_key": "invented-key-of-the-hub-0001"}))


def test_routes_say_who_confirms_for_each_affiliate() -> None:
    assert setting_values.routes(" bww=connector, MLF=none,Mkt=direct:webhook:our_hub ") == {
        "BWW": OrderRoute(route=Route.CONNECTOR),
        "MLF": OrderRoute(route=Route.NONE),
        "MKT": OrderRoute(route=Route.DIRECT, marketplace="webhook:our_hub"),
    }
    assert setting_values.routes("") == {}


@pytest.mark.parametrize(
    "written",
    ["BWW", "BWW=", "BWW=review", "BWW=direct", "BWW=direct:", "BWW=connector:webhook:hub", "BWW=none:x", "=none"],
)
def test_a_route_of_another_form_is_refused_by_name(written: str) -> None:
    with pytest.raises(ValueError, match="is not AFFILIATE=connector, =none or =direct") as refused:
        setting_values.routes(f"MLF=none,{written}")
    assert repr(written) in str(refused.value)


def test_one_affiliate_has_one_route() -> None:
    with pytest.raises(ValueError, match="BWW stands twice"):
        setting_values.routes("BWW=none, bww=connector")


def test_the_shops_map_of_couriers_is_read_line_by_line() -> None:
    read = settings_from({"couriers": "Entrega Sul=ssw, A=B Log = jadlog,, Motoboy=none"}).couriers
    assert read == {"Entrega Sul": "ssw", "A=B Log": "jadlog", "Motoboy": "none"}


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("Entrega Sul", "'Entrega Sul' is not COURIER=carrier or COURIER=none"),
        ("=ssw", "'=ssw' is not COURIER"),
        ("_=ssw", "'_=ssw' is not COURIER"),
        ("Entrega Sul=", "'Entrega Sul=' is not COURIER"),
        ("Entrega Sul=SSW", "'Entrega Sul=SSW' is not COURIER"),
        ("Entréga Sul=ssw, entrega_sul=none", "entrega_sul stands twice"),
    ],
)
def test_a_line_of_that_map_that_says_nothing_or_twice_is_refused(written: str, wrong: str) -> None:
    assert f"couriers: {wrong}" in said(couriers=written)


@pytest.mark.parametrize(("written", "meant"), [("true", True), (" True ", True), ("FALSE", False), ("false", False)])
def test_a_flag_is_true_or_false(written: str, meant) -> None:
    assert setting_values.flag(written) is meant


@pytest.mark.parametrize("written", ["", "yes", "1", "0", "on"])
def test_nothing_else_is_a_flag(written: str) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        setting_values.flag(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        (" 2026-11-01T12:30:00 ", datetime(2026, 11, 1, 12, 30, tzinfo=UTC)),
        ("2026-11-01T12:30:00-03:00", datetime(2026, 11, 1, 15, 30, tzinfo=UTC)),
        ("2026-11-01T12:30:00Z", datetime(2026, 11, 1, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_utc(written: str, meant: datetime) -> None:
    (read,) = setting_values.moments(written).values()
    assert read == meant
    assert read.utcoffset() is not None


@pytest.mark.parametrize("written", ["01/11/2026", "sql:erp_db=soon", "2026-11-01, 2026-11-02", "a:b=2026-11-01, a:b="])
def test_what_is_no_moment_or_one_too_many_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        setting_values.moments(written)


def test_a_go_live_holds_for_its_account_and_the_one_without_a_name_for_all_others() -> None:
    read = settings_from(
        {"sources": "vtex:main, sql:erp, sql:old", "notify_since": "2026-11-01, sql:erp=2026-12-01T00:00:00-03:00"}
    )
    assert read.cut_off("vtex:main") == read.cut_off("sql:old") == datetime(2026, 11, 1, tzinfo=UTC)
    assert read.cut_off("sql:erp") == datetime(2026, 12, 1, 3, tzinfo=UTC)
    assert settings_from({}).cut_off("vtex:main") is None


def test_a_go_live_of_an_account_that_is_no_source_is_refused() -> None:
    with pytest.raises(Misconfigured, match="sql:erpp is not among the sources"):
        settings_from({"sources": "sql:erp", "notify_since": "sql:erpp=2026-11-01"})


def test_news_is_told_to_marketplaces_that_there_are() -> None:
    told = {"marketplaces": "webhook:hub", "marketplace_news": " webhook:hub ,"}
    assert settings_from(told).marketplace_news == {"webhook:hub"}
    with pytest.raises(Misconfigured, match="marketplace_news: webhook:hob is not among the marketplaces"):
        settings_from(told | {"marketplace_news": "webhook:hub, webhook:hob"})


def test_marketplaces_whose_buyers_we_mail_are_connections_or_affiliates_in_whatever_case() -> None:
    told = {"marketplaces": "webhook:our_hub", "mail_buyers_of": "webhook:our_hub, mkt,BWW"}
    assert settings_from(told).mail_buyers_of == {"webhook:our_hub", "MKT", "BWW"}
    with pytest.raises(Misconfigured) as refused:
        settings_from({**told, "mail_buyers_of": "webhook:our_hob, mkt, shopify:loja"})
    assert str(refused.value).endswith(
        ": mail_buyers_of: shopify:loja is not among the marketplaces; "
        "mail_buyers_of: webhook:our_hob is not among the marketplaces"
    )


def test_limits_are_numbers_by_channel() -> None:
    assert setting_values.limits(" email = 500, order=0 ") == {Channel.EMAIL: 500, Channel.ORDER: 0}
    assert setting_values.limits("") == {}


@pytest.mark.parametrize("written", ["mail=1", "email", "email=many", "email=-1", "email=1, email=2"])
def test_what_is_no_limit_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"mail"):
        setting_values.limits(written)


def test_addresses_are_read_one_by_one_and_a_wrong_one_is_named() -> None:
    assert setting_values.addresses("a@loja.example.com, b@loja.example.com") == (
        "a@loja.example.com",
        "b@loja.example.com",
    )
    with pytest.raises(ValueError, match="'nobody' is no address"):
        setting_values.addresses("a@loja.example.com, nobody")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("60m", timedelta(hours=1)),
        (" 12h ", timedelta(hours=12)),
        ("45d", timedelta(days=45)),
        ("1.5h", timedelta(minutes=90)),
        ("0", timedelta(0)),
        ("0m", timedelta(0)),
    ],
)
def test_a_span_is_a_number_and_its_unit(written: str, meant: timedelta) -> None:
    assert setting_values.span(written) == meant


@pytest.mark.parametrize("written", ["", "60", "1w", "-1h", "1h30m", "h", "1 h", "00"])
def test_what_is_no_span_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a span such as"):
        setting_values.span(written)


@pytest.mark.parametrize(("name", "least", "less"), [("lease", "1m", "59s"), ("give_up_after", "1d", "23h")])
def test_a_span_that_would_undo_its_purpose_is_refused(name: str, least: str, less: str) -> None:
    assert getattr(settings_from({name: least}), name) == setting_values.span(least)
    for short in (less, "0"):
        assert f"{name}: {short} is too short; {least} is the least" in said(**{name: short})


TWO = "correios:main, acme:one, correios:branch=vtex:b+sql:erp, correios:third=vtex:c"
SHOPS = "vtex:a, vtex:b, vtex:c, sql:erp:public.rastro_shipment"


def test_a_carriers_first_contract_serves_all_accounts_that_have_none_of_their_own() -> None:
    read = settings_from({"carriers": TWO, "sources": SHOPS})
    assert list(read.contracts) == ["correios", "acme", "correios:branch", "correios:third"]
    assert read.contracts["correios"].key == "correios:main"
    assert read.further_contracts == {
        ("correios", "vtex:b"): "correios:branch",
        ("correios", "sql:erp"): "correios:branch",
        ("correios", "vtex:c"): "correios:third",
    }
    alone = settings_from({"carriers": "correios:main=vtex:a", "sources": SHOPS})
    assert (list(alone.contracts), alone.further_contracts) == (["correios"], {})


def test_all_that_is_wrong_about_contracts_stands_in_one_line() -> None:
    message = said(carriers="acme, correios:a=b, jadlog:j")
    assert "'acme' is not of the form" in message
    assert "'correios:a=b' is not of the form" in message
    message = said(carriers="correios:main, acme:one, correios:branch, correios:other")
    assert "correios:branch is not its carrier's first, so it needs accounts: correios:branch=account" in message
    assert "correios:other is not its carrier's first" in message
    assert "acme" not in message
    message = said(carriers="correios:x=vtex:b, correios:y=vtex:b, correios:z=vtex:b+vtex:b", sources="vtex:b")
    assert "vtex:b for correios stands twice" in message
    assert "correios:main stands twice" in said(carriers="correios:main, correios:main=vtex:a", sources="vtex:a")
    message = said(carriers="correios:m, correios:y=gone:g", sources="vtex:a", calls_per_day="correios:y=1, ups:x=4")
    assert "gone:g, which correios:y is for, is not among the sources" in message
    assert "calls_per_day: ups:x is not among the carriers" in message
    assert "calls_per_day: correios:y" not in message


@pytest.mark.parametrize(
    "written", ["correios:a:b", "correios", "correios:a=", "correios:a=b", "correios:a=vtex:b+", "=x:y"]
)
def test_a_contract_of_another_form_is_refused_by_name(written: str) -> None:
    with pytest.raises(ValueError, match="not of the form adapter:connection or") as refused:
        setting_values.contracts(f"acme:one, {written}")
    assert repr(written) in str(refused.value)


def test_each_contract_has_the_budget_of_its_carrier_unless_it_has_one_of_its_own() -> None:
    told = {"carriers": TWO, "sources": SHOPS}
    read = settings_from({**told, "calls_per_day": "correios=100, correios:branch=7"})
    assert read.budgets == {"correios": 100, "correios:branch": 7, "correios:third": 100}
    read = settings_from({**told, "calls_per_day": "correios:main=5, correios=100, correios:third=0"})
    assert read.budgets == {"correios": 5, "correios:branch": 100}


def test_everything_that_is_wrong_within_one_setting_is_named_at_once() -> None:
    message = said(
        routes="BWW=somehow, MLF=none, MLF", couriers="Um=ssw, Dois", notify_since="never, sql:erp=2026-13-01",
        calls_per_day="one, two=x", alert_to="nobody, nowhere", tracking_origins="a, b", sources="vtex, sql",
    )  # fmt: skip
    for wrong in (
        "'BWW=somehow'", "'MLF'", "'Dois'", "'never'", "month must be", "'one'", "'two=x'", "'nobody'", "'nowhere'",
        "'a'", "'b'", "'vtex'", "'sql'",
    ):  # fmt: skip
        assert wrong in message
    assert len(message.splitlines()) == 1


def test_a_misspelt_setting_is_told_the_nearest_right_name() -> None:
    message = said(cariers="x", shop_name_cmd="x", nothing_like_it="x")
    assert "cariers: there is no such setting, but carriers;" in message
    assert "shop_name_cmd: shop_name is no secret, so it is written as it is, without _CMD" in message
    assert message.index("nothing_like_it: there is no such setting;") > 0


def test_a_number_lies_between_its_bounds() -> None:
    read = setting_values.number(1, 5000)
    assert (read("1"), read("5000")) == (1, 5000)
    for written in ("0", "5001", "-3"):
        with pytest.raises(ValueError, match=r"is not between 1 and 5,000"):
            read(written)
    for written in ("", "many", "1.5"):
        with pytest.raises(ValueError, match="invalid literal"):
            read(written)


def test_a_rate_is_above_nothing_and_bounded() -> None:
    assert (setting_values.rate("0.5"), setting_values.rate("1000")) == (0.5, 1000)
    for written in ("0", "-1", "1001", "nan", "inf"):
        with pytest.raises(ValueError, match="not above 0 and at most 1000"):
            setting_values.rate(written)


def test_a_choice_is_one_of_those_named() -> None:
    read = setting_values.one_of("full", "delta")
    assert read(" delta ") == "delta"
    with pytest.raises(ValueError, match="'half' is none of full, delta"):
        read("half")


# The whole section


def test_every_option_has_a_field_and_every_field_an_option() -> None:
    assert OPTIONS
    assert {field.name for field in fields(Settings)} == set(OPTIONS)


def test_nothing_written_gives_the_defaults() -> None:
    assert settings_from({}) == settings_from({name: option.default for name, option in OPTIONS.items()})


def test_the_defaults_are_those_of_a_careful_start() -> None:
    by_default = settings_from({})
    assert (by_default.sources, by_default.carriers, by_default.marketplaces, by_default.routes) == ((), (), (), {})
    assert by_default.notify_since == {}
    assert set(by_default.most_notices) == set(Channel)
    assert by_default.alert_to == ()
    assert by_default.events == "full"
    assert not by_default.fill_tracking_url
    assert not by_default.resend_doubtful_mail
    assert by_default.calls_per_day == {}
    assert (by_default.max_slices, by_default.slice_size, by_default.max_attempts) == (64, 2000, 12)
    assert by_default.lease > timedelta(0)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_example_can_be_read_and_every_option_says_what_it_is_for(name: str) -> None:
    option = OPTIONS[name]
    option.read(option.default)
    option.read(option.example)
    assert option.description.endswith(".")
    assert "\n" not in option.description


def test_the_examples_make_a_section_together() -> None:
    read = settings_from({name: option.example for name, option in OPTIONS.items()})
    assert read.sources
    assert read.routes
    assert read.notify_since
    assert read.alert_to


def test_the_pace_is_made_of_its_three_settings() -> None:
    read = settings_from({"poll_every": "15m", "last_look_after": "2d", "give_up_after": "30d"})
    assert read.pace == Pace(
        every=timedelta(minutes=15), last_look_after=timedelta(days=2), give_up_after=timedelta(days=30)
    )


def test_one_message_lists_everything_that_is_wrong() -> None:
    message = said(
        poll_evry="60m",
        poll_every="often",
        max_slices="0",
        events="half",
        marketplaces="webhook:our_hub",
        routes="MKT=direct:webhook:other_hub",
    )
    for part in (
        "poll_evry: there is no such setting",
        "poll_every: 'often' is not a span",
        "max_slices: 0 is not between 1 and 512",
        "events: 'half' is none of full, delta",
        "routes: MKT goes to webhook:other_hub, which is not among the marketplaces",
    ):
        assert part in message


def test_a_route_must_lead_to_a_marketplace_that_is_there() -> None:
    message = said(routes="MKT=direct:webhook:our_hub, BWW=connector")
    assert "MKT goes to webhook:our_hub" in message
    assert "BWW" not in message
    read = settings_from({"routes": "MKT=direct:webhook:our_hub", "marketplaces": "webhook:our_hub"})
    assert read.routes["MKT"].marketplace == "webhook:our_hub"


def test_unreadable_marketplaces_are_not_held_against_the_routes() -> None:
    message = said(routes="MKT=direct:webhook:our_hub", marketplaces="webhook")
    assert "marketplaces: 'webhook' is not of the form" in message
    assert "MKT" not in message


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.read is setting_values.span])
def test_a_span_beyond_all_time_is_refused_like_any_other_mistake(name: str) -> None:
    assert f"{name}: " in said(**{name: "99999999999d"})


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.text(max_size=30)))
def test_any_text_is_read_or_refused_by_name(values: dict[str, str]) -> None:
    try:
        settings_from(values)
    except Misconfigured as refused:
        assert any(f"{name}: " in str(refused) for name in values)  # noqa: PT017 - most texts are refused, some are not


@pytest.mark.parametrize(
    ("written", "at", "until"),
    [
        ("21:00-08:00", "23:30", "08:00+1"),
        ("21:00-08:00", "21:00", "08:00+1"),
        ("21:00-08:00", "07:59", "08:00"),
        ("21:00-08:00", "08:00", None),
        ("21:00-08:00", "20:59", None),
        ("12:00-14:00", "13:00", "14:00"),
        ("12:00-14:00", "11:59", None),
        ("12:00-14:00", "14:00", None),
    ],
)
def test_quiet_hours_may_reach_over_midnight(written: str, at: str, until: str | None) -> None:
    quiet = settings_from({"quiet_hours": written}).quiet_hours
    assert quiet is not None
    local = datetime.fromisoformat(f"2026-11-20T{at}-03:00")
    day, _, later = (until or "").partition("+")
    ends = datetime.fromisoformat(f"2026-11-20T{day}-03:00") + timedelta(days=int(later or 0)) if until else None
    assert quiet.hold(local) == ends


@pytest.mark.parametrize("wrong", ["night", "21-8", "25:00-08:00", "08:00-08:00"])
def test_hours_that_are_none_are_refused(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="quiet_hours: "):
        settings_from({"quiet_hours": wrong})


def test_a_budget_of_calls_is_read_by_carrier_and_none_is_no_budget() -> None:
    carriers = "correios:c, jadlog:j, loggi:l"
    given = settings_from({"carriers": carriers, "calls_per_day": "correios=20000, jadlog = 0"})
    assert given.calls_per_day == {"correios": 20000, "jadlog": 0}
    assert given.budgets == {"correios": 20000}
    for wrong in ("correios", "correios=-1", "correios=many", "correios=1, correios=2", "=5", "ups=5"):
        with pytest.raises(Misconfigured, match="calls_per_day"):
            settings_from({"carriers": carriers, "calls_per_day": wrong})
