"""The command that shows every mail as its reader will see it, with invented parcels."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rastro.errors import Misconfigured
from rastro.languages import Language
from rastro.mail.render import MESSAGES, Mail, Parcel, fill, render
from rastro.models import Pickup
from rastro.reasons import Reason
from rastro.settings import OPTIONS

LOCAL = ZoneInfo("America/Sao_Paulo")
ONE = Parcel(
    tracking_number="QQ100000017BR",
    carrier_name="Correios",
    occurred_at=datetime(2026, 11, 27, 14, 32, tzinfo=LOCAL),
    city="Vila Serena",
    state="MG",
    estimated=date(2026, 12, 2),
    pickup=Pickup(place="Agência Central", address="Rua das Flores, 10", deadline=date(2026, 12, 4)),
    tracking_url="https://carrier.example/QQ100000017BR",
)
SAMPLES: dict[str, tuple[Parcel, ...]] = {
    "one": (ONE,),
    "several": (replace(ONE, position=1), replace(ONE, tracking_number="QQ100000025BR", position=3)),
    "receiver": (ONE,),
    "bare": (replace(ONE, city="", state="", estimated=None, pickup=None, tracking_url=""),),
    "long": (replace(ONE, carrier_name="Transportadora " + "Muito Comprida " * 8, city="São João " * 12),),
}
FROM_SETTINGS = ("shop_name", "shop_logo", "shop_colour", "help_url", "mail_templates", "mail_markup", "tracking_page")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["preview"])
    parser.add_argument("--to", type=Path, default=Path("mail-preview"), help="folder to write into (%(default)s)")


def mail(chosen: argparse.Namespace) -> int:
    """
    :raises Misconfigured: a setting or a template of the shop's own is wrong.
    """
    settings = dict(settings_there())
    chosen.to.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, one in previews():
        shown = replace(
            one,
            shop_name=settings["shop_name"] or one.shop_name,
            logo=settings["shop_logo"],
            colour=settings["shop_colour"],
            help_url=settings["help_url"] or one.help_url,
            markup=settings["mail_markup"],
            templates=settings["mail_templates"],
        )
        page = settings["tracking_page"] or "https://rastro.loja.example"
        filled = fill(render(shown), first_name="Maria", link=f"{page}/r/{'A' * 22}")
        (chosen.to / f"{name}.html").write_text(filled.html, "utf-8")
        (chosen.to / f"{name}.txt").write_text(filled.text, "utf-8")
        lines.append(
            f'<tr><td lang="{one.language.tag}">{escape(filled.subject)}</td><td><a href="{name}.html">{name}</a></td>'
            f'<td><a href="{name}.txt">text</a></td></tr>'
        )
    (chosen.to / "index.html").write_text(INDEX.format(rows="\n".join(lines)), "utf-8")
    print(f"{len(lines)} mails, each as HTML and as text: open {chosen.to / 'index.html'}")
    return 0


def settings_there() -> Iterator[tuple[str, Any]]:
    """
    The shop's look, as far as it is in the environment.

    :raises Misconfigured: one of them makes no sense.
    """
    for name in FROM_SETTINGS:
        try:
            yield name, OPTIONS[name].read(os.environ.get(f"AIRFLOW__RASTRO__{name.upper()}", OPTIONS[name].default))
        except ValueError as error:
            raise Misconfigured(f"{name}: {error}") from error


def previews() -> Iterator[tuple[str, Mail]]:
    """Every message in every language, about one parcel and several, with much and little to say and each reason."""
    for message in sorted(MESSAGES):
        for language in Language:
            reasons = {str(one): (replace(ONE, reason=one),) for one in REASONS.get(message, [])}
            for sample, parcels in (SAMPLES | reasons).items():
                yield (
                    f"{message}.{language}.{sample}",
                    Mail(
                        message=message,
                        order_id="1400120000001-01",
                        shop_name="Loja Exemplo",
                        language=language,
                        parcels=parcels,
                        total_parcels=3 if sample == "several" else 1,
                        to_receiver=sample == "receiver",
                        has_page=sample != "bare",
                        help_url="" if sample == "bare" else "https://loja.example/ajuda",
                    ),
                )


REASONS: dict[str, list[Reason]] = {
    "delivery_failed": [one for one in Reason if one is not Reason.CUSTOMS],
    "on_hold": [Reason.CUSTOMS],
}
INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Every mail</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 1rem; }} td {{ padding: .2rem 1rem .2rem 0; }}</style>
</head>
<body>
<h1>Every mail</h1>
<p>With invented parcels, in the shop's own look where its settings are in the environment.</p>
<table>
<thead><tr><th>Subject</th><th>Page</th><th>Text part</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
