"""``rastro mail preview``."""

import html5lib
import pytest

from rastro.cli import main
from rastro.languages import Language
from rastro.mail.render import MESSAGES
from rastro.reasons import Reason


def test_every_message_in_every_language_is_written_as_a_page_and_listed(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__RASTRO__SHOP_NAME", "Loja das Flores")
    monkeypatch.setenv("AIRFLOW__RASTRO__SHOP_COLOUR", "#7a1f4e")
    assert main(["mail", "preview", "--to", str(tmp_path)]) == 0
    index = (tmp_path / "index.html").read_text("utf-8")
    html5lib.HTMLParser(strict=True).parse(index)
    pages = [path for path in tmp_path.glob("*.html") if path.name != "index.html"]
    assert len(pages) == (len(MESSAGES) * 5 + len(Reason)) * len(Language)
    for page in pages:
        text = page.read_text("utf-8")
        assert f'href="{page.name}"' in index
        assert page.with_suffix(".txt").exists()
        assert "Loja das Flores" in text
        html5lib.HTMLParser(strict=True).parse(text)
    assert "#7a1f4e" in (tmp_path / "delivered.pt.one.html").read_text("utf-8")
    assert f"{len(pages)} mails" in capsys.readouterr().out


def test_a_template_that_cannot_be_used_is_named_in_a_line(tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "layout.html").write_text("{{ nobody }}", "utf-8")
    monkeypatch.setenv("AIRFLOW__RASTRO__MAIL_TEMPLATES", str(tmp_path))
    assert main(["mail", "preview", "--to", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("rastro: mail_templates: ")


def test_a_setting_that_makes_no_sense_is_named(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__RASTRO__SHOP_COLOUR", "red")
    assert main(["mail", "preview", "--to", str(tmp_path)]) == 1
    assert "shop_colour: 'red' is not a colour" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["mail"], ["mail", "send"]])
def test_other_words_are_wrong_usage(words) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
