"""
Errors, sorted by what to do next.

::

    RastroError
    ├── Transient            try again later; may say when (retry_after, seconds)
    │   ├── RateLimited      the other side asked for patience
    │   └── Doubtful         it may have acted on our request: read before any repeat
    ├── Permanent            a repeat gives the same; a person must change something
    │   ├── Misconfigured    a setting or connection is missing or wrong
    │   ├── CredentialsRefused
    │   │   └── Forbidden    they are known, and may not do this: no new token helps, and it may be about this one only
    │   ├── NotFound         the thing asked about is not there
    │   └── Rejected         this request is wrong
    └── Unreadable           this one answer makes no sense: keep it aside, go on with the others

A failed read is never an empty answer: whatever cannot be read raises one of these.
"""

from rastro.wording import in_line


class RastroError(Exception):
    """
    Base of all; the message names what was asked, what came back and the next step.

    It is one line, since others' words may stand in it and it goes into logs.
    """

    def __init__(self, message: str) -> None:
        super().__init__(in_line(message))


class Transient(RastroError):
    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Transient):
    pass


class Doubtful(Transient):
    pass


class Permanent(RastroError):
    pass


class Misconfigured(Permanent):
    pass


class CredentialsRefused(Permanent):
    pass


class Forbidden(CredentialsRefused):
    pass


class NotFound(Permanent):
    pass


class Rejected(Permanent):
    pass


class Unreadable(RastroError):
    """``raw`` is the part that could not be read, for the quarantine."""

    def __init__(self, message: str, *, raw: bytes = b"", reference: str = "") -> None:
        super().__init__(message)
        self.raw = raw
        self.reference = reference


def error_for(status: int, what: str, *, answer: str = "", retry_after: float | None = None) -> RastroError:
    """
    The one map from an HTTP status to a class. ``what`` names the request, ``answer`` is a short, safe excerpt.

    A 5xx is Transient: the caller of a request that must not be repeated blindly turns it into Doubtful.
    """
    said = f"{what} answered {status}" + (f" ({answer})" if answer else "")
    if status in {401, 403}:
        kind = CredentialsRefused if status == 401 else Forbidden
        return kind(f"{said}: check the credentials of the connection and what they may do")
    if status == 404:
        return NotFound(f"{said}: not there")
    if status == 429:
        return RateLimited(f"{said}: too many requests, the rest is left for later", retry_after=retry_after)
    if status == 408 or status >= 500:
        return Transient(f"{said}: the other side is in trouble, try again later", retry_after=retry_after)
    if 300 <= status < 400:
        return Rejected(f"{said}: a redirect is not followed; check the connection's host")
    return Rejected(f"{said}: the request is refused as it is")
