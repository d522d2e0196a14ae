from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.reporting.webhook_request import Targets, read_endpoint, read_event_webhook, read_signed
from tests.base import PlainTestCase

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "events", "enabled", "bounce", "oauth_token_url", "friendly_name"]) | st.text(max_size=5), inner, max_size=5),
    max_leaves=10,
)


class RequestTests(PlainTestCase):
    @settings(deadline=None, max_examples=200)
    @given(JSON)
    def test_any_json(self, value: object) -> None:
        """Whatever is sent is read or refused with faults."""
        for read in (
            lambda: read_event_webhook(value, Targets(), needs_url=True), lambda: read_endpoint(value, Targets(), needs_url=False), lambda: read_signed(value),
        ):
            try:
                read()
            except Invalid as error:
                self.assertTrue(error.faults)

    def test_targets(self) -> None:
        """A login in the URL is allowed; the inside is reached only where private targets are."""
        public, free = Targets(), Targets(allow_http=True, allow_private=True)
        self.assertIsNone(public.fault("https://me:secret@hooks.example.com/x"))
        self.assertIsNone(free.fault("http://127.0.0.1:8080/"))
        for url in ("http://hooks.example.com/", "https://me@127.0.0.1/", "https://a@b@10.0.0.1/", "https://2130706433/", "https://[::ffff:127.0.0.1]/", "https://["):
            self.assertTrue(public.fault(url), url)
