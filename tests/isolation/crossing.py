"""The closed list of functions whose statements cross tenants.

"" says that what they answer carries its tenant, or is no more than a yes or a number; a test checks that from statements and types. Where it is not so, the reason
stands here. Who needs a new one first looks for another way: `(tenant_id, key)` row values serve many tenants with one statement and need no line here.
"""

_OWN = "ids and states of rows that its caller holds with their tenant"
CROSSING: dict[str, str] = {
    # Authentication and links: what is asked for finds the tenant.
    "content/images_store.py:image_across_tenants": "", "identity/keys_store.py:credentials_across_tenants": "",
    "identity/standing_store.py:standing_across_tenants": "", "tracking/store.py:recipient_across_tenants": "",
    "inbound/parse_store.py:owners_across_tenants": "", "messages/waiting_store.py:tenant_of_message_across_tenants": "",
    "domains/links_store.py:valid_links_across_tenants": "",
    # What the identity provider tells: by its ids, which are one space for all tenants.
    "identity/mirror_store.py:id_across_tenants": "our id of what the provider names; only what the provider tells is done with it",
    "identity/mirror_store.py:mirror_across_tenants": "the id of the row that the provider told of", "identity/mirror_store.py:seen_across_tenants": "",
    "identity/told_store.py:_tenant_of_across_tenants": "", "identity/told_store.py:assign_across_tenants": "",
    "identity/told_store.py:deactivate_across_tenants": "", "identity/told_store.py:left_across_tenants": "",
    "identity/told_store.py:list_members_across_tenants": "", "identity/told_store.py:see_across_tenants": "",
    "identity/told_store.py:seen_in_across_tenants": "",
    "identity/told_store.py:tell_across_tenants": "the id of the row that the provider told of",
    "identity/audit_store.py:acts_across_tenants": "", "identity/audit_store.py:unchained_across_tenants": "names of chains; a chain is called by its tenant",
    # Rendering.
    "sending/batches_store.py:held_too_long_across_tenants": "", "sending/store.py:claim_messages_across_tenants": "",
    "sending/store.py:_claim_recipients_across_tenants": "recipients by the message that the caller has just claimed, and holds with its tenant",
    "sending/store.py:pause_claimed_across_tenants": "", "sending/store.py:payloads_across_tenants": "texts by the id of a message that its caller holds with its tenant",
    "sending/store.py:store_rendered_across_tenants": _OWN, "sending/store.py:forget_idempotency_keys_across_tenants": "",
    # Delivery.
    "delivery/store.py:claim_recipients_across_tenants": "", "delivery/store.py:end_leases_across_tenants": "",
    "delivery/store.py:hold_across_tenants": "", "delivery/store.py:lock_lapsed_across_tenants": "",
    "delivery/store.py:mark_sending_across_tenants": _OWN, "delivery/store.py:release_across_tenants": _OWN,
    "delivery/store.py:render_again_across_tenants": "", "delivery/store.py:renew_leases_across_tenants": _OWN,
    "delivery/store.py:unmark_sending_across_tenants": "",
    # Bulk jobs: of one tenant, or an operator's over all.
    "delivery/bulk_store.py:close_items_across_tenants": "", "delivery/bulk_store.py:drop_old_jobs_across_tenants": "",
    "delivery/bulk_store.py:job_across_tenants": "", "delivery/bulk_store.py:jobs_across_tenants": "",
    "delivery/bulk_store.py:lock_job_across_tenants": "", "delivery/bulk_store.py:move_job_across_tenants": "",
    "delivery/bulk_store.py:open_items_across_tenants": "", "delivery/bulk_store.py:open_jobs_across_tenants": "ids of jobs that the worker takes; the job says whose",
    "delivery/bulk_store.py:reroute_across_tenants": "", "delivery/bulk_store.py:undo_job_across_tenants": "",
    "delivery/bulk_store.py:_lock_held_across_tenants": "recipients by the id that the job took with its tenant",
    "delivery/bulk_store.py:_put_back_across_tenants": "",
    # History.
    "messages/store.py:drop_bodies_across_tenants": "", "messages/store.py:emails_across_tenants": "addresses by the id of a recipient that its caller holds with its tenant",
    "messages/store.py:keep_bodies_across_tenants": "", "messages/store.py:lock_messages_across_tenants": "",
    "messages/store.py:lock_recipients_across_tenants": "", "messages/store.py:recipient_states_across_tenants": _OWN,
    "messages/store.py:tenants_with_webhooks_across_tenants": "", "messages/store.py:touch_recipients_across_tenants": "",
    "messages/store.py:update_messages_across_tenants": "", "messages/store.py:update_recipients_across_tenants": "",
    # What the operator's commands show.
    "messages/ledger_store.py:_entries_across_tenants": "parts of the entries whose tenants its caller has read", "messages/ledger_store.py:entries_again_across_tenants": "",
    "messages/ledger_store.py:ledger_page_across_tenants": "", "messages/waiting_store.py:failed_across_tenants": "",
    "messages/waiting_store.py:first_across_tenants": "", "messages/waiting_store.py:reasons_across_tenants": "",
    "messages/held_store.py:held_across_tenants": "", "messages/held_store.py:hold_messages_across_tenants": "",
    "messages/held_store.py:to_hold_across_tenants": "ids of messages that an operator's command holds; history says whose they are",
    # Secrets that are sealed anew, and limits that every process knows.
    "domains/store.py:reseal_key_across_tenants": "", "domains/store.py:sealed_keys_across_tenants": "ids and sealed keys, which are sealed anew and shown to nobody",
    "reporting/webhooks_store.py:reseal_secrets_across_tenants": "",
    "reporting/webhooks_store.py:sealed_secrets_across_tenants": "ids and sealed secrets, which are sealed anew and shown to nobody",
    "identity/limits_store.py:limits_across_tenants": "", "domains/store.py:owner_across_tenants": "",
    # A domain that several tenants of a partner have: its keys and checks are one thing.
    "domains/sharing_store.py:numbered_across_tenants": "", "domains/sharing_store.py:associations_across_tenants": "",
    "domains/sharing_store.py:has_owner_across_tenants": "",
    "reporting/providers_store.py:learn_providers_across_tenants": "",
    # Mail that comes back: the token in its address finds the recipient, and that the tenant.
    "inbound/store.py:complained_across_tenants": _OWN, "inbound/store.py:drop_across_tenants": "",
    "inbound/store.py:is_sender_domain_across_tenants": "", "inbound/store.py:keep_across_tenants": "", "inbound/store.py:kept_across_tenants": "",
    "inbound/store.py:kept_counts_across_tenants": "numbers by kind, for metrics", "inbound/store.py:lock_unparsed_across_tenants": _OWN,
    "inbound/store.py:read_before_across_tenants": "", "inbound/store.py:recipients_across_tenants": "",
    "inbound/store.py:set_kinds_across_tenants": "", "inbound/store.py:unnamed_objects_across_tenants": "keys of objects that its caller listed itself",
    "inbound/store.py:unparsed_across_tenants": "", "inbound/parse_posts_store.py:claim_across_tenants": "",
    "inbound/parse_posts_store.py:drop_claimed_across_tenants": "",
    "inbound/parse_posts_store.py:due_hosts_across_tenants": "host names; a host is one tenant's",
    "inbound/parse_posts_store.py:forget_failed_across_tenants": "", "inbound/parse_posts_store.py:put_off_across_tenants": "",
    # Telling applications, and counting.
    "reporting/deliveries_store.py:claim_across_tenants": "",
    "reporting/deliveries_store.py:due_webhooks_across_tenants": "ids that the worker pushes; the claim answers the tenant",
    "reporting/deliveries_store.py:fail_due_across_tenants": "", "reporting/deliveries_store.py:forget_deliveries_across_tenants": "",
    "reporting/deliveries_store.py:tenants_in_outbox_across_tenants": "",
    "reporting/forwards_store.py:due_across_tenants": "",
    "reporting/deliveries_store.py:webhook_ids_across_tenants": "ids that the worker claims by; the claim answers the tenant",
    "reporting/statistics_store.py:last_of_across_tenants": "the id at which the counting goes on", "reporting/statistics_store.py:tally_across_tenants": "",
    "reporting/statistics_store.py:tally_day_across_tenants": "", "reporting/sums_store.py:replace_day_across_tenants": "",
    "reporting/webhooks_store.py:webhook_across_tenants": "",
    "tracking/store.py:past_across_tenants": _OWN, "tracking/store.py:seen_across_tenants": "",
}
# Functions that keep to the tenant that they are given, and to none where it is None: for callers whose reach is more than one tenant (identity/reach.py).
REACHING: dict[str, str] = {
    "identity/users_store.py:users": "a partner admin sees its partner's people, a super admin all", "identity/users_store.py:user": "as users",
    "inbound/store.py:kept_read": "the operator sees what no tenant is known of", "inbound/store.py:kept_mail": "as kept_read",
}
