"""
What Rastro tells Airflow about itself: the ``[rastro]`` section, and a connection type for each adapter.

Airflow reads this in each of its processes before it is ready itself, so nothing here imports it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rastro import __version__
from rastro.access import Field
from rastro.carriers.registry import CARRIERS
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orders.registry import SOURCES
from rastro.settings import OPTIONS

STANDARD = ("host", "login", "password")  # what Airflow's form has by itself; all else goes into the extras
# A type of Airflow's that has every field. Carriers that are described by a file are connected by it.
AIRFLOWS_OWN = frozenset({"generic"})
SECRET = {"type": ["string", "null"], "format": "password"}
TEXT = {"type": ["string", "null"]}


def get_provider_info() -> dict[str, Any]:
    """The entry point ``apache_airflow_provider``."""
    return {
        "package-name": "rastro",
        "name": "Rastro",
        "description": "Follows every parcel a shop has sent and tells everyone who waits for it.",
        "versions": [__version__],
        "connection-types": list(connection_types()),
        "config": {
            "rastro": {
                "description": "What Rastro follows, whom it tells, and how.",
                "options": {
                    name: {
                        "description": option.description,
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": option.example,
                        "default": option.default,
                        "sensitive": option.secret,
                    }
                    for name, option in OPTIONS.items()
                },
            }
        },
    }


def connection_types() -> Iterator[dict[str, Any]]:
    """One for each adapter that has a connection of its own kind; its code is the type."""
    for source in SOURCES.values():
        if source.fields:
            yield connection_type(source.code, source.name, source.base_url, source.fields)
    for carrier in CARRIERS.values():
        if carrier.code not in AIRFLOWS_OWN:
            yield connection_type(carrier.code, carrier.name, carrier.base_url, carrier.connection_fields)
    for market in MARKETPLACES.values():
        yield connection_type(market.code, market.name, market.base_url, market.connection_fields)


def connection_type(code: str, name: str, base_url: str, fields: Sequence[Field]) -> dict[str, Any]:
    """A form with the adapter's fields and no others, but for the host, which any of them may have."""
    standard = {one.name: one for one in fields if one.name in STANDARD}
    hints = {one.name: one.example if one.name == "host" else one.help for one in standard.values()}
    return {
        "connection-type": code,
        "hook-class-name": f"rastro.orchestration.hooks.{hook_class(code)}",
        "hook-name": name,
        "conn-fields": {one.name: extra(one) for one in fields if one.name not in STANDARD},
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", *(one for one in ("login", "password") if one not in standard)],
            "relabeling": {"host": "Base URL", **{one.name: one.label for one in standard.values()}},
            "placeholders": {
                one: hint for one, hint in {**hints, "host": base_url or hints.get("host")}.items() if hint
            },
        },
    }


def extra(field: Field) -> Mapping[str, Any]:
    """A field of the extras. None is marked as required: some stand in place of others, and the adapter checks them."""
    return {"label": field.label, "description": field.help, "schema": dict(SECRET if field.secret else TEXT)}


def hook_class(code: str) -> str:
    """The class in :mod:`.hooks` that stands for a connection type: ``jt_express`` → ``JtExpressHook``."""
    return "".join(part.capitalize() for part in code.split("_")) + "Hook"
