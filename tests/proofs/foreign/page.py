"""
The record of other people's sequential programs as a page (reStructuredText). Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from statistics import median
from typing import Any

from bench.circumstances import sentence
from bench.table import table
from tests.proofs.foreign.rows import Slow

#: Reasons that are shown; the record has all.
SHOWN = 25

_HEAD = """Sequential programs of other people
===================================

``python -m tests.proofs.foreign`` takes the source packages of ``tests/proofs/foreign/packages.toml`` from the package index, in the versions and
with the SHA-256 that stand there: algorithmic and scientific packages for Python 2.7 and 3. Every Python file in their folders of examples,
scripts and benchmarks is a program here; what is left out stands in that list with its reason. The whole record is ``docs/proofs/foreign.json``.
"""

_SURVEY = """What the analysis says
----------------------

Asked without running anything, of the Python that would run it. *Places* are loops, comprehensions and maps; *with work* those that call more than
builtins and methods of Python's types, or go through something within; of these are *proved* those of which nothing but values can say no, and
*on conditions* those of which values are asked. ``while`` loops are no sites: each turn decides about the next.
"""
_RUNS = """Whether the results are the same
--------------------------------

Each program plainly twice and under ``tasker run --local=2``, in a copy of its folder: standard output, standard error, exit code and files. Not
compared is what fails plainly (nothing is fetched from the network, and only what the list names is installed), what is unlike itself when it is run
plainly twice, and what takes more than 20 seconds. So that programs that draw are like themselves, the generators that ``random`` and
``numpy.random`` share begin with one state, which the environment's ``sitecustomize`` sets. A program that has not been tried yet counts in the
last column.
"""
_SLOW = """What takes longer than a quarter of a second
--------------------------------------------

Of the programs that end well, each site that takes a quarter of a second in a plain run; *times* is how often it was gone through. The clock is
read before and after a site in the program's own process; of nested ones the outermost counts, and the outermost that is proved. Under Marx, on
two workers of this machine: the site's seconds less what the whole program gains against ``--divide explicit`` (the least of several runs each;
where several sites of a program are divided they share the gain).
"""


def page(record: Mapping[str, Any]) -> str:
    """All of it."""
    packages = record["packages"]
    parts = [_HEAD, f"Last added to with {sentence(record['circumstances'])}.\n"]
    parts += [_SURVEY, *_survey(packages), _RUNS, *_runs(packages), _SLOW, *_slow(packages), _DONE, *_circumstances(packages)]
    return "\n".join([*parts, ""])


def _survey(packages: Mapping[str, Any]) -> Iterator[str]:
    done = {name: one["survey"] for name, one in packages.items() if "survey" in one}
    rows = [(name, packages[name]["python"], *_counts([one])) for name, one in done.items()]
    for version in ("2", "3"):
        rows.append((f"all for {version}", "", *_counts([one for name, one in done.items() if packages[name]["python"].startswith(version)])))
    rows.append((f"all {len(done)}", "", *_counts(done.values())))
    yield table(("package", "Python", "programs", "places", "with work", "proved", "", "on conditions", "not read", "while"), rows) + "\n"
    reasons = sum((Counter(one["reasons"]) for one in done.values()), Counter[str]())
    yield "Why sites with work stay, by how many do:\n"
    yield table(("sites", "reason"), [(str(count), reason) for reason, count in reasons.most_common(SHOWN)]) + "\n"


def _counts(several: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    several = list(several)
    total = {name: sum(one[name] for one in several) for name in ("places", "work", "proved", "conditional", "whiles")}
    share = f"{total['proved'] / total['work']:.0%}" if total["work"] else ""
    counts = (total["places"], total["work"], total["proved"])
    rest = (total["conditional"], sum(len(one["unread"]) for one in several), total["whiles"])
    return (str(sum(len(one["programs"]) for one in several)), *map(str, counts), share, *map(str, rest))


_VERDICTS = ("same", "different", "unlike itself", "fails", "takes long")


def _runs(packages: Mapping[str, Any]) -> Iterator[str]:
    done = {name: one["runs"]["programs"] for name, one in packages.items() if "runs" in one}
    every = [(name, file, run) for name, programs in done.items() for file, run in programs.items()]
    verdicts = Counter(run["verdict"] for _, _, run in every)
    whole = sum(len(programs) == packages[name]["programs"] for name, programs in done.items())
    yield f"{verdicts['same']} of {verdicts['same'] + verdicts['different']} programs that can be compared give the same results."
    yield f"Of {whole} of {len(packages)} packages every program has been tried.\n"
    rows = [(name, packages[name]["python"], *_verdicts(programs, packages[name]["programs"])) for name, programs in done.items()]
    rows.append(("all", "", *(str(sum(int(row[column]) for row in rows)) for column in range(2, 8))))
    yield table(("package", "Python", *_VERDICTS, "not tried"), rows) + "\n"
    for name, file, run in every:
        if run["verdict"] == "different":
            yield f"``{name}``, ``{file}`` differs::\n"
            yield "".join(f"    {line}\n" for text in run["found"] for line in text.splitlines())
    failures = Counter(run["found"][0] for _, _, run in every if run["verdict"] == "fails")
    yield "Why programs fail plainly, the most frequent reasons:\n"
    yield table(("programs", "reason"), [(str(count), f"``{text or 'it says nothing'}``") for text, count in failures.most_common(SHOWN)]) + "\n"


def _verdicts(programs: Mapping[str, Any], count: int) -> tuple[str, ...]:
    verdicts = Counter(run["verdict"] for run in programs.values())
    return (*(str(verdicts[each]) for each in _VERDICTS), str(count - len(programs)))


def _slow(packages: Mapping[str, Any]) -> Iterator[str]:
    rows, speedups = [], []
    for name, one in packages.items():
        for file, timed in one.get("sites", {"programs": {}})["programs"].items():
            for each in (Slow(**row) for row in timed["sites"]):
                rows.append(_slow_row(name, file, each))
                speedups += [each.speedup] if each.speedup else []
    middle = f", {median(speedups):.2f} times as fast in the median" if speedups else ""
    yield f"{len(rows)} sites; {len(speedups)} of them were divided{middle}.\n"
    yield table(("package", "program", "line", "", "plain", "times", "divided", "Marx", "speed-up", "why it stays"), rows) + "\n"


def _slow_row(package: str, file: str, site: Slow) -> tuple[str, ...]:
    divided = str(site.divided) if site.divided else "no"
    marx = (f"{site.marx:.2f} s", f"{site.speedup:.2f}") if site.marx and site.speedup else ("", "")
    place = (package, "/".join(file.split("/")[-2:]), str(site.line), site.construct)
    return (*place, f"{site.seconds:.2f} s", str(site.times), divided, *marx, site.reason)


_DONE = """Where each part was recorded
----------------------------

Packages and parts are added one by one, and each again by itself.
"""


def _circumstances(packages: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for name, one in packages.items():
        for part in ("survey", "runs", "sites"):
            if part in one:
                around = one[part]["circumstances"]
                rows.append((name, part, around["commit"], str(around["changed_files"]), f"{around['load_average']:.1f}", around["date_utc"]))
    yield table(("package", "part", "commit", "files changed", "load", "when"), rows)
