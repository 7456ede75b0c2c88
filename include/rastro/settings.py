"""
The one settings object, read once per task from the ``[rastro]`` section of Airflow's configuration.

:data:`OPTIONS` is the whole list: the configuration reference, ``.env.example`` and the defaults are made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from rastro import setting_values as values
from rastro.errors import Misconfigured
from rastro.languages import Language
from rastro.models import Channel
from rastro.polling import Pace
from rastro.setting_values import EVERY_ACCOUNT, Endpoint, Hours, OrderRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set, typed. Times are aware; spans are timedeltas."""

    warehouse: str
    sources: tuple[Endpoint, ...]
    carriers: tuple[Endpoint, ...]
    carrier_files: str
    couriers: Mapping[str, str]
    marketplaces: tuple[Endpoint, ...]
    routes: Mapping[str, OrderRoute]
    marketplace_news: frozenset[str]
    mail_buyers_of: frozenset[str]
    smtp: str
    shop_name: str
    mail_from: str
    reply_to: str
    help_url: str
    notify_since: Mapping[str, datetime]
    most_notices: Mapping[Channel, int]
    alert_to: tuple[str, ...]
    alert_by: tuple[Endpoint, ...]
    silent_after: timedelta
    letter_to: tuple[str, ...]
    events: str
    fill_tracking_url: bool
    resend_doubtful_mail: bool
    mails_per_second: float
    poll_every: timedelta
    worth_a_look: float
    calls_per_day: Mapping[str, int]
    last_look_after: timedelta
    give_up_after: timedelta
    sync_overlap: timedelta
    sync_horizon: timedelta
    max_slices: int
    slice_size: int
    ask_within: timedelta
    lease: timedelta
    max_attempts: int
    tellers: int
    retry_delay: timedelta
    keep_raw_answers: bool
    keep_contents: timedelta
    keep_contacts: timedelta
    shop_logo: str
    shop_colour: str
    mail_language: Language
    mail_templates: str
    mail_markup: bool
    quiet_hours: Hours | None
    pickup_reminder_days: int
    mails_per_parcel: int
    mails_per_day: int
    tracking_page: str
    tracking_link_for: timedelta
    tracking_origins: frozenset[str]
    claim_days: Mapping[str, Mapping[str, int]]
    hub_key: str = field(repr=False)

    @property
    def pace(self) -> Pace:
        """When parcels are looked at."""
        return Pace(
            every=self.poll_every,
            last_look_after=self.last_look_after,
            give_up_after=self.give_up_after,
            worth=self.worth_a_look,
        )

    @property
    def contracts(self) -> dict[str, Endpoint]:
        """
        The connections through which carriers are asked, by name: a carrier's first by the carrier's code, the others
        by their keys.
        """
        named: dict[str, Endpoint] = {}
        for one in self.carriers:
            named[one.key if one.adapter in named else one.adapter] = one
        return named

    @property
    def further_contracts(self) -> dict[tuple[str, str], str]:
        """Those that are not their carrier's first, by carrier and account."""
        return {
            (one.adapter, account): name
            for name, one in self.contracts.items()
            for account in one.accounts
            if name == one.key
        }

    @property
    def budgets(self) -> dict[str, int]:
        """Calls a day by contract; that of a carrier is each contract's that has none of its own."""
        told = {
            name: self.calls_per_day.get(one.key, self.calls_per_day.get(one.adapter, 0))
            for name, one in self.contracts.items()
        }
        return {name: most for name, most in told.items() if most}

    def cut_off(self, account: str) -> datetime | None:
        """The go-live of an account: nothing that happened before it is mailed. None when it has none."""
        return self.notify_since.get(account) or self.notify_since.get(EVERY_ACCOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """
    One line of the ``[rastro]`` section: its default, an example, what it is for, and how its text is read.

    What is ``secret`` Airflow shows to nobody, and it may come from a command or a secrets backend instead.
    """

    default: str
    example: str
    description: str
    read: Callable[[str], Any] = field(repr=False)
    secret: bool = False


OPTIONS: Mapping[str, Option] = {
    "warehouse": Option(
        default="rastro_warehouse",
        example="rastro_warehouse",
        read=values.text,
        description="Connection of the PostgreSQL database that holds the schema rastro.",
    ),
    "sources": Option(
        default="",
        example="vtex:shop_main, sql:erp_db:public.rastro_shipment",
        read=values.endpoints,
        description="Where shipments come from: adapter:connection, comma separated; for sql also the table or view.",
    ),
    "carriers": Option(
        default="",
        example="correios:correios_contract, jadlog:jadlog_contract",
        read=values.contracts,
        description=(
            "Carriers that are asked: adapter:connection, comma separated. A carrier's further contracts stand after "
            "its first, each with the sources whose parcels are its: correios:contract_two=vtex:shop_b+sql:erp_db."
        ),
    ),
    "carrier_files": Option(
        default="",
        example="/opt/airflow/carriers",
        read=values.text,
        description="Folder of YAML files that describe further carriers; the setting carriers names each by its file.",
    ),
    "couriers": Option(
        default="",
        example="Entrega Sul=ssw, Expresso da Serra=patrus, Motoboy=none",
        read=values.couriers,
        description=(
            "The shop's own map of couriers: the name as it stands on the order = the carrier that is asked, or none "
            "for those that cannot be followed. It goes before everything else that tells who carries a parcel."
        ),
    ),
    "marketplaces": Option(
        default="",
        example="vtex_protocol:market_one, mercado_livre:ml_main, webhook:our_hub",
        read=values.endpoints,
        description="Marketplaces that are told directly: adapter:connection, comma separated.",
    ),
    "routes": Option(
        default="",
        example="BWW=connector, MLF=none, MKT=direct:vtex_protocol:market_one",
        read=values.routes,
        description=(
            "Who confirms delivery for each VTEX affiliate code: connector (what is written on the order is relayed), "
            "direct:adapter:connection (we call the marketplace), none (it carries the parcel itself)."
        ),
    ),
    "marketplace_news": Option(
        default="",
        example="mercado_livre:ml_main",
        read=values.names,
        description=(
            "Marketplaces that are told directly not only of deliveries but of all that they take: shipped, out for "
            "delivery, attempts in vain; adapter:connection, comma separated."
        ),
    ),
    "mail_buyers_of": Option(
        default="",
        example="mercado_livre:ml_main, MKT",
        read=values.markets,
        description=(
            "Marketplaces whose buyers we mail although the marketplace mails them itself: adapter:connection, or the "
            "affiliate code (for a database, the marketplace's name where there is no code)."
        ),
    ),
    "smtp": Option(
        default="rastro_smtp",
        example="rastro_smtp",
        read=values.text,
        description="SMTP connection for mail to customers that we mail ourselves, and for alerts to the shop.",
    ),
    "shop_name": Option(
        default="",
        example="Loja Exemplo",
        read=values.text,
        description="The shop's name as its customers know it; stands in the mails.",
    ),
    "mail_from": Option(
        default="",
        example="pedidos@loja.example",
        read=values.text,
        description="Address that mails to customers come from.",
    ),
    "reply_to": Option(
        default="",
        example="ajuda@loja.example",
        read=values.text,
        description="Address that answers of customers go to; empty: mail_from.",
    ),
    "help_url": Option(
        default="",
        example="https://loja.example/ajuda",
        read=values.text,
        description="Page that mails point to for help; empty: no link.",
    ),
    "shop_logo": Option(
        default="",
        example="https://loja.example/logo.png",
        read=values.secure_url,
        description="Picture that stands for the shop in mails and on the tracking page; empty: its name alone.",
    ),
    "shop_colour": Option(
        default="#0b57a4",
        example="#7a1f4e",
        read=values.colour,
        description="The shop's colour: buttons of its mails, the head of its tracking page.",
    ),
    "mail_language": Option(
        default="pt",
        example="es",
        read=lambda value: Language(values.one_of(*Language)(value)),
        description="Language of mails about orders that name none: pt, en or es.",
    ),
    "mail_templates": Option(
        default="",
        example="/opt/airflow/mails",
        read=values.text,
        description="Folder whose files take the place of Rastro's own messages and layouts of the same name.",
    ),
    "mail_markup": Option(
        default="false",
        example="true",
        read=values.flag,
        description=(
            "Put schema.org's ParcelDelivery into mails, for mail programs that show deliveries by themselves; Gmail "
            "does so for senders that are registered with it."
        ),
    ),
    "quiet_hours": Option(
        default="",
        example="21:00-08:00",
        read=values.hours,
        description=(
            "Hours of São Paulo in which no customer is mailed, but of a parcel that is out for delivery or waits to "
            "be collected; what is still true is mailed when they end. Empty: none."
        ),
    ),
    "pickup_reminder_days": Option(
        default="2",
        example="1",
        read=values.number(0, 14),
        description=(
            "How many days before the last day to collect a parcel its customer is reminded of it, once, where the "
            "carrier states that day; 0: never."
        ),
    ),
    "mails_per_parcel": Option(
        default="8",
        example="12",
        read=values.number(1, 1000),
        description=(
            "Most mails to one person about one parcel. One more is not sent: it stands in v_open_problem, the run "
            "ends red, and a person releases or drops it."
        ),
    ),
    "mails_per_day": Option(
        default="3",
        example="10",
        read=values.number(1, 1000),
        description="Most mails to one address in a day of São Paulo, whatever the orders; one more is held alike.",
    ),
    "tracking_page": Option(
        default="",
        example="https://rastro.loja.example",
        read=values.web_address,
        description=(
            "Public address of rastro serve. Mails, and orders without a tracking URL, then link to the order's own "
            "tracking page there; empty: they link to the carrier's."
        ),
    ),
    "tracking_link_for": Option(
        default="90d",
        example="30d",
        read=values.span_from("1d"),
        description="How long a link to a tracking page lives after the order's last parcel has come to its end.",
    ),
    "tracking_origins": Option(
        default="",
        example="https://www.loja.example",
        read=values.origins,
        description="Web sites whose pages may read a tracking page's data from the customer's browser; empty: none.",
    ),
    "notify_since": Option(
        default="",
        example="2026-11-01, sql:erp_db=2026-11-15",
        read=values.moments,
        description=(
            "Go-live cut-off: Rastro mails nothing that happened before it. Deliveries before it are still confirmed "
            "on the order (with mailer=vtex that write makes VTEX mail) and to marketplaces. "
            "ISO date or time, for single accounts as account=time; empty: none."
        ),
    ),
    "most_notices": Option(
        default="order=50000, email=2000, marketplace=5000, alert=200",
        example="email=500",
        read=values.limits,
        description=(
            "Most notices that one run sends on a channel. With more of them owed it sends none there, says so and "
            "waits until a run is triggered that releases the channel; a channel not named has no limit."
        ),
    ),
    "alert_to": Option(
        default="",
        example="expedicao@loja.example",
        read=values.addresses,
        description=(
            "Addresses that are mailed what only the shop can act on: parcels lost, returned, deliveries taken back. "
            "Empty: it is only listed in v_open_problem."
        ),
    ),
    "alert_by": Option(
        default="",
        example="mail:dados@loja.example, slack:team_slack, webhook:team_hook",
        read=values.ways,
        description=(
            "How the data team is told of a run that is late or has failed, a carrier that is silent, a notice that "
            "waits: mail:address, slack:connection, webhook:connection. Each incident once. Empty: nobody is told."
        ),
    ),
    "silent_after": Option(
        default="6h",
        example="12h",
        read=values.span_from("1h"),
        description="How long a carrier has no news, where its habit is to have some, before the data team is told.",
    ),
    "letter_to": Option(
        default="",
        example="dados@loja.example, expedicao@loja.example",
        read=values.addresses,
        description=(
            "Addresses that are mailed each Monday what changed in the week's deliveries, in mail_language. "
            "Empty: nobody; `rastro report` writes the same as a page."
        ),
    ),
    "events": Option(
        default="full",
        example="full",
        read=values.one_of("full", "delta"),
        description="What a write on the order carries: the whole history (full) or only what is new to it (delta).",
    ),
    "fill_tracking_url": Option(
        default="false",
        example="true",
        read=values.flag,
        description="Fill a missing tracking URL on the order; without one VTEX sends no tracking mails.",
    ),
    "resend_doubtful_mail": Option(
        default="false",
        example="false",
        read=values.flag,
        description="Send a mail once more, with the same Message-ID, when nobody can tell whether it went out.",
    ),
    "mails_per_second": Option(
        default="5",
        example="1",
        read=values.rate,
        description="Pace of outgoing mail.",
    ),
    "poll_every": Option(
        default="60m",
        example="60m",
        read=values.span,
        description="Shortest time between two looks at a parcel; most are looked at in multiples of it, up to 24.",
    ),
    "worth_a_look": Option(
        default="0.05",
        example="0.1",
        read=values.rate,
        description="News to be expected of a parcel before it is looked at, per hour of `poll_every`; more asks less.",
    ),
    "calls_per_day": Option(
        default="",
        example="correios=20000, jadlog=5000",
        read=values.budgets,
        description=(
            "Most calls to a carrier in a day of São Paulo, by all runs together. They are spread over the day; when "
            "more parcels are due, those go first that are likeliest to have news, and the rest stays due. A carrier "
            "that is not named, or has 0, is asked about all that is due. Each of a carrier's contracts has as many, "
            "unless it is named itself: correios:contract_two=5000."
        ),
    ),
    "last_look_after": Option(
        default="7d",
        example="7d",
        read=values.span,
        description="How long after its end a parcel is looked at once more, since carriers correct themselves.",
    ),
    "give_up_after": Option(
        default="60d",
        example="60d",
        read=values.span_from("1d"),
        description="Silence after which a parcel is marked expired and no longer asked about.",
    ),
    "sync_overlap": Option(
        default="30m",
        example="30m",
        read=values.span,
        description="How far each look at a source reaches back before the last one, for late-indexed orders.",
    ),
    "sync_horizon": Option(
        default="30d",
        example="30d",
        read=values.span,
        description=(
            "How far back the first look at a source reaches, and how long invoices wait for numbers and news for "
            "parcels."
        ),
    ),
    "max_slices": Option(
        default="64",
        example="64",
        read=values.number(1, 512),
        description="Most tracking tasks in one run, however many shipments are due.",
    ),
    "slice_size": Option(
        default="2000",
        example="2000",
        read=values.number(1, 100_000),
        description="Shipments in one tracking task, as long as max_slices allows.",
    ),
    "ask_within": Option(
        default="20m",
        example="50m",
        read=values.span_from("1m"),
        description=(
            "How long one run asks a carrier. What is left then is asked about by the next run, first that which has "
            "waited longest; the news of all other carriers goes on meanwhile."
        ),
    ),
    "lease": Option(
        default="15m",
        example="15m",
        read=values.span_from("1m"),
        description="How long a task may hold shipments or notices before another one may take them over.",
    ),
    "max_attempts": Option(
        default="12",
        example="12",
        read=values.number(1, 100),
        description="Attempts at sending a notice before it waits for a person; with 12 the last is after four days.",
    ),
    "tellers": Option(
        default="4",
        example="4",
        read=values.number(1, 64),
        description="How many orders one task tells a receiver about at once.",
    ),
    "retry_delay": Option(
        default="60s",
        example="60s",
        read=values.span,
        description="Pause before Airflow runs a failed task again, unless the other side named a time.",
    ),
    "keep_raw_answers": Option(
        default="true",
        example="true",
        read=values.flag,
        description="Keep each shipment's last raw answer, compressed, so that it can be worked out again.",
    ),
    "keep_contents": Option(
        default="400d",
        example="180d",
        read=values.span_from("30d"),
        description="How long texts of messages, raw answers and proofs of delivery are kept before they are erased.",
    ),
    "keep_contacts": Option(
        default="30d",
        example="14d",
        read=values.span_from("1d"),
        description=(
            "How long after an order's last parcel ended it is kept whom its mails went to, masked and as a keyed "
            "hash. Nobody who is still owed a mail is forgotten, whatever it says."
        ),
    ),
    "claim_days": Option(
        default="",
        example="jadlog.late=5, jadlog.silent=8, loggi.within=60",
        read=values.claim_days,
        description=(
            "What your contracts say of claims, in place of the table in docs/claims.md, as CARRIER.WHAT=DAYS. Working "
            "days: late (past the expected day, from when), silent (since the last scan). Calendar days: "
            "late_within (past the expected day, until when), settled and within (after posting: from and until when)."
        ),
    ),
    "hub_key": Option(
        default="",
        example="change-me-1f7c0a52d94e4b6b8f",
        read=values.key,
        description=(
            "Key that rastro serve wants, as Authorization: Bearer, from whoever asks it as VTEX's tracking hub does; "
            "empty: nobody is answered. With _CMD at the end of the variable's name a command prints it, with _SECRET "
            "it is kept in the secrets backend."
        ),
        secret=True,
    ),
}


def unknown(name: str) -> str:
    """A sentence about a setting that there is none of."""
    option, _, beside = name.rpartition("_")
    if option in OPTIONS and beside in {"cmd", "secret"}:
        return f"{name}: {option} is no secret, so it is written as it is, without _{beside.upper()}"
    near = get_close_matches(name, OPTIONS, n=1)
    return f"{name}: there is no such setting{f', but {near[0]}' if near else ''}"


def settings_from(texts: Mapping[str, str]) -> Settings:
    """
    Typed settings from their texts; an absent one takes its default.

    :raises Misconfigured: one message that lists everything that is wrong.
    """
    typed: dict[str, Any] = {}
    wrong = [unknown(name) for name in sorted(set(texts) - set(OPTIONS))]
    for name, option in OPTIONS.items():
        try:
            typed[name] = option.read(texts.get(name, option.default))
        except (ValueError, OverflowError) as error:
            wrong.append(f"{name}: {error}")
    if "marketplaces" in typed:
        known = {endpoint.key for endpoint in typed["marketplaces"]}
        wrong += [
            f"routes: {affiliate} goes to {route.marketplace}, which is not among the marketplaces"
            for affiliate, route in typed.get("routes", {}).items()
            if route.marketplace and route.marketplace not in known
        ]
        wrong += [
            f"marketplace_news: {key} is not among the marketplaces"
            for key in sorted(typed.get("marketplace_news", frozenset()) - known)
        ]
        wrong += [
            f"mail_buyers_of: {key} is not among the marketplaces"
            for key in sorted(typed.get("mail_buyers_of", frozenset()) - known)
            if ":" in key
        ]
    if "carriers" in typed:
        asked = {name for endpoint in typed["carriers"] for name in (endpoint.adapter, endpoint.key)}
        wrong += [
            f"calls_per_day: {carrier} is not among the carriers"
            for carrier in typed.get("calls_per_day", {})
            if carrier not in asked
        ]
    if "sources" in typed:
        accounts = {EVERY_ACCOUNT, *(endpoint.key for endpoint in typed["sources"])}
        wrong += [
            f"carriers: {account}, which {endpoint.key} is for, is not among the sources"
            for endpoint in typed.get("carriers", ())
            for account in endpoint.accounts
            if account not in accounts
        ]
        wrong += [
            f"notify_since: {account} is not among the sources"
            for account in typed.get("notify_since", {})
            if account not in accounts
        ]
    if wrong:
        raise Misconfigured("Settings in [rastro] that must be put right: " + "; ".join(wrong))
    return Settings(**typed)
