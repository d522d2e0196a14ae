import orjson

from scaisend.app.adapters import Adapters
from scaisend.app.own_mail import TRIES, own_mail
from scaisend.caller import Caller
from scaisend.domains.verified_senders import confirmation
from scaisend.faults import Unauthenticated
from scaisend.identity.instance_store import bump_identity_epoch
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import id_maker, now

BODY = orjson.dumps(confirmation(sender="no-reply@bounces.example", to="me@example.com", link="https://x.example/"))


class Sends:
    """Accepts what it is given, after so many refusals."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.callers: list[Caller] = []

    async def send_own(self, caller: Caller, body: bytes, *, now_s: float, request_id: str | None) -> str:
        self.callers.append(caller)
        if len(self.callers) <= self.refusals:
            raise Unauthenticated("x")
        return "accepted"


class OwnMail(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.adapters = Adapters(
            config=None, reactor=None, database=self.database, queue=None, limiter=None, objects=None, sealer=None, ids=id_maker(),  # type: ignore[arg-type]
            resolver=None, metrics=None, worker_id="", has_queue_server=False,  # type: ignore[arg-type]
        )

    def test_in_the_tenants_name(self) -> None:
        """The caller is of the tenant, may send and no more, and stands under the present epoch."""
        self.database.now(bump_identity_epoch)
        sends = Sends(0)
        self.assertEqual(now(self, own_mail(self.adapters, sends)("tnt_a", "prt_a", BODY)), "accepted")  # type: ignore[arg-type]
        (caller,) = sends.callers
        self.assertEqual((caller.tenant_id, caller.permissions, caller.epoch), ("tnt_a", frozenset({"mail.send"}), 1))

    def test_identity_changes_meanwhile(self) -> None:
        """It looks again, and gives up after some tries."""
        sends = Sends(2)
        now(self, own_mail(self.adapters, sends)("tnt_a", "prt_a", BODY))  # type: ignore[arg-type]
        self.assertEqual(len(sends.callers), 3)
        with self.assertRaises(Unauthenticated):
            now(self, own_mail(self.adapters, Sends(TRIES))("tnt_a", "prt_a", BODY))  # type: ignore[arg-type]
