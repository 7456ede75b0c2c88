"""
J&T's open platform for Brazil: signed forms, refusals inside a 200, histories newest first.

The phrases of the scans are those of true histories; the codes of refusals are the platform's in other countries. A
number that it does not know is passed over in silence, which is a guess, as it is in the adapter.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel
from simulator.world import BRASILIA

API_ACCOUNT = "4207000000000000001"
PRIVATE_KEY = "simulated-jt-private-key"
MOST_NUMBERS = 30
WORDS: Mapping[What, tuple[str, str]] = {
    What.POSTED: ("Coleta de encomenda", "Coletado"),
    What.MOVED: ("Chegadas ao centro", "Chegou ao centro"),
    What.OUT: ("Bipe de saída para entrega", "Saiu para entrega"),
    What.ABSENT: ("Bipe de pacote problemático", "Destinatário ausente"),
    What.DELIVERED: ("Assinatura de encomenda", "Assinado por PESSOA INVENTADA"),
    What.RETURNING: ("Devolução", "Retorno ao remetente"),
    What.RETURNED: ("Assinatura de encomenda", "Assinado por PESSOA INVENTADA"),
    What.LOST: ("Bipe de pacote problemático", "Pacote extraviado"),
    What.HELD: ("Entrada no galpão de pacote não expedido", "Aguardando na base"),
}


class Simulated(SimulatedCarrier):
    code = "jt_express"
    courier = "J&T Express"
    connection: ClassVar[Mapping[str, Any]] = {"login": API_ACCOUNT, "password": PRIVATE_KEY}
    # It has no word for a label that was printed and not handed over.
    lives = ("delivered", "second_attempt", "delivered_at_once", "returned", "lost", "posted_late", "delivered_before")

    def number(self, serial: int) -> str:
        return f"888{serial:012d}"

    def answer(self, call: Call) -> Reply:
        if call.method != "POST" or call.segments != ("api", "logistics", "trace"):
            return answer({"timestamp": "", "status": 404, "error": "Not Found"}, 404)
        content = parse_qs(call.body.decode("utf-8", "replace")).get("bizContent", [""])[0]
        for header, code in (("apiaccount", "145003051"), ("digest", "145003052"), ("timestamp", "145003053")):
            if not call.headers.get(header):
                return said(code, f"{header} is empty!")
        if call.headers["apiaccount"] != API_ACCOUNT:
            return said("145003010", "API account does not exist")
        if call.headers["digest"] != digest_of(content):
            return said("145003030", "headers signature verification failed")
        numbers = numbers_in(content)
        if not 0 < len(numbers) <= MOST_NUMBERS or not call.headers["timestamp"].isdecimal():
            return said("145003050", "Illegal parameters")
        found = [(parcel, self.told(parcel)) for number in numbers if (parcel := self.by_number(number))]
        return said("1", "success", [trace(parcel, happened) for parcel, happened in found if happened])


def numbers_in(content: str) -> list[str]:
    """The numbers in a question; none when it is no question."""
    try:
        return [one for one in msgspec.json.decode(content, type=dict[str, str]).get("billCodes", "").split(",") if one]
    except msgspec.DecodeError:
        return []


def digest_of(content: str) -> str:
    return base64.b64encode(hashlib.md5(f"{content}{PRIVATE_KEY}".encode(), usedforsecurity=False).digest()).decode()


def said(code: str, message: str, data: list[dict[str, Any]] | None = None) -> Reply:
    return answer({"code": code, "msg": message, "data": data, "requestId": secrets.token_hex(16)})


def trace(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    return {"billCode": parcel.number, "details": [scan(one) for one in reversed(happened)]}


def scan(one: Happening) -> dict[str, str]:
    kind, words = WORDS[one.what]
    return {
        "scanTime": f"{one.at.astimezone(BRASILIA):%Y-%m-%d %H:%M:%S}",
        "scanType": kind,
        "desc": words,
        "scanNetworkName": f"{one.state} BASE 01",
        "scanNetworkCity": one.city,
        "scanNetworkProvince": one.state,
        "scanNetworkTypeName": "BASE",
        "staffName": "PESSOA INVENTADA",
    }
