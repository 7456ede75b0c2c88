import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.confirmation import (
    CARRIED_BY_OTHERS,
    CONNECTORS,
    Carriage,
    CarriedBy,
    Confirmation,
    Connector,
    OrderMarks,
    marketplace_called,
    not_ours,
    order_route,
)
from rastro.models import Route
from rastro.setting_values import OrderRoute

ROUTES = {
    "BWW": OrderRoute(route=Route.CONNECTOR),
    "MLF": OrderRoute(route=Route.NONE),
    "MKT": OrderRoute(route=Route.DIRECT, marketplace="vtex_protocol:market_one"),
}
ADD = "add its affiliate code=connector, its affiliate code=direct:adapter:connection or its affiliate code=none"
SKYHUB = "http://skyhubintegration.vtexinternal.com/api?an=x"
OTHER = "http://novointegration.vtexinternal.com/api?an=x"
VTEX = "http://oms.vtexinternal.com.br/api/oms?an=x"
HUB = "https://hub.example/vtex"


@pytest.mark.parametrize(
    ("marks", "route", "because"),
    [
        # The shop's own table, whatever else the order says.
        (OrderMarks(origin="Fulfillment", affiliate="MKT", endpoint=HUB), Route.DIRECT, "setting routes, MKT"),
        # But no call beside a connector that is known to pass deliveries on.
        (OrderMarks(origin="Fulfillment", affiliate="MKT", endpoint=SKYHUB), Route.REVIEW, "confirmed twice"),
        (
            OrderMarks(origin="Fulfillment", affiliate="mkt", endpoint=VTEX),
            Route.REVIEW,
            "another shop's on VTEX; write",
        ),
        (OrderMarks(affiliate="MKT", endpoint=OTHER, marketplace="Netshoes"), Route.REVIEW, "and that of Netshoes"),
        (OrderMarks(affiliate="MKT", apps=("CN-B2W",)), Route.REVIEW, "CN-B2W wrote on it, and that of Americanas"),
        (OrderMarks(affiliate="MKT", endpoint=OTHER), Route.DIRECT, "setting routes, MKT"),
        (OrderMarks(affiliate="MKT", endpoint=OTHER, marketplace="Amazon"), Route.DIRECT, "setting routes, MKT"),
        (OrderMarks(affiliate="MKT", marketplace="Netshoes"), Route.DIRECT, "setting routes, MKT"),
        (OrderMarks(affiliate="MKT", marketplace="Netshoes", endpoint=HUB), Route.DIRECT, "setting routes, MKT"),
        (OrderMarks(affiliate="MLF", endpoint=SKYHUB), Route.NONE, "setting routes, MLF"),
        (OrderMarks(origin="Fulfillment", affiliate="mkt "), Route.DIRECT, "setting routes, MKT"),
        (OrderMarks(origin="Fulfillment", affiliate=" mlf", marketplace="Netshoes"), Route.NONE, "setting routes, MLF"),
        (OrderMarks(origin="Fulfillment", affiliate="BWW", marketplace="Amazon"), Route.CONNECTOR, "setting routes"),
        (OrderMarks(origin="Marketplace", affiliate="BWW"), Route.CONNECTOR, "setting routes, BWW"),
        # No marketplace.
        (OrderMarks(origin="Marketplace", endpoint=VTEX), Route.NONE, "sold in the shop itself"),
        (OrderMarks(), Route.NONE, "nothing on the order points to a marketplace"),
        # The endpoint's host.
        (OrderMarks(origin="Fulfillment", endpoint=SKYHUB), Route.CONNECTOR, "skyhubintegration.vtexinternal.com is a"),
        (OrderMarks(origin="Fulfillment", endpoint=OTHER), Route.CONNECTOR, "is a connector of VTEX"),
        (OrderMarks(origin="Fulfillment", endpoint=VTEX), Route.CONNECTOR, "is another shop's on VTEX"),
        (OrderMarks(origin="Chain", endpoint=VTEX), Route.CONNECTOR, "is another shop's on VTEX"),
        (OrderMarks(origin="Chain", endpoint=VTEX, marketplace="Amazônia Shop"), Route.CONNECTOR, "another shop's"),
        (OrderMarks(origin="Fulfillment", endpoint=VTEX, affiliate="SHP"), Route.CONNECTOR, "another shop's on VTEX"),
        (OrderMarks(origin="Fulfillment", endpoint="https://vtexinternal.com.example/x"), Route.REVIEW, "nobody said"),
        (OrderMarks(origin="Fulfillment", endpoint="https://notvtexinternal.com/x"), Route.REVIEW, "nobody said"),
        # What a connector wrote on the order.
        (OrderMarks(origin="Fulfillment", apps=("x", "cn-hub")), Route.CONNECTOR, "the connector cn-hub wrote on it"),
        (OrderMarks(origin="Fulfillment", apps=("CN-B2W",), marketplace="Amazon"), Route.CONNECTOR, "CN-B2W wrote on"),
        (OrderMarks(origin="Fulfillment", apps=("x", "hub-CN-")), Route.REVIEW, "nobody said"),
        # The marketplace's name, unless the endpoint is somebody else's.
        (OrderMarks(origin="Fulfillment", marketplace="Netshoes"), Route.CONNECTOR, "the connector of Netshoes passes"),
        (OrderMarks(origin="Fulfillment", marketplace="MERCADO_LIVRE"), Route.CONNECTOR, "of Mercado Livre passes"),
        (OrderMarks(origin="Fulfillment", marketplace="Netshoes", endpoint=HUB), Route.REVIEW, "nobody said"),
        (OrderMarks(origin="Fulfillment", marketplace="Feira Nova"), Route.REVIEW, "orders of Feira Nova"),
        # An affiliate code by itself is the shop's own word, and says nothing about a connector.
        (OrderMarks(origin="Fulfillment", affiliate="NTS"), Route.REVIEW, "orders of NTS"),
        (OrderMarks(affiliate="XYZ"), Route.REVIEW, "orders of XYZ"),
        # Connectors that no documentation says pass a delivery on.
        (
            OrderMarks(origin="Fulfillment", apps=("CN-Viavarejo-Integration",)),
            Route.REVIEW,
            "connector of Casas Bahia",
        ),
        (OrderMarks(origin="Fulfillment", marketplace="Amazon"), Route.REVIEW, "the connector of Amazon passes"),
        (OrderMarks(origin="Fulfillment", marketplace="Amazon", endpoint=HUB), Route.REVIEW, "the connector of Amazon"),
        (OrderMarks(origin="Fulfillment", endpoint=OTHER, marketplace="Shopee"), Route.REVIEW, "connector of Shopee"),
        (OrderMarks(origin="Fulfillment", endpoint=OTHER, affiliate="mgz "), Route.REVIEW, "the connector of Magalu"),
        (OrderMarks(origin="Fulfillment", apps=("CN-Hub",), affiliate="DFT"), Route.REVIEW, "the connector of Dafiti"),
        # The host is believed before the name, and the app, too.
        (OrderMarks(origin="Fulfillment", endpoint=SKYHUB, marketplace="Amazon"), Route.CONNECTOR, "is a connector of"),
    ],
    ids=str,
)
def test_one_route_confirms_an_order_and_says_by_what_it_was_decided(
    marks: OrderMarks, route: Route, because: str
) -> None:
    decided = order_route(marks, ROUTES)
    assert decided.route is route, decided.why
    assert because in decided.why


def test_a_direct_route_names_the_connection_it_uses() -> None:
    assert order_route(OrderMarks(origin="Fulfillment", affiliate="MKT"), ROUTES) == Confirmation(
        route=Route.DIRECT, marketplace="vtex_protocol:market_one", why="setting routes, MKT"
    )


def test_a_call_beside_a_connector_that_passes_deliveries_on_is_a_persons_to_decide() -> None:
    calls = {"BWW": OrderRoute(route=Route.DIRECT, marketplace="skyhub:skyhub_main")}
    marks = OrderMarks(origin="Fulfillment", affiliate="bww", endpoint=SKYHUB)
    assert order_route(marks, calls) == Confirmation(
        route=Route.REVIEW,
        why="told by skyhub:skyhub_main, too, its delivery would be confirmed twice: its endpoint "
        "skyhubintegration.vtexinternal.com is a connector of VTEX, and that of Americanas passes deliveries on; "
        "write BWW=connector in the setting routes",
    )
    suggested = OrderMarks(origin="Fulfillment", affiliate="BWW", endpoint=OTHER)
    assert order_route(suggested, calls).route is Route.REVIEW


@pytest.mark.parametrize(
    ("marks", "where", "add"),
    [
        (OrderMarks(origin="Chain", affiliate="xyz", marketplace="Feira", endpoint=HUB), "xyz", ""),
        (OrderMarks(origin="Chain", marketplace="Feira", endpoint=HUB), "Feira", ADD),
        (OrderMarks(origin="Chain", endpoint=HUB), "hub.example", ADD),
        (OrderMarks(origin="Chain"), "Chain", ADD),
    ],
)
def test_an_order_to_review_is_named_by_the_best_that_is_known_of_its_marketplace(
    marks: OrderMarks, where: str, add: str
) -> None:
    add = add or "add XYZ=connector, XYZ=direct:adapter:connection or XYZ=none"
    why = f"nobody said who confirms the orders of {where}; {add} to the setting routes"
    assert order_route(marks, ROUTES) == Confirmation(route=Route.REVIEW, why=why)


def test_a_connector_of_which_nothing_is_known_is_a_persons_to_decide() -> None:
    marks = OrderMarks(origin="Fulfillment", affiliate="AMZ", marketplace="Amazon")
    assert order_route(marks, {}) == Confirmation(
        route=Route.REVIEW,
        why="no documentation says that the connector of Amazon passes a delivery on; "
        "add AMZ=connector, AMZ=direct:adapter:connection or AMZ=none to the setting routes",
    )
    decided = order_route(marks, {"AMZ": OrderRoute(route=Route.CONNECTOR)})
    assert decided == Confirmation(route=Route.CONNECTOR, why="setting routes, AMZ")


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda one: one.marketplace)
def test_every_connector_is_known_by_each_of_its_marks(connector: Connector) -> None:
    expected = Route.CONNECTOR if connector.relays else Route.REVIEW
    app = f"CN-{connector.marketplace}-Integration"
    for mark in (
        OrderMarks(origin="Fulfillment", marketplace=connector.marketplace),
        OrderMarks(origin="Fulfillment", marketplace=connector.marketplace.upper().replace(" ", "_")),
        OrderMarks(origin="Fulfillment", apps=(app,)),
        *(OrderMarks(origin="Fulfillment", endpoint=OTHER, affiliate=code) for code in connector.affiliates),
    ):
        decided = order_route(mark, {})
        assert decided.route is expected
        assert (connector.marketplace in decided.why) or mark.apps or mark.endpoint


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda one: one.marketplace)
def test_a_marketplace_is_meant_by_its_name_and_by_the_codes_suggested_for_it(connector: Connector) -> None:
    for name in (connector.marketplace, connector.marketplace.upper(), *connector.affiliates):
        assert marketplace_called(f" {name.lower()} ") is connector


@pytest.mark.parametrize("name", ["", " ", "MKT", "Feira Nova", "VV", "via expressa"])
def test_any_other_name_means_none_of_these_marketplaces(name: str) -> None:
    assert marketplace_called(name) is None


def test_no_two_connectors_share_a_mark() -> None:
    codes = [code for connector in CONNECTORS for code in connector.affiliates]
    assert len(codes) > 5
    assert len(set(codes)) == len(codes)
    for one, other in itertools.permutations(CONNECTORS, 2):
        decided = order_route(OrderMarks(origin="Chain", marketplace=one.marketplace), {})
        assert one.marketplace in decided.why
        assert other.marketplace not in decided.why


MARKS = st.builds(
    OrderMarks,
    origin=st.sampled_from(["", "Marketplace", "Fulfillment", "Chain"]),
    affiliate=st.sampled_from(["", "MKT", "bww", "MLF", "MZN", "NTS", "XYZ"]),
    endpoint=st.sampled_from(["", SKYHUB, OTHER, VTEX, HUB, "http://["]),
    marketplace=st.sampled_from(["", "Netshoes", "Amazon", "Feira"]) | st.text(max_size=20),
    apps=st.lists(st.sampled_from(["CN-B2W", "CN-Amazon", "x"]), max_size=2).map(tuple),
)


@given(marks=MARKS)
def test_an_order_has_one_route_and_only_a_direct_one_names_a_marketplace(marks: OrderMarks) -> None:
    decided = order_route(marks, ROUTES)
    assert decided.why
    assert (decided.route is Route.DIRECT) == bool(decided.marketplace)
    affiliate = marks.affiliate.strip().upper()
    if affiliate in ROUTES:
        assert decided.route is ROUTES[affiliate].route or (affiliate == "MKT" and decided.route is Route.REVIEW)
    else:
        assert decided.route is not Route.DIRECT


# ── What others carry, which is never confirmed ───────────────────────────────────────────────────────────────────────

NEVER = {
    "VTEX": "VTEX Shipping Network | VSN | vtex log expressa | VTEX_LOG",
    "Mercado Livre": (
        "Mercado Envios | MercadoEnvios | MERCADO_ENVIOS_FLEX | ME2 | ME 2 | Mercado Livre Full | Mercado Libre Flex |"
        " Mercado Livre Turbo | Mercado Livre - Coleta | Mercado Livre Places | ME Flex | Mercado Envios 2"
    ),
    "Amazon": (
        "Amazon FBA | FBA | DBA | Delivery by Amazon | Fulfillment by Amazon | Fulfilled by Amazon | Easy Ship |"
        " Amazon EasyShip | Logística da Amazon | Logística Amazon | Amazon Logistics | Amazon - Logística |"
        " Amazon Shipping | Amazon Full"
    ),
    "Magalu": (
        "Magalu Entregas | MAGALU ENTREGA | Magazine Luiza - Entregas | Magalu Fulfillment | Fulfillment Magalu |"
        " Fulfillment by Magalu | Magalu Full | Magalu Envios"
    ),
    "Americanas": (
        "Americanas Entrega | Americanas - Entregas | B2W-Entrega | b2wentregadirect | B2W Fulfillment |"
        " Entrega Direct | Americanas Direct | B2WFulfillment"
    ),
    "Netshoes": "Netshoes Entregas | Netshoes-Entregas | netshoes_entrega",
    "Casas Bahia": "Envvias | CB Entrega | Casas Bahia Entregas | Via Entrega | Via Envvias | Casas Bahia Fulfillment",
    "Shopee": (
        "Shopee Xpress | Shopee Express | SPX | SPX Express | Shopee Envios | Shopee Entrega | Shopee 90016 |"
        " Shopee - canal 90022 | Shopee Full"
    ),
    "Dafiti": "Dafiti Envios | DAFITI ENVIO | Dafiti Fulfillment",
    "MadeiraMadeira": "Madeira Envios | MadeiraMadeira Envios | Madeira Madeira Envio",
    "The marketplace": "Qualquer-Entregas",
}


def never() -> Iterator[tuple[str, str]]:
    return ((who, courier.strip()) for who, couriers in NEVER.items() for courier in couriers.split("|"))


def test_everybody_who_carries_parcels_of_its_own_has_names_to_be_known_by() -> None:
    assert {carried.marketplace for carried in CARRIED_BY_OTHERS} == set(NEVER)
    assert len(list(never())) > 60


@pytest.mark.parametrize(("who", "courier"), list(never()))
def test_what_a_marketplace_carries_is_not_ours(who: str, courier: str) -> None:
    (carried,) = [one for one in CARRIED_BY_OTHERS if one.marketplace == who]
    assert not_ours(Carriage(couriers=("Correios", courier)), {}) == carried.sentence


def test_the_sentence_says_who_carries_it_and_by_what() -> None:
    carried = CarriedBy(marketplace="Feira", service="Feira Envios", names=r"\bfeira\b")
    assert carried.sentence == "Feira carries it by Feira Envios and marks the order itself."


@pytest.mark.parametrize(
    ("carriage", "sentence"),
    [
        (
            Carriage(couriers=("Correios",), hints=("", "MEL123")),
            "The marketplace issued its label and follows it itself.",
        ),
        (
            Carriage(couriers=("Correios",), affiliate=" mlf"),
            "The setting routes says that the marketplace MLF carries its parcels.",
        ),
        *(
            (carriage, "The customer collects it at the shop or a pickup point, and no carrier brings it there.")
            for carriage in (
                Carriage(channel="pickup-in-point"),
                Carriage(couriers=("Retirada na loja", "")),
                Carriage(couriers=("Retira em loja", "Pickup"), channel="pickup-in-point"),
                Carriage(couriers=("Retire aqui", "PICK UP", "Será retirado: retirar")),
            )
        ),
    ],
    ids=str,
)
def test_other_parcels_that_are_not_ours(carriage: Carriage, sentence: str) -> None:
    assert not_ours(carriage, ROUTES) == sentence


@pytest.mark.parametrize(
    "carriage",
    [
        Carriage(),
        Carriage(couriers=("Correios",)),
        Carriage(couriers=("PAC Mercado Livre",)),
        Carriage(couriers=("Mercado Livre",)),
        Carriage(couriers=("Mercado Envios ME1",)),
        Carriage(couriers=("Mercado Envios 1",)),
        Carriage(couriers=("Amazon - Correios SEDEX",)),
        Carriage(couriers=("Amazon",)),
        Carriage(couriers=("Magalu - Jadlog",)),
        Carriage(couriers=("Americanas",)),
        Carriage(couriers=("Shopee - Correios",)),
        Carriage(couriers=("Shopee 90021 frota própria",)),
        Carriage(couriers=("Shopee - 90025",)),
        Carriage(couriers=("Shopee 90026",)),
        Carriage(couriers=("ME_STANDARD_33",)),
        Carriage(couriers=("Melhor Envio",)),
        Carriage(couriers=("Madeira Transportes",)),
        Carriage(couriers=("Entregas Rápidas Ltda",)),
        Carriage(couriers=("Correios",), affiliate="BWW", hints=("", " ")),
        Carriage(couriers=("Correios",), affiliate="MKT"),
        Carriage(couriers=("Correios",), channel="pickup-in-point"),
        Carriage(couriers=("Correios", "Retirada em ponto"), channel="pickup-in-point"),
        Carriage(couriers=("Clique e Retire Correios",)),
        Carriage(couriers=("Jadlog Pickup",)),
        Carriage(couriers=("Loggi Ponto - retirada",)),
        Carriage(channel="delivery"),
        Carriage(couriers=("", " "), channel="delivery"),
    ],
    ids=str,
)
def test_what_the_shop_ships_itself_is_ours(carriage: Carriage) -> None:
    assert not_ours(carriage, ROUTES) == ""
