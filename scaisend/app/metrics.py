"""Every metric of the service in one table, and the adapters that the rooms count with."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from scaisend.delivery.job import DELIVERED

LATENCIES = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "scaisend_http_requests": ("requests answered, by method, route and status", ("method", "route", "status")),
    "scaisend_messages_accepted": ("messages accepted: committed to the database before the 202", ()),
    "scaisend_mails_rendered": ("mails rendered and composed, one a recipient", ()),
    "scaisend_mails_unrendered": ("mails that ended as failed because they could not be rendered", ()),
    "scaisend_deliveries": ("delivery attempts that ended, by what came of them", ("kind",)),
    "scaisend_tls_sessions": ("connections to MXs by rung of the TLS ladder, and what came of TLS: tls, plain, or a kind of failure (RFC 8460)", ("rung", "result")),
    "scaisend_shape_changes": ("changes of learned limits of destinations: up, or down after a complaint", ("direction",)),
    "scaisend_webhook_events": ("events posted to webhooks by outcome of their delivery", ("outcome",)),
    "scaisend_resent": ("recipients sent again out of doubt: possible copies", ()),
    "scaisend_inbound_mails": ("mails that came back, by the reply code they were given", ("verdict",)),
    "scaisend_inbound_read": ("mails that came back, by what they were read as; other: kept for the operator", ("kind",)),
    "scaisend_sweep_failures": ("turns of background work that failed, by its name", ("name",)),
}
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "scaisend_queue_waiting": ("rows that are due for this stage now", ("queue",)),
    "scaisend_queue_delayed": ("rows of this stage whose moment has not come", ("queue",)),
    "scaisend_queue_in_flight": ("ids that workers have taken from the queue and not finished", ("queue",)),
    "scaisend_queue_oldest_seconds": ("how long the oldest due row of this stage has been due", ("queue",)),
    "scaisend_recipients": ("recipients that have not ended, by state", ("status",)),
    "scaisend_copies_per_million": ("recipients sent again out of doubt, per million deliveries of this process", ()),
    "scaisend_recipients_in_hand": ("recipients that this process is delivering", ()),
    "scaisend_outcomes_unrecorded": ("outcomes that this process knows and has not recorded yet", ()),
    "scaisend_pool_connections": ("open connections to destinations", ()),
    "scaisend_destinations_backing_off": ("destinations that are left alone for now", ()),
    "scaisend_destinations_paused": ("domains and destinations that operators paused", ()),
    "scaisend_lanes_limited": ("source addresses at destinations that are under a learned or ordered limit", ()),
    "scaisend_database_waiting": ("transactions that wait for a thread of the pool (DATABASE_POOL_SIZE)", ()),
    "scaisend_doctor_failures": ("dependencies and DNS of the instance that are broken, by `scaisend doctor`'s checks, once an hour (worker)", ()),
    "scaisend_reactor_lag_seconds": ("how late the reactor's timers are", ()),
}


class Metrics:
    """The registry of one process. Gauges are filled by `gather`, called at each scrape."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {name: Counter(name, text, labels, registry=self._registry) for name, (text, labels) in COUNTERS.items()}
        self._gauges = {name: Gauge(name, text, labels, registry=self._registry) for name, (text, labels) in GAUGES.items()}
        self._latency = Histogram(
            "scaisend_http_seconds", "seconds from the arrival of a request to its answer", ("route",), buckets=LATENCIES, registry=self._registry
        )
        self._sweep_failures: dict[str, int] = {}
        self._bound: dict[tuple[str, ...], Callable[[float], None]] = {}
        self._deliveries: dict[str, Counter] = {}
        self._resent = 0
        self._delivered = 0
        self._accepted = self._counters["scaisend_messages_accepted"]
        self._rendered = self._counters["scaisend_mails_rendered"]
        self._unrendered = self._counters["scaisend_mails_unrendered"]

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)

    def gauge(self, name: str, value: float, *labels: str) -> None:
        """A gauge has the value."""
        gauge = self._gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        key = (method, route, str(status))
        observe = self._bound.get(key)
        if observe is None:
            count = self._counters["scaisend_http_requests"].labels(method, route, str(status)).inc
            latency = self._latency.labels(route).observe

            def observe(seconds: float) -> None:
                count()
                latency(seconds)

            self._bound[key] = observe
        observe(seconds)

    def accepted(self, messages: int) -> None:
        self._accepted.inc(messages)

    def rendered(self, mails: int) -> None:
        self._rendered.inc(mails)

    def failed(self, mails: int) -> None:
        self._unrendered.inc(mails)

    def resent(self, recipients: int) -> None:
        """So many recipients are sent again out of doubt."""
        self._counters["scaisend_resent"].inc(recipients)
        self._resent += recipients
        self._count_copies()

    def _count_copies(self) -> None:
        self.gauge("scaisend_copies_per_million", 1e6 * self._resent / max(1, self._delivered))

    def settled(self, kind: str) -> None:
        """A delivery attempt ended so."""
        counter = self._deliveries.get(kind)
        if counter is None:
            counter = self._deliveries[kind] = self._counters["scaisend_deliveries"].labels(kind)
        counter.inc()
        if kind == DELIVERED:
            self._delivered += 1
            if self._resent:
                self._count_copies()

    def secured(self, rung: str, came_of_it: str) -> None:
        """A connection to an MX was tried on this rung."""
        self._counters["scaisend_tls_sessions"].labels(rung, came_of_it).inc()

    def posted(self, outcome: str, events: int) -> None:
        """A webhook delivery of so many events ended so."""
        self._counters["scaisend_webhook_events"].labels(outcome).inc(events)

    def received(self, verdict: str) -> None:
        """A mail came in."""
        self._counters["scaisend_inbound_mails"].labels(verdict).inc()

    def read_back(self, kind: str) -> None:
        """A mail that came back was read as of this kind."""
        self._counters["scaisend_inbound_read"].labels(kind).inc()

    def shape_changed(self, direction: str) -> None:
        """A learned limit of a destination went `up` or `down`."""
        self._counters["scaisend_shape_changes"].labels(direction).inc()

    def sweeps_failed(self, name: str, total: int) -> None:
        """So many turns of this background work have failed since the process began."""
        self._counters["scaisend_sweep_failures"].labels(name).inc(total - self._sweep_failures.get(name, 0))
        self._sweep_failures[name] = total
