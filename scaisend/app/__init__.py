"""app: puts the house together.

What it does: reads the settings, chooses the concrete adapters, hangs services on roles, listens, drains, and is the command line.
Doors: the `scaisend` script (cli.py), `twistd scaisend` (tap.py), the operator's HTTP doors (ops_api.py), the dev inbox.
Laws: concrete classes are named in assembly.py and rooms/; a role is a row in roles.py; a room's doors and services are hung up in rooms/; a setting is a row
in config.py; a metric is a row in metrics.py.
"""
