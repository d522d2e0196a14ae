"""Submission as applications meet it: smtplib and swaks hand mails in by every way there is, and they arrive."""

import json
import re
import smtplib
import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from tests.base import PlainTestCase
from tests.submission.mails import rich_mail
from tests.world.counting_sink import CountingSink
from tests.world.installation import DevInstallation, Installation
from tests.world.ports import free_port
from tests.world.swaks import swaks

UNVERIFIED = "The from address does not match a verified Sender Identity."


def trusting() -> ssl.SSLContext:
    """A client that does not ask who made the certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class SubmissionJourney(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sink = CountingSink(keeps_content=True)
        self.addCleanup(self.sink.close)
        self.port, self.tls_port = free_port(), free_port()
        self.house = Installation(self.sink.port, SUBMISSION_LISTEN=f"127.0.0.1:{self.port}, tls:127.0.0.1:{self.tls_port}")
        self.addCleanup(self.house.close)
        self.house.start("all")

    def starttls(self) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=30)
        client.starttls(context=trusting())
        client.login("apikey", self.house.api_key)
        return client

    def arrived(self) -> dict[str, Any]:
        """What the hosts took, by recipient."""
        self.house.settled()
        return {each.recipient: message_from_bytes(each.content, policy=default) for each in self.sink.taken}

    def test_smtplib(self) -> None:
        """By STARTTLS and by TLS from the start; two mails in one session; the structure of a rich mail arrives."""
        message = rich_mail()
        message.replace_header("From", f"Größe <{self.house.sender}>")
        with self.starttls() as client:
            self.assertEqual(client.send_message(message), {})
            plain = EmailMessage()
            plain["From"], plain["To"], plain["Bcc"], plain["Subject"] = self.house.sender, "one@r.test", "two@r.test", "Hello"
            plain["X-SMTPAPI"] = json.dumps({"category": "greeting", "unique_args": {"order": "5"}})
            plain.set_content(".dot\n")
            self.assertEqual(client.send_message(plain), {})
        with smtplib.SMTP_SSL("127.0.0.1", self.tls_port, timeout=30, context=trusting()) as secured:
            secured.login("apikey", self.house.api_key)
            self.assertEqual(secured.sendmail("", ["three@r.test"], f"From: {self.house.sender}\r\nSubject: x\r\n\r\ny\r\n"), {})
        arrived = self.arrived()
        self.assertEqual(set(arrived), {"jane@example.com", "one@r.test", "two@r.test", "three@r.test"})
        self.check_rich(arrived["jane@example.com"], message)
        for recipient in ("one@r.test", "two@r.test"):
            got = arrived[recipient]
            self.assertEqual((got["To"], got["Bcc"], got["X-SMTPAPI"], got.get_content()), ("one@r.test", None, None, ".dot\r\n"))
        self.assertEqual(self.house.ask("SELECT DISTINCT categories FROM messages WHERE categories IS NOT NULL"), [('["greeting"]',)])
        self.house.audit()

    def check_rich(self, got: Any, sent: EmailMessage) -> None:
        self.assertEqual((got["Subject"].strip(), got["From"].addresses[0].display_name), (sent["Subject"].strip(), "Größe"))
        parts = list(got.walk())
        self.assertEqual([part.get_content_type() for part in parts], [
            "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "application/pdf", "text/csv",
        ])
        self.assertEqual(parts[2].get_content().replace("\r\n", "\n"), "Grüße\n\n.punkt\n")
        self.assertEqual((parts[5]["Content-ID"], parts[5].get_content()), ("<logo>", b"\x89PNG\x00\r\n\n"))
        self.assertEqual((parts[6].get_filename(), parts[6].get_content()), ("Rechnung für Jané.pdf", b"%PDF\x00\xff" * 50))
        self.assertEqual((parts[7].get_filename(), parts[7].get_content().replace("\r\n", "\n")), ("list.csv", "a;b\n"))

    def test_swaks(self) -> None:
        """LOGIN and PLAIN, by STARTTLS and by TLS from the start, with a personal copy for each of X-SMTPAPI's recipients."""
        login = ("--auth-user", "apikey", "--auth-password", self.house.api_key, "--from", self.house.sender)
        api = json.dumps({"to": ["Ann <ann@r.test>", "bo@r.test"], "sub": {"-name-": ["Ann", "Bo"]}})
        for port, how, auth, recipient in (
            (self.port, "--tls", "LOGIN", "a@r.test"), (self.port, "--tls", "PLAIN", "b@r.test"), (self.tls_port, "--tls-on-connect", "LOGIN", "c@r.test"),
        ):
            said = swaks(port, how, "--auth", auth, *login, "--to", recipient)
            self.assertEqual(said.code, 0, said.text)
            found = re.search(r"250 2\.0\.0 Ok: queued as (\S{22})\n", said.text)
            assert found is not None, said.text
            self.assertEqual(self.house.ask(f"SELECT COUNT(*) FROM mail_requests WHERE id = '{found[1]}'"), [(1,)])
        said = swaks(
            self.port, "--tls", "--auth", "PLAIN", *login, "--to", "ignored@r.test", "--header", f"X-SMTPAPI: {api}", body="Dear -name-",
        )
        self.assertEqual(said.code, 0, said.text)
        arrived = self.arrived()
        self.assertEqual(set(arrived), {f"{each}@r.test" for each in ("a", "b", "c", "ann", "bo")})
        self.assertEqual({name: (arrived[f"{name}@r.test"]["To"], arrived[f"{name}@r.test"].get_content().strip()) for name in ("ann", "bo")}, {
            "ann": ("Ann <ann@r.test>", "Dear Ann"), "bo": ("bo@r.test", "Dear Bo"),
        })

    def test_refused(self) -> None:
        """No login in clear text, none with a wrong key, no relaying without one, no sender of somebody else's; nothing is left behind."""
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=30)
        with client:
            client.ehlo()
            self.assertNotIn("auth", client.esmtp_features)
            self.assertEqual(client.docmd("AUTH", "PLAIN AGEAYg==")[0], 538)
            self.assertEqual(client.docmd("MAIL", f"FROM:<{self.house.sender}>")[0], 530)
            client.starttls(context=trusting())
            self.assertRaises(smtplib.SMTPAuthenticationError, client.login, "apikey", "sg_live_" + "0" * 32)
            self.assertEqual(client.docmd("MAIL", f"FROM:<{self.house.sender}>")[0], 530)
        with self.starttls() as client, self.assertRaises(smtplib.SMTPDataError) as caught:
            client.sendmail(self.house.sender, ["v@victim.test"], "From: boss@theirs.test\r\nSubject: x\r\n\r\ny\r\n")
        self.assertEqual(caught.exception.smtp_code, 550)
        self.assertIn(UNVERIFIED, bytes(caught.exception.smtp_error).decode())
        self.assertEqual(self.house.ask("SELECT COUNT(*) FROM messages"), [(0,)])

    def test_killed_before_the_reply(self) -> None:
        """A process that dies behind its commit has accepted the mail; handed in again under its key it stays one."""
        self.house.programs["all"].kill()
        self.house.start("all", fault="accept.after_commit:1")
        content = f"From: {self.house.sender}\r\nTo: once@r.test\r\nSubject: x\r\nIdempotency-Key: k1\r\n\r\ny\r\n"
        with self.assertRaises(smtplib.SMTPServerDisconnected):
            self.starttls().sendmail(self.house.sender, ["once@r.test"], content)
        self.house.programs["all"].wait_dead(30)
        self.house.start("all")
        with self.starttls() as client:
            client.sendmail(self.house.sender, ["once@r.test"], content)
        self.house.settled()
        self.assertEqual(self.house.recipients()[0].status, "delivered")
        self.assertEqual((len(self.house.recipients()), self.sink.copies["once@r.test"]), (1, 1))


class DevSubmission(PlainTestCase):
    def test_in_clear_text_on_this_host(self) -> None:
        """`scaisend dev` says where mails are handed in, and takes the login without TLS."""
        house = DevInstallation()
        self.addCleanup(house.close)
        house.start()
        with smtplib.SMTP("127.0.0.1", house.ready["submission_port"], timeout=30) as client:
            client.login("apikey", house.api_key)
            client.sendmail(house.sender, ["dev@r.test"], f"From: {house.sender}\r\nTo: dev@r.test\r\nSubject: Hi\r\n\r\nhello\r\n")
        house.settled()
        self.assertEqual([each["to"] for each in house.inbox()], ["dev@r.test"])
