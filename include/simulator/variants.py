"""What is peculiar about an order of a cohort: where it came from, who carries it, and what is wrong with it."""

from dataclasses import dataclass

SKYHUB = "http://skyhubintegration.vtexinternal.com/api/skyhubintegration/orders?an="


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    What is peculiar about an order. ``reason`` says why none of its parcels may be followed; empty: they are to be.

    ``fixed`` binds the parcel to one journey in place of the next in the ring.
    """

    origin: str = "Marketplace"
    affiliate: str = ""
    route: str = "none"
    marketplace: str = ""
    courier: str = "Correios"
    reason: str = ""
    fixed: tuple[str, ...] = ()
    parcels: int = 1

    @property
    def is_correios(self) -> bool:
        """Whether the shop wrote down a courier that is Correios."""
        return self.courier == "Correios"

    def endpoint(self, account: str) -> str:
        """Where the order says its marketplace listens; ``{url}`` stands for this simulator's own address."""
        if self.marketplace == "one":
            return "{url}/market/one"
        if self.affiliate == "BWW":
            return SKYHUB + account
        if self.affiliate:
            return f"https://{self.affiliate.lower()}.parceiro.example/vtex?an={account}"
        return f"http://oms.vtexinternal.com.br/api/oms?an={account}"


# What the parcels of marketplaces live through: such as end in a delivery, since that is what is confirmed.
MARKETPLACE_KINDS = ("delivered", "delivered_at_once", "second_attempt", "delivered_before")

VARIANTS: dict[str, Variant] = {
    "own": Variant(),
    "marketplace": Variant(origin="Fulfillment", affiliate="MKT", route="direct", marketplace="one"),
    "hub": Variant(origin="Fulfillment", affiliate="HUB", route="direct", marketplace="hub"),
    "connector": Variant(origin="Fulfillment", affiliate="BWW", route="connector"),
    "carried_by_marketplace": Variant(
        origin="Fulfillment",
        affiliate="MLF",
        courier="Mercado Envios",
        reason="the marketplace carries the parcel itself",
        fixed=("delivered",),
    ),
    "return": Variant(reason="a return to the shop", fixed=("delivered", "delivered"), parcels=2),
    "returned_whole": Variant(reason="a return invoice covers all of it", fixed=("delivered", "label_only"), parcels=2),
    "late_number": Variant(reason="no tracking number yet", fixed=("numbered_later",)),
    "slash_invoice": Variant(reason="the invoice number cannot stand in a URL", fixed=("delivered",)),
    "two_codes": Variant(fixed=("delivered", "second_attempt"), parcels=2),
    "two_packages": Variant(fixed=("delivered", "collected"), parcels=2),
    "stranger": Variant(courier="Motoboy do Zé", reason="no carrier claims it", fixed=("stranger",)),
    "cancelled": Variant(reason="the order is cancelled", fixed=("delivered",)),
    "pickup_in_store": Variant(
        courier="Retirada na loja", reason="collected at the shop, nobody carries it", fixed=("stranger",)
    ),
    "partly_invoiced": Variant(fixed=("delivered",)),
    "no_url": Variant(fixed=("delivered",)),
    "typed_badly": Variant(fixed=("delivered",)),
}

RING = tuple(
    name
    for special in (
        *("marketplace", "hub", "two_codes", "connector", "return", "late_number", "two_packages", "slash_invoice"),
        *("partly_invoiced", "no_url", "marketplace", "stranger", "returned_whole", "typed_badly", "cancelled"),
        *("pickup_in_store", "hub", "carried_by_marketplace", "marketplace"),
    )
    for name in ("own", special)
)
RETURNS = {"return", "returned_whole"}  # the second package of these comes back to the shop
ITEMS = {("return", 0): [0, 1], ("return", 1): [1], ("two_packages", 1): [1]}
