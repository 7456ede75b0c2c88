"""What the tracking page says, by language. Sentences are neutral about carriers' genders, and promise nothing."""

from collections.abc import Mapping
from typing import TypedDict

from rastro.languages import Language
from rastro.models import Status
from rastro.reasons import Reason


class Words(TypedDict):
    """
    ``headlines`` says where a parcel is, ``next_steps`` what follows and what its receiver can do, ``reasons`` the same
    where it is known why the parcel stands still.
    """

    headlines: Mapping[Status, str]
    next_steps: Mapping[Status, str]
    reasons: Mapping[Reason, str]
    order: str
    parcel: str
    all_arrived: str
    some_arrived: str
    under_way: str
    since: str
    expected: str
    promised: str
    delivered: str
    destination: str
    carrier: str
    number: str
    collect: str
    place: str
    address: str
    until: str
    history: str
    no_history: str
    carriers_page: str
    updated: str
    stale: str
    help: str
    help_link: str
    caution: str
    languages: str
    gone: str
    gone_hint: str


PORTUGUESE: Words = {
    "headlines": {
        Status.UNKNOWN: "Aguardando a primeira informação",
        Status.INFO_RECEIVED: "Pedido preparado para envio",
        Status.IN_TRANSIT: "A caminho",
        Status.OUT_FOR_DELIVERY: "Saiu para entrega",
        Status.DELIVERY_FAILED: "Tentativa de entrega sem sucesso",
        Status.READY_FOR_PICKUP: "Aguardando retirada",
        Status.DELIVERED: "Entregue",
        Status.ON_HOLD: "Parado para verificação",
        Status.RETURNING: "Voltando para a loja",
        Status.RETURNED: "Devolvido à loja",
        Status.LOST: "Em apuração",
        Status.CANCELLED: "Envio cancelado",
        Status.EXPIRED: "Sem informação da transportadora",
    },
    "next_steps": {
        Status.UNKNOWN: "O rastreio começa depois da coleta pela transportadora.",
        Status.INFO_RECEIVED: "A transportadora já foi avisada. O rastreio começa depois da coleta.",
        Status.IN_TRANSIT: "Nem todo deslocamento gera um registro: alguns dias sem novidade são comuns.",
        Status.OUT_FOR_DELIVERY: "Se puder, deixe alguém para receber.",
        Status.DELIVERY_FAILED: (
            "Pode haver nova tentativa, ou o pacote pode ficar para retirada. Confira com a loja se o endereço está "
            "completo."
        ),
        Status.READY_FOR_PICKUP: "Leve um documento com foto. Depois do prazo o pacote volta para a loja.",
        Status.DELIVERED: "Não recebeu? Veja com vizinhos ou portaria e fale com a loja.",
        Status.ON_HOLD: (
            "O envio parou para uma verificação. Acompanhe no site ou aplicativo oficial da transportadora e não pague "
            "nada por links recebidos em mensagens."
        ),
        Status.RETURNING: "A entrega não foi concluída. A loja pode explicar o próximo passo.",
        Status.RETURNED: "O pacote está de volta na loja. Fale com ela sobre o próximo passo.",
        Status.LOST: "O pacote não foi localizado. Fale com a loja: não é preciso procurar a transportadora.",
        Status.CANCELLED: "Se tiver dúvidas, fale com a loja.",
        Status.EXPIRED: "Há muito tempo não chega informação sobre este pacote. Fale com a loja.",
    },
    "reasons": {
        Reason.ABSENT: (
            "Ninguém foi encontrado para receber. Pode haver nova tentativa, ou o pacote pode ficar para retirada."
        ),
        Reason.ADDRESS: (
            "O endereço não foi localizado ou está incompleto. Fale com a loja para conferir rua, número e complemento."
        ),
        Reason.ELSEWHERE: (
            "Quem deve receber não foi encontrado no endereço. Fale com a loja para conferir o endereço e o nome."
        ),
        Reason.REFUSED: "Consta que o recebimento foi recusado. Se ninguém recusou, fale com a loja.",
        Reason.NO_ACCESS: (
            "O local não pôde ser acessado. Pode haver nova tentativa, ou o pacote pode ficar para retirada."
        ),
        Reason.DOCUMENT: (
            "Quem estava no local não apresentou um documento. Se houver nova tentativa, tenha um documento com foto."
        ),
        Reason.CUSTOMS: (
            "O envio está na alfândega. Acompanhe no site ou aplicativo oficial da transportadora e não pague "
            "nada por links recebidos em mensagens."
        ),
    },
    "order": "Pedido",
    "parcel": "Volume {position} de {total}",
    "all_arrived": "Todos os volumes foram entregues",
    "some_arrived": "{count} de {total} volumes entregues",
    "under_way": "Seu pedido em {total} volumes",
    "since": "Desde",
    "expected": "Previsão da transportadora",
    "promised": "Prazo informado na compra",
    "delivered": "Entregue em",
    "destination": "Destino",
    "carrier": "Transportadora",
    "number": "Código de rastreio",
    "collect": "Onde retirar",
    "place": "Local",
    "address": "Endereço",
    "until": "Retirar até",
    "history": "Histórico",
    "no_history": "Ainda não há registros.",
    "carriers_page": "Ver na página da transportadora",
    "updated": "Consultado na transportadora em",
    "stale": "A transportadora não responde há algum tempo; o que está aqui pode estar atrasado.",
    "help": "Precisa de ajuda?",
    "help_link": "Fale com a loja",
    "caution": "Não pedimos pagamento, senha nem dados pessoais nesta página.",
    "languages": "Idioma",
    "gone": "Este link não vale mais",
    "gone_hint": "Confira o endereço no último aviso que recebeu, ou fale com a loja.",
}

ENGLISH: Words = {
    "headlines": {
        Status.UNKNOWN: "Waiting for the first news",
        Status.INFO_RECEIVED: "Ready to ship",
        Status.IN_TRANSIT: "On its way",
        Status.OUT_FOR_DELIVERY: "Out for delivery",
        Status.DELIVERY_FAILED: "Delivery attempt failed",
        Status.READY_FOR_PICKUP: "Ready for pickup",
        Status.DELIVERED: "Delivered",
        Status.ON_HOLD: "On hold for a check",
        Status.RETURNING: "Going back to the shop",
        Status.RETURNED: "Back at the shop",
        Status.LOST: "Being looked for",
        Status.CANCELLED: "Shipment cancelled",
        Status.EXPIRED: "No news from the carrier",
    },
    "next_steps": {
        Status.UNKNOWN: "Tracking begins once the carrier has collected it.",
        Status.INFO_RECEIVED: "The carrier has been told. Tracking begins once it has collected the package.",
        Status.IN_TRANSIT: "Not every move is recorded: some days without news are common.",
        Status.OUT_FOR_DELIVERY: "If you can, have somebody there to receive it.",
        Status.DELIVERY_FAILED: (
            "There may be another attempt, or the package may be kept for pickup. Check with the shop that the address "
            "is complete."
        ),
        Status.READY_FOR_PICKUP: "Bring a photo ID. After the last day the package goes back to the shop.",
        Status.DELIVERED: "You did not get it? Ask neighbours or the front desk, then talk to the shop.",
        Status.ON_HOLD: (
            "The shipment is on hold for a check. Follow it on the carrier's official site or app, and pay nothing "
            "through links in messages."
        ),
        Status.RETURNING: "The delivery was not completed. The shop can tell you what comes next.",
        Status.RETURNED: "The package is back at the shop. Ask the shop what comes next.",
        Status.LOST: "The package was not found. Talk to the shop: you need not turn to the carrier.",
        Status.CANCELLED: "If you have a question, talk to the shop.",
        Status.EXPIRED: "There has been no news of this package for a long time. Talk to the shop.",
    },
    "reasons": {
        Reason.ABSENT: (
            "Nobody was found to receive it. There may be another attempt, or the package may be kept for pickup."
        ),
        Reason.ADDRESS: "The address was not found or is incomplete. Check street, number and apartment with the shop.",
        Reason.ELSEWHERE: (
            "Whoever should receive it was not found at the address. Check the address and the name with the shop."
        ),
        Reason.REFUSED: "It was recorded as refused. If nobody refused it, talk to the shop.",
        Reason.NO_ACCESS: (
            "The place could not be reached. There may be another attempt, or the package may be kept for pickup."
        ),
        Reason.DOCUMENT: "Nobody there showed an ID. If there is another attempt, have a photo ID at hand.",
        Reason.CUSTOMS: (
            "The shipment is at customs. Follow it on the carrier's official site or app, and pay nothing "
            "through links in messages."
        ),
    },
    "order": "Order",
    "parcel": "Package {position} of {total}",
    "all_arrived": "All packages were delivered",
    "some_arrived": "{count} of {total} packages delivered",
    "under_way": "Your order in {total} packages",
    "since": "Since",
    "expected": "Carrier's estimate",
    "promised": "Promised at purchase",
    "delivered": "Delivered on",
    "destination": "Destination",
    "carrier": "Carrier",
    "number": "Tracking number",
    "collect": "Where to collect it",
    "place": "Place",
    "address": "Address",
    "until": "Collect by",
    "history": "History",
    "no_history": "Nothing is recorded yet.",
    "carriers_page": "See it on the carrier's page",
    "updated": "Asked the carrier on",
    "stale": "The carrier has not answered for a while; what stands here may be late.",
    "help": "Do you need help?",
    "help_link": "Talk to the shop",
    "caution": "This page never asks for payment, passwords or personal data.",
    "languages": "Language",
    "gone": "This link is no longer good",
    "gone_hint": "Check the address in the last message you got, or talk to the shop.",
}

SPANISH: Words = {
    "headlines": {
        Status.UNKNOWN: "Esperando la primera información",
        Status.INFO_RECEIVED: "Listo para enviar",
        Status.IN_TRANSIT: "En camino",
        Status.OUT_FOR_DELIVERY: "Salió a reparto",
        Status.DELIVERY_FAILED: "Intento de entrega fallido",
        Status.READY_FOR_PICKUP: "Listo para retirar",
        Status.DELIVERED: "Entregado",
        Status.ON_HOLD: "Detenido por una verificación",
        Status.RETURNING: "Vuelve a la tienda",
        Status.RETURNED: "De vuelta en la tienda",
        Status.LOST: "En averiguación",
        Status.CANCELLED: "Envío cancelado",
        Status.EXPIRED: "Sin información del transportista",
    },
    "next_steps": {
        Status.UNKNOWN: "El seguimiento empieza cuando el transportista lo recoge.",
        Status.INFO_RECEIVED: "El transportista ya fue avisado. El seguimiento empieza cuando lo recoge.",
        Status.IN_TRANSIT: "No todo movimiento queda registrado: algunos días sin novedad son comunes.",
        Status.OUT_FOR_DELIVERY: "Si puedes, deja a alguien para recibirlo.",
        Status.DELIVERY_FAILED: (
            "Puede haber otro intento, o el paquete puede quedar para retirar. Consulta con la tienda si la dirección "
            "está completa."
        ),
        Status.READY_FOR_PICKUP: "Lleva un documento con foto. Después del plazo el paquete vuelve a la tienda.",
        Status.DELIVERED: "¿No lo recibiste? Pregunta a vecinos o en la portería y habla con la tienda.",
        Status.ON_HOLD: (
            "El envío está detenido por una verificación. Síguelo en el sitio o la aplicación oficial del "
            "transportista y no pagues por enlaces recibidos en mensajes."
        ),
        Status.RETURNING: "La entrega no se completó. La tienda puede explicarte el siguiente paso.",
        Status.RETURNED: "El paquete está de vuelta en la tienda. Habla con ella sobre el siguiente paso.",
        Status.LOST: "El paquete no fue localizado. Habla con la tienda: no hace falta acudir al transportista.",
        Status.CANCELLED: "Si tienes dudas, habla con la tienda.",
        Status.EXPIRED: "Hace mucho que no llega información de este paquete. Habla con la tienda.",
    },
    "reasons": {
        Reason.ABSENT: (
            "No se encontró a nadie para recibirlo. Puede haber otro intento, o el paquete puede quedar para retirar."
        ),
        Reason.ADDRESS: (
            "No se encontró la dirección o está incompleta. Consulta con la tienda calle, número y departamento."
        ),
        Reason.ELSEWHERE: (
            "Quien debe recibirlo no fue encontrado en la dirección. Consulta con la tienda la dirección y el nombre."
        ),
        Reason.REFUSED: "Consta que fue rechazado. Si nadie lo rechazó, habla con la tienda.",
        Reason.NO_ACCESS: "No hubo acceso al lugar. Puede haber otro intento, o el paquete puede quedar para retirar.",
        Reason.DOCUMENT: (
            "Quien estaba en el lugar no mostró un documento. Si hay otro intento, ten a mano un documento con foto."
        ),
        Reason.CUSTOMS: (
            "El envío está en la aduana. Síguelo en el sitio o la aplicación oficial del transportista y no "
            "pagues por enlaces recibidos en mensajes."
        ),
    },
    "order": "Pedido",
    "parcel": "Paquete {position} de {total}",
    "all_arrived": "Todos los paquetes fueron entregados",
    "some_arrived": "{count} de {total} paquetes entregados",
    "under_way": "Tu pedido en {total} paquetes",
    "since": "Desde",
    "expected": "Previsión del transportista",
    "promised": "Plazo informado en la compra",
    "delivered": "Entregado el",
    "destination": "Destino",
    "carrier": "Transportista",
    "number": "Código de seguimiento",
    "collect": "Dónde retirarlo",
    "place": "Lugar",
    "address": "Dirección",
    "until": "Retirar hasta",
    "history": "Historial",
    "no_history": "Todavía no hay registros.",
    "carriers_page": "Ver en la página del transportista",
    "updated": "Consultado con el transportista el",
    "stale": "El transportista no responde desde hace un tiempo; lo que está aquí puede tener retraso.",
    "help": "¿Necesitas ayuda?",
    "help_link": "Habla con la tienda",
    "caution": "Esta página no pide pagos, contraseñas ni datos personales.",
    "languages": "Idioma",
    "gone": "Este enlace ya no es válido",
    "gone_hint": "Revisa la dirección en el último aviso que recibiste, o habla con la tienda.",
}

WORDS: Mapping[Language, Words] = {
    Language.PORTUGUESE: PORTUGUESE,
    Language.ENGLISH: ENGLISH,
    Language.SPANISH: SPANISH,
}
NAMES: Mapping[Language, str] = {
    Language.PORTUGUESE: "Português",
    Language.ENGLISH: "English",
    Language.SPANISH: "Español",
}
