from scaisend.delivery.opening import EHLO, FAILED, GO_ON, GREETING, READY, START_TLS, TLS, Opening, capabilities
from tests.base import PlainTestCase


def opened(*said, wants_tls=True, needs_tls=False):
    opening = Opening(helo="out.test", wants_tls=wants_tls, needs_tls=needs_tls)
    return opening, [opening.receive(each) for each in said]


class OpeningTests(PlainTestCase):
    def test_capabilities_are_learnt_whatever_their_case(self):
        """`starttls` in lower case is STARTTLS, and the host's name is no capability."""
        self.assertEqual(capabilities(b"SIZE.test\nstarttls\nSize 100\n"), {"STARTTLS": "", "SIZE": "100"})
        opening, written = opened(b"220 hi\r\n", b"250-mx\r\n250 starttls\r\n")
        self.assertEqual(written, [b"EHLO out.test\r\n", b"STARTTLS\r\n"])
        self.assertEqual(opening.step, GO_ON)

    def test_everything_is_learnt_again_after_the_handshake(self):
        """What was said in clear does not count under TLS."""
        opening, _ = opened(b"220 hi\r\n", b"250-mx\r\n250-SIZE 9\r\n250 STARTTLS\r\n", b"220 go\r\n")
        self.assertEqual(opening.step, START_TLS)
        self.assertEqual(opening.secured(), b"EHLO out.test\r\n")
        self.assertEqual(opening.capabilities, {})
        opening.receive(b"250-mx\r\n250 PIPELINING\r\n")
        self.assertEqual((opening.step, opening.capabilities), (READY, {"PIPELINING": ""}))

    def test_plain_text_behind_starttls_ends_the_session(self):
        """Bytes that follow the 220 in clear would be trusted as if they came over TLS; a part of a line is enough to refuse."""
        for injected in (b"250-mx\r\n250 AUTH PLAIN\r\n", b"25"):
            opening, _ = opened(b"220 hi\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n" + injected)
            self.assertEqual((opening.step, opening.stage), (FAILED, TLS))
            self.assertFalse(opening.tls_failed)

    def test_without_tls_where_it_is_needed_there_is_no_session(self):
        """Not offered is 5.7.10, and no HELO gets around it."""
        opening, _ = opened(b"220 hi\r\n", b"250 mx\r\n", needs_tls=True)
        self.assertEqual((opening.step, opening.stage), (FAILED, TLS))
        self.assertIn("5.7.10", opening.fault)
        opening, _ = opened(b"220 hi\r\n", b"502 what\r\n", needs_tls=True)
        self.assertEqual((opening.step, opening.stage), (FAILED, EHLO))

    def test_a_host_without_ehlo_is_greeted_with_helo(self):
        """Then it has no extensions."""
        opening, written = opened(b"220 hi\r\n", b"502 what\r\n", b"250 mx\r\n")
        self.assertEqual(written[1:], [b"HELO out.test\r\n", b""])
        self.assertEqual((opening.step, opening.capabilities), (READY, {}))

    def test_a_refusing_greeting_is_kept(self):
        """554 and 421 greetings end the session with the host's words."""
        for greeting in (b"554 5.7.1 no\r\n", b"421 busy\r\n"):
            opening, _ = opened(greeting)
            self.assertEqual((opening.step, opening.stage, opening.refused), (FAILED, GREETING, True))
            self.assertEqual(opening.reply.code, int(greeting[:3]))

    def test_a_refused_starttls_may_be_done_without(self):
        """454 says that TLS failed here, which opportunistic policy takes as leave to go without."""
        opening, _ = opened(b"220 hi\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"454 not now\r\n")
        self.assertEqual((opening.step, opening.tls_failed), (FAILED, True))
