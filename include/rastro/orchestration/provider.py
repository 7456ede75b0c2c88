"""What Rastro tells Airflow about itself: the ``[rastro]`` section and its connection types."""

from collections.abc import Mapping
from typing import Any

from rastro import __version__
from rastro.settings import OPTIONS

SECRET = {"type": ["string", "null"], "format": "password"}
TEXT = {"type": ["string", "null"]}


def get_provider_info() -> dict[str, Any]:
    """The entry point ``apache_airflow_provider``."""
    return {
        "package-name": "rastro",
        "name": "Rastro",
        "description": "Follows every parcel a shop has sent and tells everyone who waits for it.",
        "versions": [__version__],
        "connection-types": [
            connection_type(
                "vtex", "Vtex", "VTEX", host="https://account.vtexcommercestable.com.br", login="AppKey",
                password="AppToken",  # noqa: S106 - the label of a field
                fields={"mailer": field("Who mails customers", "vtex (default) when orders are written; own: we do.")},
            ),
            connection_type(
                "correios", "Correios", "Correios", host="https://api.correios.com.br", login="Meu Correios user",
                password="CWS access code",  # noqa: S106 - likewise
                fields={
                    "posting_card": field("Posting card", "Number of the cartão de postagem, leading zeros included."),
                    "contract": field("Contract", "Number of the contract, where there is no posting card."),
                    "dr": field("Regional (DR)", "Only where the contract wants it."),
                },
            ),
            connection_type(
                "vtex_protocol", "VtexProtocol", "VTEX marketplace protocol", host="https://marketplace.example",
                login="AppKey", password="AppToken",  # noqa: S106 - likewise
                fields={"reads_back": field("Read orders back", "true (default) where the marketplace lets us.")},
            ),
            connection_type(
                "webhook", "Webhook", "Outgoing webhook", host="https://hub.example/deliveries", login="", password="",
                fields={
                    "secret": field("Signing secret", "whsec_…, shared with the receiver.", SECRET),
                    "secret_previous": field("Previous secret", "While the receiver changes over.", SECRET),
                },
            ),
        ],
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
    }  # fmt: skip


def field(label: str, description: str, schema: Mapping[str, Any] = TEXT) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": dict(schema)}


def connection_type(
    code: str, hook: str, name: str, *, host: str, login: str, password: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    hidden = ["schema", *(["login"] if not login else []), *(["password"] if not password else [])]
    relabeling = {
        "host": "Base URL",
        **({"login": login} if login else {}),
        **({"password": password} if password else {}),
    }
    return {
        "connection-type": code,
        "hook-class-name": f"rastro.orchestration.hooks.{hook}Hook",
        "hook-name": name,
        "conn-fields": dict(fields),
        "ui-field-behaviour": {"hidden-fields": hidden, "relabeling": relabeling, "placeholders": {"host": host}},
    }
