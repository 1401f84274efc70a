"""The command that mends a missing sandbox, as exactly as this machine lets one say it."""

import shutil
from pathlib import Path

INSTALLERS = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "yum": "yum install",
    "zypper": "zypper install",
    "pacman": "pacman -S",
    "apk": "apk add",
}

FORBIDDING = {
    # setting: (the value that forbids, the command that permits)
    "kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    "user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=15000"),
}
"""Kernel settings that keep an ordinary user from a user namespace, Debian's and Ubuntu's own among them."""

IN_CONTAINER = (
    "docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    " --security-opt systempaths=unconfined"
)

AS_USER = "\nOr start the worker as an ordinary user."


def how_to_install(package: str) -> str:
    """As root, with the package tool that is here; `package` has one name on all of them."""
    for program, command in INSTALLERS.items():
        if shutil.which(program):
            return "Install it as root: %s %s" % (command, package)
    return "Install the package %s." % package


def how_to_permit(as_root: bool, complaint: str, settings: Path = Path("/proc/sys")) -> str:
    """What permits the namespaces that bwrap complained of; nothing for a complaint of another kind."""
    if not any(word in complaint for word in ("namespace", "Operation not permitted", "No permissions", "uid map")):
        return ""
    for name, (forbidding, command) in FORBIDDING.items():
        if not as_root and _value(settings / name) == forbidding:
            return "\nPermit user namespaces as root: %s" % command
    return "\nIn a container, start it with: %s%s" % (IN_CONTAINER, AS_USER if as_root else "")


def _value(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
