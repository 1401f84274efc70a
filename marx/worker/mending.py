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

SETTINGS = Path("/proc/sys")

FORBIDDING = {
    # setting: (the value that forbids, the one that permits)
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "user/max_user_namespaces": ("0", "15000"),
}
"""Kernel settings that keep an ordinary user from a user namespace: older Debian's, Ubuntu's, everybody's."""

COMPLAINTS = ("namespace", "Operation not permitted", "No permissions", "uid map")
"""Words of bwrap where it was not permitted what it needs; whatever else it says has another cause."""

CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Files that Docker and Podman put into theirs."""

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


def how_to_permit(as_root: bool, complaint: str) -> str:
    """What permits the namespaces that bwrap complained of; nothing for a complaint of another kind."""
    if not any(word in complaint for word in COMPLAINTS):
        return ""
    for name, (forbidding, permitting) in FORBIDDING.items():
        if not as_root and _value(SETTINGS / name) == forbidding:
            return "\nPermit user namespaces as root: " + _command(name.replace("/", "."), permitting)
    if any(mark.exists() for mark in CONTAINER_MARKS):
        where = "This is a container that forbids namespaces: start it with"
    else:
        where = "No setting of the kernel forbids namespaces. If this is a container, start it with"
    return "\n%s: %s%s" % (where, IN_CONTAINER, AS_USER if as_root else "")


def _command(setting: str, value: str) -> str:
    """For now and for every start of the machine."""
    return "sysctl -w {0}={1} && echo {0}={1} >/etc/sysctl.d/60-marx.conf".format(setting, value)


def _value(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
