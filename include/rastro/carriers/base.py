"""
What a carrier adapter is: the calls it would make and the meaning of what came back. It does no I/O.

One adapter = one module here, one line in :mod:`rastro.carriers.registry`, one folder of recordings, one page of docs.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Protocol, TypeAlias

from rastro.access import Access, Account, Field, Login, with_pace
from rastro.errors import RastroError, Unreadable
from rastro.http import Request, Response
from rastro.models import ReferenceKind, Refusal, Snapshot, Status
from rastro.references import ABSENT
from rastro.routing import Claims


class Asks(StrEnum):
    """How a carrier is asked."""

    SINGLE = "single"  # one reference a call
    BATCH = "batch"
    REGISTER = "register"  # what it does not know yet is registered, and read by a later run
    FEED = "feed"  # hands out each change once; a lot is stored before it is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """
    What asking brought: the raw bytes about each reference; one that is missing has not been answered.

    ``trouble`` is what kept the missing ones from being answered, where that is known.
    """

    parts: Mapping[str, bytes]
    trouble: RastroError | None = None


# Requests come out, their responses go in, the answer is returned. Whoever drives it does the I/O, and throws in the
# RastroError of a call that failed: what was read by then may be returned with it as trouble.
Asking: TypeAlias = Generator[Request, Response, Answered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of something that came without being asked for. ``references``: all that it may be known by with us."""

    references: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One HTTP request that a carrier sent us. ``headers`` have lower-case names, ``params`` are its query string."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


class Push(Protocol):
    """
    How a carrier tells us something by itself. :meth:`Carrier.parse` reads its parts, too.

    ``answer`` is the body by which it knows that we have taken it; most look at the status alone. ``scheme`` says in a
    phrase by what a message is verified; ``query`` is what the registered address ends with, if a secret stands there.
    """

    answer: bytes
    scheme: str
    query: str

    @property
    def verified_by(self) -> tuple[tuple[str, ...], ...]:
        """Groups of fields of the connection; a message can be verified where all fields of one group are filled in."""
        ...

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        """Whether it comes from the carrier, compared in constant time; false where the connection holds no secret."""
        ...

    def parts(self, body: bytes) -> Iterator[Part]:
        """
        What the body says about which reference; nothing for a test or a message that concerns no parcel.

        :raises Unreadable: it is not what this carrier sends.
        """
        ...


class Feed(Protocol):
    """How a carrier hands out what is new, each thing once."""

    every: timedelta  # the shortest time between two calls

    def host(self, account: Account) -> str:
        """The base URL of the feed, which may be another than the account's."""
        ...

    def request_for(self, access: Access) -> Request: ...

    def check(self, response: Response) -> None:
        """
        :raises RastroError: it is no lot but a refusal, and nothing was handed out.
        """
        ...

    def parts(self, body: bytes) -> Iterator[Part]:
        """
        :raises Unreadable: it is not what this carrier sends.
        """
        ...


class Carrier(ABC):
    """
    One carrier. Attributes are constants of its module; those that have a value here may be left as they are.

    ``references`` are what it can be asked about, any of them will do, in this order of preference. ``answers`` are
    HTTP statuses beside 2xx that are answers about a reference and no faults. ``statuses`` is its own code or word →
    status, as far as it is a table. ``unsure`` says in a sentence what is a guess; it must be said below confidence A.
    """

    code: ClassVar[str]  # module name = registry key = recordings folder
    name: ClassVar[str]
    docs: ClassVar[str]
    confidence: ClassVar[str]  # A official document, B several integrations agree, C one source
    unsure: ClassVar[str] = ""
    base_url: ClassVar[str]  # the default; the connection's host overrides it
    fields: ClassVar[tuple[Field, ...]]  # of its connection
    credentials: ClassVar[str]  # where a shop gets them
    references: ClassVar[tuple[ReferenceKind, ...]] = (ReferenceKind.TRACKING_NUMBER,)
    absent: ClassVar[str] = ""  # a reference that no parcel has, where one of another form is taken for mistyped
    asks: ClassVar[Asks] = Asks.SINGLE
    batch_size: ClassVar[int] = 1
    connections: ClassVar[int] = 2  # calls at once that one contract bears
    requests_per_second: ClassVar[float]  # for one contract
    answers: ClassVar[frozenset[int]] = frozenset()
    statuses: ClassVar[Mapping[str, Status]] = {}
    login: ClassVar[Login | None] = None
    claims: ClassVar[Claims]
    push: ClassVar[Push | None] = None
    push_signature: ClassVar[str] = ""  # its header, small letters, if addresses are tried without one and expect a yes
    feed: ClassVar[Feed | None] = None  # used instead of asking, where the connection's extra ``feed`` is true

    @property
    def pool(self) -> str:
        """The Airflow pool and mapped task that it is asked in."""
        return self.code

    @property
    def connection_fields(self) -> tuple[Field, ...]:
        """All fields of its connection: its own, and those that every carrier's may have."""
        return with_pace(self.fields)

    def page_about(self, number: str) -> str:
        """The address of the carrier's own page about a tracking number, for people; empty when there is none."""
        del number
        return ""

    def doubt_about(self, reference: str) -> str:
        """What looks wrong about a reference that is asked about all the same; empty when nothing does."""
        del reference
        return ""

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        """Ask about these references, at most ``batch_size`` of them; in one call, where it is not said otherwise."""
        response = yield self.request_for(references, access)
        return Answered(parts=dict(self.split(response, references)))

    def probe(self, access: Access) -> Asking:
        """Ask about a parcel that cannot exist, by a call that only reads: nothing is registered or used up."""
        asked = (self.absent or ABSENT[self.references[0]],)
        response = yield self.request_for(asked, access)
        return Answered(parts=dict(self.split(response, asked)))

    @abstractmethod
    def request_for(self, references: Sequence[str], access: Access) -> Request:
        """The call that asks about these references; its ``accept`` are the carrier's ``answers``."""

    @abstractmethod
    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        """
        The answer cut into (reference, raw bytes about it), without reading more than needed to cut.

        An unchanged parcel must give the same bytes, since their digest decides whether anything is read at all: what
        changes by itself (the time of the answer, a request id) is left out.

        :param asked: the references that were asked about; a part that does not name its own is about the only one.
        :raises Unreadable: the body as a whole is not what this carrier sends.
        :raises RastroError: the carrier says no in a body that looks like an answer (a login refused, too many calls).
        """

    def cut(self, body: bytes, asked: Sequence[str] = (), status: int = 200) -> Iterator[Part]:
        """
        Whatever this carrier sends, cut into parts: an answer as by :meth:`split`, else a push, else a lot of its feed.

        :raises Unreadable: it is none of these; the message says why it is no answer.
        """
        try:
            parts = [
                Part(references=(ref,), raw=raw) for ref, raw in self.split(Response(status=status, body=body), asked)
            ]
        except Unreadable:
            for sender in (self.push, self.feed):
                with suppress(Unreadable):
                    if sender:
                        return iter(list(sender.parts(body)))
            raise
        return iter(parts)

    @abstractmethod
    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        """
        What one part of :meth:`split`, of a push or of a feed means.

        :param reference: what it is about, for carriers that do not repeat it.
        :raises Unreadable: this part makes no sense; the others are not concerned.
        """
