"""The invented credentials that the simulator accepts; ``GET /control/info`` publishes them."""

import base64

VTEX_APP_KEY = "vtexappkey-loja-SIMULA"
VTEX_APP_TOKEN = "simulated-app-token"  # noqa: S105 -- invented, accepted by the simulator alone
MARKET_APP_KEY = "vtexappkey-mercado-SIMULA"
MARKET_APP_TOKEN = "simulated-market-token"  # noqa: S105 -- likewise
CORREIOS_USER = "lojasimulada"
CORREIOS_ACCESS_CODE = "codigo-de-acesso-simulado"
CORREIOS_POSTING_CARD = "0000012345"
CORREIOS_CONTRACT = "9900000001"
SECOND_CORREIOS_USER = "segundaloja"
SECOND_CORREIOS_ACCESS_CODE = "codigo-de-acesso-da-segunda"
SECOND_CORREIOS_POSTING_CARD = "0000067890"
SECOND_CORREIOS_CONTRACT = "9900000002"
WEBHOOK_KEY = b"key-of-the-simulated-webhook-001"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(WEBHOOK_KEY).decode()
SMTP_USER = "carteiro"
SMTP_PASSWORD = "simulated-mail-password"  # noqa: S105 -- likewise
