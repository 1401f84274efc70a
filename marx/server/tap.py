"""
``twistd marx-server``: options, and the one place where configuration, files, reactor and clocks meet the server's parts.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.python import usage

from marx.config import ConfigError, ServerConfig, load_server, state_folder
from marx.server.daemon import ServerDaemon
from marx.server.ids import make_id
from marx.server.surroundings import Surroundings
from marx.steady import steady

#: Seconds after which a thread gives way to another. The reactor gives up the interpreter at each send, and Python's usual 5 ms is what the
#: store's writer may then keep it: a single write's median fell from 4.1 to 2.0 ms under load.
SWITCH_SECONDS = 0.0005
#: Exit code of a configuration that cannot be used (EX_CONFIG of sysexits.h).
EX_CONFIG = 78


class Options(usage.Options):
    """Options override the file of ``--config``; both are checked together."""

    synopsis = "[options]"
    longdesc = "The Marx server: keeps tasks, hands their chunks to workers, gives results back."
    optParameters = [
        ["state", None, None, "Folder of everything that must survive. [/var/lib/marx-server as root, else the user's state folder]"],
        ["port", None, None, "TCP port to listen on; 0 takes a free one and writes it to STATE/port. [1848]"],
        ["interface", None, None, "Address of the interface to listen on. [all]"],
        ["config", None, None, "Configuration file; see etc/marx-server.toml."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["address"] = []

    def opt_address(self, host: str) -> None:
        """Host name or address that join codes give; may be repeated. [this machine's own]"""
        self["address"].append(host)

    def postOptions(self) -> None:
        """Read the configuration; every mistake of file and options is said at once."""
        given = {
            "state": ("--state", self["state"]),
            "listen.port": ("--port", self["port"]),
            "listen.interface": ("--interface", self["interface"]),
            "listen.addresses": ("--address", self["address"] or None),
        }
        try:
            self["configuration"] = load_server(Path(self["config"]) if self["config"] else None, given_only(given))
        except ConfigError as error:
            sys.stderr.write("".join(f"marx-server: {mistake}\n" for mistake in error.mistakes))
            sys.exit(EX_CONFIG)


def given_only(options: dict[str, tuple[str, Any]]) -> dict[str, tuple[str, Any]]:
    """The options that were given."""
    return {key: (option, value) for key, (option, value) in options.items() if value is not None}


def makeService(options: Options) -> Service:
    """The daemon's services; nothing is opened before they start."""
    from twisted.internet import reactor

    sys.setswitchinterval(SWITCH_SECONDS)
    config: ServerConfig = options["configuration"]
    around = Surroundings(steady(reactor), time.time, make_id)
    services = MultiService()
    ServerDaemon(config, state_folder(config.state, "marx-server"), reactor, around).setServiceParent(services)
    return services
