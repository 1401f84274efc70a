"""The tasker: the person's command and its connection.

For: turning what a person types into a task, sending its files, and showing what comes back as a plain run would.
Knows nothing about: scheduling, storage, sandboxes. It never runs, imports or unpickles what users wrote.
May import: `marx.wire`, `marx.core`, the modules directly under `marx`; never `marx.server` or `marx.worker`.
Read first: `cli`, then `link` and `follow`.
"""
