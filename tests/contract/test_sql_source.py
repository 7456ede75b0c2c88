"""A table or view as a source: the same tests on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event, text

from rastro.errors import Misconfigured, Rejected, Transient
from rastro.models import Route, Shipment
from rastro.orders import sql
from rastro.orders.base import Aside, Setup
from rastro.orders.registry import SOURCES
from rastro.orders.sql import COLUMNS, SqlSource
from rastro.setting_values import OrderRoute
from stack.postgres import Server

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
COLUMN_TYPES = {"text": "varchar(200)", "timestamp": "timestamp", "number": "numeric"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    else:
        server: Server = request.getfixturevalue("postgres")
        dsn = server.create(f"shop_{tmp_path.name}"[:60].replace("-", "_"))
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    yield engine
    engine.dispose()


def make(engine: Engine, name: str = "rastro_shipment", *, without: tuple[str, ...] = (), **types: str) -> None:
    columns = [
        f"{column.name} {types.get(column.name, COLUMN_TYPES[column.kind])}"
        for column in COLUMNS
        if column.name not in without
    ]
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {name} ({', '.join(columns)})"))


def put(engine: Engine, *rows: dict[str, Any], name: str = "rastro_shipment") -> None:
    with engine.begin() as connection:
        for row in rows:
            names = ", ".join(row)
            marks = ", ".join(f":{each}" for each in row)
            connection.execute(text(f"INSERT INTO {name} ({names}) VALUES ({marks})"), row)


def row(number: int = 1, at: datetime = SINCE, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": f"ERP-{number}",
        "invoice_number": str(500 + number),
        "tracking_number": f"QB{number:08d}0BR",
        "updated_at": at.replace(tzinfo=None).isoformat(" ", "microseconds"),
        **changes,
    }


def source(engine: Engine, relation: str = "rastro_shipment", **routes: OrderRoute) -> SqlSource:
    return SqlSource(Setup(engine=engine, relation=relation, routes=routes))


def look(source: SqlSource, since: datetime = SINCE, hours: int = 1) -> list[Any]:
    return list(source.shipments(since, since + hours * HOUR))


def test_rows_changed_in_the_window_are_shipments_and_its_end_belongs_to_the_next_one(engine: Engine) -> None:
    make(engine)
    times = (SINCE - timedelta(microseconds=1), SINCE, SINCE + HOUR - timedelta(microseconds=1), SINCE + HOUR)
    put(engine, *(row(number, at) for number, at in enumerate(times)))
    assert [one.order_id for one in look(source(engine))] == ["ERP-1", "ERP-2"]
    assert [one.order_id for one in look(source(engine), SINCE + HOUR)] == ["ERP-3"]


def test_every_column_arrives_where_it_belongs(engine: Engine) -> None:
    make(engine)
    key = "35260312345678000195550010000000011000000010"
    put(
        engine,
        row(
            courier="Correios SEDEX",
            service="03220",
            carrier_id="c-17",
            tracking_url="https://rastreio.exemplo.example/1",
            invoice_key=f"NFe {key}",
            invoiced_at="2026-03-01 09:00:00",
            promised_at="2026-03-09 00:00:00",
            ordered_at="2026-02-27 20:00:00",
            customer_name="Íris Exemplo",
            customer_email="iris@cliente.example",
            receiver_email="Caio@cliente.example",
            locale="es",
            city_to="Vale Alto",
            state_to="MG",
            declared_value="1234.5",
            affiliate="HUB",
            marketplace="Feira",
            marketplace_order_id="F-9",
        ),
    )
    [shipment] = look(source(engine, HUB=OrderRoute(route=Route.DIRECT, marketplace="webhook:hub")))
    assert shipment == Shipment(
        account="",
        order_id="ERP-1",
        invoice_number="501",
        tracking_number="QB000000010BR",
        tracking_text="QB000000010BR",
        courier="Correios SEDEX",
        service="03220",
        carrier_id="c-17",
        tracking_url="https://rastreio.exemplo.example/1",
        invoice_key=key,
        shipper_cnpj="12345678000195",
        affiliate="HUB",
        marketplace_order_id="F-9",
        route=Route.DIRECT,
        route_reason="setting routes, HUB",
        marketplace="webhook:hub",
        locale="es",
        ordered_at=datetime(2026, 2, 27, 20, tzinfo=UTC),
        invoiced_at=datetime(2026, 3, 1, 9, tzinfo=UTC),
        promised_at=datetime(2026, 3, 9, tzinfo=UTC),
        state_to="MG",
        receiver_too=True,
        declared_value=Decimal("1234.50"),
        city_to="Vale Alto",
    )
    assert "iris" not in repr(shipment).lower()


def test_the_optional_columns_may_be_absent(engine: Engine) -> None:
    make(engine, without=tuple(column.name for column in COLUMNS if not column.required))
    put(engine, row())
    [shipment] = look(source(engine))
    assert (shipment.courier, shipment.route, shipment.locale) == ("", Route.NONE, "")
    assert source(engine).contact("ERP-1") is None


def test_all_missing_columns_are_named_at_once(engine: Engine) -> None:
    make(engine, without=("invoice_number", "updated_at", "courier"))
    with pytest.raises(Misconfigured, match="lacks the columns invoice_number, updated_at; a view can provide them"):
        look(source(engine))


def test_a_relation_that_is_not_there_is_told_by_its_name(engine: Engine) -> None:
    with pytest.raises(Misconfigured, match="no table or view nowhere"):
        look(source(engine, "nowhere"))


@pytest.mark.parametrize("relation", ["", "a.b.c", "schema."])
def test_a_source_without_a_proper_relation_is_refused(relation: str) -> None:
    with pytest.raises(Misconfigured, match=r"sql:connection:schema\.table"):
        SOURCES["sql"].build(Setup(engine=create_engine("sqlite://"), relation=relation))


def test_a_name_is_quoted_and_never_run(engine: Engine) -> None:
    make(engine)
    put(engine, row())
    with pytest.raises(Misconfigured):
        look(source(engine, 'rastro_shipment"; DROP TABLE rastro_shipment; --'))
    assert len(look(source(engine))) == 1
    with engine.begin() as connection:
        connection.execute(text('CREATE VIEW "Meus Envios" AS SELECT * FROM rastro_shipment'))
    assert len(look(source(engine, "Meus Envios"))) == 1


def test_a_row_without_a_number_comes_without_one_and_with_it_when_its_update_moves(engine: Engine) -> None:
    make(engine)
    put(engine, row(tracking_number=None), row(2, tracking_number="  "), row(3, tracking_number="sem rastreio"))
    assert [one.tracking_number for one in look(source(engine))] == [""] * 3
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE rastro_shipment SET tracking_number = 'QB000000010BR', updated_at = :at"
                " WHERE order_id = 'ERP-1'"
            ),
            {"at": (SINCE + HOUR).replace(tzinfo=None).isoformat(" ", "microseconds")},
        )
    assert [one.tracking_number for one in look(source(engine), SINCE + HOUR)] == ["QB000000010BR"]
    assert [one.tracking_number for one in source(engine).again(["ERP-2"])] == [""]


@pytest.mark.parametrize(
    "known_by",
    [{"invoice_key": "35" + "1" * 42}, {"shipper_cnpj": "11.111.111/1111-11"}, {"carrier_id": "7d0c"}, {}],
    ids=["its key", "its CNPJ and number", "the carrier's id", "its order"],
)
def test_a_row_without_a_number_that_may_be_known_otherwise_comes_without_one(
    engine: Engine, known_by: dict[str, str]
) -> None:
    make(engine)
    put(engine, row(tracking_number="", **known_by), row(2, tracking_number="", invoice_number=None, **known_by))
    [shipment] = look(source(engine))
    assert (shipment.order_id, shipment.tracking_number) == ("ERP-1", "")


def test_a_package_of_which_a_row_has_a_number_is_not_one_without(engine: Engine) -> None:
    make(engine)
    put(engine, row(tracking_number="", invoice_key="35" + "1" * 42), row())
    assert [one.tracking_number for one in look(source(engine))] == ["QB000000010BR"]


def change(engine: Engine, old: str, new: str, at: datetime) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE rastro_shipment SET tracking_number = :new, updated_at = :at WHERE tracking_number = :old"),
            {"old": old, "new": new, "at": at.replace(tzinfo=None).isoformat(" ", "microseconds")},
        )


def test_a_corrected_number_comes_alone_and_the_package_is_whole_so_that_the_old_one_is_gone(engine: Engine) -> None:
    make(engine)
    put(engine, row())
    shop = source(engine)
    assert shop.whole_packages
    assert [one.tracking_number for one in look(shop)] == ["QB000000010BR"]
    change(engine, "QB000000010BR", "QB000000990BR", SINCE + HOUR)
    assert [one.tracking_number for one in look(shop, SINCE + HOUR)] == ["QB000000990BR"]
    assert look(shop) == []


def test_a_package_of_two_rows_of_which_one_changed_comes_with_both(engine: Engine) -> None:
    make(engine)
    put(engine, row(), row(tracking_number="QB000000550BR"), row(invoice_number="900", tracking_number="QB000000770BR"))
    assert len(look(source(engine))) == 3
    change(engine, "QB000000550BR", "QB000000990BR", SINCE + HOUR)
    found = look(source(engine), SINCE + HOUR)
    assert [(one.invoice_number, one.tracking_number) for one in found] == [
        ("501", "QB000000010BR"),
        ("501", "QB000000990BR"),
    ]


def test_what_belongs_to_one_order_comes_together_whenever_it_changed(engine: Engine) -> None:
    make(engine)
    minutes = [SINCE + timedelta(minutes=minute) for minute in range(6)]
    put(
        engine,
        *(row(at=at, number=1 + turn % 2, tracking_number=f"QB{turn:08d}0BR") for turn, at in enumerate(minutes)),
    )
    assert [one.order_id for one in look(source(engine))] == ["ERP-1"] * 3 + ["ERP-2"] * 3


def test_a_package_with_a_row_that_cannot_be_used_waits_as_a_whole(engine: Engine) -> None:
    make(engine, invoiced_at="varchar(50)")
    put(engine, row(), row(tracking_number="QB000000550BR", invoiced_at="ontem"), row(2))
    found = look(source(engine))
    assert [one.order_id for one in found if isinstance(one, Aside)] == ["ERP-1"]
    assert [one.order_id for one in found if isinstance(one, Shipment)] == ["ERP-2"]


def test_a_number_that_stands_in_two_rows_comes_once_as_the_later_one_says(engine: Engine) -> None:
    make(engine)
    put(engine, row(at=SINCE + HOUR / 2, courier="Correios PAC"), row(courier="Correios SEDEX"))
    assert [one.courier for one in look(source(engine))] == ["Correios PAC"]


@pytest.mark.parametrize("kind", ["varchar(200)", "bigint"])
def test_orders_are_read_again_as_they_are_now(engine: Engine, kind: str) -> None:
    make(engine, order_id=kind)
    put(engine, *(row(number, order_id=str(number)) for number in (1, 2, 3)))
    found = list(source(engine).again(["3", "1", "none such"]))
    assert [one.order_id for one in found if isinstance(one, Shipment)] == ["1", "3"]
    assert list(source(engine).again([])) == []


def test_several_numbers_in_a_field_are_several_shipments(engine: Engine) -> None:
    make(engine)
    put(engine, row(tracking_number="QB000000010BR; qb 000 000 024 br"))
    assert [one.tracking_number for one in look(source(engine))] == ["QB000000010BR", "QB000000024BR"]


def test_what_several_numbers_are_worth_together_is_said_of_none(engine: Engine) -> None:
    make(engine)
    put(engine, row(1, declared_value=12, tracking_number="QB000000010BR; QB000000024BR"), row(2, declared_value=12))
    worth = {one.tracking_number: one.declared_value for one in look(source(engine)) if isinstance(one, Shipment)}
    assert list(worth.values()) == [None, None, Decimal("12.00")]


@pytest.mark.parametrize("odd", ["muito", "-1", "NaN", "Infinity", "1e40"])
def test_an_amount_that_is_none_is_said(engine: Engine, odd: str) -> None:
    make(engine, declared_value="varchar(20)")
    put(engine, row(declared_value=odd))
    (aside,) = look(source(engine))
    assert "declared_value is no amount" in aside.detail


def test_a_row_that_cannot_be_used_is_put_aside_and_the_others_come(engine: Engine) -> None:
    make(engine, invoiced_at="varchar(50)")
    put(engine, row(1, invoice_number=None), row(2, invoiced_at="ontem"), row(3, order_id=""), row(4))
    found = look(source(engine))
    asides = {one.detail for one in found if isinstance(one, Aside)}
    assert len(asides) == 3
    assert any("invoice_number is empty" in detail for detail in asides)
    assert any("invoiced_at is no time" in detail for detail in asides)
    assert any("order_id is empty" in detail for detail in asides)
    assert [one.order_id for one in found if isinstance(one, Shipment)] == ["ERP-4"]


def test_an_update_time_that_is_text_is_refused_with_what_to_do(engine: Engine) -> None:
    make(engine, updated_at="varchar(40)")
    with pytest.raises(Misconfigured, match=r"updated_at is of type VARCHAR.*cast it"):
        look(source(engine))


def test_a_parcel_that_its_marketplace_carries_is_shown_and_not_followed(engine: Engine) -> None:
    make(engine)
    put(engine, row(courier="Mercado Envios"))
    [shipment] = look(source(engine))
    assert "Mercado Livre carries it" in shipment.skip


def test_a_marketplace_nobody_decided_on_is_a_persons_to_decide(engine: Engine) -> None:
    make(engine)
    put(engine, row(marketplace="Carrefour"))
    [shipment] = look(source(engine))
    assert (shipment.route, shipment.affiliate) == (Route.REVIEW, "Carrefour")


def test_no_connector_passes_on_what_is_written_nowhere(engine: Engine) -> None:
    make(engine)
    put(engine, row(affiliate="nts"))
    [shipment] = look(source(engine, NTS=OrderRoute(route=Route.CONNECTOR)))
    assert shipment.route is Route.REVIEW
    assert shipment.route_reason == (
        "a connector passes on what is written on an order, and on one of a database nothing is: "
        "write NTS=direct:adapter:connection in the setting routes, or confirm its deliveries at the marketplace"
    )


def test_the_contact_is_what_the_row_holds_at_that_moment(engine: Engine) -> None:
    make(engine)
    put(engine, row(customer_name="Íris Exemplo", customer_email=" iris@cliente.example ", locale="pt-BR"))
    shop = source(engine)
    contact = shop.contact("ERP-1")
    assert contact
    assert (contact.email, contact.first_name, contact.locale) == ("iris@cliente.example", "Íris", "pt-BR")
    with engine.begin() as connection:
        connection.execute(text("UPDATE rastro_shipment SET customer_email = 'outra@cliente.example'"))
    again = shop.contact("ERP-1")
    assert again
    assert again.email == "outra@cliente.example"
    assert shop.contact("ERP-2") is None


@pytest.mark.parametrize("email", [None, "", "sem e-mail", "0a1b@ct.vtex.com.br", "iris@x.example-12b.ct.vtex.com.br"])
def test_nobody_is_written_to_at_what_is_no_real_address(engine: Engine, email: str | None) -> None:
    make(engine)
    put(engine, row(customer_email=email))
    assert source(engine).contact("ERP-1") is None


def test_an_order_number_may_be_a_number(engine: Engine) -> None:
    make(engine, order_id="bigint")
    put(engine, row(order_id=987, customer_email="iris@cliente.example"))
    shop = source(engine)
    assert [one.order_id for one in look(shop)] == ["987"]
    assert shop.contact("987")
    assert shop.contact("ERP-1") is None


def test_more_rows_than_are_fetched_at_once_all_come(engine: Engine) -> None:
    make(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO rastro_shipment (order_id, invoice_number, tracking_number, updated_at) "
                "VALUES (:order_id, :invoice_number, :tracking_number, :updated_at)"
            ),
            [row(number) for number in range(2500)],
        )
    assert len(look(source(engine))) == 2500


def test_a_statement_that_fails_is_told_without_its_values(engine: Engine) -> None:
    make(engine)
    put(engine, row())
    shop = source(engine)
    look(shop)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE rastro_shipment"))
    with pytest.raises((Rejected, Transient)) as caught:
        shop.contact("ERP-SECRETO")
    assert "SECRETO" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_database_that_does_not_answer_is_tried_again_later(tmp_path: Path) -> None:
    shop = source(create_engine(f"sqlite:///{tmp_path}/none/shop.db"))
    with pytest.raises(Transient, match="is the database up"):
        look(shop)


def test_nothing_of_the_people_is_read_with_the_shipments(engine: Engine) -> None:
    make(engine)
    put(engine, row(customer_name="Íris", customer_email="iris@cliente.example", receiver_email="caio@cliente.example"))
    columns: set[str] = set()

    def note(*call: Any) -> None:
        columns.update(column[0] for column in call[1].description or ())

    event.listen(engine, "after_cursor_execute", note)
    [shipment] = look(source(engine))
    assert shipment.receiver_too
    assert {"tracking_number", "receiver_too"} <= columns
    assert not columns & {column.name for column in COLUMNS if column.personal}


@pytest.mark.parametrize(
    ("buyer", "receiver", "too"),
    [
        ("iris@cliente.example", "caio@cliente.example", True),
        ("iris@cliente.example", " Iris@Cliente.example ", False),
        ("iris@cliente.example", "", False),
        ("iris@cliente.example", None, False),
        ("", "caio@cliente.example", False),
        (None, "caio@cliente.example", False),
    ],
)
def test_the_receiver_is_told_too_where_it_is_somebody_else_than_the_customer(
    engine: Engine, buyer: str | None, receiver: str | None, *, too: bool
) -> None:
    make(engine)
    put(engine, row(customer_name="Íris Exemplo", customer_email=buyer, receiver_name="Caio", receiver_email=receiver))
    shop = source(engine)
    [shipment] = look(shop)
    assert shipment.receiver_too is too
    contact = shop.contact("ERP-1", to_receiver=True)
    assert (contact and (contact.email, contact.first_name)) == (("caio@cliente.example", "Caio") if too else None)


def test_whoever_receives_an_order_is_greeted_by_no_name_of_somebody_else(engine: Engine) -> None:
    make(engine, without=("receiver_name",))
    put(engine, row(customer_name="Íris", customer_email="iris@cliente.example", receiver_email="caio@cliente.example"))
    contact = source(engine).contact("ERP-1", to_receiver=True)
    assert contact
    assert contact.first_name == ""


@pytest.mark.slow
def test_times_with_and_without_offset_are_compared_as_what_they_are(postgres: Server) -> None:
    dsn = postgres.create("shop_offsets")
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn, options="-c timezone=America/Manaus")
    )
    make(engine, "with_offset", updated_at="timestamptz")
    make(engine, "without_offset")
    put(engine, row(updated_at=SINCE + timedelta(minutes=30)), name="with_offset")
    put(engine, row(updated_at="2026-03-01 12:30:00"), name="without_offset")
    for relation in ("public.with_offset", "public.without_offset"):
        shop = source(engine, relation)
        assert len(look(shop)) == 1
        assert look(shop, SINCE - HOUR) == []
        assert look(shop, SINCE + HOUR) == []
    engine.dispose()


def test_the_columns_are_documented_each_with_a_meaning() -> None:
    assert [column.name for column in COLUMNS if column.required] == [
        "order_id",
        "invoice_number",
        "tracking_number",
        "updated_at",
    ]
    assert all(column.meaning for column in COLUMNS)


@pytest.mark.slow
def test_a_locked_table_is_trouble_for_later_and_holds_up_nobody_for_ever(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = postgres.create("shop_with_a_locked_table")
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    make(engine)
    monkeypatch.setitem(sql.PATIENCE, "postgresql", sql.PATIENCE["postgresql"].replace("10min", "100ms"))
    source = SOURCES["sql"].build(Setup(engine=engine, relation="rastro_shipment"))
    with engine.begin() as other:
        other.execute(text("LOCK TABLE rastro_shipment IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(Transient, match="is the database up"):
            list(source.shipments(SINCE, SINCE + HOUR))
    engine.dispose()
