"""`twistd marx-server`. Names only: every twistd on this machine imports this file."""

from twisted.application.service import ServiceMaker

server = ServiceMaker(
    "Marx server",
    "marx.server.tap",
    "Marx server: takes tasks from people, hands chunks to workers, keeps results.",
    "marx-server",
)
