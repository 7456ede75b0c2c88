import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.numbers import check_digit, check_digit_fits, is_s10, normalise, split_numbers


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("QQ100000017BR", ("QQ100000017BR",)),
        ("DZ 087 632 119 BR", ("DZ087632119BR",)),
        ("  qq100000017br\n", ("QQ100000017BR",)),
        ("QQ.100.000.017-BR", ("QQ100000017BR",)),
        ("QQ100000017BR\u200b\u00a0", ("QQ100000017BR",)),
        ("QQ1000\u200b00017BR", ("QQ100000017BR",)),
        ("QQ1000\x0000017BR", ("QQ100000017BR",)),
        ("ＱＱ100000017ＢＲ", ("QQ100000017BR",)),
        ("Correios: DZ 087 632 119 BR", ("DZ087632119BR",)),
        ("QQ100000017BR;QQ100000025BR", ("QQ100000017BR", "QQ100000025BR")),
        ("QQ100000017BR, QQ100000025BR", ("QQ100000017BR", "QQ100000025BR")),
        ("QQ100000017BR / QQ100000025BR", ("QQ100000017BR", "QQ100000025BR")),
        ("QQ100000017BR QQ100000025BR", ("QQ100000017BR", "QQ100000025BR")),
        ("QQ100000017BR e QQ100000025BR", ("QQ100000017BR", "QQ100000025BR")),
        ("QQ100000017BR\nQQ100000025BR", ("QQ100000017BR", "QQ100000025BR")),
        ("QQ100000017BR;qq 100 000 017 br", ("QQ100000017BR",)),
        ("QQ100000017BR; 12345678901234", ("QQ100000017BR", "12345678901234")),
        ("12345678901234 12345678901235", ("12345678901234", "12345678901235")),
        ("QQ100000017BR 12345678901234", ("QQ100000017BR", "12345678901234")),
        ("12345678 87654321", ("12345678", "87654321")),
        ("1234567 7654321", ("12345677654321",)),
        ("0001 0002 0003", ("000100020003",)),
        ("12345/1", ("12345/1",)),
        ("1234-56", ("1234-56",)),
        ("https://rastreio.example/?objeto=QQ100000017BR", ("QQ100000017BR",)),
        ("https://rastreio.example/abc", ("https://rastreio.example/abc",)),
        ("N/A", ()),
        ("sem rastreio", ()),
        (" ; , ", ()),
        ("", ()),
    ],
)
def test_a_field_holds_the_numbers_a_person_would_read_in_it(typed: str, numbers: tuple[str, ...]) -> None:
    assert split_numbers(typed) == numbers


@given(st.text(max_size=60))
def test_any_text_gives_numbers_that_are_normal_already(typed: str) -> None:
    for number in split_numbers(typed):
        assert number
        if "://" not in number:
            assert normalise(number) == number


@pytest.mark.parametrize(
    ("serial", "digit"), [("47312482", 9), ("58941901", 5), ("86320377", 0), ("00000000", 5), ("10000001", 7)]
)
def test_the_check_digit_is_that_of_the_s10_standard(serial: str, digit: int) -> None:
    assert check_digit(serial) == digit


@pytest.mark.parametrize("serial", ["4731248", "473124829"])
def test_only_eight_digits_have_a_check_digit(serial: str) -> None:
    with pytest.raises(ValueError, match="zip"):
        check_digit(serial)


@pytest.mark.parametrize(
    ("number", "form", "digit"),
    [
        ("RA473124829GB", True, True),
        ("RA473124828GB", True, False),
        ("RA473124829", False, False),
        ("RA47312482９GB", False, False),
        ("", False, False),
    ],
)
def test_a_wrong_check_digit_leaves_the_form_what_it_is(number: str, *, form: bool, digit: bool) -> None:
    assert is_s10(number) is form
    assert check_digit_fits(number) is digit
