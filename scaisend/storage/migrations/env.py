"""Alembic's door: runs the migrations on the connection it is handed, or on the database of the environment's DATABASE_URL."""

from alembic import context

from scaisend.storage.migrations.run import database_url, locked_connection, run_revisions


def _main() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        run_revisions(connection)
        return
    command = getattr(getattr(context.config, "cmd_opts", None), "cmd", (None,))[0]
    with locked_connection(database_url()) as connection:
        run_revisions(connection, forward=getattr(command, "__name__", "") != "downgrade")


_main()
