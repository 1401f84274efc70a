"""Days into months."""

from . import settings

NAMES = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]


def by_month(days):
    """(millimetres, wet days) for each month of (month, millimetres) pairs."""
    totals = [(0.0, 0)] * len(NAMES)
    for month, amount in days:
        fell = amount * settings.correction
        before, wet = totals[month - 1]
        totals[month - 1] = before + fell, wet + (fell >= settings.dry_below)
    return totals
