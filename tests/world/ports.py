"""Ports for servers of the tests, below those that the system gives to outgoing connections: they stay free while a server is away."""

import random
import socket

FIRST, LAST = 12_000, 31_999


def free_port(address: str = "127.0.0.1") -> int:
    """A port on which nothing listens at the moment."""
    for port in random.SystemRandom().sample(range(FIRST, LAST + 1), 200):
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port from {FIRST} to {LAST} is free on {address}")
