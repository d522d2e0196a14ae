"""Replies as values, and the table of those that the receiver gives by itself (RFC 5321 4.2, enhanced codes RFC 3463)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reply: `code` (250), `enhanced` (2.1.5; empty where RFC 2034 has none) and one line of text.

    `wire` is the reply as it is sent: printable ASCII on one line, at most 500 octets and CRLF.
    """

    code: int
    enhanced: str
    text: str
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        line = f"{self.code} {self.enhanced} {self.text}" if self.enhanced else f"{self.code} {self.text}"
        if not (line.isascii() and line.isprintable()):
            line = "".join([each if " " <= each <= "~" else "?" for each in line])
        object.__setattr__(self, "wire", line[:500].encode("ascii") + b"\r\n")

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.code < 300


SENDER_OK = Verdict(250, "2.1.0", "sender ok")
RECIPIENT_OK = Verdict(250, "2.1.5", "recipient ok")
RESET = Verdict(250, "2.0.0", "ok")
CHUNK_OK = Verdict(250, "2.0.0", "chunk received")
VERIFY = Verdict(252, "2.1.5", "not verified, send the mail to find out")
HELP = Verdict(214, "2.0.0", "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP STARTTLS QUIT")
GO_AHEAD = Verdict(354, "", "end the mail with <CRLF>.<CRLF>")
TLS_READY = Verdict(220, "2.0.0", "ready to start TLS")
BYE = Verdict(221, "2.0.0", "bye")

LOGGED_IN = Verdict(235, "2.7.0", "Authentication successful")
ASK_ANY = Verdict(334, "", "")
ASK_USER = Verdict(334, "", "VXNlcm5hbWU6")
ASK_PASSWORD = Verdict(334, "", "UGFzc3dvcmQ6")

DRAINING = Verdict(421, "4.3.2", "closing for maintenance, come back")
TOO_MANY_CONNECTIONS = Verdict(421, "4.3.2", "too many connections, try again later")
TOO_MANY_FROM_ADDRESS = Verdict(421, "4.7.0", "too many connections from your address, try again later")
TOO_MANY_ERRORS = Verdict(421, "4.7.0", "too many errors")
TOO_MANY_COMMANDS = Verdict(421, "4.7.0", "too many commands without a mail")
TOO_MANY_LOGINS = Verdict(421, "4.7.0", "too many failed logins")
TIMED_OUT = Verdict(421, "4.4.2", "timed out")
TOO_SLOW = Verdict(421, "4.4.2", "the mail arrives too slowly")
SESSION_TOO_LONG = Verdict(421, "4.4.2", "this session lasts too long, open another one")

TROUBLE = Verdict(451, "4.3.0", "internal trouble, try again later")
NO_ROOM = Verdict(452, "4.3.1", "no room for the mail now, try again later")
TOO_MANY_RECIPIENTS = Verdict(452, "4.5.3", "too many recipients, send the rest in another transaction")

NOT_LOGGED_IN = Verdict(530, "5.7.0", "Unauthenticated Senders Not Allowed")
TLS_FIRST = Verdict(530, "5.7.0", "Must issue a STARTTLS command first")
MAY_NOT_ACT_FOR = Verdict(535, "5.7.8", "Authentication failed: nobody acts for another here")
TLS_FOR_AUTH = Verdict(538, "5.7.11", "Encryption required for requested authentication mechanism")
UNKNOWN_MECHANISM = Verdict(504, "5.5.4", "authentication mechanism not known")
AUTH_CANCELLED = Verdict(501, "5.7.0", "authentication cancelled")
BAD_CREDENTIALS_FORM = Verdict(501, "5.5.2", "the credentials are not base64 of what the mechanism wants")
LOGGED_IN_ALREADY = Verdict(503, "5.5.1", "authenticated already")
AUTH_IN_MAIL = Verdict(503, "5.5.1", "no AUTH within a mail transaction")

LINE_TOO_LONG = Verdict(500, "5.5.2", "line too long")
NOT_UTF8 = Verdict(500, "5.5.2", "commands are printable ASCII or UTF-8")
UNKNOWN_COMMAND = Verdict(500, "5.5.1", "command not known")
SYNTAX = Verdict(501, "5.5.4", "syntax error in parameters")
NOT_OFFERED = Verdict(502, "5.5.1", "command not offered")
SAY_EHLO = Verdict(503, "5.5.1", "send EHLO first")
NEED_MAIL = Verdict(503, "5.5.1", "send MAIL first")
NEED_RECIPIENT = Verdict(554, "5.5.1", "no valid recipients")
NESTED_MAIL = Verdict(503, "5.5.1", "a sender was given already")
IN_CHUNKS = Verdict(503, "5.5.1", "the mail goes on in chunks: BDAT or RSET")
TLS_ALREADY = Verdict(503, "5.5.1", "TLS is active already")
BARE_LINE_END = Verdict(521, "5.5.2", "bare CR or LF received; lines end in CRLF (RFC 5321 2.3.8)")
BARE_LINE_END_IN_MAIL = Verdict(554, "5.6.0", "the mail has a bare CR or LF; lines end in CRLF (RFC 5321 2.3.8)")
TOO_LARGE = Verdict(552, "5.3.4", "the mail is too large")
BAD_SENDER = Verdict(501, "5.1.7", "bad sender address syntax")
BAD_RECIPIENT = Verdict(501, "5.1.3", "bad recipient address syntax")
NEEDS_SMTPUTF8 = Verdict(553, "5.6.7", "the address needs SMTPUTF8")
UNKNOWN_PARAMETER = Verdict(555, "5.5.4", "parameter not known")
IMPROPER_PIPELINING = Verdict(554, "5.5.0", "nothing may follow this command before its reply (RFC 2920 3.1)")
NOT_SMTP = Verdict(554, "5.5.0", "this is SMTP")
