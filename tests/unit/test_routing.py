import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.carriers.registry import CARRIERS
from rastro.models import Route
from rastro.routing import Carriage, Claims, Confirmation, OrderMarks, Routed, host_of, not_ours, order_route, route
from rastro.settings import OrderRoute

S10 = "QQ100000017BR"
KNOWN = {code: carrier.claims for code, carrier in CARRIERS.items()}
SEVERAL = {
    **KNOWN,
    "veloz": Claims(names=(r"\bveloz\b",), weak=(r"\d{14}", r"[A-Z]{2}\d{9}BR"), hosts=(r"(^|\.)veloz\.example$",)),
    "andante": Claims(names=(r"\bandante\b", r"\bveloz andante\b"), weak=(r"\d{14}",)),
}


@pytest.mark.parametrize(
    ("courier", "number", "link", "carrier"),
    [
        ("Correios", S10, "", "correios"),
        ("CORREIOS - Sédex", "12345", "", "correios"),
        ("PAC", S10, "", "correios"),
        ("FRENET_SEDEX_03220", S10, "", "correios"),
        ("Envio Mini", S10, "", "correios"),
        ("PACOTE RAPIDO", "12345", "", None),
        ("Transportadora", S10, "", "correios"),
        ("", S10, "", "correios"),
        ("", "LB100000190HK", "", "correios"),
        ("", "12345", "https://rastreamento.correios.com.br/app?objeto=1", "correios"),
        ("", "12345", "www.correios.com.br/rastreio", "correios"),
        ("", "12345", "https://correios.com.br.phishing.example/", None),
        ("Melhor Envio", S10, "", "correios"),
        ("Jadlog", S10, "", None),
        ("JAD LOG .PACKAGE", S10, "", None),
        ("Motoboy", S10, "", None),
        ("", "", "", None),
        ("Correios", "", "", "correios"),
        ("", "12345", "http://[", None),
    ],
)
def test_a_parcel_goes_to_the_carrier_its_shop_wrote(courier: str, number: str, link: str, carrier: str | None) -> None:
    routed = route(courier, number, link, KNOWN)
    assert routed.carrier == carrier
    assert routed.why


@pytest.mark.parametrize(
    ("courier", "number", "link", "carrier"),
    [
        ("Veloz", S10, "", "veloz"),
        ("Correios", S10, "https://veloz.example/1", "correios"),
        ("", S10, "https://rastreio.veloz.example/1", "veloz"),
        ("", S10, "", None),
        ("", "LB100000190HK", "", "correios"),
        ("", "12345678901234", "", None),
        ("Veloz Andante", S10, "", "veloz"),
        ("Veloz Andante", "12345678901234", "", None),
    ],
)
def test_where_one_sign_fits_several_carriers_the_next_decides(
    courier: str, number: str, link: str, carrier: str | None
) -> None:
    assert route(courier, number, link, SEVERAL).carrier == carrier


def test_a_parcel_that_several_carriers_could_own_is_nobodys_and_says_whose_it_could_be() -> None:
    assert route("", "12345678901234", "", SEVERAL) == Routed(
        carrier=None, why="it could be andante or veloz; name the courier on the order"
    )


def test_a_name_of_another_carrier_is_believed_before_the_link_and_the_number() -> None:
    assert route("Jadlog", S10, "https://rastreamento.correios.com.br/", SEVERAL) == Routed(
        carrier=None, why="the courier's name 'Jadlog' stands for Jadlog, which no adapter covers"
    )


def test_a_name_that_stands_for_carriers_we_know_is_theirs_though_it_names_another() -> None:
    assert route("Veloz Andante / Jadlog", S10, "", SEVERAL).carrier == "veloz"


def test_the_sign_that_decided_is_said() -> None:
    assert route("PAC", S10, "", SEVERAL).why == "by the courier's name 'PAC'"
    assert (
        route("", S10, "https://www.correios.com.br/x", SEVERAL).why
        == "by the tracking link's host www.correios.com.br"
    )
    assert route("", "LB100000190HK", "", SEVERAL).why == "by the form of LB100000190HK"
    assert route("Fulano", "12345", "", SEVERAL).why == "no carrier answers to the courier 'Fulano' or to '12345'"


def test_the_form_of_a_number_is_told_without_regard_to_case() -> None:
    claims = {"lento": Claims(weak=(r"lt[0-9]{6}",))}
    assert route("", "LT123456", "", claims).carrier == "lento"
    assert route("", "LT1234567", "", claims).carrier is None


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://WWW.Correios.com.br/x?y=z", "www.correios.com.br"),
        (" www.correios.com.br/rastreio ", "www.correios.com.br"),
        ("correios.com.br:443", "correios.com.br"),
        ("", ""),
        ("  ", ""),
        ("https://", ""),
        ("/rastreio/1", ""),
        ("http://[", ""),
    ],
)
def test_a_link_has_a_host_or_none(link: str, host: str) -> None:
    assert host_of(link) == host


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_routed_with_a_reason(courier: str, number: str, link: str) -> None:
    assert route(courier, number, link, SEVERAL).why


ROUTES = {
    "BWW": OrderRoute(route=Route.CONNECTOR),
    "MLF": OrderRoute(route=Route.NONE),
    "MKT": OrderRoute(route=Route.DIRECT, marketplace="vtex_protocol:market_one"),
}


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (OrderMarks(origin="Fulfillment", affiliate="MKT"), Route.DIRECT),
        (OrderMarks(origin="Fulfillment", affiliate="mkt "), Route.DIRECT),
        (OrderMarks(origin="Fulfillment", affiliate="MLF"), Route.NONE),
        (OrderMarks(origin="Marketplace", affiliate="BWW"), Route.CONNECTOR),
        (OrderMarks(origin="Marketplace"), Route.NONE),
        (OrderMarks(), Route.NONE),
        (
            OrderMarks(origin="Fulfillment", endpoint="http://skyhubintegration.vtexinternal.com/api?an=x"),
            Route.CONNECTOR,
        ),
        (OrderMarks(origin="Fulfillment", endpoint="http://oms.vtexinternal.com.br/api/oms?an=x"), Route.CONNECTOR),
        (OrderMarks(origin="Chain", endpoint="http://oms.vtexinternal.com.br/api/oms?an=x"), Route.CONNECTOR),
        (OrderMarks(origin="Fulfillment", endpoint="https://vtexinternal.com.example/x"), Route.REVIEW),
        (OrderMarks(origin="Fulfillment", apps=("x", "CN-Viavarejo-Integration")), Route.CONNECTOR),
        (OrderMarks(origin="Fulfillment", marketplace="Netshoes"), Route.CONNECTOR),
        (OrderMarks(origin="Fulfillment", marketplace="Feira Nova"), Route.REVIEW),
        (OrderMarks(origin="Fulfillment", affiliate="XYZ", endpoint="https://hub.example/vtex"), Route.REVIEW),
        (OrderMarks(origin="Chain"), Route.REVIEW),
        (OrderMarks(affiliate="XYZ"), Route.REVIEW),
    ],
)
def test_one_route_confirms_an_order(marks: OrderMarks, expected: Route) -> None:
    decided = order_route(marks, ROUTES)
    assert decided.route is expected
    assert decided.why


REVIEWED = "nobody said who confirms the orders of {}; add it to the setting routes"


@pytest.mark.parametrize(
    ("marks", "why"),
    [
        (OrderMarks(origin="Fulfillment", affiliate=" mlf"), "setting routes, MLF"),
        (OrderMarks(origin="Marketplace"), "sold in the shop itself"),
        (OrderMarks(), "nothing on the order points to a marketplace"),
        (
            OrderMarks(origin="Chain", endpoint="http://oms.vtexinternal.com.br/api"),
            "its endpoint oms.vtexinternal.com.br is a connector of VTEX",
        ),
        (OrderMarks(origin="Fulfillment", apps=("x", "cn-hub")), "the connector cn-hub wrote on it"),
        (
            OrderMarks(origin="Fulfillment", marketplace="Netshoes"),
            "the connector of Netshoes passes deliveries on",
        ),
    ],
)
def test_a_route_says_what_it_was_decided_by(marks: OrderMarks, why: str) -> None:
    assert order_route(marks, ROUTES).why == why


@pytest.mark.parametrize(
    ("marks", "where"),
    [
        (OrderMarks(origin="Chain", affiliate="XYZ", marketplace="Feira", endpoint="https://hub.example/"), "XYZ"),
        (OrderMarks(origin="Chain", marketplace="Feira", endpoint="https://hub.example/"), "Feira"),
        (OrderMarks(origin="Chain", endpoint="https://hub.example/"), "hub.example"),
        (OrderMarks(origin="Chain"), "Chain"),
    ],
)
def test_an_order_to_review_is_named_by_the_best_that_is_known_of_its_marketplace(
    marks: OrderMarks, where: str
) -> None:
    assert order_route(marks, ROUTES) == Confirmation(route=Route.REVIEW, why=REVIEWED.format(where))


def test_a_direct_route_names_the_connection_it_uses() -> None:
    assert order_route(OrderMarks(origin="Fulfillment", affiliate="MKT"), ROUTES) == Confirmation(
        route=Route.DIRECT, marketplace="vtex_protocol:market_one", why="setting routes, MKT"
    )


@pytest.mark.parametrize(
    "carriage",
    [
        Carriage(couriers=("Mercado Envios",)),
        Carriage(couriers=("MERCADO_ENVIOS_FLEX",)),
        Carriage(couriers=("", "ME2")),
        Carriage(couriers=("Amazon FBA",)),
        Carriage(couriers=("Logística da Amazon",)),
        Carriage(couriers=("DBA",)),
        Carriage(couriers=("Magalu Entregas",)),
        Carriage(couriers=("Magazine Luiza - Entregas",)),
        Carriage(couriers=("Netshoes-Entregas",)),
        Carriage(couriers=("B2W-Entrega",)),
        Carriage(couriers=("b2wentregadirect",)),
        Carriage(couriers=("Envvias",)),
        Carriage(couriers=("CB Entrega",)),
        Carriage(couriers=("Shopee Xpress",)),
        Carriage(couriers=("Dafiti Envios",)),
        Carriage(couriers=("Madeira Envios",)),
        Carriage(couriers=("Qualquer-Entregas",)),
        Carriage(couriers=("Correios", "VTEX Shipping Network")),
        Carriage(couriers=("Correios",), hints=("MEL123",)),
        Carriage(couriers=("Correios",), affiliate="mlf"),
        Carriage(channel="pickup-in-point"),
        Carriage(couriers=("Retirada na loja", "")),
        Carriage(couriers=("Retira em loja", "Pickup"), channel="pickup-in-point"),
    ],
    ids=str,
)
def test_what_others_carry_is_not_ours_and_says_so_in_a_sentence(carriage: Carriage) -> None:
    assert not_ours(carriage, ROUTES).endswith(".")


@pytest.mark.parametrize(
    "carriage",
    [
        Carriage(),
        Carriage(couriers=("Correios",)),
        Carriage(couriers=("PAC Mercado Livre",)),
        Carriage(couriers=("Amazon - Correios SEDEX",)),
        Carriage(couriers=("Entregas Rápidas Ltda",)),
        Carriage(couriers=("Correios",), affiliate="BWW", hints=("",)),
        Carriage(couriers=("Correios",), channel="pickup-in-point"),
        Carriage(couriers=("Correios", "Retirada em ponto"), channel="pickup-in-point"),
        Carriage(couriers=("Clique e Retire Correios",)),
        Carriage(channel="delivery"),
    ],
    ids=str,
)
def test_what_the_shop_ships_itself_is_ours(carriage: Carriage) -> None:
    assert not_ours(carriage, ROUTES) == ""
