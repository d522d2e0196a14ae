"""The HTTP floor: requests in, requests out.

A room's Api object lists its doors as `Route`s (route.py); a handler is a coroutine from a `Call` (call.py) to a `Reply`
(reply.py, which also says what each refusal is in HTTP). site.py, which alone knows Klein, finds routes; connection.py takes
requests in and answers them on twisted.web's parser; wire.py reads and writes heads; body.py takes a body in while it arrives
and refuses it as soon as it is too much; door.py decides who calls, whether they may and how often; cookies.py has a browser's session, proxies.py finds the client behind
proxies. paging.py reads and makes
pages. outgoing.py, which alone knows treq, calls the outside; targets.py says which addresses must not be called.

Laws: every answer carries X-Request-Id and every error the one body `{"errors": [{message, field, help}], "detail"}`. What is
refused is refused as early as it can be: an unknown path, a missing credential or a length over the limit before the body,
a body that grows over it while it arrives. A request whose caller has gone away is still answered to its end, into nothing.
Nothing of an unforeseen exception leaves the process but the request id under which it was logged.

Callers: every room's `*api.py` (Route, Call, Reply, paging), app/ (Door, make_site, Outgoing).
"""
