"""
Tracking numbers as people type them: one or several in a field, with blanks, labels and invisible characters.

The S10 form (two letters, eight digits, a check digit, two letters of a country) is the Universal Postal Union's
standard of that name. A wrong check digit is a warning and no ban: carriers know such numbers too.
"""

import re
import unicodedata
from collections.abc import Iterable

S10 = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")
S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)

# As labels print it, "DZ 087 632 119 BR", with blanks, dots or hyphens in between.
LOOSE_S10 = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[ .-]*(?:[0-9][ .-]*){9}[A-Z]{2}(?![A-Z0-9])")

SHORTEST = 8  # pieces shorter than this are groups of one number, not numbers


def normalise(text: str) -> str:
    """One number in capitals without blanks and invisible characters; of an S10 number also without dots, hyphens."""
    if is_s10(text):
        return text  # most are, and what follows takes ten times as long
    bare = visible("".join(visible(text).split()))  # twice: signs that a blank kept apart may join
    dense = re.sub(r"[.-]", "", bare)
    return dense if S10.fullmatch(dense) else bare


def split_numbers(text: str) -> tuple[str, ...]:
    """
    The numbers in one field, normalised, each once, in the order written; empty when there is none.

    Semicolon, comma, bar and line end part numbers always; a blank or a slash only where all the pieces could be
    numbers by themselves, because labels print one number in groups. A link stays whole unless S10 numbers are in it.
    """
    field = visible(text)
    if "://" in field:
        return unique(LOOSE_S10.findall(field)) or (text.strip(),)
    found: list[str] = []
    for part in re.split(r"[;,|\n\r\t]", field):
        inside = LOOSE_S10.findall(part)
        if inside and not re.search(r"[0-9]", LOOSE_S10.sub("", part)):
            found += inside
        else:
            found += pieces(part)
    return unique(found)


def numbers_in(pasted: str) -> tuple[str, ...]:
    """Everything in free text that can be a tracking number or an order's id: numbers normalised, words as they are."""
    rest = re.sub(LOOSE_S10.pattern, " ", pasted, flags=re.IGNORECASE)  # the groups of a number are no orders
    words = (word for word in re.split(r"[\s,;|]+", rest) if re.search(r"\d", word))
    return tuple(dict.fromkeys((*split_numbers(pasted), *words)))


def pieces(part: str) -> list[str]:
    apart = [piece for piece in re.split(r"[ /]+", part) if piece]
    if all(len(piece) >= SHORTEST and re.search(r"[0-9]", piece) for piece in apart):
        return apart
    return [part]


def unique(numbers: Iterable[str]) -> tuple[str, ...]:
    """Normalised, each once; what holds no digit ("N/A", "sem rastreio") is no number."""
    return tuple(dict.fromkeys(filter(re.compile(r"[0-9]").search, map(normalise, numbers))))


def visible(text: str) -> str:
    """``text`` in capitals, full-width letters and odd blanks made plain, control and invisible characters gone."""
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(letter for letter in plain if letter in "\n\r\t" or unicodedata.category(letter) not in {"Cc", "Cf"})


def is_s10(number: str) -> bool:
    """Whether a normalised number has the S10 form, whatever its check digit."""
    return S10.fullmatch(number) is not None


def check_digit(serial: str) -> int:
    """The S10 check digit of eight digits."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(S10_WEIGHTS, serial, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def check_digit_fits(number: str) -> bool:
    """Whether an S10 number ends its digits as it must; false also for what is no S10 number."""
    return is_s10(number) and check_digit(number[2:10]) == int(number[10])
