"""The service as a process: a port, and the end by a signal."""

import logging
import socket
import time

import uvicorn
from starlette.types import ASGIApp

from rastro.web.limits import Bucket

# One connection holds one body at most, so this bounds the memory that strangers can take, too.
CONNECTIONS = 256
PATIENCE = 10  # seconds that requests under way have to end


def server_of(app: ASGIApp, proxies: str = "127.0.0.1") -> uvicorn.Server:
    """
    Serves at sockets as by :func:`listening`, until SIGTERM or SIGINT.

    :param proxies: addresses whose word about who asks (X-Forwarded-For) is taken, comma separated, or ``*``.
    """
    config = uvicorn.Config(
        app,
        http="h11",  # unlike the quicker one it bounds how long the head of a request may be
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=proxies,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=PATIENCE,
    )
    logging.getLogger("uvicorn.error").addFilter(Sparing())
    return uvicorn.Server(config)


class Sparing(logging.Filter):
    """Lets a heap of lines through and then one a second: strangers cause a line with each thing that is no request."""

    def __init__(self) -> None:
        super().__init__()
        self._bucket = Bucket(rate=1.0, burst=100)

    def filter(self, _: logging.LogRecord) -> bool:
        return not self._bucket.wait(time.monotonic())


def listening(host: str, port: int) -> socket.socket:
    """
    :param port: 0 takes a free one.
    :raises OSError: it cannot be used; its ``filename`` says which.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    # Only with the protocol named does asyncio switch off Nagle's delay, forty milliseconds a request.
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    return taken
