"""``rastro parse generic --config``: a description of one's own, or one that is shipped, read with an answer."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rastro.cli import main

RECORDINGS = Path(__file__).parents[1] / "recordings"
DESCRIBED = Path(__file__).parents[1] / "recordings_described"
MINE = """
name: Mine
docs: https://carrier.example/docs
base_url: https://carrier.example
claims: {names: ['\\bmine\\b']}
auth: {kind: none}
request: {path: "/v1/{tracking_number}"}
reply: {key: number}
events: {list: events, time: {path: at}, code: code}
outcome: {codes: {"1": delivered}}
"""


@pytest.fixture
def mine(tmp_path: Path) -> tuple[str, str]:
    """A description and an answer that it fits."""
    config, saved = tmp_path / "mine.yaml", tmp_path / "saved.json"
    config.write_text(MINE, "utf-8")
    saved.write_text('{"number": "x1", "events": [{"at": "2026-09-01T10:00", "code": 1}]}', "utf-8")
    return str(config), str(saved)


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_answer_is_read_with_a_description_of_ones_own(
    mine: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config, saved = mine
    for arguments in (["--config", config, saved], [saved, "--config", config], [f"--config={config}", saved]):
        assert main(["parse", "generic", *arguments]) == 0
        (parcel,) = printed(capsys)
        assert (parcel["tracking_number"], parcel["status"]) == ("X1", "delivered")


def test_the_answer_may_come_from_stdin(
    mine: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, saved = mine
    for more in ([], ["-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path(saved).read_bytes())))
        assert main(["parse", "generic", "--config", config, *more]) == 0
        assert printed(capsys)[0]["status"] == "delivered"


def test_a_shipped_description_is_named_by_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    key = "invoice_key:35260900000000000191550010000047071000047070"
    file = str(DESCRIBED / "patrus" / "delivered.json")
    assert main(["parse", "generic", "--config", "patrus", "--about", key, file]) == 0
    (parcel,) = printed(capsys)
    assert (parcel["tracking_number"], parcel["status"]) == (key, "delivered")


def test_without_a_description_the_example_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "generic", str(RECORDINGS / "generic" / "delivered.json")]) == 0
    assert printed(capsys)[0]["tracking_number"] == "EX0000004207"


def test_an_http_status_may_say_that_a_parcel_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(RECORDINGS / "generic" / "not_found_by_status.404.json")
    assert main(["parse", "generic", "--status", "404", "--about", "EX1", file]) == 0
    (parcel,) = printed(capsys)
    assert parcel["refusal"] == {"reason": "not_found", "code": "", "message": "Nenhum objeto."}


def test_all_that_is_wrong_with_a_description_is_one_line(
    mine: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config, saved = mine
    Path(config).write_text(MINE.replace("path: at", "path: at, zone: Mars").replace("delivered", "entregue"), "utf-8")
    assert main(["parse", "generic", "--config", config, saved]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("rastro: mine.yaml: events.time.zone: there is no time zone 'Mars'")
    assert "outcome.codes.1: there is no status 'entregue'" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["generic", "--config", "pombo", "-"], 1, "no file 'pombo' and no shipped description of that name"),
        (["generic", "--config", "patrus", "no_such_file.json"], 1, "no_such_file.json: No such file"),
        (["correios", "--config", "patrus", "-"], 2, "--config describes a carrier, so it goes with generic alone"),
        (["pombo", "--config", "patrus", "-"], 2, "there is no carrier 'pombo'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parse", *arguments]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert said in told.err


def test_an_answer_that_the_description_does_not_fit_is_unreadable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "generic", "--config", "jamef", str(RECORDINGS / "generic" / "delivered.json")]) == 1
    assert "nothing stands at dado.*.rastreamento" in capsys.readouterr().err


def test_an_unknown_option_is_still_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["parse", "generic", "--confg", "patrus", "-"])
    assert ended.value.code == 2
    assert "usage: rastro" in capsys.readouterr().err
