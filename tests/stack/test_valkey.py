"""The embedded Valkey: Celery's client gets in where the path is plain or not, nobody gets in by a port."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from kombu import Connection

from stack.valkey import embedded_valkey

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("folder", ["plain", "with space", "deep" * 30])
def test_what_is_put_in_a_queue_comes_out(tmp_path: Path, folder: str) -> None:
    with embedded_valkey(tmp_path / folder) as url, Connection(url) as connection:
        with connection.SimpleQueue("parcels") as queue:
            queue.put({"number": 1})
            message = queue.get(timeout=10)
            message.ack()
        assert message.payload == {"number": 1}
        assert connection.default_channel.client.config_get("port") == {"port": "0"}
    assert not Path(unquote(url.removeprefix("redis+socket://"))).exists()
