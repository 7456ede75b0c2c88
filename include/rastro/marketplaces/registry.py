"""The marketplaces Rastro can tell directly, by code. One line each; grep finds it and mypy checks it."""

from collections.abc import Mapping

from rastro.marketplaces.base import Marketplace
from rastro.marketplaces.vtex_protocol import VtexProtocol
from rastro.marketplaces.webhook import Webhook

MARKETPLACES: Mapping[str, Marketplace] = {
    "vtex_protocol": Marketplace(
        code="vtex_protocol",
        name="VTEX marketplace protocol",
        docs="https://developers.vtex.com/docs/api-reference/marketplace-protocol-external-seller-marketplace",
        confidence="A",
        base_url="",
        reads_back=True,
        mails_customer=True,
        requests_per_second=0,
        build=VtexProtocol,
    ),
    "webhook": Marketplace(
        code="webhook",
        name="Standard Webhooks",
        docs="https://github.com/standard-webhooks/standard-webhooks",
        confidence="A",
        base_url="",
        reads_back=False,
        mails_customer=False,
        requests_per_second=0,
        build=Webhook,
    ),
}
