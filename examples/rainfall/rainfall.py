#!/usr/bin/env python
"""Rain of a few imaginary stations: each station's month by month into a file of its own, then a summary. Runs on Python 2.7 and 3.

    python rainfall.py [DATA]

Reads DATA/*.csv (data/*.csv beside this file) and settings.ini; writes monthly/STATION.txt and summary.txt where it is started.
"""

from __future__ import print_function

import glob
import multiprocessing
import os
import sys

from rain import settings
from rain.months import NAMES
from rain.report import write_months

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = "monthly"


def summarize(paths):
    """One line for each file that the stations' reports left."""
    for path in paths:
        with open(path) as report:
            total = report.readlines()[-1].split()[-1]
        yield "%-10s %7s mm\n" % (os.path.splitext(os.path.basename(path))[0], total)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "data")
    stations = sorted(glob.glob(os.path.join(folder, "*.csv")))
    if not stations:
        sys.exit("%s: no stations" % folder)
    if not os.path.isdir(RESULTS):
        os.mkdir(RESULTS)
    pool = multiprocessing.Pool(3, settings.load, (os.path.join(HERE, "settings.ini"),))
    jobs = [pool.apply_async(write_months, (path, RESULTS)) for path in stations]
    pool.close()
    for job in jobs:
        name, wettest, amount = job.get()
        print("%s: %s was the wettest month, with %.1f mm" % (name, NAMES[wettest], amount))
    pool.join()
    with open("summary.txt", "w") as summary:
        summary.writelines(summarize(sorted(glob.glob(os.path.join(RESULTS, "*.txt")))))
    print("%d stations, see summary.txt" % len(stations))


if __name__ == "__main__":
    main()
