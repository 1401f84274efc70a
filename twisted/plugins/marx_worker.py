"""`twistd marx-worker`. Names only: every twistd on this machine imports this file."""

from twisted.application.service import ServiceMaker

worker = ServiceMaker(
    "Marx worker",
    "marx.worker.tap",
    "Marx worker: lends this machine's slots to a Marx server.",
    "marx-worker",
)
