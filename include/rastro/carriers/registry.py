"""The carriers Rastro can ask, by code. One line each; grep finds it and mypy checks it."""

from collections.abc import Mapping

from rastro.carriers.aftership import AfterShip
from rastro.carriers.azul_cargo import AzulCargo
from rastro.carriers.base import Carrier
from rastro.carriers.braspress import Braspress
from rastro.carriers.correios import Correios
from rastro.carriers.dhl import Dhl
from rastro.carriers.fedex import Fedex
from rastro.carriers.frenet import Frenet
from rastro.carriers.generic import TEMPLATE, Generic
from rastro.carriers.intelipost import Intelipost
from rastro.carriers.jadlog import Jadlog
from rastro.carriers.jt_express import JtExpress
from rastro.carriers.kangu import Kangu
from rastro.carriers.loggi import Loggi
from rastro.carriers.mandae import Mandae
from rastro.carriers.melhor_envio import MelhorEnvio
from rastro.carriers.rodonaves import Rodonaves
from rastro.carriers.ssw import Ssw
from rastro.carriers.total_express import TotalExpress
from rastro.carriers.track17 import Track17
from rastro.carriers.ups import Ups
from rastro.carriers.usps import Usps

CARRIERS: Mapping[str, Carrier] = {
    "aftership": AfterShip(),
    "azul_cargo": AzulCargo(),
    "braspress": Braspress(),
    "correios": Correios(),
    "dhl": Dhl(),
    "fedex": Fedex(),
    "frenet": Frenet(),
    "generic": Generic.from_file(TEMPLATE),
    "intelipost": Intelipost(),
    "jadlog": Jadlog(),
    "jt_express": JtExpress(),
    "kangu": Kangu(),
    "loggi": Loggi(),
    "mandae": Mandae(),
    "melhor_envio": MelhorEnvio(),
    "rodonaves": Rodonaves(),
    "ssw": Ssw(),
    "total_express": TotalExpress(),
    "track17": Track17(),
    "ups": Ups(),
    "usps": Usps(),
}
