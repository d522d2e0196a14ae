"""The sender domains of tenants: their DKIM keys, what they publish in DNS, and what DNS says of it.

Doors: `/api/admin/domains` (api.py); the command line uses the same `Domains` (domains.py). `DnsClient` (dns_client.py) is the
resolver of the whole service, kept here because verification needs it most.
Tables: `domains` and `domain_keys`.

Laws:
- A domain is verified when the DKIM record of one of its keys is seen in DNS; SPF, DMARC and the return path are judged and
  shown, and asked of nobody. Several tenants may hold one domain: their keys and selectors differ, so DNS decides for each.
- A key signs only after its record was seen. After a rotation the old key signs until the new one is seen, then retires.
- Trouble with DNS changes nothing: what was verified stays so until DNS denies it.
- A GET asks no DNS; it shows what the last verification found.
- Private keys are sealed with SECRET_KEY and leave this room sealed.
"""
