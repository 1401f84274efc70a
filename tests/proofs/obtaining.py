"""
Getting other people's programs: source distributions by ``pip download``, checked against their SHA-256, unpacked once, laid out afresh for each run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

from tests.proofs.manifest import Program, Source

#: Seconds that one download may take.
PATIENCE = 300
INDEX = "https://pypi.org/simple/"


class NotObtained(Exception):
    """A source could not be had, or is not the one that was meant."""


def obtain(source: Source, cache: Path, python: str = sys.executable) -> Path:
    """The unpacked source below ``cache``; ``python`` is whose pip fetches it, or else our own's. Raises NotObtained."""
    unpacked = cache / "sources" / source.name
    if not unpacked.exists():
        archive = cache / "archives" / source.file
        if not archive.exists():
            _download(source, archive.parent, python)
        _verify(source, archive)
        _unpack(archive, unpacked)
    return unpacked


def _download(source: Source, folder: Path, python: str) -> None:
    """Old sources make their metadata in an old Python only. No constraints of the machine's: pip 20.3 would look for their links, too."""
    environ = {**os.environ, "PIP_CONSTRAINT": os.devnull}
    words = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder), source.requirement]
    for each, more in {python: ["--no-build-isolation"], sys.executable: []}.items():
        said = subprocess.run([each, *words, *more], capture_output=True, text=True, timeout=PATIENCE, env=environ)
        if (folder / source.file).exists():
            return
    try:
        _fetch(source, folder)
    except (OSError, LookupError, ValueError):
        raise NotObtained(f"pip did not fetch {source.file}: {said.stderr.strip()[-500:]}") from None


def _fetch(source: Source, folder: Path) -> None:
    """By the index's own list (PEP 691): what pip wants to build a source with may be gone. Raises OSError, LookupError or ValueError."""
    name = source.requirement.partition("==")[0]
    asked = urllib.request.Request(f"{INDEX}{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        addresses = {file["filename"]: file["url"] for file in json.load(answer)["files"]}
    partial = folder / (source.file + ".partial")
    with urllib.request.urlopen(addresses[source.file], timeout=PATIENCE) as answer, partial.open("wb") as file:
        shutil.copyfileobj(answer, file)
    partial.rename(folder / source.file)


def _verify(source: Source, archive: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != source.sha256:
        raise NotObtained(f"{source.file} has the SHA-256 {found}, but {source.sha256} was meant")


def _unpack(archive: Path, folder: Path) -> None:
    """What the archive's one folder holds, at ``folder``; there whole or not at all."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(partial)
    else:
        with tarfile.open(archive) as opened:
            opened.extractall(partial, filter="data")
    [top] = partial.iterdir()
    top.rename(folder)
    partial.rmdir()


def lay_out(program: Program, folder: Path, cache: Path, standard_library: Path) -> None:
    """The working folder of one run, new; time stamps are the archive's, so that two are alike."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place in program.take:
        assert program.source is not None, program.name
        _copy(cache / "sources" / program.source.name / place, folder)
    for place in program.standard:
        _copy(standard_library / place, folder)
    for name, text in program.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _copy(origin: Path, folder: Path) -> None:
    if origin.is_dir():
        shutil.copytree(origin, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyo"))
    else:
        shutil.copy2(origin, folder)


def standard_library(python: str) -> Path:
    """Where the interpreter at ``python`` has its own modules."""
    argv = [python, "-c", "import os; print(os.path.dirname(os.__file__))"]
    return Path(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip())
