"""The Python with libraries for the examples: found, or the lack of it said."""

import sys

import pytest

from tests.science import ScienceMissing, science_python


def test_what_is_named_must_have_the_libraries(tmp_path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho 'ModuleNotFoundError: No module named sklearn' >&2\nexit 1\n")
    bare.chmod(0o755)
    with pytest.raises(ScienceMissing, match=r"lacks a library \(ModuleNotFoundError.*\); `make science` makes one"):
        science_python({"MARX_TEST_SCIENCE": str(bare)})


def test_what_is_named_must_be_there() -> None:
    with pytest.raises(ScienceMissing, match="cannot be run"):
        science_python({"MARX_TEST_SCIENCE": "/nonexistent/python"})


def test_what_has_them_is_described(tmp_path) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\necho {' '.join(map(str, sys.version_info[:3]))}\n")
    fake.chmod(0o755)
    assert science_python({"MARX_TEST_SCIENCE": str(fake)}) == (tuple(sys.version_info[:3]), str(fake))
