"""
``python -m tests.proofs.ablation``: the test of the proof of found portions. One rule is switched off at a time, and drawn programs must show it.

The rules stand in ``tests/proofs/loops/rules.py``. Programs of one site are tried, first those of the form or work that a rule names, then all
others that have a trap, until one shows that the rule is missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from bench.circumstances import circumstances, sentence
from bench.table import table
from tests.proofs.found import Bench, benches
from tests.proofs.loops.drawing import Program, Site, may_run
from tests.proofs.loops.forms import FORMS, Form
from tests.proofs.loops.rules import RULES, Rule
from tests.proofs.loops.works import HARMLESS, TRAPS, Work
from tests.pythons import UserPython, found_pythons
from tests.runner.playing import Run

_HEAD = """Rules that are switched off
===========================

``python -m tests.proofs.ablation`` switches off one rule of the analysis, or one check at run time, in a copy of the runner, and tries generated programs of
one site until one shows it: comes out differently than plainly, or, for a rule of the analysis, is set right or kept by a check at run time where
that was not so with the rule. A rule that nothing shows would be one that the generated programs do not test.
"""
PLACES = ("module", "function")


class Verdict(NamedTuple):
    """``tried``: programs until one showed it. ``by``: the form and the work of that one, "" where none did. ``how``: what was seen."""

    rule: Rule
    tried: int
    by: str
    how: str


def programs(rule: Rule, version: tuple[int, int], is_whole: bool) -> Iterator[Program]:
    """Those that may show it, the likeliest first; without ``is_whole`` no others."""
    forms, works = ([each for each in several if may_run(each, version)] for several in (FORMS, (*HARMLESS, *TRAPS)))
    named = {each.name: each for each in forms}
    few = [named["list comprehension"], named["appending loop"], named["loop that prints"], named["map"]]
    arithmetic, prints = (next(work for work in works if work.name == name) for name in ("arithmetic", "prints"))
    pairs: list[tuple[Form, Work]] = [(form, work) for work in works if work.name == rule.by for form in few]
    pairs += [(form, work) for form in forms if form.name == rule.by for work in (arithmetic, prints)]
    if is_whole:
        pairs += [(few[0], work) for work in works if work.trap] + [(form, arithmetic) for form in forms if form.trap]
    for form, work in pairs:
        for place in PLACES:
            site = Site(1, form, work, place, "[0, 1, 2, 3, 4, 5]")
            yield Program("from __future__ import print_function\n" if version < (3,) and not site.prints_as_in_2 else "", (site,))


def shown(with_rule: Bench, bench: Bench, program: Program, rule: Rule) -> str:
    """What a program shows of a rule that is off in ``bench``; "" where it shows nothing. ``with_rule``: where it is on."""
    differences, run = bench.tried(program)
    if not differences and (not run.portions or rule.finding != "proved"):
        return ""
    before, run_before = with_rule.tried(program)
    if differences:
        return "" if before else "different"
    if corrections(run) > corrections(run_before):
        return "set right at run time"
    return "kept at run time" if run.stayed and run.stayed != run_before.stayed else ""


def corrections(run: Run) -> int:
    """How often an item was computed elsewhere in vain."""
    return len(run.notes) + sum(portion.is_dropped for portion in run.portions)


def judged(rule: Rule, with_rule: Bench, bench: Bench, version: tuple[int, int], is_whole: bool) -> Verdict:
    """Switch a rule off, and try."""
    tried = 0
    with bench.exchanged(*rule.edits):
        for tried, program in enumerate(programs(rule, version, is_whole), 1):
            how = shown(with_rule, bench, program, rule)
            if how:
                site = program.sites[0]
                return Verdict(rule, tried, f"{site.form.name}, {site.work.name}", how)
    return Verdict(rule, tried, "", "")


def python_of(rule: Rule, pythons: Sequence[UserPython]) -> UserPython | None:
    """The interpreter to try a rule with; None where there is none."""
    fitting = [python for python in pythons if (python.version < (3,)) == rule.two]
    return fitting[-1] if fitting else None


def all_judged(rules: Sequence[Rule], pythons: Sequence[UserPython], is_whole: bool) -> Iterator[Verdict]:
    """One rule after the other, but for those that no interpreter here can show."""
    for finding in ("proved", "numbered"):
        mine = [(rule, python) for rule in rules if rule.finding == finding and (python := python_of(rule, pythons))]
        used = sorted({python for _, python in mine})
        with benches(used, finding) as with_rules, benches(used, finding) as opened:
            for rule, python in mine:
                yield judged(rule, with_rules[python], opened[python], python.version[:2], is_whole)


def write_record(verdicts: Sequence[Verdict], pythons: Sequence[str], folder: Path) -> None:
    """``ablation.json`` and ``ablation.rst`` in ``folder``."""
    around = circumstances()
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(each.rule.name, each.how or "nothing", str(each.tried), each.by) for each in verdicts]
    said = {"circumstances": around, "pythons": list(pythons), "rules": [dict(zip(("rule", "shown", "tried", "by"), row, strict=True)) for row in rows]}
    (folder / "ablation.json").write_text(json.dumps(said, indent=1) + "\n")
    told = f"Recorded with {sentence(around)}. User programs under Python {', '.join(pythons)}.\n"
    (folder / "ablation.rst").write_text("\n".join([_HEAD, told, table(("switched off", "shown as", "programs tried", "by"), rows), ""]))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rule", "names", multiple=True, metavar="TEXT", help="Only rules whose names hold this.")
@click.option("--quick", is_flag=True, help="Only programs of the form or work that a rule names.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
def ablation(names: Sequence[str], quick: bool, record: Path | None) -> None:
    """Switch off one rule at a time, and try programs until one shows it."""
    pythons = found_pythons(os.environ)
    chosen = [rule for rule in RULES if not names or any(name in rule.name for name in names)]
    verdicts = []
    for verdict in all_judged(chosen, pythons, not quick):
        verdicts.append(verdict)
        click.echo(f"{verdict.rule.name}: {verdict.how or 'NOTHING'} after {verdict.tried} programs ({verdict.by})")
    missed = [verdict.rule.name for verdict in verdicts if not verdict.how]
    if record is not None:
        write_record(verdicts, sorted({"%d.%d.%d" % python.version for rule in chosen if (python := python_of(rule, pythons))}), record)
    if missed:
        raise click.ClickException(f"nothing shows that these are missing: {', '.join(missed)}")


if __name__ == "__main__":
    ablation()
