"""
What ``tasker divide`` found, as a page to look at: the source with its portions marked, and beside it why. Pure: text in, text out.

One file that needs nothing else: no script, no picture, nothing of the network; readable by daylight, at night and on paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, Iterable, Mapping, Sequence

from marx.tasker.divided import LATER, Division, called, needs_of, rest_of
from marx.tasker.reasons import short

#: The height of a line of the source, in the style as well.
LINE = "19px"

#: How a portion is shown: the class of its lines, and the word in front of its note.
DIVIDED, LATER_ON, VOUCHED, KEPT = "divided", "later", "vouched", "kept"
_WORDS = {DIVIDED: "divided", LATER_ON: LATER, VOUCHED: "divided on your word", KEPT: "stays"}

_STYLE = """
:root { color-scheme: light dark; --page: #fbfaf7; --paper: #ffffff; --ink: #24292f; --faint: #8a8f98; --rule: #e3e1da;
  --divided: #1a7f4b; --later: #2f6fbd; --vouched: #8250c4; --kept: #b4690e; --word: #7a3e9d; --text: #0a6a5b; --note: #8a8f98; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --paper: #1d2025; --ink: #d9dde3; --faint: #777d87; --rule: #2f343b;
  --divided: #4cc38a; --later: #6ea8f0; --vouched: #b794f4; --kept: #e0a458; --word: #c9a0dc; --text: #7fd1c0; --note: #777d87; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 92rem; padding: 2rem 1.5rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; } p { margin: .3rem 0; }
.sub { color: var(--faint); }
.legend { display: flex; flex-wrap: wrap; gap: .5rem 1.4rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.legend li::before { content: ""; display: inline-block; width: .75em; height: .75em; margin-right: .45em; border-radius: 2px; background: var(--mark); }
.divided { --mark: var(--divided); } .later { --mark: var(--later); } .vouched { --mark: var(--vouched); } .kept { --mark: var(--kept); }
.source { display: grid; overflow-x: auto; grid-template-columns: max-content minmax(max-content, 1fr) minmax(20rem, 30rem); background: var(--paper);
  border: 1px solid var(--rule); border-radius: 8px; }
.n, .c { font: 13px/19px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.n { grid-column: 1; padding: 0 .7em 0 1em; text-align: right; color: var(--faint); user-select: none; text-decoration: none; }
.c { grid-column: 2; padding: 0 1em 0 .7em; margin: 0; white-space: pre; border-left: 3px solid transparent; }
.c.in { border-left-color: var(--mark); background: color-mix(in srgb, var(--mark) 9%, transparent); }
.c.first { background: color-mix(in srgb, var(--mark) 17%, transparent); }
.notes { grid-column: 3; border-left: 1px solid var(--rule); padding: 0 .8rem .4rem; font-size: 12.5px; line-height: 18px; }
.note { border-left: 3px solid var(--mark); padding: 0 0 0 .6rem; } .note + .note { margin-top: .35rem; }
.note b { color: var(--mark); font-weight: 600; } .note p { margin: 0; } .note ul { margin: 0; padding-left: 1.1em; }
.note .hint { color: var(--faint); } .n:target { outline: 2px solid var(--later); }
.w { color: var(--word); } .s { color: var(--text); } .r { color: var(--note); font-style: italic; }
@media (max-width: 60rem) { .source { grid-template-columns: max-content 1fr; grid-template-rows: none !important; }
  .notes { grid-column: 1 / -1; grid-row: auto !important; } .n, .c { grid-row: auto !important; } }
@media print { body { max-width: none; padding: 0; } .source { border: 0; overflow: visible; } }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1><p class="sub">{python}</p><ul class="legend">{legend}</ul>
{files}
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """One portion on the page. ``how``: one of the classes above. ``end``: its last line."""

    how: str
    line: int
    end: int
    note: str


def html_page(division: Division, sources: Mapping[str, str]) -> str:
    """The page. ``sources``: the text of each file that has a portion, by its path; what is not there is left out."""
    marks: dict[str, list[Mark]] = {}
    for portion in division.portions:
        marks.setdefault(portion["file"], []).append(_divided(portion, division.folder))
    for kept in division.kept:
        marks.setdefault(kept["file"], []).append(_kept(kept))
    counts = {how: sum(mark.how == how for several in marks.values() for mark in several) for how in _WORDS}
    files = [_file(short(path, division.folder), sources[path], several) for path, several in marks.items() if path in sources]
    return _PAGE.format(
        title=escape(f"{division.program}: what is divided"),
        style=_STYLE,
        python=escape(f"read by Python {division.python.version}, {division.python.reason}; nothing of it was run"),
        legend="".join(f'<li class="{how}">{counts[how]} {escape(word)}</li>' for how, word in _WORDS.items() if counts[how]),
        files="\n".join(files) or "<p>Nothing in it goes through anything, one after the other, that takes time.</p>",
    )


def _divided(portion: Mapping[str, Any], folder: str) -> Mark:
    conditions = portion.get("conditions") or ()
    is_later = any(need["rule"] == "runtime" for need in portion["travels"])
    how = VOUCHED if portion.get("doubt") else LATER_ON if conditions or is_later else DIVIDED
    lines = [*needs_of(portion["travels"], folder)]
    lines += ["what items print is shown in their order"] if portion.get("prints") else []
    inside = [_list("if ", conditions), _list("goes along: ", lines)]
    note = f"<b>{escape(_WORDS[how])}</b> &middot; {_words(called(portion))}"
    for sentence in (rest_of(portion), portion.get("doubt")):
        if sentence:
            inside.insert(0, f"<p>{_words(sentence)}</p>")
    return Mark(how, portion["line"], portion.get("end") or portion["line"], f"{note}{''.join(inside)}")


def _kept(kept: Mapping[str, Any]) -> Mark:
    note = f"<b>{_WORDS[KEPT]}</b> &middot; {_words(_without_line(kept))}"
    if kept.get("hint"):
        note += f'<p class="hint">&rarr; {_words(kept["hint"])}</p>'
    return Mark(KEPT, kept["line"], kept.get("end") or kept["line"], note)


def _without_line(kept: Mapping[str, Any]) -> str:
    """The reason; the line that it begins with, if it is the one that the note stands at, shows by itself."""
    reason: str = kept["reason"]
    return reason.removeprefix(f"line {kept['line']}: ")


def _list(before: str, lines: Sequence[str]) -> str:
    """Few lines stand as they are."""
    return f"<ul>{''.join(f'<li>{escape(before)}{_words(line)}</li>' for line in lines)}</ul>" if lines else ""


def _words(text: str) -> str:
    """A sentence, with what stands in backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))


def _file(name: str, text: str, marks: Iterable[Mark]) -> str:
    ordered = sorted(marks, key=lambda mark: (mark.line, -mark.end))
    lines = coloured(text)
    cells = [_line(number, line, ordered) for number, line in enumerate(lines, 1)]
    starts = sorted({mark.line for mark in ordered})
    ends = [max(end, start + 1) for start, end in zip(starts, [*starts[1:], len(lines) + 1])]
    for start, end in zip(starts, ends):
        notes = "".join(f'<div class="note {mark.how}">{mark.note}</div>' for mark in ordered if mark.line == start)
        cells.append(f'<div class="notes" style="grid-row: {start} / {end}">{notes}</div>')
    return f'<h2>{escape(name)}</h2><div class="source" style="grid-template-rows: {_rows(len(lines), ends)}">{"".join(cells)}</div>'


def _rows(lines: int, ends: Sequence[int]) -> str:
    """The heights of lines: each as high as its text, but the last beside a note, which is as high as the note needs."""
    tracks, last = [], 0
    for end in ends:
        if end - 2 > last:
            tracks.append(f"repeat({end - 2 - last}, {LINE})")
        tracks.append(f"minmax({LINE}, auto)")
        last = end - 1
    return " ".join([*tracks, f"repeat({lines - last}, {LINE})"] if lines > last else tracks)


def _line(number: int, code: str, marks: Sequence[Mark]) -> str:
    """One line: marked as the innermost portion that it is of."""
    around = [mark for mark in marks if mark.line <= number <= mark.end]
    classes = f"c in {around[-1].how}" + (" first" if around[-1].line == number else "") if around else "c"
    row = f'style="grid-row: {number}"'
    return f'<a class="n" id="{number}" {row}>{number}</a><pre class="{classes}" {row}>{code}</pre>'


def coloured(text: str) -> list[str]:
    """The lines of a source as HTML, with its words, texts and remarks told apart."""
    from pygments.lexers.python import PythonLexer
    from pygments.token import Comment, Keyword, String

    kinds = ((Keyword, "w"), (String, "s"), (Comment, "r"))
    lines = [""]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        css = next((name for kind, name in kinds if token in kind), None)
        for place, piece in enumerate(value.split("\n")):
            if place:
                lines.append("")
            if piece:
                lines[-1] += f'<span class="{css}">{escape(piece)}</span>' if css else escape(piece)
    return lines[:-1] if not lines[-1] and len(lines) > 1 else lines
