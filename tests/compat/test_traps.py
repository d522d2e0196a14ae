"""Where servers that only read SendGrid's specification go wrong, each against a running ScaiSend and over a bare connection."""

import gzip
import json
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.base import PlainTestCase
from tests.compat.test_python_client import installation

JSON = "application/json"


class Exchange:
    """Status, headers in lower case, and the body as JSON where it is some."""

    def __init__(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        connection = HTTPConnection(urlsplit(installation().api_url).netloc, timeout=30)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {"Content-Length": str(len(body or b"")), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        self.status, self.phrase, self.raw = answer.status, answer.reason, answer.read()
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body: Any = json.loads(self.raw) if self.raw and self.headers.get("content-type") == JSON else None
        connection.close()


def ask(method: str, path: str, body: object = None, *, key: str | None = None, raw: bytes | None = None, **headers: str) -> Exchange:
    sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
    given = {"Authorization": f"Bearer {key or installation().api_key}", "Content-Type": JSON}
    return Exchange(method, path, sent, {**given, **{name.replace("_", "-"): value for name, value in headers.items()}})


def mail(**more: object) -> dict[str, object]:
    return {
        "personalizations": [{"to": [{"email": "jane@example.com"}]}], "from": {"email": installation().sender}, "subject": "Hi",
        "content": [{"type": "text/plain", "value": "Hello"}], **more,
    }


class TrapsTestCase(PlainTestCase):
    def refused(self, answered: Exchange, status: int, message: str | None = None, field: str | None = None) -> None:
        """An array of errors with SendGrid's three keys, and our `detail`."""
        self.assertEqual(answered.status, status, answered.raw)
        first = answered.body["errors"][0]
        self.assertEqual(set(first), {"message", "field", "help"})
        if message is not None:
            self.assertEqual((first["message"], first["field"]), (message, field))


class Requests(TrapsTestCase):
    def test_what_clients_send_along(self) -> None:
        """A Content-Type on GETs, no Accept, the scheme in any case, mail headers as HTTP headers, X-Mock: all of it passed over."""
        self.assertEqual(ask("GET", "/v3/scopes").status, 200)
        self.assertEqual(ask("GET", "/v3/scopes", Authorization=f"bearer {installation().api_key}").status, 200)
        self.assertEqual(ask("GET", "/v3/templates", X_Mock="500").status, 200)
        for name, value in (
            ("Reply_To", "<x@example.com>"), ("List_Unsubscribe", "<https://x.example/>"), ("Message_ID", "<1@x>"), ("X_HTTP_Method_Override", "DELETE"),
            ("X_Forwarded_Host", "evil.example"), ("From", "a@b.c"), ("Date", "yesterday"), ("In_Reply_To", "<2@x>"),
        ):
            self.assertEqual(ask("POST", "/v3/mail/send", mail(), **{name: value}).status, 202, name)

    def test_gzip(self) -> None:
        """A packed mail is unpacked; what only says that it is packed is refused."""
        packed = gzip.compress(json.dumps(mail()).encode())
        self.assertEqual(ask("POST", "/v3/mail/send", raw=packed, Content_Encoding="gzip").status, 202)
        self.assertEqual(ask("POST", "/v3/mail/send", mail(), Content_Encoding="gzip").status, 400)

    def test_no_redirects(self) -> None:
        """Who follows one turns a POST into a GET, so a wrong path is told to be wrong."""
        for path in ("/v3/mail/send/", "/v3//mail/send", "/V3/mail/send", "/v3/mail"):
            answered = ask("POST", path, mail())
            self.refused(answered, 404)
            self.assertNotIn("location", answered.headers)

    def test_errors_are_json_everywhere(self) -> None:
        """404, 405 with Allow, 413, 415 and malformed JSON have the array of errors; each has a reason phrase and a request id."""
        found = [
            ask("GET", "/v3/nothing"), ask("DELETE", "/v3/mail/send"), ask("GET", "/v3/mail/send"), ask("POST", "/v3/mail/send", raw=b"{"),
            ask("POST", "/v3/mail/send", raw=b"x=1", Content_Type="application/x-www-form-urlencoded"), ask("POST", "/v3/mail/send", raw=b'{"a": "\xff"}'),
            ask("POST", "/v3/asm/groups", raw=b" " * 1_100_000),
        ]
        for answered, status in zip(found, (404, 405, 405, 400, 415, 415, 413), strict=True):
            self.refused(answered, status)
            self.assertTrue(answered.phrase and answered.headers["x-request-id"])
        self.assertIn("POST", found[1].headers["allow"])
        self.refused(found[3], 400, "Bad Request")

    def test_limits_are_told(self) -> None:
        """On every answer to a caller, refusals too, and as unix seconds."""
        for answered in (ask("GET", "/v3/scopes"), ask("POST", "/v3/mail/send", mail()), ask("GET", "/v3/nothing"), ask("PUT", "/v3/scopes"), ask("POST", "/v3/mail/send", {})):
            for name in ("limit", "remaining", "reset"):
                self.assertRegex(answered.headers[f"x-ratelimit-{name}"], r"^\d+$", name)
            self.assertGreater(int(answered.headers["x-ratelimit-reset"]), 1_700_000_000)


class Sending(TrapsTestCase):
    def test_strict_and_tolerant(self) -> None:
        """Unknown properties are refused by name; retired and empty ones pass."""
        for more, field in (({"category": ["a"]}, "category"), ({"from": {"email": installation().sender, "mail": "x"}}, "from.mail")):
            name = field.rpartition(".")[2]
            self.refused(ask("POST", "/v3/mail/send", mail(**more)), 400, f"Additional property {name} is not allowed.", field)
        tolerated: dict[str, object] = {
            "headers": {}, "custom_args": {}, "sections": {"-x-": "y"}, "categories": [],
            "mail_settings": {"bcc": {"enable": True, "email": "a@example.com"}, "spam_check": {"enable": True, "threshold": 5, "post_to_url": "https://x.example"}},
            "personalizations": [{"to": [{"email": "jane@example.com"}], "substitutions": {}, "headers": {}, "custom_args": {}, "cc": [], "bcc": []}],
        }
        for name, value in tolerated.items():
            self.assertEqual(ask("POST", "/v3/mail/send", mail(**{name: value})).status, 202, name)
        self.refused(ask("POST", "/v3/mail/send", mail(custom_args=[])), 400, "Invalid type. Expected: object, given: array.", "custom_args")

    def test_an_accepted_mail(self) -> None:
        """An X-Message-Id of 22 letters without a dot, by which its activity is found; sandbox is 200."""
        answered = ask("POST", "/v3/mail/send", mail())
        message_id = answered.headers["x-message-id"]
        self.assertRegex(message_id, r"^[A-Za-z0-9_-]{22}$")
        found = ask("GET", f"/v3/messages?limit=10&query=msg_id%20LIKE%20%27{message_id}%25%27").body["messages"]
        self.assertEqual([each["msg_id"].partition(".")[0] for each in found], [message_id])
        self.assertEqual(ask("GET", f"/v3/messages/{found[0]['msg_id']}").body["msg_id"], found[0]["msg_id"])
        self.assertEqual(ask("POST", "/v3/mail/send", mail(mail_settings={"sandbox_mode": {"enable": True}})).status, 200)

    def test_templates_are_looked_at_before_the_answer(self) -> None:
        """An unknown one, and one without an active version, is 400 at once, in place of a 202 and no mail."""
        template = ask("POST", "/v3/templates", {"name": "empty", "generation": "dynamic"}).body["id"]
        for template_id in (template, "d-" + "0" * 32, "no-guid"):
            self.refused(ask("POST", "/v3/mail/send", mail(template_id=template_id)), 400)


class Lists(TrapsTestCase):
    def test_arrays_of_one(self) -> None:
        """A suppression by address and the status of a batch come in arrays, empty ones where there is none; a global one is an object."""
        for name in ("bounces", "blocks", "invalid_emails", "spam_reports"):
            one = f"/v3/suppression/{name}/one@example.com"
            self.assertEqual(ask("GET", one).body, [])
            self.assertEqual(ask("DELETE", one).status, 404)
            ask("POST", f"/v3/suppression/{name}", {"emails": ["One@example.com"]})
            (found,) = ask("GET", one).body
            self.assertEqual((found["email"], type(found["created"])), ("one@example.com", int))
            self.assertEqual([each["email"] for each in ask("GET", f"/v3/suppression/{name}?email=ONE%25").body], ["one@example.com"])
            self.assertEqual([ask("DELETE", one, {"email_address": "x"}).status, ask("DELETE", one).status], [204, 404])
        self.assertEqual(ask("GET", "/v3/asm/suppressions/global/no@example.com").body, {})
        self.assertEqual(ask("DELETE", "/v3/asm/suppressions/global/no@example.com").status, 204)
        self.assertIsInstance(ask("GET", "/v3/asm/suppressions/global").body, list)
        batch = ask("POST", "/v3/mail/batch").body["batch_id"]
        one = f"/v3/user/scheduled_sends/{batch}"
        self.assertEqual(ask("GET", one).body, [])
        self.refused(ask("PATCH", one, {"status": "cancel"}), 404, "batch id not found")
        self.assertEqual(ask("POST", "/v3/user/scheduled_sends", {"batch_id": batch, "status": "pause"}).status, 201)
        self.assertEqual(ask("GET", one).body, [{"batch_id": batch, "status": "pause"}])
        self.refused(ask("POST", "/v3/user/scheduled_sends", {"batch_id": batch, "status": "pause"}), 400, "a status for this batch id exists, try PATCH to update the status")
        self.refused(ask("GET", "/v3/mail/batch/!"), 400, "invalid batch id")

    def test_pages_are_linked(self) -> None:
        """Following `next` of the Link header leads through a list once, and ends; what was asked for stays asked for."""
        emails = [f"page{n}@example.com" for n in range(5)]
        ask("POST", "/v3/suppression/blocks", {"emails": emails})
        seen: list[str] = []
        path: str | None = "/v3/suppression/blocks?limit=2&email=page"
        while path:
            page = ask("GET", path)
            seen += [each["email"] for each in page.body]
            url = re.search('<([^>]+)>; rel="next"', page.headers["link"])
            path = url[1].removeprefix(installation().api_url) if url else None
            self.assertTrue(path is None or path.startswith("/v3/suppression/blocks?email=page"), path)
        self.assertEqual(sorted(seen), emails)
        ask("DELETE", "/v3/suppression/blocks", {"emails": emails})
        for path in ("/v3/asm/suppressions", "/v3/whitelabel/domains", "/v3/whitelabel/links", "/v3/ips", "/v3/subusers", "/v3/suppression/unsubscribes"):
            self.assertIn('rel="first"', ask("GET", path).headers["link"], path)

    def test_templates_come_in_two_shapes(self) -> None:
        """`templates` without a page size, `result` with one, and the pages' `next` is a whole URL on this host."""
        made = [ask("POST", "/v3/templates", {"name": f"page {n}", "generation": "dynamic"}).body["id"] for n in range(3)]
        self.assertLessEqual(set(made), {each["id"] for each in ask("GET", "/v3/templates?generations=dynamic").body["templates"]})
        seen: list[str] = []
        url = f"{installation().api_url}/v3/templates?generations=legacy,dynamic&page_size=2"
        while url:
            self.assertEqual(urlsplit(url).netloc, urlsplit(installation().api_url).netloc)
            page = ask("GET", url.removeprefix(installation().api_url)).body
            seen += [each["id"] for each in page["result"]]
            url = page["_metadata"].get("next")
        self.assertEqual((len(seen), set(made) <= set(seen)), (len(set(seen)), True))
        self.refused(ask("GET", "/v3/templates/d-" + "0" * 32), 404, "resource not found")
        version = ask("POST", f"/v3/templates/{made[0]}/versions", {"name": "v", "subject": "s", "test_data": '{"a": 1}'})
        self.assertEqual((version.status, version.body["active"], version.body["test_data"]), (201, 1, '{"a": 1}'))

    def test_objects_that_the_specification_calls_arrays(self) -> None:
        """A key, a domain that was changed, the default domain."""
        key = ask("POST", "/v3/api_keys", {"name": "k", "sample": "x"}).body
        self.assertEqual(set(key) & {"api_key", "api_key_id", "name", "scopes"}, {"api_key", "api_key_id", "name", "scopes"})
        one = f"/v3/api_keys/{key['api_key_id']}"
        self.assertEqual(ask("GET", one).body["api_key_id"], key["api_key_id"])
        self.assertNotIn("api_key", ask("GET", one).body)
        self.assertEqual(ask("DELETE", one).status, 204)
        self.refused(ask("GET", one), 404, "unable to find API Key")
        self.refused(ask("DELETE", one), 404, "unable to find API Key for deletion")
        self.refused(ask("PUT", one, {"name": "x", "scopes": ["mail.send"]}), 404, "unable to find API Key to update")
        self.refused(ask("POST", "/v3/api_keys", {}), 400, "missing required argument", "name")
        domain = ask("POST", "/v3/whitelabel/domains", {"domain": "trap.example", "default": True}).body
        for answered in (ask("PATCH", f"/v3/whitelabel/domains/{domain['id']}", {"default": True}), ask("GET", "/v3/whitelabel/domains/default?domain=trap.example")):
            self.assertEqual((answered.status, answered.body["id"], type(answered.body["user_id"])), (200, domain["id"], int))
        self.assertEqual(ask("DELETE", f"/v3/whitelabel/domains/{domain['id']}").status, 204)

    def test_groups(self) -> None:
        """Integer ids, PATCH answers 201, a name twice is 400, and an address is escaped or not."""
        group = ask("POST", "/v3/asm/groups", {"name": "Traps", "description": "d"}).body
        one = f"/v3/asm/groups/{group['id']}"
        self.assertIs(type(group["id"]), int)
        self.assertEqual(ask("PATCH", one, {"description": "e"}).status, 201)
        self.refused(ask("POST", "/v3/asm/groups", {"name": "Traps", "description": "d"}), 400)
        self.assertEqual(ask("POST", f"{one}/suppressions", {"recipient_emails": ["a+b@example.com"]}).body, {"recipient_emails": ["a+b@example.com"]})
        self.assertEqual(ask("POST", f"{one}/suppressions/search", {"recipient_emails": ["A+b@example.com", "x@example.com"]}).body, ["A+b@example.com"])
        (shown,) = [each for each in ask("GET", "/v3/asm/suppressions/A%2Bb%40example.com").body["suppressions"] if each["id"] == group["id"]]
        self.assertIs(shown["suppressed"], True)
        self.assertEqual(ask("DELETE", f"{one}/suppressions/a+b@example.com").status, 204)
        self.assertEqual([each["id"] for each in ask("GET", f"/v3/asm/groups?id={group['id']}&id=1").body], [group["id"]])

    def test_what_others_ask_for_in_vain(self) -> None:
        """Words of SendGrid for what is wrong with a question."""
        self.refused(ask("GET", "/v3/messages?query=bad_field%3D%22x%22"), 400, "invalid syntax: 'bad_field' is not a known field", "query")
        self.refused(ask("GET", "/v3/messages/nothing.here"), 404, "not found", "message_id")
        self.refused(ask("GET", "/v3/categories?sort_by=x"), 400, "invalid sort value", "sort_by")
        self.refused(ask("GET", "/v3/stats"), 400)
        self.refused(ask("GET", "/v3/suppression/bounces/classifications?start_date=2026-01-01"), 404, "not offered by this service")
        self.refused(ask("GET", "/v3/scopes", On_Behalf_Of="somebody"), 403)


class Webhooks(TrapsTestCase):
    def test_settings_old_and_new(self) -> None:
        """The id-less form makes the first; the list tells how many there may be; a URL stands once; signing has a key only while it is on."""
        base = "/v3/user/webhooks/event/settings"
        first = ask("PATCH", base, {"enabled": True, "url": "https://example.com/hook", "bounce": True})
        self.assertEqual((first.status, first.body["bounce"], first.body["open"]), (200, True, False))
        self.assertEqual(ask("GET", base).body["id"], first.body["id"])
        listed = ask("GET", f"{base}/all").body
        self.assertEqual((type(listed["max_allowed"]), [each["id"] for each in listed["webhooks"]]), (int, [first.body["id"]]))
        self.refused(ask("POST", base, {"url": "https://example.com/hook"}), 400, "Webhook at 'https://example.com/hook' already exists. Please provide a unique URL.", "url")
        self.refused(ask("POST", base, {"url": "no url"}), 400, "'no url' is not a valid url", "url")
        self.refused(ask("GET", f"{base}/unknown"), 404, "Invalid id provided.")
        key = ask("PATCH", f"{base}/signed", {"enabled": True}).body["public_key"]
        self.assertTrue(key.startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"), key)
        self.assertEqual(ask("GET", f"{base}/signed/{first.body['id']}").body["public_key"], key)
        self.assertEqual(ask("PATCH", f"{base}/signed", {"enabled": False}).body["public_key"], "")
        self.assertEqual(ask("DELETE", f"{base}/{first.body['id']}").status, 204)
