"""Identity: who may do what.

Partner → tenant → people and API keys. Every request resolves to exactly one tenant here before anything else happens.

Doors     `authenticate.Authenticator` turns an API key into a `Caller` (the Identity seam of http/door.py), `bearer.Bearers` a key or a
          token of the identity provider; `lockout` bounds how often an address may fail;
          `/v3/auth` (`login_api`), where people log in at the provider: `login_client` asks it, `oidc_client` knows its keys;
          `keys_store.check_callers` asks again inside the transaction that acts on the verdict;
          `/v3/api_keys`, `/v3/scopes`, `/v3/user/account` and its like, `/api/admin/api-keys`, `/api/admin/audit-log`;
          `/v3/subusers` (`subusers_api`), where who administers tenants makes, disables and removes them;
          `settings_store` (what a tenant has set) and `addresses_store` (where its mail may leave from), for the rooms above;
          `scaikey_api` takes the identity provider's events, `sync_worker` reads its lists, `registration_client` makes us its client.
Clean     `permissions` (ours, SendGrid's scope names, the default roles), `api_key` (the form of a key and the verdict on it),
          `key_request` and `subuser` (what /v3/api_keys and /v3/subusers are asked for), `provider_news` and `provider_events` (what the provider tells, and its signature),
          `jwt` (the provider's tokens), `person` (the verdict on one), `login` and `login_session` (a login, and the cookies of one),
          `refreshing` (each refresh token is exchanged once by all processes).
Worker    `last_used_worker.LastUsed` writes down when keys were last used.
Tables    partners, tenants, users, user_groups and who is in them, roles and who has them, api_keys, audit_log; provider_events and
          provider_syncs; refresh_exchanges; `epochs` and `instance` of the installation.
Callers   http/door.py through the seam; every room above for `record_act`; app/ for init, keys and tenants.

Laws
- A key is shown once and stored as its SHA-256. It is found by that hash, so no comparison of secrets takes place in the program.
- A tenant is suspended when the identity provider says so, or its partner (`disabling_store`); neither lifts what the other said.
- A key, role or tenant that changes counts `epochs.identity` up in the same transaction; that row's lock is taken after those of
  all rows which existed before. A remembered verdict carries the epoch it was reached under, and is not acted upon under
  another one: so a revocation is obeyed on the next request in every process.
- Of a person nothing is remembered: each request with a token asks the database.
- A credential gives nothing that its maker does not have.
- Another tenant's ids answer as unknown ones.
- Every change leaves a row in the audit log, in the same transaction and without secrets.
"""
