"""One function over many items, each of which takes 5 ms and some of which print; tests.proofs.kills maps it. For any Python."""

import time

SECONDS = 0.005
#: One item in so many prints, before its work and after it.
TALKING = 20


def wait_for_its_time():
    time.sleep(SECONDS)


def work(number):
    if number % TALKING == 0:
        print("item %d begins" % number)
    wait_for_its_time()
    if number % TALKING == 0:
        print("item %d ends" % number)
    return value(number)


def value(number):
    return number * 2654435761 % 1000003
