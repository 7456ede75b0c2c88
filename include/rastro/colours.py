"""Colours that a shop chooses, and what can be read on them."""


def ink_on(colour: str) -> str:
    """
    Black or white, whichever stands out more from a colour: never less than 4.5 to 1, by the luminance of WCAG 2.

    :param colour: ``#rrggbb``.
    """

    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if luminance > 0.179 else "#ffffff"
