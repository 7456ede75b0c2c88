"""The carriers Rastro can ask, by code. One line each; grep finds it and mypy checks it."""

from collections.abc import Mapping

from rastro.carriers.base import Carrier
from rastro.carriers.correios import Correios
from rastro.carriers.jadlog import Jadlog

CARRIERS: Mapping[str, Carrier] = {
    "correios": Correios(),
    "jadlog": Jadlog(),
}
