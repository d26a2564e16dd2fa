"""Runs migrations on the connection that `Store.migrate` holds open."""

from alembic import context

from matcher.records.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
