"""The sender domains of tenants: their DKIM keys, what they publish in DNS, and what DNS says of it.

Doors: `/api/admin/domains` (api.py); the command line uses the same `Domains` (domains.py). `DnsClient` (dns_client.py) is the
resolver of the whole service, kept here because verification needs it most. SendGrid's view is `/v3/whitelabel/domains`
(whitelabel.py, _api, _store: integer ids, given when they are first asked for). `/v3/verified_senders` (verified_senders.py, _api,
_store) are single addresses, proven by a link in a mail; `verified_senders_store.verified_across_tenants` tells acceptance of them.
`/v3/whitelabel/links` (links.py, _api, _store) are hosts of the tenant's own that tracked links lead over. Who administers tenants is shown
what they have by subusers_api.py.
Tables: `domains`, `domain_keys`, `verified_senders`, `branded_links`.

Laws:
- A domain is verified when the DKIM record of one of its keys is seen in DNS; SPF, DMARC and the return path are judged and
  shown, and asked of nobody. Several tenants may hold one domain: their keys and selectors differ, so DNS decides for each.
- A key signs only after its record was seen. After a rotation the old key signs until the new one is seen, then retires.
- Trouble with DNS changes nothing: what was verified stays so until DNS denies it.
- A GET asks no DNS; it shows what the last verification found.
- A host is used for links when its own record and the one that only its domain's owner could publish for this tenant were seen.
- An address is verified by a button or a credential, never by a GET that anybody may make: scanners follow the links of mails.
- Private keys are sealed with SECRET_KEY and leave this room sealed.
"""
