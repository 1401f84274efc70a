"""The server: takes tasks from people, hands their chunks to workers, keeps what comes back.

For: the authority, the links from workers and taskers, the store, and carrying out what the scheduler asks for.
Knows nothing about: what an item, a function or a result means. It stores and passes on bytes and never unpickles or
runs any of them. It starts no process of a user.
May import: `marx.wire`, `marx.core`, the modules directly under `marx`; never `marx.worker` or `marx.tasker`.
Read first: `tap`, where everything is joined, then `service`, the only caller of the scheduler.
"""
