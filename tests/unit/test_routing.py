import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.carriers.described import described
from rastro.carriers.registry import CARRIERS
from rastro.numbers import normalise
from rastro.routing import OTHER_CARRIERS, Claims, Routed, Router, Signs, folded, host_of

CARRIERS_OF_ALL_KINDS = {**CARRIERS, **described()}
KNOWN: Mapping[str, Claims] = {code: carrier.claims for code, carrier in CARRIERS_OF_ALL_KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of routing_cases.csv; ``line`` is where it stands."""

    line: int
    courier: str
    number: str
    link: str
    connected: tuple[str, ...]
    carrier: str | None
    because: str = field(repr=False)

    def __str__(self) -> str:
        return f"line {self.line}: {self.courier} {self.number} {self.link}"


def cases() -> list[Case]:
    file = Path(__file__).with_name("routing_cases.csv")
    written = enumerate(file.read_text("utf-8").splitlines(), start=1)
    lines = [(place, line) for place, line in written if line and not line.startswith("#")]
    titles, *rows = csv.reader(line for _, line in lines)
    assert titles == ["courier", "number", "link", "connected", "carrier", "because"]
    every = tuple(code for code, claims in KNOWN.items() if not claims.fallback)
    return [
        Case(
            line=place, courier=courier, number=normalise(number), link=link, because=because, carrier=carrier or None,
            connected=tuple(connected.split(",")) if connected else every,
        )
        for (place, _), (courier, number, link, connected, carrier, because) in zip(lines[1:], rows, strict=True)
    ]  # fmt: skip


CASES = cases()


def test_the_table_is_long_and_every_carrier_stands_in_it() -> None:
    assert len(CASES) >= 150
    assert {case.carrier for case in CASES} - {None} >= set(KNOWN)
    assert len(KNOWN) > len(CARRIERS) > 20
    assert {code for case in CASES for code in case.connected} <= set(KNOWN)
    assert all(case.because for case in CASES)
    assert len({(case.courier, case.number, case.link, case.connected) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_parcel_goes_where_the_table_says_and_for_the_reason_it_says(case: Case) -> None:
    router = Router(claims=KNOWN, connected=case.connected)
    routed = router.route(Signs(courier=case.courier, number=case.number, url=case.link))
    assert routed.carrier == case.carrier, routed.why
    assert case.because in routed.why


@pytest.mark.parametrize("code", [code for code in KNOWN if code != "generic"])  # that one is an example of a file
def test_a_carrier_answers_to_its_own_name(code: str) -> None:
    found = Router(claims=KNOWN, connected=(code,)).route(Signs(courier=CARRIERS_OF_ALL_KINDS[code].name))
    assert found.carrier == code
    assert found.why.startswith("by the courier's name ")


# ── The order, on carriers that exist for this alone ──────────────────────────────────────────────────────────────────


def of_seven(number: str) -> bool | None:
    """A check digit as numbers of ten digits have, and others have none."""
    return int(number[:-1]) % 7 == int(number[-1]) if len(number) == 10 else None


FEW: Mapping[str, Claims] = {
    "own": Claims(names=(r"\bown\b",), hosts=(r"(^|\.)own\.example$",), strong=(r"OW[0-9]{4}",)),
    "also": Claims(strong=(r"AL[0-9]{4}",), names=(r"\balso\b",)),
    "too": Claims(strong=(r"AL[0-9]{4}",), names=(r"\btoo\b",)),
    "loose": Claims(names=(r"\bloose\b",), weak=(r"[0-9]{10,12}",), hosts=(r"(^|\.)loose\.example$",)),
    "strict": Claims(names=(r"\bstrict\b",), weak=(r"[0-9]{10}", r"[0-9]{12}"), check=of_seven),
    "gate": Claims(names=(r"\bgate\b",), hosts=(r"(^|\.)gate\.example$",), gateway=True),
    "any": Claims(names=(r"\bany\b",), hosts=(r"(^|\.)any\.example$",), fallback=True),
    "all": Claims(names=(r"\ball\b",), fallback=True),
}
ASKED = tuple(code for code, claims in FEW.items() if not claims.fallback)


def routed(
    courier: str = "", number: str = "", url: str = "", *, connected: tuple[str, ...] = ASKED, declined: str = "",
    couriers: Mapping[str, str] | None = None,
) -> Routed:  # fmt: skip
    router = Router(claims=FEW, connected=connected, couriers=couriers or {})
    return router.route(Signs(courier=courier, number=number, url=url), declined.split())


def test_every_sign_is_looked_at_in_the_order_in_which_it_is_believed() -> None:
    found = routed("own", "1234567897", "https://x.loose.example/1", couriers={"Strict": "strict"})
    assert found == Routed(
        carrier="own",
        why="by the courier's name 'own'",
        looked_at=(
            "the setting couriers: nobody",
            "the number 1234567897, of a form that is nobody else's: nobody",
            "the courier's name 'own': own",
            "the tracking link's host x.loose.example: loose",
            "the check digit of 1234567897: nobody",
            "the form of 1234567897: loose",
            "the form, though not the check digit, of 1234567897: strict",
        ),
    )


def test_what_is_not_on_the_order_is_said_to_be_missing() -> None:
    assert routed().looked_at == (
        "the setting couriers: nobody",
        "the number (none), of a form that is nobody else's: nobody",
        "the courier's name '': nobody",
        "the tracking link's host (none): nobody",
        "the check digit of (none): nobody",
        "the form of (none): nobody",
        "the form, though not the check digit, of (none): nobody",
    )


@pytest.mark.parametrize(
    ("signs", "carrier", "why"),
    [
        (("loose", "OW1234"), "own", "by the number OW1234, of a form that is nobody else's"),
        (("loose", "OW1234", "own.example"), "own", "by the number OW1234, of a form that is nobody else's"),
        (("loose", "1234567890", "own.example"), "loose", "by the courier's name 'loose'"),
        (("", "1234567890", "own.example"), "own", "by the tracking link's host own.example"),
        (("", "1234567890"), "loose", "by the form of 1234567890"),
        (("", "1234567891"), "strict", "by the check digit of 1234567891"),
        (("", "12345678901"), "loose", "by the form of 12345678901"),
        (
            ("loose, strict", "1234567891"),
            "strict",
            "by the courier's name 'loose, strict' and the check digit of 1234567891",
        ),
        (("also", "AL1234"), "also", "by the courier's name 'also'"),
        (("loose", "AL1234"), "loose", "by the courier's name 'loose'"),
    ],
)
def test_a_sign_goes_before_those_after_it(signs: tuple[str, ...], carrier: str, why: str) -> None:
    found = routed(*signs)
    assert (found.carrier, found.why) == (carrier, why)


def test_a_form_that_two_call_their_own_is_nobodys() -> None:
    said = "by the form of AL1234 it could be also or too: name it on the order or in the setting couriers"
    assert (routed(number="AL1234").carrier, routed(number="AL1234").why) == (None, said)
    assert routed(number="AL1234", connected=("too", "own")).carrier == "too"
    assert routed("own", "AL1234", declined="also").carrier == "own", (
        "that one of them declined makes it no other's own"
    )


def test_a_wrong_check_digit_is_believed_last_and_only_if_it_is_connected() -> None:
    assert routed(number="1234567890", connected=("strict",)).why == (
        "by the form, though not the check digit, of 1234567890"
    )
    found = routed(number="1234567890", connected=("own",))
    assert found.carrier is None
    assert found.why == (
        "no carrier answers to the courier '' or to '1234567890'; "
        "loose or strict may give out such numbers, but has no connection"
    )


def test_the_form_of_a_number_is_told_without_regard_to_case() -> None:
    assert routed(number="ow1234").carrier == "own"
    assert routed(number="OW12345").carrier is None


def test_signs_that_fit_several_are_narrowed_by_those_after_them() -> None:
    assert routed("loose own").carrier is None
    assert routed("loose own", "12345678901").carrier == "loose"
    found = routed("loose own strict", "123456789012")
    assert found.carrier is None
    assert found.why == (
        "by the courier's name 'loose own strict' and the form of 123456789012 it could be loose or strict: "
        "name it on the order or in the setting couriers"
    )
    assert routed("loose own", "AL1234").carrier is None, "what fits neither of them does not decide"


def test_of_several_those_that_can_be_asked_are_preferred() -> None:
    assert routed("loose own", connected=("own",)).carrier == "own"
    assert routed("loose own", "12345678901", connected=("own",)).carrier == "own"


# ── The shop's own map ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("courier", ["Entrega Sul", "ENTREGA  SUL", "entrega_sul", "Entréga Sul"])
def test_the_shops_map_goes_before_everything_else(courier: str) -> None:
    found = routed(courier, "OW1234", "https://own.example", couriers={"Outra": "gate", "Entrega Sul": "loose"})
    assert (found.carrier, found.why) == ("loose", f"by the setting couriers, {courier!r}")
    assert found.looked_at[0] == "the setting couriers: loose"
    assert found.looked_at[1].endswith(": own")


def test_the_map_is_about_the_whole_name() -> None:
    assert routed("Entrega Sul Ltda", couriers={"Entrega Sul": "loose"}).carrier is None
    assert routed("", couriers={"": "loose"}).carrier is None


def test_the_map_may_say_that_nobody_can_be_asked() -> None:
    found = routed("Own", "OW1234", couriers={"own": "none"}, connected=("own", "any"))
    assert (found.carrier, found.why) == (None, "by the setting couriers, 'Own' it cannot be followed")


def test_a_carrier_on_the_map_that_does_not_exist_is_said_and_nobody_is_guessed() -> None:
    found = routed("Own", "OW1234", couriers={"own": "onw"}, connected=("own", "any"))
    assert (found.carrier, found.why) == (None, "the setting couriers, 'Own' names onw, and there is no such carrier")


def test_a_carrier_on_the_map_without_a_connection_gives_way_like_any_other() -> None:
    said = "by the setting couriers, 'x' it is loose, which has no connection"
    assert routed("x", "1", couriers={"x": "loose"}, connected=("own",)).carrier == "loose"
    assert routed("x", "1", couriers={"x": "loose"}, connected=("own",)).why == said
    found = routed("x", "1", couriers={"x": "loose"}, connected=("own", "any"))
    assert (found.carrier, found.why) == ("any", f"{said}; any takes what nobody else does")


def test_a_carrier_on_the_map_that_declined_is_passed_over() -> None:
    assert routed("x", "OW1234", couriers={"x": "loose"}, declined="loose").carrier == "own"


# ── Who declined, who has no connection, who takes the rest ───────────────────────────────────────────────────────────


def test_a_carrier_that_declined_is_passed_over_and_the_next_sign_decides() -> None:
    assert routed("own", "OW1234").carrier == "own"
    assert routed("own loose", "OW1234", declined="own").carrier == "loose"
    found = routed("own", "1234567890", declined="own loose")
    assert (found.carrier, found.why) == ("strict", "by the form, though not the check digit, of 1234567890")
    assert routed("own", "OW1234", connected=("own", "any"), declined="own").carrier == "any"
    assert routed("own", "OW1234", connected=("own", "any"), declined="own any").carrier is None


def test_the_first_fallback_of_the_setting_takes_what_nobody_else_does() -> None:
    said = "no carrier answers to the courier 'x' or to '1'"
    for connected, taken in ((("any", "all"), "any"), (("all", "any"), "all"), (("own", "all"), "all")):
        found = routed("x", "1", connected=connected)
        assert (found.carrier, found.why) == (taken, f"{said}; {taken} takes what nobody else does")
    assert (routed("x", "1").carrier, routed("x", "1").why) == (None, said)


def test_a_fallback_takes_what_could_be_either_of_two() -> None:
    found = routed(number="AL1234", connected=("also", "too", "any"))
    assert found.carrier == "any"
    assert "it could be also or too" in found.why


@pytest.mark.parametrize(("number", "taken"), [("", False), ("1" * 44, False), ("1" * 43, True), ("1" * 45, True)])
def test_a_fallback_is_not_asked_without_a_number_nor_by_an_invoices_key(number: str, *, taken: bool) -> None:
    assert (routed("x", number, connected=("any",)).carrier == "any") == taken
    assert routed("own", number, connected=("any",)).carrier == ("any" if taken else "own")


def test_a_fallback_without_a_connection_is_no_candidate() -> None:
    assert routed("any", "12345678901", "https://any.example").carrier == "loose"
    assert routed("any", "12345678901", "https://any.example", connected=("any", "loose")).carrier == "any"


def test_a_gateway_yields_to_a_carrier_beside_it_that_may_have_given_out_the_number() -> None:
    assert routed("gate loose", "12345678901").carrier == "loose"
    assert routed("gate loose", "1234").carrier == "gate"
    assert routed("gate loose", "12345678901", connected=("gate",)).carrier == "gate"
    assert routed("gate loose", "12345678901", connected=("loose",)).carrier == "loose"
    assert routed("gate loose", "12345678901", connected=("own",)).carrier == "loose"
    assert routed("gate", "1234").carrier == "gate"
    assert routed("any loose", "12345678901", connected=("any", "loose")).carrier == "loose"


def test_a_gateway_yields_to_a_carrier_whose_numbers_have_no_form() -> None:
    claims = {**FEW, "free": Claims(names=(r"\bfree\b",))}
    router = Router(claims=claims, connected=("gate", "free"))
    assert router.route(Signs(courier="gate free", number="1234")).carrier == "free"


def test_a_gateway_that_link_or_name_point_to_is_asked_for_a_carrier_without_a_connection() -> None:
    found = routed("own", "12345678901", "https://gate.example/1", connected=("any", "loose", "gate"))
    assert (found.carrier, found.why) == (
        "gate",
        "by the courier's name 'own' it is own, which has no connection; gate by the tracking link's host gate.example",
    )
    found = routed("gate", "OW1234", "https://own.example/1", connected=("any", "loose", "gate"))
    assert found.carrier == "gate"
    assert found.why == (
        "by the number OW1234, of a form that is nobody else's it is own, which has no connection; "
        "gate by the courier's name 'gate'"
    )
    assert routed("own", "1", "https://loose.example/1", connected=("loose",)).carrier == "own", "no gateway, no guess"
    assert routed("loose", "OW1234", connected=("loose",)).carrier == "own"
    assert routed("own", "1", "https://gate.example/1", connected=("loose",)).carrier == "own"


def test_a_name_of_another_carrier_is_believed_before_the_link_and_the_number() -> None:
    assert OTHER_CARRIERS
    for other in OTHER_CARRIERS:
        found = routed(other, "12345678901", "https://own.example/1")
        said = f"the courier's name {other!r} stands for {other}, which no adapter covers"
        assert (found.carrier, found.why) == (None, said)
        assert routed(other, "OW1234").carrier == "own"
        assert routed(f"{other} / own", "12345678901").carrier == "own"
        assert routed(other, "12345678901", connected=("any",)).why == f"{said}; any takes what nobody else does"


def test_where_there_is_no_carrier_nobody_is_asked() -> None:
    said = "the courier's name 'Motoboy' stands for no carrier, and nobody can be asked"
    found = routed("Motoboy", "12345678901", "https://own.example/1", connected=("own", "loose", "any"))
    assert (found.carrier, found.why) == (None, said)
    assert routed("Motoboy", "OW1234").carrier == "own"
    assert routed("Motoboy own", "1").carrier == "own"


# ── Texts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://WWW.Correios.com.br/x?y=z", "www.correios.com.br"),
        (" www.correios.com.br/rastreio ", "www.correios.com.br"),
        ("correios.com.br:443", "correios.com.br"),
        ("", ""),
        ("  ", ""),
        ("https://", ""),
        ("/rastreio/1", ""),
        ("http://[", ""),
    ],
)
def test_a_link_has_a_host_or_none(link: str, host: str) -> None:
    assert host_of(link) == host


@pytest.mark.parametrize(
    ("text", "plain"),
    [("  ENVIO_MINI ", "envio mini"), ("Mandaê", "mandae"), ("A__ \t\nB", "a b"), ("Größe", "grosse"), ("", "")],
)
def test_text_is_compared_without_case_accents_and_odd_blanks(text: str, plain: str) -> None:
    assert folded(text) == plain


WORDS = st.sampled_from(["Correios", "Jadlog", "Frenet", "Motoboy", "Sequoia", "TNT", "ſ", "ı", "٣", "", "\x00"])
DIGITS = st.text(alphabet="0123456789٣TXQBR1Z", max_size=46)


@given(
    courier=st.text(max_size=40) | WORDS,
    number=st.text(max_size=40) | DIGITS,
    link=st.text(max_size=40),
    connected=st.lists(st.sampled_from(sorted(KNOWN)), unique=True, max_size=5),
)
def test_any_text_is_routed_with_a_reason(courier: str, number: str, link: str, connected: list[str]) -> None:
    router = Router(claims=KNOWN, connected=connected, couriers={"Entrega Sul": "ssw"})
    found = router.route(Signs(courier=courier, number=number, url=link))
    assert found.why
    assert found.looked_at
    if found.carrier in connected:
        again = router.route(Signs(courier=courier, number=number, url=link), [found.carrier])
        assert again.carrier != found.carrier
