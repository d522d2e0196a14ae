"""A mail from a template: made over the API's store, accepted, claimed, rendered."""

import json
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from scaisend.caller import Caller
from scaisend.content import templates_store as store
from scaisend.content.templates_store import Template, Version
from scaisend.faults import Invalid
from scaisend.sending.accept import Accepted
from tests.delivery.test_worker import WorkerTestCase
from tests.world.road import DOMAIN
from tests.world.tenants import NOW

DYNAMIC = "d-" + "0123456789abcdef" * 2
LEGACY = "8fd9ba1b-3f1a-4f3a-9c1f-0d7d7cbb0b9c"
UNTRACKED = {"open_tracking": {"enable": False}, "click_tracking": {"enable": False}}
FIRST = Version("v1", DYNAMIC, True, "n", "Order {{{id}}}", True, "code", NOW, "<p>Hi {{name}}</p>{{#each items}}<p>{{this}}</p>{{/each}}", "", None)


class TemplateJourney(WorkerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database.now(store.insert_template, self.tenant.id, Template(DYNAMIC, "Order", "dynamic", NOW))
        self.database.now(store.insert_versions, self.tenant.id, [FIRST])

    def ask(self, *data: object, template_id: str = DYNAMIC, caller: Caller | None = None) -> Accepted | Exception:
        """Sends one mail for each of the data; the request has neither subject nor content."""
        people = [{"to": [{"email": f"p{number}@x.test"}], "dynamic_template_data": each} for number, each in enumerate(data)]
        given = json.dumps({"personalizations": people, "from": {"email": f"shop@{DOMAIN}"}, "template_id": template_id, "tracking_settings": UNTRACKED}).encode()
        (answer,) = self.accept(self.submission(given, caller))
        return answer

    def mails(self, process: object) -> list[EmailMessage]:
        jobs = sorted(process.hosts.jobs, key=lambda job: job.envelope_to)  # type: ignore[attr-defined]
        return [cast(EmailMessage, message_from_bytes(job.body, policy=default)) for job in jobs]

    def text_of(self, mail: EmailMessage, kind: str) -> str:
        part = mail.get_body((kind,))
        assert part is not None
        return str(part.get_content()).strip()

    def test_each_with_its_data(self) -> None:
        """Every personalization is rendered with its own data, subject, HTML and text."""
        self.ask({"id": "A&1", "name": "<Ann>", "items": ["x", "y"]}, {"id": 2})
        process = self.world.start()
        process.sweep()
        one, two = self.mails(process)
        self.assertEqual((one["subject"], two["subject"]), ("Order A&1", "Order 2"))
        self.assertEqual(self.text_of(one, "html"), "<p>Hi &lt;Ann&gt;</p><p>x</p><p>y</p>")
        self.assertEqual(self.text_of(one, "plain").split(), ["Hi", "<Ann>", "x", "y"])
        self.assertEqual(self.text_of(two, "html"), "<p>Hi </p>")

    def test_an_error_of_one(self) -> None:
        """Data that cannot be rendered end their own message, with the reason; the others go out."""
        self.database.now(store.change_version, self.tenant.id, replace(FIRST, html_content="{{formatDate at 'YYYY'}}"))
        self.ask({"at": "soon", "id": 1}, {"at": 0, "id": 2})
        process = self.world.start()
        process.sweep()
        (mail,) = self.mails(process)
        self.assertEqual(self.text_of(mail, "html"), "1970")
        rows = self.database.rows("SELECT status, reason FROM recipients ORDER BY email")
        self.assertEqual(rows[0], ("failed", "could not be rendered: html_content: formatDate: 'soon' is not a date as ISO 8601 writes it (line 1, column 3)"))

    def test_the_version_of_the_moment(self) -> None:
        """A process that holds a version compiled sends the next one as soon as it is active, or changed; without one the mail fails."""
        process = self.world.start()
        changes = (
            lambda: None,
            lambda: self.database.now(store.change_version, self.tenant.id, replace(FIRST, subject="Changed", updated_at=NOW + 1)),
            lambda: self.database.now(store.insert_versions, self.tenant.id, [replace(FIRST, id="v2", subject="Second", active=False)]),
            lambda: self.database.now(self._activate, "v2"),
        )
        subjects = []
        for change in changes:
            change()
            self.ask({"id": 1})
            process.sweep()
            subjects += [mail["subject"] for mail in self.mails(process)]
            process.hosts.jobs.clear()
        self.assertEqual(subjects, ["Order 1", "Changed", "Changed", "Second"])
        self.ask({"id": 1})
        self.database.now(store.delete_version, self.tenant.id, DYNAMIC, "v2")
        process.sweep()
        self.assertEqual(
            self.database.rows("SELECT reason FROM recipients WHERE status = 'failed'"),
            [(f"could not be rendered: template_id: the template {DYNAMIC} has no active version any more",)],
        )

    def _activate(self, txn: object, version_id: str) -> None:
        txn.execute("UPDATE template_versions SET active = CASE WHEN id = :id THEN 1 ELSE 0 END", {"id": version_id})  # type: ignore[attr-defined]

    def test_legacy(self) -> None:
        """A legacy template goes around the request, and substitutions reach into both."""
        self.database.now(store.insert_template, self.tenant.id, Template(LEGACY, "Old", "legacy", NOW))
        old = replace(FIRST, id="v9", template_id=LEGACY, subject="[Acme] <%subject%>", html_content="<h1>-name-</h1><%body%>", generate_plain_content=True)
        self.database.now(store.insert_versions, self.tenant.id, [old])
        people = [{"to": [{"email": "p@x.test"}], "substitutions": {"-name-": "Ann"}}]
        self.send(template_id=LEGACY, personalizations=people, subject="Hi -name-", content=[{"type": "text/html", "value": "<p>-name-</p>"}], tracking_settings=UNTRACKED)
        process = self.world.start()
        process.sweep()
        (mail,) = self.mails(process)
        self.assertEqual((mail["subject"], self.text_of(mail, "html")), ("[Acme] Hi Ann", "<h1>Ann</h1><p>Ann</p>"))

    def test_another_tenants_template(self) -> None:
        """A template of another tenant is unknown when it is named."""
        answer = self.ask({"id": 1}, caller=self.stranger)
        assert isinstance(answer, Invalid)
        self.assertEqual(answer.faults[0].field, "template_id")
