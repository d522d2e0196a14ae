"""Jobs for tests of delivery."""

from scaisend.delivery.job import Job

BODY = b"Subject: hello\r\n\r\nhello\r\n"


def a_job(name="r1", *, to="u@in.test", sender="b+1@out.test", domain=None, body=BODY, tenant="t1", may_finish=lambda: True, load=None, **more):
    """A job; the domain is taken from `to`."""
    more = {"smtputf8": False, "source_pool": (), **more}
    return Job(
        recipient_id=name, tenant_id=tenant, envelope_from=sender, envelope_to=to, domain=domain or to.rpartition("@")[2], body=body, load=load,
        size_bytes=len(body or b""), may_finish=may_finish, **more,
    )
