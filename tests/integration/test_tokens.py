"""Tokens in the warehouse: sealed, kept whatever happens, and not thrown away with what they do not depend on."""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import psycopg
import pytest

from contract.tokens import account_from
from rastro.errors import CredentialsRefused, Transient
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orchestration.workshop import Workshop
from rastro.pipeline.tokens import PAUSES, AccessKeeper, Contents
from rastro.warehouse.connect import connector
from stack.wiring import key_of

pytestmark = pytest.mark.slow

MARKET = "mercado_livre"
LOGIN = "/oauth/token$"
FIRST = "TG-simulado-0"


def keeper(shop, **changed):
    """The way in, as any task has it."""
    info = shop.simulator.info()["marketplaces"][MARKET]
    made = AccessKeeper(
        holder=key_of(MARKET), account=account_from(info), login=MARKETPLACES[MARKET].login,
        connect=connector(shop.warehouse), sealer=Workshop.vault(), clock=lambda: datetime.now(UTC),
        sleep=lambda _: None,
    )  # fmt: skip
    return replace(made, **changed)


def logins(shop):
    return [(one["status"], one["body"]) for one in shop.received("POST", LOGIN)]


def held(shop):
    """What is kept, opened."""
    (row,) = shop.ask("SELECT sealed FROM rastro.token WHERE holder = %s", key_of(MARKET))
    return msgspec.json.decode(Workshop.vault().decrypt(row.sealed), type=Contents)


def end(shop):
    shop.execute("UPDATE rastro.token SET expires_at = now()")


@dataclass
class Interrupted:
    """A login after whose answer something happens, once, before anybody can keep it."""

    login: object
    happens: object

    def __getattr__(self, name):
        return getattr(self.login, name)

    def token(self, response, now):
        token = self.login.token(response, now)
        happens, self.happens = self.happens, lambda: None
        happens()
        return token


def cut_off(shop):
    """The warehouse ends every connection that the tasks have."""
    ended = shop.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'rastro'"
    )
    assert ended


def interrupted(shop, happens, **changed):
    return keeper(shop, login=Interrupted(MARKETPLACES[MARKET].login, happens), **changed)


def test_tokens_are_sealed_in_the_warehouse(wide):
    token = keeper(wide).access().token
    (row,) = wide.ask("SELECT sealed FROM rastro.token")
    assert token.refresh not in {"", FIRST}
    assert token.value.encode() not in bytes(row.sealed)
    assert token.refresh.encode() not in bytes(row.sealed)
    assert (held(wide).value, held(wide).refresh) == (token.value, token.refresh)


def test_a_new_client_secret_leaves_the_refresh_token_as_good_as_it_was(wide):
    first = keeper(wide)
    token = first.access().token
    changed = keeper(wide, account=replace(first.account, password="another-secret"))
    assert changed.access().token == token
    assert len(logins(wide)) == 1
    end(wide)
    with pytest.raises(CredentialsRefused):  # the marketplace does not know that secret
        keeper(wide, account=changed.account).access()
    assert token.refresh in logins(wide)[-1][1], "it is the newest that is sent, not the connection's spent one"
    assert keeper(wide).access().token.refresh not in {"", token.refresh}


def test_a_new_consent_takes_the_place_of_what_is_kept(wide):
    first = keeper(wide)
    token = first.access().token
    anew = {**first.account.extra, "refresh_token": "TG-simulado-5"}
    renewed = keeper(wide, account=replace(first.account, extra=anew)).access().token
    assert "TG-simulado-5" in logins(wide)[-1][1]
    assert renewed.value != token.value


def test_a_refresh_is_kept_although_the_warehouse_was_lost_meanwhile(wide):
    keeper(wide).access()
    end(wide)
    token = interrupted(wide, lambda: cut_off(wide)).access().token
    assert (held(wide).value, held(wide).refresh) == (token.value, token.refresh)
    assert keeper(wide).access().token == token
    end(wide)
    keeper(wide).access()
    assert [status for status, _ in logins(wide)] == [200, 200, 200]


def test_a_refresh_is_kept_as_soon_as_the_warehouse_is_back(wide):
    open_it, naps, away = connector(wide.warehouse), [], []

    def lose():
        cut_off(wide)
        away.extend([1, 1])

    def connect():
        if away:
            away.pop()
            raise Transient("The warehouse cannot be reached")
        return open_it()

    token = interrupted(wide, lose, connect=connect, sleep=naps.append).access().token
    assert naps == list(PAUSES[:3])
    assert held(wide).refresh == token.refresh


def test_a_warehouse_that_stays_away_is_told_with_what_to_do(wide):
    open_it, lost = connector(wide.warehouse), []

    def lose():
        cut_off(wide)
        lost.append(True)

    def connect():
        if lost:
            raise Transient("The warehouse cannot be reached")
        return open_it()

    with pytest.raises(Transient, match=r"handed out, but the warehouse was lost.*consent anew") as caught:
        interrupted(wide, lose, connect=connect).access()
    assert isinstance(caught.value.__cause__, psycopg.Error)


def test_what_others_have_kept_meanwhile_stays(wide):
    first = keeper(wide)
    first.access()
    newer = Contents(value="newer", refresh="TG-simulado-9", begun_by=held(wide).begun_by)
    end(wide)

    def lose():
        cut_off(wide)
        wide.execute(
            "UPDATE rastro.token SET sealed = %s, expires_at = now() + interval '1 hour'",
            Workshop.vault().encrypt(msgspec.json.encode(newer)),
        )

    assert interrupted(wide, lose).access().token.value == "newer"
    assert held(wide) == newer


def test_an_error_of_the_warehouse_before_the_login_is_none_of_the_tokens(wide):
    wide.execute("ALTER TABLE rastro.token RENAME TO elsewhere")
    with pytest.raises(psycopg.Error):
        keeper(wide).access()
    assert logins(wide) == []


class Echo(BaseHTTPRequestHandler):
    """Refuses whatever comes, and repeats it."""

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(400)
        self.end_headers()
        self.wfile.write(msgspec.json.encode({"message": said}))

    def log_message(self, *_):
        pass


def test_a_login_that_echoes_what_was_sent_shows_no_secret_of_it(wide):
    first = keeper(wide)
    token = first.access().token
    end(wide)
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        elsewhere = replace(first.account, base_url=f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(CredentialsRefused) as caught:
            keeper(wide, account=elsewhere).access()
        server.shutdown()
    assert "grant_type=refresh_token&refresh_token=…&client_id=" in str(caught.value)
    assert token.refresh not in str(caught.value)
    assert first.account.password not in str(caught.value)
