"""
How alembic applies the revisions in ``versions``: on the connection and in the transaction of :func:`marx.server.schema.upgrade`.

A new revision is a copy of the last one with the next number, its changes written as operations that never change again; then
``marx.server.schema`` gets the same tables and the same number, and a test compares the two.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
