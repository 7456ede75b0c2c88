"""docs/serve.md: its calls are sent to a running service, and what it says of limits and trials holds."""

import re
import shlex
from collections.abc import Iterator

import pytest
import requests

from rastro.access import Account
from rastro.carriers.registry import CARRIERS
from rastro.settings import settings_from
from rastro.web.limits import Limits
from stack.state import REPOSITORY
from webserver import Service, serving

PAGE = (REPOSITORY / "docs/serve.md").read_text("utf-8")
CALLS = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
LOGGI = Account(base_url="https://carrier.example", extra={"push_user": "loja", "push_password": "the-push-password"})


@pytest.fixture
def web(warehouse) -> Iterator[Service]:
    with serving(warehouse.dsn, {"loggi": LOGGI}, hub_key="the-key-of-your-hub-app-01") as service:
        yield service


def sent(call: str, service: Service) -> requests.Response:
    """What ``curl`` would have got."""
    words = iter(shlex.split(call)[1:])
    method, body, headers, auth, url = "GET", b"", {}, None, ""
    for word in words:
        if word == "-i":
            continue
        if word == "-d":
            method, body = "POST", next(words).encode()
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-u":
            user, _, password = next(words).partition(":")
            auth = (user, password)
        else:
            url = re.sub(r"^https?://[^/]+", service.url, word)
    return service.client.request(method, url, data=body, headers=headers, auth=auth, timeout=20)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_is_shown_is_answered(call: str, web: Service) -> None:
    assert sent(call, web).status_code == 200


def test_each_address_is_called_once() -> None:
    addresses = [re.sub(r"^https?://[^/]+", "", call.split()[-1]) for call in CALLS]
    assert sorted(addresses) == ["/health", "/push/loggi", "/tracking"]


def test_carriers_that_try_an_address_are_named() -> None:
    trying = [code for code, carrier in CARRIERS.items() if carrier.push_signature]
    assert trying
    assert all(f"An unsigned call to `/push/{code}`" in PAGE for code in trying)


def test_limits_that_are_named_are_those_that_hold() -> None:
    limits = Limits()
    for said in (
        *(f"{limits.reading:g} seconds", f"{limits.body >> 20} MiB", f"{limits.pushes:g} genuine messages a second"),
        *(f"{limits.unread:,}", f"{limits.numbers:,} at once"),
    ):
        assert said in PAGE, said
    tracking = " ".join((REPOSITORY / "docs/tracking-page.md").read_text("utf-8").split())
    assert limits.views == 2
    assert f"{limits.view_burst} pages at once and two a second from one address" in tracking
    assert f"after its last parcel has come to its end ({settings_from({}).tracking_link_for.days} days)" in tracking
