"""The long runs: every fault point at several passings, random kills, servers that go and come under load, bytes at random.

    python -m tests.torture [--rounds N] [--seconds S] [--only embedded,servers,…] [--seed N] [--json FILE]

Each trial ends with a reckoning: nothing lost, nothing half there, no copy but out of doubt, a clean ledger. The exit code is 1 if not.
"""

import argparse
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from tests.world import garbled
from tests.world.installation import DevInstallation
from tests.world.kills import EMBEDDED_KILLS, SERVER_KILLS, Chain, Kill, embedded_chain, random_kill, servers_chain
from tests.world.load import Promises, make_requests, send
from tests.world.mariadb import PrivateMariadb, private_mariadb
from tests.world.redis_server import redis_server

PASSINGS = (1, 2, 5, 17)
KILLS_A_CHAIN = 8
FORGED_MAILS = 100_000


@dataclass(slots=True)
class Result:
    """One trial: how often the world was disturbed, what was sent, and everything that is wrong."""

    trial: str
    disturbances: int = 0
    accepted: int = 0
    unanswered: int = 0
    delivered: int = 0
    resent: int = 0
    copies: int = 0
    missed: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """0 when every trial came out right."""
    parser = argparse.ArgumentParser(prog="tests.torture", description="Kills, outages and random bytes; figures at the end.")
    parser.add_argument("--rounds", type=int, default=1, help="how often every trial is run (default 1)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each trial of random kills or outages (default 60)")
    parser.add_argument("--only", default="", help=f"some of {','.join(TRIALS)}")
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier run's choices")
    parser.add_argument("--json", default="torture-results.json", metavar="FILE", help="where the figures go (default torture-results.json)")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    draw = random.Random(seed)
    chosen = [name for name in options.only.split(",") if name] or list(TRIALS)
    print(f"seed {seed}\n{_HEAD}", flush=True)
    results = []
    for _ in range(options.rounds):
        for name in chosen:
            results.append(_run(name, draw, options.seconds))
    with open(options.json, "w", encoding="utf-8") as stream:
        json.dump({"seed": seed, "trials": [asdict(each) for each in results]}, stream, indent=2)
    total = sum(each.disturbances for each in results)
    print(f"{total} disturbances, {sum(each.accepted for each in results)} accepted recipients, {sum(len(each.wrong) for each in results)} faults; {options.json}")
    return 1 if any(each.wrong for each in results) else 0


_HEAD = f"{'trial':<18}{'disturbed':>10}{'accepted':>10}{'unanswered':>12}{'delivered':>11}{'resent':>8}{'copies':>8}{'missed':>8}{'seconds':>9}  wrong"


def _run(name: str, draw: random.Random, seconds: float) -> Result:
    result, began = Result(name), time.monotonic()
    try:
        TRIALS[name](result, draw, seconds)
    except AssertionError as error:
        result.wrong.append(str(error)[:4000])
    result.seconds = round(time.monotonic() - began, 1)
    print(
        f"{name:<18}{result.disturbances:>10}{result.accepted:>10}{result.unanswered:>12}{result.delivered:>11}{result.resent:>8}"
        f"{result.copies:>8}{result.missed:>8}{result.seconds:>9}  {len(result.wrong)}", flush=True,
    )
    for line in result.wrong[:10]:
        print(f"    {line}", flush=True)
    return result


def _count(result: Result, chain: Chain) -> None:
    """The reckoning of the chain is the trial's result so far."""
    found = chain.reckoning()
    result.disturbances, result.missed = len(chain.killed), len(chain.missed)
    result.accepted, result.unanswered, result.delivered = found.accepted, found.unanswered, found.delivered
    result.resent, result.copies = found.resent, found.copies
    result.wrong += found.wrong[:20]
    result.wrong += chain.house.alarms()[:5]
    chain.house.audit()


# -- kills --


def _points(kills: tuple[Kill, ...], draw: random.Random) -> list[Kill]:
    """Every point of the table at each of the passings, in any order."""
    places = sorted({(kill.victim, kill.point.partition(":")[0]) for kill in kills})
    found = [Kill(victim, f"{point}:{passing}") for victim, point in places for passing in PASSINGS]
    draw.shuffle(found)
    return found


def _kill_at_points(result: Result, chain: Chain, kills: list[Kill]) -> None:
    chain.dies_within_s = 12.0
    try:
        for start in range(0, len(kills), KILLS_A_CHAIN):
            for kill in kills[start : start + KILLS_A_CHAIN]:
                chain.run(kill)
            _count(result, chain)
            if result.wrong:
                return
    finally:
        chain.close()


def _kill_at_random(result: Result, chain: Chain, draw: random.Random, seconds: float) -> None:
    chain.sink.dot_delay_s = 0.01
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and not result.wrong:
            for _ in range(KILLS_A_CHAIN):
                chain.run(random_kill(list(chain.roles), draw), requests=60)
            _count(result, chain)
    finally:
        chain.close()


def embedded_points(result: Result, draw: random.Random, seconds: float) -> None:
    _kill_at_points(result, embedded_chain(), _points(EMBEDDED_KILLS, draw))


def servers_points(result: Result, draw: random.Random, seconds: float) -> None:
    _kill_at_points(result, servers_chain(private_mariadb(), redis_server()), _points(SERVER_KILLS, draw))


def alone_points(result: Result, draw: random.Random, seconds: float) -> None:
    _kill_at_points(result, servers_chain(private_mariadb(), None), _points(SERVER_KILLS, draw))


def embedded_random(result: Result, draw: random.Random, seconds: float) -> None:
    _kill_at_random(result, embedded_chain(), draw, seconds)


def servers_random(result: Result, draw: random.Random, seconds: float) -> None:
    _kill_at_random(result, servers_chain(private_mariadb(), redis_server()), draw, seconds)


def hold_policy(result: Result, draw: random.Random, seconds: float) -> None:
    """With SMTP_IN_DOUBT_POLICY=hold there is not one copy: what is in doubt stays so."""
    chain = embedded_chain(SMTP_IN_DOUBT_POLICY="hold")
    try:
        for point in ("smtp.ACKNOWLEDGED:5", "smtp.DOT:5", "delivery.before_record:3", "delivery.after_mark:1", "delivery.after_record:3"):
            chain.run(Kill("all", point), requests=40)
        chain.start()
        time.sleep(20)
        result.disturbances = len(chain.killed)
        states, copies = chain.house.states(), chain.sink.copies
        result.accepted = sum(len(each.recipients) for each in chain.promises.accepted)
        result.delivered, result.copies = states["delivered"], sum(count - 1 for count in copies.values() if count > 1)
        if result.copies:
            result.wrong.append(f"{result.copies} copies under the policy `hold`")
        if not set(states) <= {"delivered", "in_doubt"}:
            result.wrong.append(f"neither delivered nor held: {states} {chain.house.open_rows()}")
    finally:
        chain.close()


# -- outages --


def _disturbed(result: Result, chain: Chain, disturb: Callable[[], None], seconds: float) -> None:
    """Mail comes in all the time while the world is disturbed again and again; then it is counted."""
    stop = threading.Event()

    def load() -> None:
        batch = 0
        while not stop.is_set():
            batch += 1
            chain.promises.add(send(chain.house.url("api"), chain.house.api_key, make_requests(f"l{batch}", 50, sender=chain.house.sender)))
            stop.wait(0.2)

    try:
        chain.start()
        client = threading.Thread(target=load)
        client.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                disturb()
                chain.killed.append("outage")
        finally:
            stop.set()
            client.join(120)
        _count(result, chain)
    finally:
        chain.close()


def _away(mariadb: PrivateMariadb, draw: random.Random) -> None:
    draw.choice((mariadb.stop, mariadb.kill))()
    time.sleep(draw.random() * 3)
    mariadb.start()
    time.sleep(1 + draw.random() * 3)


def database_away(result: Result, draw: random.Random, seconds: float) -> None:
    mariadb = private_mariadb()
    chain = servers_chain(mariadb, redis_server())
    try:
        _disturbed(result, chain, lambda: _away(mariadb, draw), seconds)
    finally:
        mariadb.start()


def redis_away(result: Result, draw: random.Random, seconds: float) -> None:
    redis = redis_server()

    def disturb() -> None:
        what = draw.choice(("kill", "wipe", "hang"))
        if what == "wipe":
            redis.wipe()
        elif what == "kill":
            redis.kill()
            time.sleep(draw.random() * 3)
            redis.start()
        else:
            redis.pause()
            time.sleep(draw.random() * 8)
            redis.resume()
        time.sleep(draw.random() * 2)

    chain = servers_chain(private_mariadb(), redis)
    _disturbed(result, chain, disturb, seconds)
    if result.copies:
        result.wrong.append(f"{result.copies} copies though no process died")


def stopped_and_started(result: Result, draw: random.Random, seconds: float) -> None:
    """SIGTERM to any process at any time: never a copy, never more than 25 seconds."""
    chain = servers_chain(private_mariadb(), redis_server())
    chain.sink.dot_delay_s = 0.02

    def disturb() -> None:
        name = draw.choice(("worker", "smtp", "api"))
        took = chain.house.stop(name)[name]
        if took > 25:
            result.wrong.append(f"{name} took {took:.1f} s to stop")
        chain.house.start(name, *chain.roles[name])
        time.sleep(draw.random())

    _disturbed(result, chain, disturb, seconds)
    if result.copies or result.resent:
        result.wrong.append(f"{result.copies} copies, {result.resent} resends though every process stopped in good order")


# -- bytes --


WORDS = (
    b"EHLO x.test\r\n", b"HELO x\r\n", b"MAIL FROM:<>\r\n", b"MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME\r\n", b"RCPT TO:<postmaster@localhost>\r\n",
    b"RCPT TO:<bounces+aaaa@bounces.dev.scaisend.test>\r\n", b"DATA\r\n", b"BDAT 5\r\nhello", b"BDAT 99999999999\r\n", b"BDAT 0 LAST\r\n", b".\r\n",
    b"Subject: x\r\n\r\nbody\r\n.\r\n", b"RSET\r\n", b"NOOP\r\n", b"VRFY x\r\n", b"STARTTLS\r\n", b"QUIT\r\n", b"\r\n", b"\n.\n", b"\r.\r", b"\x00\xff",
)


def inbound_bytes(result: Result, draw: random.Random, seconds: float) -> None:
    """Random dialogues and random bytes at the listener for returning mail: it lives, answers the next one, and stays small."""
    house = DevInstallation()
    try:
        program = house.start()
        port, end, before = house.ready["inbound_smtp_port"], time.monotonic() + seconds, _memory_mb(program.pid)
        while time.monotonic() < end:
            result.disturbances += 1
            _speak(port, draw)
            if not program.alive:
                raise AssertionError(f"the process died: {house.logs()}")
        if not _greets(port):
            result.wrong.append("it does not greet any more")
        if _memory_mb(program.pid) > before + 100:
            result.wrong.append(f"it grew from {before} to {_memory_mb(program.pid)} MB")
        result.wrong += house.alarms()[:5]
        promises: Promises = send(house.api_url, house.api_key, make_requests("f", 5, sender=house.sender))
        house.settled()
        result.accepted, result.delivered = sum(len(each.recipients) for each in promises.accepted), house.states()["delivered"]
    finally:
        house.close()


def _speak(port: int, draw: random.Random) -> None:
    said = b"".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 25)))
    for _ in range(draw.choice((0, 0, 1, 5))):
        place = draw.randrange(len(said))
        said = said[:place] + draw.randbytes(draw.choice((1, 1, 3, 3000))) + said[place + draw.randrange(2) :]
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.settimeout(draw.choice((0.01, 0.05, 0.2)))
        try:
            while said:
                cut = draw.choice((1, 7, 64, len(said)))
                peer.sendall(said[:cut] if draw.random() < 0.9 else said)
                said = said[cut:] if len(said) < 400 or cut > 7 else b""
            while peer.recv(65536):
                pass
        except OSError:
            pass


def _greets(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.settimeout(10)
        return peer.recv(100).startswith(b"220 ")


def _memory_mb(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as stream:
        return int(stream.read().split()[1]) * 4096 // 1_000_000


def inbound_mails(result: Result, draw: random.Random, seconds: float) -> None:
    """Garbled and forged mails, a hundred thousand: no crash, no suppression without a token of ours, memory flat."""
    result.disturbances = FORGED_MAILS
    result.wrong += garbled.torture(draw, FORGED_MAILS)


TRIALS: dict[str, Callable[[Result, random.Random, float], None]] = {
    "embedded-points": embedded_points, "servers-points": servers_points, "alone-points": alone_points, "embedded-random": embedded_random,
    "servers-random": servers_random, "hold-policy": hold_policy, "database-away": database_away, "redis-away": redis_away,
    "stop-and-start": stopped_and_started, "inbound-bytes": inbound_bytes,
    "inbound-mails": inbound_mails,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
