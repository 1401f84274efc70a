"""
What a main program does beside its portions: it reads, prints, starts threads and processes, and ends in one way or another.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.proofs.generator.aspects import NEWEST

EARLY, LATE, LAST = "early", "late", "last"


@dataclass(frozen=True)
class Extra:
    """A few lines of the main program: ``when`` it has not begun its portions (early), has ended them (late), or ends (last)."""

    name: str
    when: str
    text: str
    top: str = ""
    imports: tuple[str, ...] = ()
    since: tuple[int, int] = (2, 7)
    until: tuple[int, int] = NEWEST


_PROCESS = """queue = multiprocessing.Queue()
process = multiprocessing.Process(target=answer, args=(queue, 21))
process.start()
say('answer', queue.get(True, LIMIT))
process.join()
say('ended with', process.exitcode)"""
_THREADS = """threads = [threading.Thread(target=heard.append, args=(k,)) for k in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say(sorted(heard))"""
_LOGGING = "logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')\nlogging.info('logged')"

EXTRAS = (
    Extra("lines of standard input", EARLY, "for line in sys.stdin:\n    say('read', line.rstrip())"),
    Extra("one line of standard input", EARLY, "say('read', sys.stdin.readline().rstrip())"),
    Extra("arguments", EARLY, "say('arguments', sys.argv[1:])"),
    Extra("name and file", EARLY, "say(__name__, os.path.basename(__file__), __doc__)"),
    Extra("print to standard error", EARLY, "complain('warning')"),
    Extra("file written early", EARLY, "with open('early.txt', 'w') as early:\n    early.write('early\\n' * 3)"),
    Extra("atexit", EARLY, "atexit.register(farewell)", "def farewell():\n    say('farewell')", ("atexit",)),
    Extra("logging", EARLY, _LOGGING, "", ("logging",)),
    Extra("warnings", EARLY, "warnings.warn('careful')", "", ("warnings",)),
    Extra("thread", EARLY, _THREADS, "heard = []", ("threading",)),
    Extra("Process and Queue", EARLY, _PROCESS, "def answer(queue, number):\n    queue.put(number * 2)", ("multiprocessing",)),
    Extra("child process", EARLY, "sys.stdout.flush()\nsubprocess.call([sys.executable, '-c', 'print(6 * 7)'])", "", ("subprocess",)),
    Extra(
        "thread pool",
        LATE,
        "threads = multiprocessing.dummy.Pool(2)\nsay(threads.map(abs, [-1, 2, -3]))\nthreads.close()\nthreads.join()",
        "",
        ("multiprocessing.dummy",),
    ),
    Extra("random numbers of the program", EARLY, "random.seed(5)\nsay(random.random())", "", ("random",)),
    Extra("folder made", LATE, "if not os.path.isdir('late'):\n    os.makedirs(os.path.join('late', 'empty'))"),
    Extra("file rewritten", LATE, "with open('given.txt', 'a') as given:\n    given.write('more\\n')"),
    Extra("file deleted", LATE, "os.remove('given.txt')"),
    Extra("a traceback is printed", LATE, "try:\n    {}['missing']\nexcept KeyError:\n    traceback.print_exc()", "", ("traceback",)),
    Extra("exit code", LAST, "sys.exit(3)"),
    Extra("exit with a message", LAST, "sys.exit('that was it')"),
    Extra("uncaught exception", LAST, "raise RuntimeError('uncaught')"),
    Extra("hard exit", LAST, "sys.stdout.flush()\nos._exit(7)"),
    Extra("end by a signal", LAST, "sys.stdout.flush()\nos.kill(os.getpid(), signal.SIGTERM)", "", ("signal",)),
)
