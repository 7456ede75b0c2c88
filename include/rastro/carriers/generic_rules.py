"""What a described carrier says that is no tracking: of one parcel that it does not know, or of all that is asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rastro.carriers import json_paths
from rastro.carriers.description import Condition, Description, ErrorRule, several
from rastro.errors import CredentialsRefused, RastroError, RateLimited, Transient
from rastro.models import RefusalReason
from rastro.redaction import redact
from rastro.routing import folded

OF_ALL: Mapping[str, type[RastroError]] = {
    "credentials": CredentialsRefused,
    "rate_limit": RateLimited,
    "outage": Transient,
}
OF_ONE: Mapping[str, RefusalReason] = {
    "not_found": RefusalReason.NOT_FOUND,
    "not_ours": RefusalReason.NOT_OURS,
    "malformed": RefusalReason.MALFORMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """
    The rule of a description that an answer or an item fits, and what it says, fit to be shown.

    ``means`` is what an error rule means, ``not_found`` for the rule about that.
    """

    means: str
    message: str

    @property
    def reason(self) -> RefusalReason | None:
        """Why nothing is said about this one parcel; None where it is not about one."""
        return OF_ONE.get(self.means)

    def raise_if_of_all(self, code: str) -> None:
        """
        :raises RastroError: no parcel is at fault, but the login, the pace or the service.
        """
        if self.means in OF_ALL:
            raise OF_ALL[self.means](f"{code}: the carrier refuses ({self.message or self.means})")

    def __str__(self) -> str:
        return f"{self.means}: {self.message}" if self.message else self.means


def complaint_in(value: Any, about: Description) -> Complaint | None:
    """
    The first rule that fits. Those that look at the words come first; of the others, the one about what is not found.

    :raises ValueError: an object stands where a message should.
    """
    errors, not_found = about.errors, about.not_found
    ordered: list[Condition] = [one for one in errors if one.pattern]
    if not_found.path or not_found.pattern:
        ordered.append(not_found)
    ordered += [one for one in errors if not one.pattern]
    rule = next((one for one in ordered if holds(one, value)), None)
    if rule is None:
        return None
    return Complaint(means=rule.means if isinstance(rule, ErrorRule) else "not_found", message=message(rule, value))


def message(rule: Condition, value: Any) -> str:
    return redact(json_paths.text(value, several(rule.message)))[:200]


def holds(rule: Condition, value: Any) -> bool:
    """
    :raises ValueError: an object stands where a message should.
    """
    there = json_paths.every(value, rule.path)
    wanted = rule.equals if isinstance(rule.equals, list) else [rule.equals]
    if wanted:
        texts = {json_paths.as_text(one).casefold() for one in wanted}
        if not any(json_paths.as_text(one).casefold() in texts for one in there if not isinstance(one, dict | list)):
            return False
    elif rule.path and not any(map(json_paths.is_filled, there)):
        return False
    return not rule.pattern or bool(re.search(rule.pattern, folded(json_paths.text(value, several(rule.message)))))
