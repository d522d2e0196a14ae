from scaisend.messages import event as events
from scaisend.messages.event import KINDS
from scaisend.reporting.webhook import SWITCHES, TOLD, Secrets, seal, unseal
from scaisend.sealing import SealBroken, Sealer
from tests.base import PlainTestCase
from tests.reporting.telling import SENDGRID, World


class WebhookTests(PlainTestCase):
    def test_wants(self) -> None:
        """A switch stands for all events that SendGrid tells under it; ours are chosen by their own names."""
        world = World()
        theirs = world.webhook(model=SENDGRID, told=("bounce", "dropped"))
        self.assertEqual([kind for kind in KINDS if theirs.wants(kind)], [events.BOUNCE, events.BLOCKED, events.DROPPED, events.FAILED])
        ours = world.webhook(told=("bounce",))
        self.assertEqual([kind for kind in KINDS if ours.wants(kind)], [events.BOUNCE])

    def test_every_told_event_has_a_switch(self) -> None:
        """No event that webhooks are told is out of reach of an Event Webhook."""
        self.assertEqual({kind for kinds in SWITCHES.values() for kind in kinds}, set(TOLD))

    def test_secrets(self) -> None:
        """Secrets come back from their seal; another SECRET_KEY cannot open it; nothing of them stands in the row."""
        sealer, secrets = Sealer(b"a" * 32, lambda size: b"\x01" * size), Secrets(b"\x00key", "whsec_1", "oauth-secret")
        sealed = seal(sealer, secrets)
        self.assertEqual(unseal(sealer, sealed), secrets)
        self.assertNotIn(b"oauth-secret", sealed)
        self.assertEqual(unseal(sealer, None), Secrets())
        self.assertRaises(SealBroken, unseal, Sealer(b"b" * 32, lambda size: b""), sealed)
