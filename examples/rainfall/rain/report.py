"""One station's year, from its table of days to its report."""

import csv
import os

from rain.months import NAMES, by_month


def days(path):
    """(month, millimetres) for each day of a station's table."""
    with open(path) as table:
        for row in csv.DictReader(table):
            yield int(row["day"].split("-")[1]), float(row["mm"])


def write_months(path, folder):
    """Write a station's report into a folder; its name, its wettest month and how much fell then."""
    name = os.path.splitext(os.path.basename(path))[0]
    months = by_month(days(path))
    with open(os.path.join(folder, name + ".txt"), "w") as report:
        for title, (amount, wet) in zip(NAMES, months):
            report.write("%-10s %6.1f mm on %2d days\n" % (title, amount, wet))
        report.write("%-10s %6.1f\n" % ("year", sum(amount for amount, _ in months)))
    wettest = max(range(len(months)), key=lambda month: months[month][0])
    return name, wettest, months[wettest][0]
