import hashlib
import json
from dataclasses import replace

from twisted.internet.defer import Deferred

from scaisend.faults import Conflict, Forbidden, Invalid, Unavailable, UnsupportedType
from scaisend.http.call import Call
from scaisend.http.reply import Reply
from scaisend.sending.accept import Accepted, Submission, accept
from scaisend.sending.api import SendApi
from scaisend.sending.compose import encode_attachment
from scaisend.sending.render_worker import LARGE_TEXT
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import EMAIL_PROCESS
from tests.world.road import Counts, RoadTestCase, body
from tests.world.tenants import call_by, now


class KeptObjects:
    """An object store in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.away = False

    async def put(self, name: str, content: bytes, content_type: str = "") -> None:
        if self.away:
            raise Unavailable("objects")
        self.kept[name] = content

    async def exists(self, name: str) -> bool:
        if self.away:
            raise Unavailable("objects")
        return name in self.kept


async def encode(content: bytes) -> tuple[bytes, str]:
    encoded = encode_attachment(content)
    return encoded, hashlib.sha256(encoded).hexdigest()


class SendApiTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.objects, self.counts = KeptObjects(), Counts()
        self.pushing = Pushing(queue=self.queue, name=EMAIL_PROCESS, reactor=self.clock)
        self.commits: GroupCommit[Submission, Accepted] = GroupCommit(
            database=self.database, fn=lambda txn, items: accept(txn, self.ids, items), reactor=self.clock, most=500)
        self.api = SendApi(
            commits=self.commits, objects=self.objects, pushing=self.pushing, ids=self.ids, metrics=self.counts, encode=encode, reached=lambda point: None)  # type: ignore[arg-type]

    def call(self, given: bytes, key: str | None = None) -> Call:
        return replace(call_by(self.caller, body=given), headers={"idempotency-key": key} if key else {})

    def post(self, given: bytes, key: str | None = None) -> Reply:
        return now(self, self.api.send(self.call(given, key)))

    def test_accepted(self) -> None:
        """202 with X-Message-Id; one id for one personalization, a list for several; the ids are pushed."""
        reply = self.post(body())
        headers, told = dict(reply.headers), json.loads(reply.body)
        self.assertEqual((reply.status, list(told)), (202, ["message_id"]))
        self.assertEqual(self.message(told["message_id"], "request_id"), (headers["X-Message-Id"],))
        many = json.loads(self.post(body(personalizations=[{"to": [{"email": f"{name}@x.test"}]} for name in "abc"])).body)["message_ids"]
        self.clock.advance(1)
        self.assertEqual(now(self, self.queue.claim(EMAIL_PROCESS, "w", 10, 0)), [told["message_id"], *many])
        self.assertEqual(self.counts.seen, [("accepted", 1), ("accepted", 3)])

    def test_sandbox(self) -> None:
        """sandbox_mode is answered 200, and nothing is pushed."""
        self.assertEqual(self.post(body(mail_settings={"sandbox_mode": {"enable": True}})).status, 200)
        self.clock.advance(1)
        self.assertEqual(now(self, self.queue.depth(EMAIL_PROCESS)).waiting, 0)

    def test_refused(self) -> None:
        """Faults of the body, and of what the database knows, are raised; nothing is left."""
        self.assertRaises(Invalid, self.post, b"{}")
        self.assertRaises(Forbidden, self.post, body(**{"from": {"email": "a@unverified.test"}}))
        self.database.away = True
        self.assertRaises(Unavailable, self.post, body())
        self.database.away = False
        self.assertEqual((self.count("messages"), self.counts.seen), (0, []))

    def test_what_calls_itself_something_else(self) -> None:
        """A body that says it is no JSON is 415; one that says nothing, or JSON with parameters, is read."""
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            self.assertRaises(UnsupportedType, now, self, self.api.send(replace(self.call(body()), headers={"content-type": kind})))
        for kind in ("", "application/json; charset=utf-8"):
            self.assertEqual(now(self, self.api.send(replace(self.call(body()), headers={"content-type": kind}))).status, 202)

    def test_attachments_are_stored_first(self) -> None:
        """An attachment is in the object store, encoded, before the commit that names it; without the store nothing is accepted."""
        attachment = {"content": "aGVsbG8=", "filename": "a.txt"}
        self.objects.away = True
        self.assertRaises(Unavailable, self.post, body(attachments=[attachment]))
        self.assertEqual(self.count("messages"), 0)
        self.objects.away = False
        self.post(body(attachments=[attachment]))
        ((payload,),) = self.database.rows("SELECT payload FROM mail_requests")
        (about,) = json.loads(payload)["attachments"]
        self.assertEqual(self.objects.kept, {about["object"]: b"aGVsbG8=\r\n"})
        self.assertEqual((about["encoded_size"], self.tenant.id in about["object"], "content" in about), (10, True, False))

    def test_large_texts_are_stored_apart(self) -> None:
        """A text of a megabyte is in the object store before the commit, the row names it; small ones stay in the row."""
        text = "long \u00e9\n" * 150_000
        self.post(body(content=[{"type": "text/plain", "value": "short"}, {"type": "text/html", "value": text}]))
        ((payload, size_bytes),) = self.database.rows("SELECT q.payload, m.size_bytes FROM mail_requests q JOIN messages m ON m.request_id = q.id")
        plain, html = json.loads(payload)["content"]
        self.assertEqual((plain, sorted(html)), ({"type": "text/plain", "value": "short"}, ["object", "type"]))
        self.assertEqual(self.objects.kept, {html["object"]: text.encode()})
        self.assertTrue(LARGE_TEXT in payload and size_bytes > len(text))

    def test_idempotency(self) -> None:
        """The same key and body is answered alike and counted once; another body is a conflict."""
        first, again = self.post(body(), "k"), self.post(body(), "k")
        self.assertEqual((first.body, first.headers, first.status), (again.body, again.headers, again.status))
        self.assertEqual((self.count("messages"), len(self.counts.seen)), (1, 1))
        self.assertRaises(Conflict, self.post, body("else@x.test"), "k")
        for key in ("é", "a\tb", "k" * 256):
            self.assertRaises(Invalid, self.post, body(), key)

    def test_in_flight(self) -> None:
        """While the first is in flight the same key is a conflict, with Retry-After if the body is the same; then it is free."""
        waiting: Deferred[Accepted] = Deferred()
        self.commits.run = lambda item: waiting  # type: ignore[method-assign, assignment]
        first = Deferred.fromCoroutine(self.api.send(self.call(body(), "k")))
        error = self.assertRaises(Conflict, self.post, body(), "k")
        self.assertEqual(error.retry_after_s, 1)
        self.assertIsNone(self.assertRaises(Conflict, self.post, body("else@x.test"), "k").retry_after_s)
        waiting.errback(Unavailable("database"))
        self.failureResultOf(first, Unavailable)
        del self.commits.run
        self.assertEqual(self.post(body(), "k").status, 202)
