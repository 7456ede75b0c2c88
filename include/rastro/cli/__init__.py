"""
The command line: ``rastro COMMAND``. Each command is one function and one line in :data:`COMMANDS`.

A command returns its exit code: 0 fine, 1 something could not be done (one line on stderr says what), 2 wrong usage.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence

from rastro.cli import (
    doctor,
    export,
    forecast,
    links,
    mailing,
    person,
    quarantine,
    recovery,
    registries,
    rehearsal,
    routing,
    serving,
    warehouse,
)
from rastro.cli.command import Command, Interleaved, complain
from rastro.cli.reading import parse, parse_arguments
from rastro.errors import RastroError

COMMANDS = (
    Command(name="parse", help="What a carrier's raw response means.", run=parse, arguments=parse_arguments),
    Command(
        name="route", help="Which carrier a parcel goes to, and why.", run=routing.route, arguments=routing.arguments
    ),
    Command(name="carriers", help="The carriers that can be asked.", run=registries.carriers),
    Command(name="marketplaces", help="The marketplaces that can be told.", run=registries.marketplaces),
    Command(name="orders", help="The order systems that shipments come from.", run=registries.orders),
    Command(name="pools", help="The Airflow pools the DAGs use, for `airflow pools import`.", run=registries.pools),
    Command(
        name="migrate",
        help="Bring the warehouse to the newest schema.",
        run=warehouse.migrate,
        arguments=warehouse.arguments,
    ),
    Command(
        name="backup",
        help="All of the warehouse in one file, while runs go on.",
        run=recovery.back_up,
        arguments=recovery.backup_arguments,
    ),
    Command(
        name="restore",
        help="The warehouse from such a file, counted and compared; then nothing is told twice.",
        run=recovery.restore,
        arguments=recovery.restore_arguments,
    ),
    Command(
        name="restored",
        help="Say of a warehouse that came back otherwise that it was restored.",
        run=recovery.restored,
        arguments=recovery.restored_arguments,
    ),
    Command(
        name="roles",
        help="Make the database roles, each with no more than it needs; by whoever may make roles.",
        run=warehouse.make_roles,
        arguments=warehouse.arguments,
    ),
    Command(
        name="doctor",
        help="What is wrong with settings, connections, database, mail and clock, and what to do: a line for each.",
        run=doctor.doctor,
        arguments=doctor.arguments,
    ),
    Command(
        name="rehearsal",
        help="What a dry run would have sent: figures by channel, or the messages themselves.",
        run=rehearsal.rehearsal,
        arguments=rehearsal.arguments,
    ),
    Command(
        name="status",
        help="What is known about a tracking number or an order, and why; or about all together.",
        run=warehouse.status,
        arguments=warehouse.status_arguments,
    ),
    Command(
        name="forecast",
        help="Which parcels will be late; with --backtest, how good such forecasts were.",
        run=forecast.forecast,
        arguments=forecast.arguments,
    ),
    Command(
        name="quarantine",
        help="What could not be read or addressed: list it, show a body, retry.",
        run=quarantine.quarantine,
        arguments=quarantine.arguments,
    ),
    Command(
        name="mail",
        help="Write every mail in every language as a page to look at: mail preview.",
        run=mailing.mail,
        arguments=mailing.arguments,
    ),
    Command(
        name="export",
        help="The warehouse's views as Parquet, a file a month; again, only the months with something new.",
        run=export.export,
        arguments=export.export_arguments,
    ),
    Command(
        name="revoke",
        help="End every link to the tracking page of an order.",
        run=links.revoke,
        arguments=links.revoke_arguments,
    ),
    Command(
        name="person",
        help="Tell a person all that is kept of them, or erase it, by order or e-mail address: export, erase.",
        run=person.person,
        arguments=person.arguments,
    ),
    Command(
        name="serve",
        help="Tracking pages for customers, carriers' pushes, VTEX's tracking hub, until it is stopped.",
        run=serving.serve,
        arguments=serving.arguments,
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rastro", description="Follows every parcel a shop has sent.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Interleaved)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        if command.arguments:
            command.arguments(sub)
        sub.set_defaults(run=command.run)
    chosen = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON is UTF-8, and so are our names, whatever the terminal's locale
    try:
        run: Callable[[argparse.Namespace], int] = chosen.run
        return run(chosen)
    except RastroError as error:
        return complain(error)
    except OSError as error:
        return complain(f"{error.filename or 'input or output'}: {error.strerror or error}")
