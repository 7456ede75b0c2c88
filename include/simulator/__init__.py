"""
VTEX, Correios, two marketplaces and a mail server on localhost: what Rastro is tried out and tested against.

``python -m simulator --state DIR --log FILE --mail-log FILE --ready FILE`` serves HTTP and SMTP on free loopback ports
until SIGTERM. The state folder keeps the world over a restart, whatever ended the process. In a test's own process:
``with simulator.testing.running(folder) as sim``. All names, addresses, towns and numbers in it are invented.

**Shop** ``/vtex/{account}`` wants X-VTEX-API-AppKey and X-VTEX-API-AppToken (absent 401, wrong 403)::

    GET    /api/oms/pvt/orders                                        filters, at most 30 pages of 100
    GET    /api/oms/pvt/orders/{orderId}
    GET    /api/oms/pvt/orders/{orderId}/conversation-message         the mails VTEX sent
    PATCH  /api/oms/pvt/orders/{orderId}/invoice/{number}             number, URL, courier, dispatch date
    PUT    /api/oms/pvt/orders/{orderId}/invoice/{number}/tracking
    GET    /api/dataentities/CL/search?_where=userId=…&_fields=…

**Carrier** ``/correios``: a token by Basic authentication, then Bearer and an exact Accept-Language::

    POST   /token/v1/autentica[/cartaopostagem|/contrato]             the plain one may not track
    GET    /srorastro/v1/objetos?codigosObjetos=…&codigosObjetos=…&resultado=T
    GET    /srorastro/v1/objetos/{code}

**Marketplaces** ``/market/{name}`` speaks VTEX's marketplace protocol, ``/webhook/{name}`` takes signed webhooks::

    POST   /market/{name}/pvt/orders/{orderId}/invoice[/{number}[/tracking]]
    GET    /market/{name}/api/oms/pvt/orders/{orderId}
    POST   /webhook/{name}

**Control** ``/control`` is for whoever runs the simulator; nothing of it is logged::

    GET    info                          addresses and the credentials to use
    POST   cohort                        {"seed", "parcels", "hours", "vtex_accounts", "sql_dsn", "sql_relation",
                                         "share_sql", "kinds", "variants"}: parcels and the orders or rows about them
    POST   advance                       {"steps": 1, "cohort": null}: the next step of every parcel happens now
    GET    truth                         per parcel: what has been revealed and what it ought to cause
    GET    vtex/{account}/orders[/{id}]  raw state; vtex/{account}/mails: what VTEX mailed
    GET    market/{name}, webhook/{name} what each was told, with counts of repeats
    POST   faults                        [{"target", "kind", …}], see :mod:`simulator.faults`; GET shows, DELETE ends
    POST   settings                      see :class:`simulator.records.Settings`; GET shows
    POST   reset                         an empty world
"""
