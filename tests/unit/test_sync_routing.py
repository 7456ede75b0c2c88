"""Which carrier a shipment goes to in a run, with the question it is asked by, and who comes next when one declines."""

import pytest

from rastro.carriers.registry import CARRIERS
from rastro.models import Shipment
from rastro.pipeline.sync import next_candidate, routed_to, router_for, with_decliners
from rastro.settings import Settings, settings_from
from rastro.warehouse.shipments import Declined, Routed

KEY = "35260912345678000100550010000047111373064090"


def settings(carriers: str, couriers: str = "") -> Settings:
    listed = ", ".join(f"{code}:{code}_contract" for code in carriers.split())
    return settings_from({"carriers": listed, "couriers": couriers})


def shipment(courier: str, number: str, **more: str) -> Shipment:
    return Shipment(account="", order_id="", invoice_number="", tracking_number=number, courier=courier, **more)  # type: ignore[arg-type]  # all that stand here are texts


def routed(one: Shipment, carriers: str, couriers: str = "") -> Routed:
    return routed_to(one, CARRIERS, router_for(CARRIERS, settings(carriers, couriers)))


def following(one: Shipment, carriers: str, carrier: str, *before: str) -> str | None:
    declined = Declined(shipment_id=1, shipment=one, carrier=carrier, declined_by=before)
    found = next_candidate(declined, CARRIERS, router_for(CARRIERS, settings(carriers)))
    return found.carrier if found else None


def test_a_shipment_goes_with_the_question_that_its_carrier_understands() -> None:
    found = routed(shipment("Patrus", "000123", invoice_key=KEY), "correios ssw")
    assert (found.carrier, found.reference, found.warning) == ("ssw", f"invoice_key:{KEY}", "")


def test_what_the_order_lacks_for_the_question_is_said() -> None:
    found = routed(shipment("Braspress", "000123"), "braspress")
    assert (found.carrier, found.reference) == ("braspress", "")
    assert found.why == (
        "by the courier's name 'Braspress'; "
        "braspress needs shipper cnpj with invoice number or order id, and the order has none"
    )


def test_the_shops_map_is_read_from_the_settings() -> None:
    assert routed(shipment("Entrega Sul", "QQ100000017BR"), "correios jadlog", "entrega sul=jadlog").carrier == "jadlog"
    assert routed(shipment("Motoboy", "QQ100000017BR"), "correios", "Motoboy=none").carrier is None


@pytest.mark.parametrize(
    ("carriers", "declined", "following_one"),
    [
        ("correios track17", ("correios",), "track17"),
        ("track17 correios aftership", ("track17", "correios"), "aftership"),
        ("correios track17", ("track17", "correios"), None),
        ("correios", ("correios",), None),
        ("correios jadlog", ("correios",), None),
    ],
)
def test_who_comes_after_a_carrier_that_declined(
    carriers: str, declined: tuple[str, ...], following_one: str | None
) -> None:
    assert following(shipment("SEDEX", "QQ100000017BR"), carriers, *declined) == following_one


def test_a_carrier_that_lacks_what_it_is_asked_by_is_passed_over() -> None:
    parcel = shipment("Braspress / Jadlog", "12345678901")
    assert following(parcel, "braspress jadlog track17", "jadlog") == "track17"


def test_a_carrier_without_a_connection_is_passed_over() -> None:
    assert following(shipment("Jadlog / Rodonaves", "12345678901"), "jadlog fedex", "jadlog") is None


def test_where_there_is_no_carrier_nobody_comes_after_the_one_that_declined() -> None:
    assert following(shipment("Motoboy", "QQ100000017BR"), "correios track17", "correios") is None


def test_the_reason_begins_with_who_declined_it() -> None:
    placed = Routed(shipment=shipment("SEDEX", "QQ1"), carrier="track17", why="nobody else is known", reference="QQ1")
    assert with_decliners(placed, ()) == placed
    assert with_decliners(placed, ["correios"]).why == "correios says that it is not its own; then nobody else is known"
    assert with_decliners(placed, ["correios", "azul_cargo"]).why == (
        "correios and azul_cargo say that it is not their own; then nobody else is known"
    )
