"""Marx: a distributed map engine for a lab. This is the map of the house.

    tasker  --AMP/TLS-->  server  --AMP/TLS-->  worker  --pipes-->  runner (the user's own Python, in a sandbox)

core      what should happen next: pure, `Scheduler.handle(event, now) -> [actions]`
wire      what may be said between the three: AMP commands, argument types, packs
server    takes tasks from people, hands chunks to workers, keeps what comes back
worker    lends the slots of one machine
runner    inside the user's interpreter: standard library only, Python 2.7 and 3.6 to 3.14
tasker    the person's command and its connection

`core` imports nothing of Marx, `wire` imports `core`; `server`, `worker` and `tasker` import `wire`, `core` and the
modules beside this one, and never each other; `runner` imports itself alone and is imported by nobody.
`marx.embedded` joins a server and a worker in one process for `tasker --local`.

Where to start reading: twisted/plugins, then a `tap.py`, then `core/scheduler.py`. tests/test_architecture.py holds
these rules. This file is read by every interpreter that runs a program of a user, so it parses on Python 2.7.
"""

__version__ = "0.1.0"
