"""Questions about absolute, normalized paths as text; nothing here looks at the disk."""

from collections.abc import Iterable, Iterator


def is_within(path: str, *folders: str) -> bool:
    """Whether `path` is one of `folders` or lies below one."""
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def depth(path: str) -> int:
    """How many names long it is: 0 for "/"."""
    return len([part for part in path.split("/") if part])


def parents(path: str) -> Iterator[str]:
    """The folders above `path` without the root, outermost first: /a, /a/b for /a/b/c."""
    parts = [part for part in path.split("/") if part]
    for count in range(1, len(parts)):
        yield "/" + "/".join(parts[:count])


def outermost(paths: Iterable[str]) -> list[str]:
    """In their order and once, without those that lie within another of them."""
    single = list(dict.fromkeys(paths))
    return [path for path in single if not is_within(path, *(other for other in single if other != path))]
