"""
Texts with placeholders, ``{invoice_number}``, and what fills them; ``{invoice_number:09}`` has nine digits at least.

An invoice's access key holds the shipper's CNPJ, the invoice's series and its number (NF-e layout 4.00, positions 7-20,
23-25 and 26-34), so whoever is asked by the key can be asked by these, too. A CNPJ may have letters since 2026.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rastro.models import ReferenceKind
from rastro.references import kind_of, parts_of

PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.]*)(?::0(\d{1,2}))?\}")
ACCESS_KEY = re.compile(
    r"[0-9]{6}(?P<cnpj>[0-9A-Z]{12}[0-9]{2})[0-9]{2}(?P<series>[0-9]{3})(?P<number>[0-9]{9})[0-9]{10}"
)

# What each kind of reference can fill in.
FILLS: Mapping[ReferenceKind, tuple[str, ...]] = {
    ReferenceKind.TRACKING_NUMBER: ("tracking_number",),
    ReferenceKind.NUMBER_AND_SERVICE: ("tracking_number", "service"),
    ReferenceKind.INVOICE_KEY: ("invoice_key", "shipper_cnpj", "invoice_series", "invoice_number"),
    ReferenceKind.INVOICE_NUMBER: ("shipper_cnpj", "invoice_number"),
    ReferenceKind.ORDER: ("order_id",),
    ReferenceKind.CARRIER_ID: ("carrier_id",),
}
OF_PARCELS = frozenset(name for names in FILLS.values() for name in names)


def values_of(reference: str) -> dict[str, str]:
    """What a reference puts in the place of which placeholder."""
    kind, parts = kind_of(reference), parts_of(reference)
    values = dict(zip(FILLS[kind], parts, strict=False))
    if kind is ReferenceKind.INVOICE_KEY and (key := ACCESS_KEY.fullmatch(parts[0])):
        plain = {f"invoice_{name}": key[name].lstrip("0") or "0" for name in ("series", "number")}
        values |= {"shipper_cnpj": key["cnpj"], **plain}
    return values


def named_in(template: Any) -> Iterator[str]:
    """The placeholders of a text, or of all texts in a piece of JSON."""
    if isinstance(template, str):
        yield from (match[1] for match in PLACEHOLDER.finditer(template))
    elif isinstance(template, dict | list):
        for one in template.values() if isinstance(template, dict) else template:
            yield from named_in(one)


def filled(template: str, values: Mapping[str, str]) -> str | None:
    """The text; None where something lacks that it needs."""
    if any(not values.get(name) for name in named_in(template)):
        return None
    return PLACEHOLDER.sub(lambda match: values[match[1]].zfill(int(match[2] or 0)), template)


def filled_in(template: Any, values: Mapping[str, str]) -> Any:
    """JSON with its texts filled; what lacks something is left out of its object or list."""
    if isinstance(template, str):
        return filled(template, values)
    if isinstance(template, dict):
        made = {name: filled_in(one, values) for name, one in template.items()}
        return {name: one for name, one in made.items() if one is not None or template[name] is None}
    if isinstance(template, list):
        made_list = [filled_in(one, values) for one in template]
        return [made for made, one in zip(made_list, template, strict=True) if made is not None or one is None]
    return template


def pairs(templates: Mapping[str, str], values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names and filled texts; what lacks something is left out."""
    made = ((name, filled(template, values)) for name, template in templates.items())
    return [(name, text) for name, text in made if text is not None]
