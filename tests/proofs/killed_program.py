"""A program with three portions that takes its time: the argument is how many seconds an item sleeps. Plain Python; tests.proofs.killing runs it."""

import multiprocessing
import os
import sys
import time

ITEMS = 60
HERE = os.path.dirname(os.path.abspath(__file__))
OFFSET = 0


def wait_a_little():
    time.sleep(float(sys.argv[1]))


def sown(number):
    print("~1 sown %d" % number)
    wait_a_little()
    with open("seed-%d.txt" % number, "w") as seed:
        seed.write("%d\n" % (number + OFFSET))
    return number * 2


def grown(number):
    wait_a_little()
    with open("seed-%d.txt" % (number // 2)) as seed:
        found = int(seed.read())
    print("~2 grown %d %d" % (number, found))
    return found * number


def reaped(pair):
    number, value = pair
    wait_a_little()
    os.remove("seed-%d.txt" % number)
    sys.stderr.write("~3 reaped %d\n" % number)
    return value % 1009


def main():
    global OFFSET
    name = sys.stdin.readline().strip()
    print("for %s" % name)
    OFFSET = len(name)
    print("[1")
    pool = multiprocessing.Pool(2)
    doubled = pool.map(sown, range(ITEMS))
    print("1]")
    with open("doubled.txt", "w") as kept:
        kept.write("%r\n" % (doubled,))
    print("[2")
    values = []
    for number, value in enumerate(pool.imap(grown, doubled)):
        values.append(value)
        if number % 10 == 0:
            print("so far %d" % sum(values))
    print("2]")
    pool.close()
    pool.join()
    second = multiprocessing.Pool(2)
    print("[3")
    jobs = [second.apply_async(reaped, ((number, value),)) for number, value in enumerate(values)]
    rests = [job.get() for job in jobs]
    print("3]")
    second.close()
    second.join()
    print(sum(rests), sorted(os.listdir(HERE)))
    with open("rests.txt", "w") as kept:
        kept.write("%s: %r\n" % (name, rests))
    sys.exit(5)


if __name__ == "__main__":
    main()
