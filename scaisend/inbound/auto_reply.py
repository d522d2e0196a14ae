"""Automatic replies (RFC 3834), and reports of other kinds: neither says anything about delivery.

Vacation notices, challenges of a reader's own filter, acknowledgements of ticket systems; disposition notifications (RFC 8098), DMARC
aggregate reports (RFC 7489), TLS reports (RFC 8460).
"""

import re

from scaisend.inbound.mime import Mail
from scaisend.inbound.reading import AUTOREPLY, OTHER, Reading

_SUBJECT = re.compile(
    r"^\W*(?:auto(?:matic|mated|matische|matisch)?[- ]?(?:reply|response|respon\w+|antwort|\bre\b|bericht)|auto ?(?:reply|respons\w*)|auto:|out of (?:the )?office|"
    r"(?:away|absent|absence|vacation|on leave|abwesend|abwesenheit\w*)\b|automatische (?:antwort|abwesenheit)|réponse automatique|absence du bureau|respuesta automática|"
    r"fuera de (?:la )?oficina|risposta automatica|fuori (?:sede|ufficio)|automatisch antwoord|afwezig|resposta automática|ausência|автоответ|自动(?:回复|答复)|自動(?:回覆|応答|返信)|odpowiedź automatyczna|automatyczna odpowiedź)",
    re.IGNORECASE,
).match
_PRECEDENCE = re.compile(r"auto[-_]?reply", re.IGNORECASE).search
_CHALLENGE = re.compile(
    r"(?:boxbe|spamarrest|spam arrest|knowspam|choicemail|bluebottle|vanquish|mailblocks|earthlink spamblocker|0spam|sender verification|\btmda\b)",
    re.IGNORECASE,
).search
_CHALLENGE_TEXT = re.compile(
    r"(?:verify that you are|prove (?:that )?you(?:'re| are) (?:a )?(?:human|real)|added to (?:the|my|his|her|their) (?:guest|approved|allowed|white) ?list|reply to this (?:message|e-?mail) to (?:confirm|be)|waiting (?:in|for) .{0,40}(?:guest list|waiting list|approval))",
    re.IGNORECASE,
).search
_DMARC_SUBJECT = re.compile(r"^\W*report domain: ?\S+.{0,20}submitter: ?\S+", re.IGNORECASE).match
_TEXTS = ("text/plain", "text/html")
_TLS_PARTS = ("application/tlsrpt+gzip", "application/tlsrpt+json")


def read_other_report(mail: Mail) -> Reading | None:
    """The reading of a report that is about neither delivery nor complaints, or None."""
    report_type = mail.top.parameters.get("report-type", "").lower()
    if report_type == "tlsrpt" or mail.of_type(*_TLS_PARTS) or mail.top.raw_field("tls-report-domain"):
        return Reading(OTHER, "report.tls")
    if _DMARC_SUBJECT(mail.top.field("subject")) is not None:
        return Reading(OTHER, "report.dmarc")
    if report_type == "disposition-notification" or mail.of_type("message/disposition-notification"):
        return Reading(OTHER, "report.disposition")
    return None


def read_auto_reply(mail: Mail, by_mail_system: bool) -> Reading | None:
    """The automatic reply that the mail is, or None. `by_mail_system`: its sender is one, for which Auto-Submitted proves nothing."""
    top = mail.top
    submitted = top.raw_field("auto-submitted").lower().partition(";")[0].partition("(")[0].strip()
    if top.raw_field("x-autoreply") or top.raw_field("x-autorespond") or top.raw_field("x-autoreply-from") or top.raw_field("x-mail-autoreply"):
        return Reading(AUTOREPLY, "autoreply.header")
    if _PRECEDENCE(top.raw_field("precedence")) or _PRECEDENCE(top.raw_field("x-precedence")) or "VACATION" in top.raw_field("x-apple-action"):
        return Reading(AUTOREPLY, "autoreply.header")
    if top.raw_field("x-ms-exchange-inbox-rules-loop") or top.raw_field("x-cron-env") or top.raw_field("x-vacation"):
        return Reading(AUTOREPLY, "autoreply.header")
    if _SUBJECT(top.field("subject").strip()) is not None:
        return Reading(AUTOREPLY, "autoreply.subject")
    if is_challenge(mail) or _CHALLENGE_TEXT(next((part.text() for part in mail.parts if part.media_type in _TEXTS), "")[:3000]) is not None:
        return Reading(AUTOREPLY, "autoreply.challenge")
    if submitted in ("auto-replied", "auto-notified") and not by_mail_system:
        return Reading(AUTOREPLY, "autoreply.auto-submitted")
    return None


def is_challenge(mail: Mail) -> bool:
    """Its header says that a filter wants the sender to prove something before a person sees the mail, whatever form it has."""
    top = mail.top
    told = " ".join((top.field("from"), top.field("subject"), top.raw_field("x-mailer"), top.raw_field("x-delivery-agent")))
    return bool(top.raw_field("x-challenge")) or _CHALLENGE(told[:1000]) is not None
