from scaisend.inbound.mime import read_mail
from scaisend.inbound.texts import (
    is_named_mail_system,
    read_text_bounce,
    signs_of_mail_system,
    split_original,
    wordings,
)
from tests.base import PlainTestCase

DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.test>\r\nSubject: failure notice\r\nReturn-Path: <>\r\n\r\n"


def told(text: str, head: str = DAEMON):
    """Rule, and recipient, action, status and bounce type of each; None when it is no bounce."""
    found = read_text_bounce(read_mail((head + text).encode()))
    return None if found is None else (found.rule, [(each.recipient, each.action, each.status, each.bounce_type) for each in found.recipients])


class SystemsTests(PlainTestCase):
    def test_qmail(self):
        """A paragraph a recipient, with its own words."""
        text = (
            "Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
            "<a@x.test>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n<b@x.test>:\nRemote host said: 552 5.2.2 Mailbox full\n\n"
            "--- Below this line is a copy of the message.\n\nTo: c@x.test\nMessage-ID: <1@x>\n"
        )
        self.assertEqual(told(text), ("text.qmail", [("a@x.test", "failed", "5.1.1", "hard"), ("b@x.test", "failed", "5.2.2", "soft")]))

    def test_exim(self):
        """Indented addresses and reasons; a warning is a delay."""
        text = (
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
            "recipients. This is a permanent error. The following address(es) failed:\n\n  a@x.test\n    host mx.x.test [192.0.2.1]\n"
            "    SMTP error from remote mail server after RCPT TO:<a@x.test>:\n    550 5.1.1 Unknown user\n\n------ This is a copy of the message ------\n"
        )
        self.assertEqual(told(text), ("text.exim", [("a@x.test", "failed", "5.1.1", "hard")]))
        delayed = (
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\n"
            "recipients after more than 24 hours on the queue on mx.test.\n\nThe address to which the message has not yet been delivered is:\n\n  a@x.test\n"
        )
        self.assertEqual(told(delayed), ("text.exim-warning", [("a@x.test", "delayed", None, None)]))

    def test_others(self):
        """Exchange, Google, Yahoo, Domino, sendmail, CommuniGate, in the words they use."""
        rows = {
            "Your message\n\n  To:      Ann\n  Subject: x\n\ndid not reach the following recipient(s):\n\na@x.test on Wed, 15 Feb 2006\n    The recipient name is not recognized\n": "a@x.test",
            "Delivery to the following recipient failed permanently:\n\n     a@x.test\n\nTechnical details of permanent failure:\nDNS Error: Domain name not found\n": "a@x.test",
            "Sorry, we were unable to deliver your message to the following address.\n\n<a@x.test>:\nRemote host said:\n550 5.1.1 User Unknown\n": "a@x.test",
            "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\na@x.test\n\n------- Returned Message --------\n": "a@x.test",
            "   ----- The following addresses had permanent fatal errors -----\n<a@x.test>\n    (reason: 550 5.1.1 User unknown)\n": "a@x.test",
            "Failed to deliver to 'a@x.test'\nSMTP module(domain x.test) reports:\n host mx.x.test says:\n 550 5.1.1 unknown\n": "a@x.test",
            "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Verteilerlisten:\n\na@x.test\nDie E-Mail-Adresse wurde nicht gefunden.\n": "a@x.test",
            "Échec de la remise pour ces destinataires ou groupes :\n\na@x.test\n": "a@x.test",
        }
        for text, address in rows.items():
            found = told(text)
            self.assertIsNotNone(found, text)
            self.assertEqual([each[:2] for each in found[1]], [(address, "failed")], text)

    def test_recipients_from_elsewhere(self):
        """X-Failed-Recipients names them in any language; else the copy of the original says whom it was for."""
        head = "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\r\nX-Failed-Recipients: a@x.test, b@x.test\r\n\r\n"
        self.assertEqual([each[0] for each in told("Hallå, det gick inte.\n", head)[1]], ["a@x.test", "b@x.test"])
        text = "The following mail could not be delivered to its recipient.\n\n--- original message follows\nTo: a@x.test\nSubject: x\nMessage-ID: <1@x>\n"
        self.assertEqual(told(text)[1][0][0], "a@x.test")


class EvidenceTests(PlainTestCase):
    def test_the_words_alone_are_nothing(self):
        """People who forward, quote or discuss bounces, shops, quota warnings, quarantine digests, and colleagues who left are no bounces."""
        bounce = "This is the mail system at host mx.test.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<x@y.test>: 550 5.1.1 unknown\n"
        for head, text in (
            ("From: Ann <ann@a.test>\r\nSubject: Fwd: Undelivered Mail Returned to Sender\r\n\r\n", bounce),
            ("From: Helpdesk <support@a.test>\r\nSubject: Re: Mail delivery failed: returning message to sender\r\n\r\n", bounce),
            ("From: DHL <noreply@dhl.test>\r\nSubject: Delivery failed: we missed you\r\n\r\n", "Your parcel could not be delivered to the following address: ann@a.test\n"),
            ("From: Mail Administrator <postmaster@a.test>\r\nSubject: Your mailbox is almost full\r\n\r\n", "Mail to ann@a.test could not be delivered until you free space.\n"),
            ("From: postmaster@a.test\r\nReturn-Path: <>\r\nSubject: Quarantine summary\r\n\r\n", "The following messages were not delivered to your inbox:\n\nspam@b.test\n"),
            ("From: Ann <ann@a.test>\r\nReturn-Path: <>\r\nSubject: Re: Invoice\r\n\r\n", "I left. Your message was not delivered to anybody; write to bob@a.test\n"),
        ):
            self.assertIsNone(told(text, head), head)

    def test_signs(self):
        """Names of mail systems count most, then the null reverse path and the usual subjects."""
        rows = {"From: MAILER-DAEMON": 2, "From: postmaster@x.test": 1, "Return-Path: <>": 3, "Subject: failure notice": 1, "From: Ann <ann@x.test>": 0}
        found = {head: signs_of_mail_system(read_mail(f"{head}\r\n\r\n".encode())) for head in rows}
        self.assertEqual({head: min(count, 2) for head, count in found.items()}, {head: min(count, 2) for head, count in rows.items()})
        self.assertFalse(is_named_mail_system(read_mail(b"From: Ann <ann@x.test>\r\nReturn-Path: <>\r\n\r\n")))

    def test_split(self):
        """The report ends where the copy begins, by a line that says so or by a header."""
        self.assertEqual(split_original("one\ntwo\n--- Below this line is a copy of the message.\nthree"), ("one\ntwo\n", "--- Below this line is a copy of the message.\nthree"))
        self.assertEqual(split_original("one\nFrom: a\nTo: b\nMessage-ID: <c>\n"), ("one\n", "From: a\nTo: b\nMessage-ID: <c>\n"))
        self.assertEqual(split_original("Your message\nTo: b\nSubject: c\nSent: d\n")[1], "")

    def test_the_table_is_sound(self):
        """Rules have names of their own, and every expression compiles."""
        names = [row.rule for row in wordings().rows]
        self.assertEqual(len(names), len(set(names)))
