"""
What carriers are asked about, as one text: a tracking number by itself, anything else as ``kind:part|part``.

The text identifies the question in the warehouse, so the same shipment always gives the same one.
"""

from collections.abc import Mapping, Sequence

from rastro.models import ReferenceKind, Shipment

FIELDS: Mapping[ReferenceKind, tuple[str, ...]] = {
    ReferenceKind.TRACKING_NUMBER: ("tracking_number",),
    ReferenceKind.NUMBER_AND_SERVICE: ("tracking_number", "service"),
    ReferenceKind.INVOICE_KEY: ("invoice_key",),
    ReferenceKind.INVOICE_NUMBER: ("shipper_cnpj", "invoice_number"),
    ReferenceKind.ORDER: ("order_id",),
    ReferenceKind.CARRIER_ID: ("carrier_id",),
}

# One of each kind that no parcel has. The number has the form of the Universal Postal Union, and the serial 0.
ABSENT: Mapping[ReferenceKind, str] = {
    ReferenceKind.TRACKING_NUMBER: "AA000000005BR",
    ReferenceKind.NUMBER_AND_SERVICE: f"{ReferenceKind.NUMBER_AND_SERVICE}:AA000000005BR|03298",
    ReferenceKind.INVOICE_KEY: f"{ReferenceKind.INVOICE_KEY}:{'0' * 44}",
    ReferenceKind.INVOICE_NUMBER: f"{ReferenceKind.INVOICE_NUMBER}:{'0' * 14}|999999999",
    ReferenceKind.ORDER: f"{ReferenceKind.ORDER}:rastro-doctor",
    ReferenceKind.CARRIER_ID: f"{ReferenceKind.CARRIER_ID}:0",
}


def reference_of(shipment: Shipment, kinds: Sequence[ReferenceKind]) -> str:
    """What a carrier is asked about that takes these kinds: the first one the shipment has; empty when it has none."""
    for kind in kinds:
        parts = [str(getattr(shipment, name)).strip() for name in FIELDS[kind]]
        if all(parts):
            return reference_from(kind, *parts)
    return ""


def reference_from(kind: ReferenceKind, *parts: str) -> str:
    """The reference that these parts make, in the order of :data:`FIELDS`."""
    text = "|".join(part.replace("|", " ") for part in parts)
    return text if kind is ReferenceKind.TRACKING_NUMBER else f"{kind}:{text}"


def kind_of(reference: str) -> ReferenceKind:
    """Of which kind a reference is."""
    name = reference.partition(":")[0]
    return ReferenceKind(name) if name in set(ReferenceKind) else ReferenceKind.TRACKING_NUMBER


def parts_of(reference: str) -> tuple[str, ...]:
    """What a reference consists of, in the order of :data:`FIELDS`."""
    kind = kind_of(reference)
    text = reference if kind is ReferenceKind.TRACKING_NUMBER else reference.partition(":")[2]
    return tuple(text.split("|"))


def missing_for(kinds: Sequence[ReferenceKind]) -> str:
    """What a shipment lacks that has none of these, for a person."""
    return " or ".join(" with ".join(name.replace("_", " ") for name in FIELDS[kind]) for kind in kinds)
