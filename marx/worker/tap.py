"""
``twistd marx-worker``: options, and the one place where configuration, reactor, clocks and randomness meet the worker's parts.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.python import usage

from marx.config import ConfigError, WorkerConfig, load_worker, state_folder
from marx.steady import steady
from marx.worker.composing import Surroundings
from marx.worker.daemon import EX_CONFIG, WorkerDaemon


class Options(usage.Options):
    """Options override the file of ``--config``; both are checked together."""

    synopsis = "[options]"
    longdesc = "The Marx worker: lends this machine's slots to a Marx server."
    optParameters = [
        ["state", None, None, "Folder of identity, outbox and scratch files. [/var/lib/marx-worker as root, else the user's state folder]"],
        ["join", None, None, "FILE with a join code, - (standard input) or a single-use CODE; needed once."],
        ["slots", None, None, "Chunks that run at a time. [one for each core]"],
        ["seats", None, None, "Main programs that run at a time. [as many as slots, at least 2]"],
        ["sandbox", None, None, "auto, bwrap, landlock or none (only with --users). [auto: bwrap, and nothing less unless it is named]"],
        ["users", None, None, "NAME,... whose tasks may run here. [everybody]"],
        ["config", None, None, "Configuration file; see etc/marx-worker.toml."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["labels"] = {}
        self["pythons"] = []

    def opt_label(self, label: str) -> None:
        """KEY=VALUE that tasks can ask for; may be repeated."""
        key, equals, value = label.partition("=")
        if not key or not equals:
            raise usage.UsageError(f"--label {label}: expected KEY=VALUE")
        self["labels"][key] = value

    def opt_python(self, path: str) -> None:
        """PATH of a Python interpreter to offer beside those that are found; may be repeated."""
        self["pythons"].append(path)

    def postOptions(self) -> None:
        """Read the configuration; every mistake of file and options is said at once."""
        given = {
            "state": ("--state", self["state"]),
            "join": ("--join", self["join"]),
            "lending.slots": ("--slots", self["slots"]),
            "lending.seats": ("--seats", self["seats"]),
            "lending.sandbox": ("--sandbox", self["sandbox"]),
            "lending.users": ("--users", self["users"].split(",") if self["users"] else None),
            "lending.labels": ("--label", self["labels"] or None),
            "lending.pythons": ("--python", self["pythons"] or None),
        }
        options = {key: (option, value) for key, (option, value) in given.items() if value is not None}
        try:
            self["configuration"] = load_worker(Path(self["config"]) if self["config"] else None, options)
        except ConfigError as error:
            sys.stderr.write("".join(f"marx-worker: {mistake}\n" for mistake in error.mistakes))
            sys.exit(EX_CONFIG)


def makeService(options: Options) -> Service:
    """The daemon's services; nothing is opened before they start."""
    from twisted.internet import reactor

    config: WorkerConfig = options["configuration"]
    around = Surroundings(time.time, random.random, lambda: secrets.token_hex(8))
    services = MultiService()
    daemon: Any = WorkerDaemon(config, state_folder(config.state, "marx-worker"), steady(reactor), os.environ, around)
    daemon.setServiceParent(services)
    return services
