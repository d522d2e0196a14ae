"""One file a room: what of it a process runs and shows, put together from the adapters.

Each has one or both of two functions, and routes.py the list of those who have them:

    routes(assembly) → list[Route]          the room's doors on the public listener
    services(assembly, roles) → None        what the room does in a process of these roles hangs on `assembly.built`

A file names classes of its own room and of rooms below it alone, as the room itself does; what several rooms share is the assembly's.
"""
