"""Danish public holidays, on which the hotline keeps other hours."""

from datetime import date
from functools import lru_cache

from holidays import country_holidays


@lru_cache(maxsize=16)
def _year(year: int) -> frozenset[date]:
    return frozenset(country_holidays("DK", years=year))


def is_danish_holiday(day: date) -> bool:
    """Tell whether a day is a public holiday in Denmark."""
    return day in _year(day.year)
