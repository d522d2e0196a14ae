"""A history of events on MariaDB: years of mail of several tenants, one of them with most of it, written as fast as the server takes it."""

import json
import os
import random
import zlib
from dataclasses import dataclass
from pathlib import Path

from scaisend.ids import lane_of, letters
from tests.bench.ours import Ours

DAY_MS = 86_400_000
EVENTS_A_MAIL = 4
MAILS_AT_ONCE = 100_000
BUSY_SHARE = 0.7
# What becomes of a mail, in percent: processed first, then these; the first that fits a number below 100.
LIVES = (
    (45, ("delivered", "open", "open")), (65, ("delivered", "machine", "open")), (80, ("delivered", "open", "click")), (88, ("deferred", "delivered", "open")),
    (91, ("deferred", "deferred", "bounce")), (93, ("deferred", "deferred", "blocked")), (96, ("delivered", "open", "unsubscribe")),
    (97, ("delivered", "open", "spam_report")), (100, ("delivered", "click", "click")),
)
LATER_MS = (0, 2_000, 3_600_000, 7_300_000)
DETAILS = {"machine": '{"machine":true}', "open": '{"useragent":"Mozilla/5.0","ip":"192.0.2.1"}', "delivered": '{"host":"mx1.example.net","response":"250 2.0.0 Ok","tls":true}'}
EVENTS = "id, tenant_id, message_id, recipient_id, seq, type, happened_at, detail"
RECIPIENTS = "id, tenant_id, message_id, number, kind, email, status, attempts, updated_at"
# Most mailboxes are at a few providers; the rest are at domains of their own.
DOMAINS = ("gmail.com",) * 35 + ("outlook.com",) * 12 + ("yahoo.com",) * 8 + ("icloud.com",) * 6 + ("gmx.de",) * 4
OWN_DOMAINS = 3_000
MESSAGES = "id, tenant_id, request_id, from_email, personalization, status, recipient_count, event_seq, categories, accepted_at, updated_at"


@dataclass(frozen=True)
class Sender:
    """A tenant of the history."""

    id: str
    categories: tuple[str, ...]


def senders(busy_id: str, others: int) -> list[Sender]:
    """The busy tenant with 200 categories, and others with 20 to 110."""
    def named(count: int) -> tuple[str, ...]:
        return tuple([f"category {number:03d}" for number in range(count)])

    return [Sender(busy_id, named(200)), *[Sender(f"tnt_other{number:02d}", named(20 + 90 * number // others)) for number in range(others)]]


def write_history(ours: Ours, events: int, until_ms: int, days: float, busy_id: str, *, first: int = 0) -> None:
    """So many more events are in the database, spread evenly over the days before `until_ms`, with numbers of their own from `first` on."""
    who, chance = senders(busy_id, 12), random.Random(7)
    mails, begin_ms = events // EVENTS_A_MAIL, until_ms - int(days * DAY_MS)
    for start in range(0, mails, MAILS_AT_ONCE):
        message_lines: list[str] = []
        recipient_lines: list[str] = []
        event_lines: list[str] = []
        for number in range(start, min(mails, start + MAILS_AT_ONCE)):
            at_ms = begin_ms + (until_ms - begin_ms) * number // mails
            sender = who[0] if chance.random() < BUSY_SHARE else who[chance.randrange(1, len(who))]
            message, recipient, some = _mail(first + number, at_ms, until_ms, sender, chance)
            message_lines.append(message)
            recipient_lines.append(recipient)
            event_lines += some
        _load(ours, "messages", MESSAGES, message_lines)
        _load(ours, "recipients", RECIPIENTS, recipient_lines)
        _load(ours, "events", EVENTS, sorted(event_lines))


def _mail(number: int, at_ms: int, until_ms: int, sender: Sender, chance: random.Random) -> tuple[str, str, list[str]]:
    message_id = _id("msg", at_ms, sender.id, number)
    place = int(len(sender.categories) * chance.random() ** 2)
    categories = json.dumps([sender.categories[place], sender.categories[-1 - place // 2]] if chance.random() < 0.6 else [sender.categories[place]])
    share = chance.randrange(100)
    life = ("processed", *next(kinds for below, kinds in LIVES if share < below))
    rows = []
    for seq, kind in enumerate(life, 1):
        happened_ms = min(at_ms + LATER_MS[seq - 1], until_ms)
        event_id = _id("evt", happened_ms, sender.id, number * EVENTS_A_MAIL + seq)
        name = "open" if kind == "machine" else kind
        rows.append("\t".join((
            event_id, sender.id, message_id, f"{message_id}.0", str(seq), name, str(happened_ms * 1000), DETAILS.get(kind, r"\N"),
        )))
    message = "\t".join((
        message_id, sender.id, f"r{number:021d}", "orders@src.test", "{}", "delivered", "1", str(len(life)), categories, str(at_ms * 1000), str(at_ms * 1000),
    ))
    domain = chance.choice(DOMAINS) if chance.random() < 0.65 else f"example{chance.randrange(OWN_DOMAINS)}.test"
    recipient = "\t".join((
        f"{message_id}.0", sender.id, message_id, "0", "to", f"user{number % 900_000}@{domain}", "delivered", "1", str(at_ms * 1000),
    ))
    return message, recipient, rows


def _id(prefix: str, at_ms: int, tenant_id: str, number: int) -> str:
    return f"{prefix}_{letters((at_ms << 80) | (lane_of(tenant_id) << 60) | (zlib.crc32(str(number).encode()) << 28) | (number & 0xFFFFFFF))}"


def _load(ours: Ours, table: str, columns: str, lines: list[str]) -> None:
    path = Path(ours.folder / f"{table}.tsv")
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o644)
    ours.rows(f"LOAD DATA INFILE '{path}' INTO TABLE {table} CHARACTER SET utf8mb4 ({columns})")
    os.unlink(path)

