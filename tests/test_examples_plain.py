"""The examples as plain programs: what a map or a run of each must be equal to, the same under every version of Python."""

import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.pythons import UserPython
from tests.science import ScienceMissing, science_python
from tests.source import CHECKOUT

EXAMPLES = CHECKOUT / "examples"
INSIDE = 23379
"""Points of the whole Mandelbrot picture inside the set: an area of 1.54, where the true one is 1.5066."""


def run(python: UserPython, example: str, folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run an example in `folder` as its user would; its standard output."""
    command = [python.path, "-B", str(EXAMPLES / example), *arguments]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True, check=True).stdout


def values(output: str) -> list:
    """The values of the lines that `tasker map` would print; what items print themselves is left out."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"index": ')]
    assert [line["index"] for line in lines] == list(range(len(lines)))
    return [line["value"] for line in lines]


def is_no_program_for(python: UserPython, example: str) -> bool:
    """Whether this version of Python cannot even read the example."""
    answer = subprocess.run([python.path, "-B", str(EXAMPLES / example)], capture_output=True, text=True)
    return answer.returncode == 1 and "SyntaxError" in answer.stderr


def test_pi_is_the_same_everywhere_and_near_pi(user_python: UserPython, tmp_path: Path) -> None:
    output = run(user_python, "pi/pi.py", tmp_path)
    throws = values(output)
    assert len(throws) == 40
    assert throws[7]["inside"] == throws_again(7, throws[7]["darts"])
    said = run(user_python, "pi/pi.py", tmp_path, "estimate", stdin=output)
    assert said == "pi is 3.14242, give or take 0.00082, after 4000000 darts\n"


@cache
def throws_again(seed: int, darts: int) -> int:
    """The darts of one seed inside the quarter circle, thrown by this interpreter."""
    draw = Random(seed).random
    return sum(draw() ** 2 + draw() ** 2 <= 1.0 for _ in range(darts))


def test_mandelbrot_leaves_its_tiles_and_joins_them(user_python: UserPython, tmp_path: Path) -> None:
    tiles = values(run(user_python, "mandelbrot/mandelbrot.py", tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tile-%02d.png" % number for number in range(16)]
    pixels = {}
    for number, tile in enumerate(tiles):
        width, pixels[number] = read_png(tmp_path / tile["file"])
        assert (width, len(pixels[number])) == (80, 80 * 80)
        assert (zlib.crc32(pixels[number]), pixels[number].count(0)) == (tile["crc"], tile["inside"])
    run(user_python, "mandelbrot/mandelbrot.py", tmp_path, "join")
    width, joined = read_png(tmp_path / "mandelbrot.png")
    rows = [pixels[y // 80 * 4 + column][y % 80 * 80 : y % 80 * 80 + 80] for y in range(320) for column in range(4)]
    assert (width, joined) == (320, b"".join(rows))
    assert joined.count(0) == INSIDE


def test_words_are_counted_under_two_seven(interpreters: tuple[UserPython, ...], tmp_path: Path) -> None:
    two = next((python for python in interpreters if python.name == "2.7"), None)
    if two is None:
        pytest.skip("no Python 2.7 was found on this machine")
    counts = values(run(two, "words/words.py", tmp_path))
    names = [json.loads(line) for line in (EXAMPLES / "words/modules.jsonl").read_text().splitlines()]
    assert len(counts) == len(names) >= 80
    alone = run(two, "words/words.py", tmp_path, "heapq.py")
    assert alone.startswith("heapq.py: 'heap' is its favourite\n")
    assert values(alone) == [counts[names.index("heapq.py")]]
    words = re.findall("[a-z]{2,}", library_source(two, "heapq.py").lower())
    favourites = dict(values(alone)[0]["top"])
    assert favourites == {word: words.count(word) for word in favourites}


def library_source(python: UserPython, name: str) -> str:
    """The text of a file of the standard library of that interpreter."""
    where = subprocess.run([python.path, "-c", "import os; print(os.__file__)"], capture_output=True, text=True, check=True)
    return Path(where.stdout.strip()).with_name(name).read_text(encoding="latin-1")


def test_sweep_finds_the_rates_of_the_outbreak(user_python: UserPython, tmp_path: Path) -> None:
    if user_python.name == "2.7":
        assert is_no_program_for(user_python, "sweep/sweep.py")
        return
    output = run(user_python, "sweep/sweep.py", tmp_path)
    assert len(values(output)) == 120
    said = run(user_python, "sweep/sweep.py", tmp_path, "best", stdin=output)
    assert said.startswith("infection 1.70 and recovery 0.45 a day fit best, off by 16.6 boys a day")


def test_the_old_script_is_for_two_seven_alone(user_python: UserPython) -> None:
    assert is_no_program_for(user_python, "words/words.py") is (user_python.name != "2.7")


def copy_of(example: str, folder: Path) -> Path:
    """An example's folder, to be run in as its user would."""
    return Path(shutil.copytree(EXAMPLES / example, folder / example, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")))


def run_in_copy(python: UserPython, example: str, folder: Path, *arguments: str) -> str:
    """Run the copy in `folder`; its standard output. It must print nothing on standard error."""
    command = [python.path, "-B", example + ".py", *arguments]
    ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_collatz_finds_the_known_records(user_python: UserPython, tmp_path: Path) -> None:
    said = run_in_copy(user_python, "collatz", copy_of("collatz", tmp_path)).splitlines()
    assert said[0] == "2463 takes 208 steps" and said[-2] == "52527 takes 339 steps"
    assert said[-1] == "old acquaintances: 111, 118, 178, 261"
    assert all(steps_to_one(int(line.split()[0])) == int(line.split()[2]) for line in said[:-1])
    assert run_in_copy(user_python, "collatz", tmp_path / "collatz", "30", "100").startswith("2 takes 1 steps\n3 takes 7 steps\n6 takes 8 steps\n")


def steps_to_one(number: int) -> int:
    """By the rule itself, written another way than the example's."""
    return 0 if number == 1 else 1 + steps_to_one(3 * number + 1 if number & 1 else number >> 1)


def test_transits_finds_the_planets_that_are_there(user_python: UserPython, tmp_path: Path) -> None:
    folder = copy_of("transits", tmp_path)
    if user_python.name != "2.7":
        assert is_no_program_for(user_python, "transits/transits.py")
        return
    said = run_in_copy(user_python, "transits", folder, "8").splitlines()
    assert len(said) == 11
    assert said[8:] == ["2 of 8 stars have a planet", "star  7, every 1.50 days", "star  2, every 2.71 days"]


def test_queens_are_put_in_as_many_ways_as_is_known(user_python: UserPython, tmp_path: Path) -> None:
    folder = copy_of("queens", tmp_path)
    if user_python.name == "2.7":
        assert is_no_program_for(user_python, "queens/queens.py")
        return
    said = run_in_copy(user_python, "queens", folder).splitlines()
    columns = [int(line.rpartition(" ")[2]) for line in said[:-1]]
    assert columns == columns[::-1] and sum(columns) == 352
    assert said[-1] == "352 ways for 9 queens; a lone row more takes 12"


def test_rainfall_reads_its_tables_and_leaves_a_report_for_each(user_python: UserPython, tmp_path: Path) -> None:
    folder = copy_of("rainfall", tmp_path)
    said = run_in_copy(user_python, "rainfall", folder)
    assert said.startswith("harbour: June was the wettest month, with 111.2 mm\n")
    assert said.endswith("5 stations, see summary.txt\n")
    totals = {line.split()[0]: float(line.split()[1]) for line in (folder / "summary.txt").read_text().splitlines()}
    assert totals == {name: pytest.approx(rain_of(folder / "data" / f"{name}.csv"), abs=0.06) for name in totals}
    assert sorted(path.stem for path in (folder / "monthly").iterdir()) == sorted(totals) and len(totals) == 5
    assert (folder / "monthly" / "moor.txt").read_text().splitlines()[0] == "January     202.0 mm on 19 days"


def rain_of(path: Path) -> float:
    """What fell at a station by its table, with the correction of settings.ini."""
    return 1.04 * sum(float(line.split(",")[1]) for line in path.read_text().splitlines()[1:])


def test_anagrams_are_found_without_a_guard(user_python: UserPython, tmp_path: Path) -> None:
    if user_python.version >= (3, 14):
        pytest.skip("from 3.14 on a pool needs the guard that this script has not")
    said = run_in_copy(user_python, "anagrams", copy_of("anagrams", tmp_path)).splitlines()
    assert (said[0], said[-1]) == ("244 words", "81 families of anagrams")
    for line in said[1:-1]:
        _, _, words = line.partition(": ")
        assert len({tuple(sorted(word)) for word in words.split()}) == 1 and len(words.split()) > 1


@pytest.fixture(scope="module")
def science() -> UserPython:
    """A Python with the libraries of examples/requirements.txt."""
    try:
        return science_python(os.environ)
    except ScienceMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.mark.slow
def test_digits_are_read_best_by_the_settings_that_the_search_finds(science: UserPython, tmp_path: Path) -> None:
    said = run_in_copy(science, "digits", copy_of("digits", tmp_path)).splitlines()
    scores = {line.partition(" reads")[0]: float(line.split()[-2]) for line in said[:9]}
    assert said[9] == "best: C 10, gamma 0.01" and max(scores, key=scores.__getitem__) == "C 10   gamma 0.01 "
    misread = [int(line.split()[3]) for line in said[10:]]
    assert misread[0] < 9 < 90 < misread[1] < misread[2] <= 135


@pytest.mark.slow
def test_ripples_draw_the_same_picture_each_time(science: UserPython, tmp_path: Path) -> None:
    folder = copy_of("ripples", tmp_path)
    assert run_in_copy(science, "ripples", folder) == "highest wave 1.972, lowest -1.995; see ripples.png\n"
    first = (folder / "ripples.png").read_bytes()
    run_in_copy(science, "ripples", folder, "again.png")
    assert first[:8] == b"\x89PNG\r\n\x1a\n" and first == (folder / "again.png").read_bytes()
    assert struct.unpack(">II", first[16:24]) == (480, 480) and b"Software" not in first


def read_png(path: Path) -> tuple[int, bytes]:
    """Width and grey pixels of a PNG, read by its specification and not by the example's own code."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        chunks[kind], at = body, at + 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 0)
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[start : start + width + 1] for start in range(0, len(raw), width + 1)]
    assert len(rows) == height and all(row[0] == 0 for row in rows)
    return width, b"".join(row[1:] for row in rows)
