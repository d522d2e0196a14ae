"""Mails as nobody should send them: real ones garbled, and forged reports."""

import json
import random
import resource
from collections.abc import Sequence
from pathlib import Path

from twisted.internet.defer import Deferred, succeed

from scaisend.ids import letters
from scaisend.inbound.parse_worker import ParseWorker
from scaisend.inbound.store import KeptMail, keep_across_tenants
from scaisend.tokens import return_path_token
from tests.world.inline_database import inline_database
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW, id_maker, make_a_tenant

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "bounces"
KEY, WRONG_KEY = b"k" * 32, b"w" * 32
HOST = "bounce.example.test"
WORDS = (
    b"Final-Recipient: rfc822; ", b"Action: failed\r\n", b"Status: 5.1.1\r\n", b"\r\n\r\n", b"--", b"Content-Type: multipart/report; boundary=\"", b"\x00", b"\xff\xfe",
    b"=?utf-8?b?", b"message/delivery-status", b"550 5.1.1 ", b"<a@b.test>", b"Feedback-Type: abuse\r\n", b"Return-Path: <>\r\n", b"\r", b"\n",
    b"Content-Transfer-Encoding: base64\r\n", b"charset=utf-16", b"A" * 5000, b"<" * 3000, b"From: MAILER-DAEMON\r\n", b"X-Failed-Recipients: a@b.test\r\n",
)


def judged_mails() -> list[bytes]:
    """The fixtures, all of them."""
    return [(FIXTURES / entry["file"]).read_bytes() for entry in json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))]


def garbled(draw: random.Random, mails: Sequence[bytes]) -> bytes:
    """One of the mails with one to six things wrong: cut, doubled, spliced with another, words put in, octets changed."""
    mail = bytearray(draw.choice(mails))
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(mail) + 1)
        end = min(len(mail), start + int(draw.expovariate(1 / 200)))
        kind = draw.randrange(6)
        if kind == 0:
            del mail[start:end]
        elif kind == 1:
            mail[start:start] = mail[start:end] * draw.randint(1, 20)
        elif kind == 2:
            other = draw.choice(mails)
            place = draw.randrange(len(other) + 1)
            mail[start:end] = other[place : place + 2000]
        elif kind == 3:
            mail[start:start] = draw.choice(WORDS)
        elif kind == 4:
            mail[start:end] = draw.randbytes(end - start)
        else:
            del mail[start:]
    return bytes(mail[:200_000])


def forged(draw: random.Random, mail: bytes, made: Made) -> bytes:
    """The mail with return paths that are not ours strewn in, and the Message-ID of a mail that is."""
    if draw.random() < 0.5:
        token = return_path_token(WRONG_KEY, made.id, 0, NOW)
    else:
        token = "".join(draw.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(53))
    path = f"bounces+{token}@{HOST}".encode()
    return mail.replace(b"Return-Path: <", b"Return-Path: <" + path + b"> <").replace(b"Message-I", b"Message-ID: <" + made.id[4:].encode() + b"@acme.test>\r\nMessage-I") + path


class _NoObjects:
    """No mail of these is large enough for the object store."""

    def delete(self, key: str) -> "Deferred[None]":
        return succeed(None)


def torture(draw: random.Random, count: int) -> list[str]:
    """`count` garbled and forged mails are kept and read; everything that is wrong: a suppression, a token believed, memory that grows."""
    database, ids, mails = inline_database(), id_maker(), judged_mails()
    tenant = make_a_tenant(database, ids)
    made = [database.now(insert_message, ids, tenant.id, [To(status="delivered", waiting=None)], status="delivered") for _ in range(50)]
    broken: list[str] = []

    def in_thread(fn):  # type: ignore[no-untyped-def]
        parsed = fn()
        broken.extend(f"the reader raised on {each.mail.content!r}"[:2000] for each in parsed if each.reading.rule == "reader")
        return succeed(parsed)

    worker = ParseWorker(database=database, objects=_NoObjects(), ids=ids, token_key=KEY, now_s=lambda: NOW, in_thread=in_thread)  # type: ignore[arg-type]
    settled_kb, done = 0, 0
    while done < count:
        batch = [forged(draw, garbled(draw, mails), draw.choice(made)) for _ in range(50)]
        database.now(keep_across_tenants, [
            KeptMail(f"inb_{letters(done + place)}", "unparsed", "", f"{draw.choice(('fbl', 'postmaster', 'abuse'))}@{HOST}", "peer", len(mail), NOW, content=mail)
            for place, mail in enumerate(batch)
        ])
        turn = Deferred.fromCoroutine(worker.turn())
        failures: list[object] = []
        turn.addErrback(failures.append)
        if failures or broken:
            return [*broken, *(f"a turn failed: {each}" for each in failures)][:5]
        database.connection.execute("DELETE FROM inbound_mails")
        done += len(batch)
        if done == min(5000, count // 2 // 50 * 50):
            settled_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - settled_kb
    return [
        *[f"suppressed: {row}" for row in database.rows("SELECT list, email, reason FROM suppressions LIMIT 5")],
        *[f"a token was believed: {row}" for row in database.rows("SELECT id, detail FROM events WHERE detail LIKE '%\"proof\":\"token\"%' LIMIT 5")],
        *([f"memory grew by {grown_kb // 1024} MB"] if grown_kb > 64 * 1024 else []),
    ]
