"""What applications are told: webhooks, the stream of events, statistics.

Webhooks, in the order of an event's way:
    sweep_worker.py       outbox rows become deliveries, one batch of events for each webhook that wants them; due ones are pushed
    webhook_worker.py     claims a webhook's due deliveries and posts them, a few at once for each endpoint
    post_client.py        one POST: token, headers, signature        oauth_client.py   client-credentials tokens
    envelope.py           events as SendGrid's flat objects, and in our own form
    signature.py          ECDSA for the Event Webhook, HMAC for endpoints
    attempts.py           when a delivery is tried again, and when an endpoint is switched off
    deliveries_store.py events_store.py webhooks_store.py
Events by mail:
    forward_worker.py     bounces and spam reports to the address that their tenant has set; forwarded.py: what such a mail says; forwards_store.py
What a tenant sets up:
    event_webhook_api.py  /v3/user/webhooks/event/…, as at SendGrid     webhooks_api.py   /v3/user/webhooks, ours
    webhook.py            what a webhook is; its secrets                webhook_request.py   bodies of both APIs
    samples.py            one event of each type, for the test button   events_api.py     GET /v3/events
Statistics:
    statistics_worker.py  counts events once, in id order, and counts each day again when it is over
    counts.py             which event counts as what; periods.py: days, weeks, months
    sums_store.py         a row for each day and month; statistics_store.py: how far the counting came, and what is not counted yet
    providers.py          mailbox providers, by domain and by mail host; providers_store.py learns from deliveries
    statistics_api.py
"""
