"""Numbers: at the limits of 64 bits, and beyond."""

import sys
from decimal import Decimal
from fractions import Fraction

from matrix.value import value

NUMBERS = [
    value("NaN", float("nan")),
    value("infinity", float("inf")),
    value("minus infinity", float("-inf")),
    value("minus zero", -0.0),
    value("a tenth", 0.1, "argument"),
    value("the largest float", sys.float_info.max, "argument"),
    value("the smallest float", 5e-324, "argument"),
    value("a whole float of 23 digits", 1e22, "argument"),
    value("True", True, "argument"),
    value("None", None, "argument"),
    value("the largest integer of 64 bits", 2**63 - 1, "argument"),
    value("the smallest integer of 64 bits", -(2**63), "argument"),
    value("an integer one above 64 bits", 2**63),
    value("an integer one below 64 bits", -(2**63) - 1),
    value("an integer of 4,300 digits", lambda: 10**4_299),
    value("an integer of 4,301 digits", lambda: 10**4_300, json="1" + "0" * 4_300),
    value("1e5000", lambda: Decimal("1e5000"), json="1e5000"),
    value("1e131071", lambda: Decimal("1e131071"), json="1e131071"),
    value(
        "9,000 times 1e131071",
        lambda: [Decimal("1e131071")] * 9_000,
        json=f"[{'1e131071,' * 8_999}1e131071]",
    ),
    value("9,000 of the smallest float", lambda: [5e-324] * 9_000),
    value("a decimal", Decimal("0.10")),
    value("a decimal that is no number", Decimal("sNaN")),
    value("a fraction", Fraction(1, 3)),
    value("a complex number", 1j),
]
