"""
What a carrier is, told in one YAML file: the typed form of it.

``described/generic.yaml`` is an example of all of it with a comment on each setting: that is the text for whoever
writes one. :mod:`rastro.carriers.description_reading` reads a file and says what is wrong with it. An annotation
carries the check that a value must pass, so that a mistake is told with its place in the file.
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from rastro.carriers import description_checks as checks
from rastro.carriers.description_checks import Checked
from rastro.models import ReferenceKind

Path: TypeAlias = Annotated[str, Checked(checks.wrong_path)]
Paths: TypeAlias = Path | list[Path]
Pattern: TypeAlias = Annotated[str, Checked(checks.wrong_regex)]
BarePattern: TypeAlias = Annotated[str, Checked(checks.wrong_bare_regex)]
Meaning: TypeAlias = Annotated[str, Checked(checks.wrong_status)]
Zone: TypeAlias = Annotated[str, Checked(checks.wrong_zone)]
Format: TypeAlias = Annotated[str, Checked(checks.wrong_format)]
Span: TypeAlias = Annotated[str, Checked(checks.wrong_span)]
Url: TypeAlias = Annotated[str, Checked(checks.wrong_url)]
InQuestion: TypeAlias = Annotated[str, Checked(checks.wrong_in_question)]
InLogin: TypeAlias = Annotated[str, Checked(checks.wrong_in_login)]
WithToken: TypeAlias = Annotated[str, Checked(checks.wrong_with_token)]
JsonInQuestion: TypeAlias = Annotated[Any, Checked(checks.wrong_in_question, inside=True)]
Positive: TypeAlias = Annotated[float, Checked(checks.wrong_quantity)]
PositiveWhole: TypeAlias = Annotated[int, Checked(checks.wrong_quantity)]
Scalar: TypeAlias = str | float | bool


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class ConnectionField(Section, frozen=True, kw_only=True):
    """One field of the connection: ``login``, ``password`` or the name of an extra."""

    name: Annotated[str, Checked(checks.wrong_field_name)]
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True


class ClaimedBy(Section, frozen=True, kw_only=True):
    names: list[BarePattern] = []
    hosts: list[Pattern] = []
    strong: list[Pattern] = []
    weak: list[Pattern] = []


class Pace(Section, frozen=True, kw_only=True):
    requests_per_second: Positive = 1.0
    connections: PositiveWhole = 2


class NoAuth(Section, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    pass


class Basic(Section, frozen=True, kw_only=True, tag_field="kind", tag="basic"):
    user: InLogin = "{login}"
    password: InLogin = "{password}"  # noqa: S105 -- a placeholder


class Bearer(Section, frozen=True, kw_only=True, tag_field="kind", tag="bearer"):
    token: InLogin = "{password}"  # noqa: S105 -- a placeholder


class Header(Section, frozen=True, kw_only=True, tag_field="kind", tag="header"):
    name: str
    value: InLogin = "{password}"


class TokenInBody(Section, frozen=True, kw_only=True, tag_field="kind", tag="body"):
    """A key that never changes, put where the question says ``{token}``."""

    token: InLogin = "{password}"  # noqa: S105 -- a placeholder


class OAuth2(Section, frozen=True, kw_only=True, tag_field="kind", tag="oauth2"):
    """A token that is obtained and comes to an end. ``values`` are sent in place of what the grant would send."""

    path: Annotated[str, Checked(checks.wrong_login_path)]
    grant: Literal["client_credentials", "password"] = "client_credentials"
    values: dict[str, InLogin] = {}
    send: Literal["form", "json"] = "form"
    basic: bool = False  # the client's id and secret by Basic authentication and not among the values
    host: Url = ""
    headers: dict[str, InLogin] = {}
    token: Path = "access_token"  # noqa: S105 -- a path in the answer
    expires_in: Path = "expires_in"  # seconds
    lifetime: Span = "1h"  # where the answer names none
    place: Literal["header", "body"] = "header"
    header: str = "Authorization"
    value: WithToken = "Bearer {token}"


Auth: TypeAlias = NoAuth | Basic | Bearer | Header | TokenInBody | OAuth2


class Question(Section, frozen=True, kw_only=True):
    """The request. Query, headers, form and JSON leave out what a reference cannot fill."""

    path: Annotated[str, Checked(checks.wrong_question_path)]
    method: Literal["GET", "POST", "PUT"] = "GET"
    query: dict[str, InQuestion] = {}
    headers: dict[str, InQuestion] = {}
    json: JsonInQuestion = None
    form: dict[str, InQuestion] | None = None


class Batch(Section, frozen=True, kw_only=True):
    """Several references in one request: ``item`` for each, as the list that ``list`` leads to."""

    max: PositiveWhole
    list: str  # a path in the JSON, "." for the whole body; a name in a form or the query
    item: JsonInQuestion
    place: Literal["body", "query"] = "body"
    joined_by: str = ""  # in a form or the query: one value in place of a repeated one


class Reply(Section, frozen=True, kw_only=True):
    """Where the parcels are in the answer, and which item is about which."""

    items: Path = ""  # empty: the whole answer is about the one that was asked about
    key: Paths = []  # any of these repeats what was asked about; "@name": the item's own name in its object
    key_is: InQuestion = ""  # what the key is compared with, where it is not the reference itself
    ignore: list[Path] = []  # in an item: what changes by itself


class Time(Section, frozen=True, kw_only=True):
    path: Paths
    formats: list[Format] = []
    zone: Zone = "America/Sao_Paulo"
    may_lack: bool = False  # a line without its time has not happened yet and is left out


class Events(Section, frozen=True, kw_only=True):
    list: Paths
    time: Time
    code: Paths = []
    text: Paths = []
    city: Paths = []
    state: Paths = []
    place: Paths = []  # "CITY / UF" in one text
    country: Paths = []
    id: Paths = []
    receiver: Paths = []
    picture: Paths = []
    newest_first: bool | None = None  # by their times, where it is not said


class WordRule(Section, frozen=True, kw_only=True):
    pattern: BarePattern
    status: Meaning
    code: str = ""  # only for lines of this code, and before the table


class Outcome(Section, frozen=True, kw_only=True):
    codes: dict[str, Meaning] = {}
    words: list[WordRule] = []
    texts: dict[str, str] = {}  # what a code says, for carriers that send no words
    delivered: Path = ""
    returned: Path = ""
    delivered_at: Path = ""


class ProofPaths(Section, frozen=True, kw_only=True):
    receiver: Paths = []
    picture: Paths = []


class Condition(Section, frozen=True, kw_only=True):
    """
    Holds where all that is given holds: something is at ``path`` (or what ``equals`` says), ``pattern`` is found in
    ``message``.
    """

    path: Path = ""
    equals: Scalar | list[Scalar] = []
    message: Paths = []
    pattern: BarePattern = ""


class NotFound(Condition, frozen=True, kw_only=True):
    http: list[Annotated[int, Checked(checks.wrong_http_status)]] = []
    empty: bool = True  # no events, or no item for the only reference asked about
    absent: bool = False  # no item for one of several


class ErrorRule(Condition, frozen=True, kw_only=True):
    means: Literal["credentials", "rate_limit", "outage", "not_found", "not_ours", "malformed", "unreadable"]


class Description(Section, frozen=True, kw_only=True):
    name: str
    docs: str
    base_url: Url
    claims: ClaimedBy
    auth: Auth
    request: Question
    events: Events
    outcome: Outcome
    confidence: Literal["A", "B", "C"] = "C"
    unsure: str = "Described by hand; nobody else has checked it."
    credentials: str = "Ask the carrier for access to its tracking API."
    page: Annotated[str, Checked(checks.wrong_page)] = ""
    connection: list[ConnectionField] = []
    pace: Pace = Pace()
    asked_by: list[ReferenceKind] = msgspec.field(default_factory=lambda: [ReferenceKind.TRACKING_NUMBER])
    batch: Batch | None = None
    reply: Reply = Reply()
    estimate: Time | None = None
    proof: ProofPaths = ProofPaths()
    not_found: NotFound = NotFound()
    errors: list[ErrorRule] = []


def several(paths: str | list[str]) -> tuple[str, ...]:
    """Paths as they are used, whether one or a list of them was written."""
    return (paths,) if isinstance(paths, str) else tuple(paths)
