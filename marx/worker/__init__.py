"""The worker: lends the slots and seats of one machine to a server.

For: finding interpreters, starting runners in their sandbox, relaying output and reporting results, and what a main
program asks of its portions, through cuts of the connection and restarts of the server.
Knows nothing about: other workers, fairness, tasks as a whole, or what is in a pack. Runners are a folder to start,
not code to import.
May import: `marx.wire`, `marx.core`, the modules directly under `marx`; never `marx.server`, `marx.tasker` or
`marx.runner`.
Read first: `tap`, then `service`, then `slots` and `process`; of main programs `seat`, then `programs`.
"""
