"""The marketplaces Rastro can tell directly, by code. One line each; grep finds it and mypy checks it."""

from collections.abc import Mapping

from rastro.marketplaces import vtex_protocol, webhook
from rastro.marketplaces.base import Marketplace

MARKETPLACES: Mapping[str, Marketplace] = {
    "vtex_protocol": vtex_protocol.MARKETPLACE,
    "webhook": webhook.MARKETPLACE,
}
