"""The calculator counts as people do and cannot be made to count for ever; the clock knows where it is."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.tools import CalculatorTool, ClockTool, call

CALCULATOR = CalculatorTool()
MOMENT = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"),
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.333333333333333"),
        ("6 / 3", "2"),
        ("7 // 2", "3"),
        ("-2 ** 2", "-4"),
        ("2^10", "1024"),
        ("2**-1", "0.5"),
        ("2^0.5^2", "1.18920711500272"),
        ("10 % 3", "1"),
        ("10%3", "1"),
        ("10 % -3", "-2"),
        ("20%", "0.2"),
        ("15% of 80", "12"),
        ("200 * 10%", "20"),
        ("50% * 4", "2"),
        ("(10 + 10)% * 3", "0.6"),
        ("50%-3", "-2.5"),
        ("50%^2", "0.25"),
        ("10 / 50%", "20"),
        ("4 / (20 + 30)%", "8"),
        ("1 / sqrt((2 + 2) * 4)%", "25"),
        ("10 - 15% of (40+40) - 1", "-3"),
        ("2.5 % * 1e3", "25"),
        ("1,000 * 2", "2000"),
        ("(1,234,567.5 + 1) * 2", "2469137"),
        ("max(100,200)", "200"),
        ("max(1, 2,3) + 1,000", "1003"),
        ("round(2.567, 2)", "2.57"),
        ("round(7.5)", "8"),
        ("sqrt(16) + abs(-3)", "7"),
        ("sin(pi)", "0"),
        ("cos(0) + tan(0)", "1"),
        ("log(e)", "1"),
        ("ln(e^2)", "2"),
        ("log(8, 2) + log10(100) + log2(4)", "7"),
        ("exp(0)", "1"),
        ("min(3, 2) + floor(2.9) + ceil(2.1)", "7"),
        ("factorial(20)", "2432902008176640000"),
        ("pow(2, 3)", "8"),
        ("5 \N{MULTIPLICATION SIGN} 3 \N{MINUS SIGN} 8 \N{DIVISION SIGN} 2", "11"),
        ("\N{GREEK SMALL LETTER PI} * 0", "0"),
        (" 2 +\n 2 = ", "4"),
        ("12345678901234567890 * 10", "123456789012345678900"),
        ("1e3", "1000"),
        ("10**999 // 10**998 + 1 ** 99999 + 0 ** 99999", "11"),
        ("+".join(["1"] * 150), "150"),
    ],
)
def test_it_counts_as_people_do(expression: str, value: str) -> None:
    assert CALCULATOR(expression) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("9**9**9", "more than 1,000 digits"),
        ("9^9^9^9", "more than 1,000 digits"),
        ("pow(9, pow(9, 9))", "more than 1,000 digits"),
        ("10**998 * 10**998", "more than 1,000 digits"),
        ("(10**998 * 10**998) % 7", "more than 1,000 digits"),
        ("1e308 * 10", "too large"),
        ("exp(1000)", "too large"),
        ("factorial(401)", "limited to 400"),
        ("factorial(1e300)", "limited to 400"),
        ("factorial(2.5)", "whole numbers"),
        ("factorial(-1)", "negative"),
        ("1/0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("0 ** -1", "divides by zero"),
        ("sqrt(-1)", "math domain error"),
        ("(-8)^(1/3)", "not a real number"),
        ("-" * 900 + "1", "not an arithmetic|too deeply"),
        ("(" * 400 + "1" + ")" * 400, "not an arithmetic|too deeply"),
        ("+".join(["1"] * 400), "too deeply"),
        ("1" * 1001, "longer than 1,000"),
        ("1+" * 100_000, "longer than 1,000"),
        ("9" * 900 + "*" + "9" * 20 + "**9", "more than 1,000 digits"),
        ("round(1.5, -9999999999)", "digits"),
        ("max(1,000, 2)", "without the comma"),
        ("", "not an arithmetic"),
        ("2 +", "not an arithmetic"),
        ("2 3", "not an arithmetic"),
        ("x + 1", "x is not known"),
        ("foo(1)", "no function foo"),
        ("sqrt", "not a number"),
        ("sqrt()", "one argument"),
        ("sqrt(x=4)", "not an arithmetic"),
        ("sqrt + 1", "unsupported"),
        ("'a' * 1000000000", "not a number"),
        (")%" * 500, "percent signs"),
        ("[0] * 10", "not an arithmetic"),
        ("[x for x in (1,)]", "not an arithmetic"),
        ("(lambda: 1)()", "not an arithmetic"),
        ("__import__('os').system('true')", "not"),
        ("(1).__class__", "not an arithmetic"),
        ("pi.real", "not an arithmetic"),
        ("f'{1}'", "not"),
        ("True", "not a number"),
        ("1j", "not a number"),
        ("1 < 2", "not an arithmetic"),
        ("1 << 100000000", "not an arithmetic"),
        ("1 if 1 else 2", "not an arithmetic"),
        ("a := 1", "not an arithmetic"),
        ("1; 2", "not an arithmetic"),
        ("\0", "not an arithmetic|null"),
    ],
)
def test_what_it_does_not_do_it_refuses_at_once(expression: str, why: str) -> None:
    began = time.perf_counter()
    with pytest.raises(UserFacingError, match=why) as refused:
        CALCULATOR(expression)
    assert time.perf_counter() - began < 2
    assert len(str(refused.value)) < 250


@given(st.text(alphabet="0123456789+-*/%^().,e sqrtpifactolx", max_size=60))
def test_any_text_has_a_value_or_is_refused(expression: str) -> None:
    try:
        value = CALCULATOR(expression)
    except UserFacingError:
        return
    assert len(value) <= 1_001
    assert math.isfinite(float(value.replace(",", "")) if len(value) < 300 else 0)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_whole_numbers_are_exact(one: int, other: int) -> None:
    assert CALCULATOR(f"({one:,}) * ({other}) + 1") == str(one * other + 1)


async def test_a_refusal_reaches_the_model_as_a_sentence() -> None:
    result = await call(CALCULATOR, {"expression": "1/0"})
    assert result.error == "Cannot work out '1/0': it divides by zero."
    assert (await call(CALCULATOR, {"expression": 4})).text == "4"


# The clock


def clock() -> ClockTool:
    return ClockTool(lambda: MOMENT)


def test_it_tells_date_weekday_and_time_elsewhere() -> None:
    assert clock()("Europe/Berlin") == {
        "date": "2026-03-01",
        "weekday": "Sunday",
        "time": "00:30:00",
        "time_zone": "Europe/Berlin",
        "utc_offset": "+01:00",
    }


@pytest.mark.parametrize(
    ("given_zone", "zone"),
    [
        ("UTC", "UTC"),
        ("europe/berlin", "Europe/Berlin"),
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("America/New York", "America/New_York"),
        (" Asia/Kolkata ", "Asia/Kolkata"),
    ],
)
def test_zones_are_known_by_their_names_and_cities(given_zone: str, zone: str) -> None:
    assert clock()(given_zone)["time_zone"] == zone


def test_without_a_zone_it_is_the_time_here() -> None:
    here = MOMENT.astimezone()
    assert clock()()["time"] == here.strftime("%H:%M:%S")
    assert clock()("")["date"] == here.date().isoformat()


def test_by_itself_it_tells_the_present() -> None:
    told = ClockTool()("UTC")
    now = datetime.now(UTC)
    assert abs((datetime.fromisoformat(f"{told['date']}T{told['time']}+00:00") - now).total_seconds()) < 5


@pytest.mark.parametrize("zone", ["Middle/Earth", "../../etc/passwd", "/etc/passwd", "\0", "x" * 1000])
async def test_an_unknown_zone_is_refused(zone: str) -> None:
    result = await call(clock(), {"time_zone": zone})
    assert result.error.startswith("There is no time zone")
    assert "Europe/Berlin" in result.error
