"""
Logins: one folder for each server below the person's configuration folder, with the certificate and key for it.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any, Mapping

from marx.credentials import Credentials, DamagedCredentials
from marx.joining import JoinError, enrol, read_code
from marx.private_files import make_private_folder
from marx.tasker.exits import CONFIGURATION, USAGE, Trouble

#: The login that is meant where none is named.
DEFAULT = "default"


def logins_folder(environ: Mapping[str, str]) -> Path:
    """``$MARX_HOME/logins``, or below the platform's configuration folder."""
    home = environ.get("MARX_HOME")
    if home:
        return Path(home).absolute() / "logins"
    from platformdirs import user_config_path

    return user_config_path("marx", appauthor=False) / "logins"


def login_names(folder: Path) -> list[str]:
    """The servers that there are logins for."""
    return sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def chosen_login(folder: Path, server: str | None) -> str:
    """``server``, else the default one, else the only one. Raises Trouble with 78 where there is none, or not only one."""
    names = login_names(folder)
    if server is not None:
        if server not in names:
            known = ", ".join(names) or "none"
            raise Trouble(f"no login for a server named {server} (known: {known}); type: tasker login --server {server} CODE", CONFIGURATION)
        return server
    if DEFAULT in names or len(names) == 1:
        return DEFAULT if DEFAULT in names else names[0]
    if names:
        raise Trouble(f"there are several logins ({', '.join(names)}); choose one with --server NAME", CONFIGURATION)
    raise Trouble("not logged in; ask who runs the server for a join code and type: tasker login CODE (or use --local)", CONFIGURATION)


def load_login(folder: Path, server: str | None) -> Credentials:
    """The credentials for ``server``. Raises Trouble with 78."""
    name = chosen_login(folder, server)
    try:
        credentials = Credentials.load(folder / name)
    except (DamagedCredentials, OSError) as error:
        raise Trouble(str(error), CONFIGURATION) from error
    if credentials is None:
        raise Trouble(f"the login {name} in {folder} is empty; log in again", CONFIGURATION)
    return credentials


async def log_in(reactor: Any, folder: Path, server: str | None, argument: str, stdin: Any, host: str) -> Credentials:
    """
    Join with the code that ``argument`` names (FILE, ``-`` or the CODE itself) and keep what was given, in place of an older login.

    Raises :class:`Trouble`.
    """
    name = server or DEFAULT
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise Trouble(f"--server {name!r}: a name is of letters, digits, dots, dashes and underscores", USAGE)
    try:
        code = read_code(argument, "tasker", stdin)
        make_private_folder(folder)
        credentials = await enrol(reactor, code, host)
        credentials.save(folder / name)
    except JoinError as error:
        raise Trouble(str(error), error.exit_code) from error
    except OSError as error:
        raise Trouble(f"the login cannot be kept in {folder}: {error.strerror}", CONFIGURATION) from error
    return credentials


def log_out(folder: Path, server: str | None) -> str:
    """Forget a login; its name. Raises Trouble where there is none."""
    name = chosen_login(folder, server)
    try:
        shutil.rmtree(os.path.join(folder, name))
    except OSError as error:
        raise Trouble(f"the login {name} cannot be removed: {error.strerror}", CONFIGURATION) from error
    return name
