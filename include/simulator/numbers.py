"""Numbers of every kind, invented but of the right form, check digits included."""

WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
SHIPPER_CNPJ = "12345678000100"


def s10(service: str, serial: int, country: str = "BR") -> str:
    """A UPU S10 item number: service, eight digits, check digit, country."""
    digits = f"{serial % 10**8:08d}"
    remainder = 11 - sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) % 11
    check = {10: 0, 11: 5}.get(remainder, remainder)
    return f"{service}{digits}{check}{country}"


def access_key(serial: int, year_month: str) -> str:
    """The 44 digits of an electronic invoice, the last one a modulus 11 check digit."""
    body = f"35{year_month}{SHIPPER_CNPJ}55001{serial % 10**9:09d}1{serial * 7919 % 10**8:08d}"
    total = sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(body)))
    check = 11 - total % 11
    return body + str(0 if check >= 10 else check)
