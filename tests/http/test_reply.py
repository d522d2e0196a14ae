import json

from scaisend.faults import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)
from scaisend.http.reply import PHRASES, data_reply, failure_reply, json_reply, refusal_reply
from tests.base import PlainTestCase


class RefusalTest(PlainTestCase):
    def test_every_refusal_has_its_status_and_headers(self) -> None:
        """Each kind of refusal is one status, with the headers that RFC 9110 asks for."""
        rows = (
            (Invalid("no"), 400, ()),
            (Unauthenticated("no"), 401, (("WWW-Authenticate", "Bearer"),)),
            (Forbidden("no"), 403, ()),
            (NotFound("no"), 404, ()),
            (Conflict("no"), 409, ()),
            (Conflict("no", retry_after_s=3), 409, (("Retry-After", "3"),)),
            (TooLarge("no"), 413, ()),
            (UnsupportedType("no"), 415, ()),
            (TooManyRequests(retry_after_s=7), 429, (("Retry-After", "7"),)),
            (Unavailable("database"), 503, (("Retry-After", "5"),)),
        )
        for error, status, headers in rows:
            reply = refusal_reply(error)
            self.assertEqual((reply.status, reply.headers), (status, headers))

    def test_a_subclass_answers_as_its_kind(self) -> None:
        """A room's own refusal has the status of the kind it is made from."""

        class Gone(NotFound):
            pass

        self.assertEqual(refusal_reply(Gone("gone")).status, 404)

    def test_all_faults_are_in_the_body(self) -> None:
        """Every fault has its three keys, and `detail` is a sentence for people."""
        body = json.loads(refusal_reply(Invalid([Fault("one", "a.0", "do this"), Fault("two")])).body)
        self.assertEqual(
            body,
            {
                "errors": [{"message": "one", "field": "a.0", "help": "do this"}, {"message": "two", "field": None, "help": None}],
                "detail": "one (and 1 more)",
            },
        )

    def test_a_conflict_names_its_candidates(self) -> None:
        """Where several things match, their ids are in the body."""
        self.assertEqual(json.loads(refusal_reply(Conflict("which?", ids=["msg_a", "msg_b"])).body)["ids"], ["msg_a", "msg_b"])

    def test_a_failure_says_nothing_but_its_id(self) -> None:
        """500 carries the request id and nothing internal."""
        reply = failure_reply("req-1")
        self.assertEqual(json.loads(reply.body)["errors"][0]["message"], "internal error, request id req-1")


class ReplyTest(PlainTestCase):
    def test_values_become_json(self) -> None:
        """Replies are compact JSON, the admin ones under `data`."""
        self.assertEqual(json_reply({"a": "é"}, 201).body, '{"a":"é"}'.encode())
        self.assertEqual(data_reply([1]).body, b'{"data":[1]}')

    def test_phrases_are_those_of_rfc_9110(self) -> None:
        """Reason phrases follow RFC 9110, not its ancestors."""
        self.assertEqual((PHRASES[413], PHRASES[202], PHRASES[429]), ("Content Too Large", "Accepted", "Too Many Requests"))
