"""The country of the simulated parcels: invented towns in real states, and the postal units in them."""

from dataclasses import dataclass
from typing import Any

from simulator.journeys import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    name: str
    state: str
    postal_prefix: str


TOWNS = tuple(
    Town(name=name, state=state, postal_prefix=prefix)
    for name, state, prefix in (
        ("VILA SERENA", "SP", "01999"),
        ("PORTO LUAR", "RJ", "20999"),
        ("CAMPO CLARO", "MG", "30999"),
        ("SERRA MANSA", "PR", "80999"),
        ("LAGOA BRANDA", "BA", "40999"),
        ("MATA FINA", "PE", "50999"),
        ("ILHA DO VENTO", "SC", "88999"),
        ("IGARAPE DAS FLORES", "AM", "69999"),
        ("CHAPADA DO SOL", "GO", "74999"),
        ("BARRA DO SILENCIO", "RS", "90999"),
    )
)

UNIT_TYPES = {
    Place.AGENCY: "Agência dos Correios",
    Place.HUB: "Unidade de Tratamento",
    Place.HUB_TO: "Unidade de Tratamento",
    Place.LOCAL: "Unidade de Distribuição",
    Place.COUNTER: "Agência dos Correios",
    Place.CUSTOMS: "Unidade de Tratamento",
}
AT_ORIGIN = {Place.AGENCY, Place.HUB}
CUSTOMS_TOWN = 3


def unit(place: Place, origin: int, destination: int, *, whole: bool = False) -> dict[str, Any]:
    """A postal unit as Correios names it; abroad it is a country without town, ``whole`` gives the street as well."""
    if place is Place.ABROAD:
        return {"codSro": "00156000", "nome": "CHINA", "tipo": "País", "endereco": {}}
    number = CUSTOMS_TOWN if place is Place.CUSTOMS else origin if place in AT_ORIGIN else destination
    town = TOWNS[number]
    address = {"cidade": town.name, "uf": town.state}
    if whole:
        address |= {
            "cep": f"{town.postal_prefix}970",
            "logradouro": "RUA DO CORREIO",
            "numero": str(100 + number),
            "bairro": "CENTRO",
        }
    kind = list(UNIT_TYPES).index(place)
    return {"codSro": f"{town.postal_prefix}9{kind}0", "tipo": UNIT_TYPES[place], "endereco": address}
