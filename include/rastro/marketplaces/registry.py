"""The marketplaces Rastro can tell directly, by code. One line each; grep finds it and mypy checks it."""

from collections.abc import Mapping

from rastro.marketplaces import (
    casas_bahia,
    fast_shop,
    madeira_madeira,
    magalu,
    mercado_livre,
    netshoes,
    nuvemshop,
    shopee,
    shopify,
    skyhub,
    vtex_protocol,
    webhook,
)
from rastro.marketplaces.base import Marketplace

MARKETPLACES: Mapping[str, Marketplace] = {
    "casas_bahia": casas_bahia.MARKETPLACE,
    "fast_shop": fast_shop.MARKETPLACE,
    "madeira_madeira": madeira_madeira.MARKETPLACE,
    "magalu": magalu.MARKETPLACE,
    "mercado_livre": mercado_livre.MARKETPLACE,
    "netshoes": netshoes.MARKETPLACE,
    "nuvemshop": nuvemshop.MARKETPLACE,
    "shopee": shopee.MARKETPLACE,
    "shopify": shopify.MARKETPLACE,
    "skyhub": skyhub.MARKETPLACE,
    "vtex_protocol": vtex_protocol.MARKETPLACE,
    "webhook": webhook.MARKETPLACE,
}
