"""How numbers are written: at most 4 significant digits, never bare where a unit exists."""

import math

MINUS = "−"


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A number for the data object: so many significant digits, None where undefined.

    >>> rounded(0.123456789), rounded(float("nan"))
    (0.123457, None)
    """
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def figure(value: float | None, decimals: int | None = None) -> str:
    """A number with at most 4 significant digits and at most 4 decimals.

    >>> figure(0.41234), figure(12.3456), figure(1234.5), figure(-0.5, 2), figure(None)
    ('0.4123', '12.35', '1,234', '−0.50', 'undefined')
    """
    if value is None:
        return "undefined"
    if decimals is None and 0 < abs(value) < 0.00005:
        return f"{value:.2g}".replace("-", MINUS)
    places = decimals_of(value) if decimals is None else decimals
    return f"{_short(value):,.{places}f}".replace("-", MINUS)


def decimals_of(largest: float) -> int:
    """How many decimals leave a number of this size 4 significant digits: 0 to 4.

    >>> [decimals_of(one) for one in (0.02, 0.5, 3, 47, 5000)]
    [4, 4, 3, 2, 0]
    """
    if not largest:
        return 0
    return max(0, min(4, 3 - math.floor(math.log10(abs(_short(largest))))))


def percent(share: float | None, decimals: int = 1) -> str:
    """A share (0 to 1) as a percentage.

    >>> percent(0.0631), percent(0.0631, 0), percent(0.00004)
    ('6.3 %', '6 %', 'less than 0.1 %')
    """
    if share is None:
        return "undefined"
    if 0 < share < 0.5 * 10 ** -(decimals + 2):
        return f"less than {10.0**-decimals:.{decimals}f} %"
    decimals = min(decimals, max(0, decimals_of(100 * share)))
    return f"{100 * share:,.{decimals}f} %".replace("-", MINUS)


def interval(middle: float, low: float, high: float, unit: str = "", signed: bool = False) -> str:
    """A number and its interval, all with as many decimals as the middle deserves.

    >>> interval(41.2, 33.4, 48.9, " %"), interval(2.14, -3.2, 7.4, " %", signed=True)
    ('41 % [33, 49]', '+2.1 % [−3.2, +7.4]')
    >>> interval(12.9, -0.3, 28.1, " %", signed=True)
    '+12.9 % [−0.3, +28.1]'
    """
    largest = max(abs(middle), abs(low), abs(high))
    decimals = decimals_of(largest)
    if unit:  # no value may be rounded to 0: on which side of it an end lies is the result
        smallest = min((abs(one) for one in (middle, low, high) if one), default=1.0)
        enough = (d for d in range(int(largest < 10), 3) if smallest > 0.5 * 10**-d)
        decimals = next(enough, 3)
    sign = "+" if signed else ""

    def written(value: float) -> str:
        text = f"{_short(value):{sign},.{decimals}f}"
        zero = not any(digit in text for digit in "123456789")
        return (text.lstrip("+-") if zero else text).replace("-", MINUS)

    return f"{written(middle)}{unit} [{written(low)}, {written(high)}]"


def _short(value: float) -> float:
    """The value with 4 significant digits."""
    return float(f"{value:.4g}")


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.004), duration(12.34), duration(200)
    ('< 0.01 s', '12.3 s', '3 min 20 s')
    """
    if seconds < 0.005:
        return "< 0.01 s"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def compact(count: float) -> str:
    """A count short enough for an axis.

    >>> compact(950), compact(12000), compact(2_500_000)
    ('950', '12 k', '2.5 M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= size:
            return f"{count / size:.3g} {letter}"
    return f"{count:.3g}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "user"), counted(1200, "user"), counted(2, "entry", "entries")
    ('1 user', '1,200 users', '2 entries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(n_bytes: int) -> str:
    """Bytes as people say them.

    >>> size(3_200_000_000), size(451_000_000)
    ('3.2 GB', '451 MB')
    """
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:,.0f} MB"
