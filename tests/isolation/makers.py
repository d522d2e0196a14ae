"""Makers of what a path's parameter can name. Each makes one thing for a tenant and answers the values that name it."""

import io
import json
import secrets
import time
from collections.abc import Callable, Mapping

from PIL import Image

from scaisend.domains.verified_senders import Proof, make_token
from scaisend.tracking.personal import CLICK, GROUP, LENGTH, OPEN, token
from scaisend.tracking.targets import message_key, tracked_url
from tests.isolation.world import MARK, SOURCE, US, Tenant, World

Named = Mapping[str, object]
Maker = Callable[[World, Tenant], Named]
TARGET = "https://example.org/leads-here"
LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports")
FORM = "multipart/form-data; boundary=frontier"


def tag(world: World, tenant: Tenant) -> str:
    """A fresh name; A's says whose it is."""
    return f"{MARK if tenant == world.a else 'another'}-{secrets.token_hex(4)}"


def address(world: World, tenant: Tenant) -> str:
    return f"{tag(world, tenant)}@left.test"


def elsewhere(world: World, tenant: Tenant, table: str, column: str, number: int, *others: str) -> int:
    """A number that tenant A has not: each tenant counts for itself, so two may have the same one. `others` are columns that name it."""
    if tenant == world.a:
        return number
    moved = number + (500_000_000 if tenant == world.b else 1_000_000_000)
    for each in (f"{table}.{column}", *others):
        where, _, name = each.partition(".")
        world.house.tell(f"UPDATE {where} SET {name} = {moved} WHERE tenant_id = '{tenant.id}' AND {name} = {number}")
    return moved


def mail(tenant: Tenant, to: str, **more: object) -> dict[str, object]:
    """A small send request."""
    return {
        "personalizations": [{"to": [{"email": to}]}], "from": {"email": tenant.sender}, "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}], **more,
    }


def batch(world: World, tenant: Tenant) -> Named:
    return {"batch_id": world.made(tenant, "POST", "/v3/mail/batch")["batch_id"]}


def stopped_batch(world: World, tenant: Tenant) -> Named:
    found = batch(world, tenant)
    world.house.tell(f"UPDATE batches SET status = 'open' WHERE tenant_id = '{tenant.id}'")  # there may be 100 that are not
    world.made(tenant, "POST", "/v3/user/scheduled_sends", {**found, "status": "pause"})
    return found


def message(world: World, tenant: Tenant) -> Named:
    """A message by each of its three names, with its recipient."""
    to = address(world, tenant)
    message_id = world.made(tenant, "POST", "/v3/mail/send", mail(tenant, to))["message_id"]
    ((request_id,),) = world.house.ask(f"SELECT request_id FROM messages WHERE id = '{message_id}'")
    shown = world.made(tenant, "GET", f"/v3/messages?limit=1&query=to_email=\"{to}\"")["messages"]
    return {"message_id": message_id, "x_message_id": request_id, "activity_id": shown[0]["msg_id"], "email": to}


def failed_message(world: World, tenant: Tenant) -> Named:
    found = message(world, tenant)
    world.made(tenant, "POST", f"/v3/messages/{found['message_id']}/fail")
    return found


def key(world: World, tenant: Tenant) -> Named:
    world.house.tell(f"DELETE FROM api_keys WHERE tenant_id = '{tenant.id}' AND created_by IS NOT NULL")  # made by an earlier call
    return {"key_id": world.made(tenant, "POST", "/v3/api_keys", {"name": tag(world, tenant), "scopes": ["mail.send"]})["api_key_id"]}


def domain(world: World, tenant: Tenant) -> Named:
    made = world.made(tenant, "POST", "/api/admin/domains", {"domain": f"{tag(world, tenant)}.test"})["data"]
    return {"domain_id": made["id"], "name": made["domain"]}


def seen_domain(world: World, tenant: Tenant) -> Named:
    """A domain whose keys were seen in DNS, so that it may have new ones."""
    found = domain(world, tenant)
    world.house.tell(f"UPDATE domain_keys SET status = 'active', seen_at = 1 WHERE domain_id = '{found['domain_id']}'")
    return found


def numbered_domain(world: World, tenant: Tenant) -> Named:
    made = world.made(tenant, "POST", "/v3/whitelabel/domains", {"domain": f"{tag(world, tenant)}.test"})
    return {"domain_id": elsewhere(world, tenant, "domains", "number", made["id"]), "name": made["domain"]}


def addressed_domain(world: World, tenant: Tenant) -> Named:
    """A domain whose mail leaves by an address of the installation."""
    found = numbered_domain(world, tenant)
    world.made(tenant, "POST", f"/v3/whitelabel/domains/{found['domain_id']}/ips", {"ip": SOURCE})
    return {**found, "ip": SOURCE}


def shared_domain(world: World, tenant: Tenant) -> Named:
    """A domain, and a tenant that it is to be associated with."""
    return {**numbered_domain(world, tenant), **subuser(world, tenant)}


def link(world: World, tenant: Tenant) -> Named:
    """A branded host for links, the default of its domain."""
    made = world.made(tenant, "POST", "/v3/whitelabel/links", {"domain": f"{tag(world, tenant)}.test", "subdomain": "go", "default": True})
    return {"link_id": made["id"], "domain": made["domain"]}


def template(world: World, tenant: Tenant) -> Named:
    return {"template_id": world.made(tenant, "POST", "/v3/templates", {"name": tag(world, tenant), "generation": "dynamic"})["id"]}


def version(world: World, tenant: Tenant) -> Named:
    found = template(world, tenant)
    made = world.made(tenant, "POST", f"/v3/templates/{found['template_id']}/versions", {
        "name": tag(world, tenant), "subject": f"{MARK if tenant == world.a else 'Hi'} {{{{name}}}}", "html_content": "<p>{{name}}</p>", "active": 1,
    })
    return {**found, "version_id": made["id"]}


def image_form(name: str) -> bytes:
    """A form with a small PNG."""
    picture = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(picture, "PNG")
    head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{name}.png"\r\nContent-Type: image/png\r\n\r\n'
    return head.encode() + picture.getvalue() + b"\r\n--frontier--\r\n"


def image(world: World, tenant: Tenant) -> Named:
    return {"image_id": world.made(tenant, "POST", "/v3/images", image_form(tag(world, tenant)), content_type=FORM)["id"]}


def listed(name: str) -> Maker:
    """An address on a suppression list."""
    def make(world: World, tenant: Tenant) -> Named:
        email = address(world, tenant)
        world.made(tenant, "POST", f"/v3/suppression/{name}", {"emails": [email]})
        return {"email": email}

    return make


def group(world: World, tenant: Tenant) -> Named:
    """An unsubscribe group, and an address that left it."""
    group_id = world.made(tenant, "POST", "/v3/asm/groups", {"name": tag(world, tenant), "description": "d"})["id"]
    email = address(world, tenant)
    world.made(tenant, "POST", f"/v3/asm/groups/{group_id}/suppressions", {"recipient_emails": [email]})
    return {"group_id": elsewhere(world, tenant, "asm_groups", "id", group_id, "asm_suppressions.group_id"), "email": email}


def opted_out(world: World, tenant: Tenant) -> Named:
    email = address(world, tenant)
    world.made(tenant, "POST", "/v3/asm/suppressions/global", {"recipient_emails": [email]})
    return {"email": email}


def partner(world: World, tenant: Tenant) -> Named:
    return {"partner_id": tenant.partner_id}


def whole_tenant(world: World, tenant: Tenant) -> Named:
    return {"tenant_id": tenant.id, "name": MARK if tenant == world.a else tenant.domain}


def subuser(world: World, tenant: Tenant) -> Named:
    return {"username": whole_tenant(world, tenant)["name"]}


def user(world: World, tenant: Tenant) -> Named:
    """A person with a role, in a group that has one too."""
    now = int(time.time() * US)
    user_id, group_id = world.new("usr", tenant), world.new("grp", tenant)
    role_id = role(world, tenant)["role"]
    world.insert(
        "users", id=user_id, tenant_id=tenant.id, external_id=tag(world, tenant), email=address(world, tenant), status="active", created_at=now, updated_at=now,
    )
    world.insert(
        "user_groups", id=group_id, tenant_id=tenant.id, external_id=tag(world, tenant), name=tag(world, tenant), status="active", created_at=now,
        updated_at=now,
    )
    world.insert("group_members", tenant_id=tenant.id, group_id=group_id, user_id=user_id)
    world.made(tenant, "POST", f"/api/admin/users/{user_id}/roles/{role_id}")
    world.made(tenant, "POST", "/api/admin/group-mappings", {"group_id": group_id, "role_id": role_id})
    return {"user_id": user_id, "group_id": group_id, "role": role_id}


def role(world: World, tenant: Tenant) -> Named:
    made = world.made(tenant, "POST", "/api/admin/roles", {"name": tag(world, tenant), "permissions": ["mail.send"]})["data"]
    return {"role": made["id"]}


def kept_mail(world: World, tenant: Tenant) -> Named:
    mail_id, now = world.new("inb"), int(time.time() * US)
    content = f"Subject: {tag(world, tenant)}\r\n\r\n".encode() + b"x" * 200_000
    world.insert(
        "inbound_mails", id=mail_id, tenant_id=tenant.id, kind="other", mail_from="", rcpt_to=address(world, tenant), peer="192.0.2.1",
        size_bytes=len(content), content=content, received_at=now,
    )
    return {"mail_id": mail_id}


def pool(world: World, tenant: Tenant) -> Named:
    made = world.made(tenant, "POST", "/api/admin/ip-pools", {"name": tag(world, tenant), "addresses": [SOURCE]})["data"]
    return {"pool_id": made["id"], "pool_name": made["name"], "ip": SOURCE}


def source(world: World, tenant: Tenant) -> Named:
    """An address that mail of all tenants leaves from."""
    return {"ip": SOURCE}


def bulk_job(world: World, tenant: Tenant) -> Named:
    """A job that has not begun: nothing runs here that would."""
    order = {"action": "hold", "filter": {"to": address(world, tenant)}, "reason": tag(world, tenant)}
    return {"job_id": world.made(tenant, "POST", "/api/admin/bulk-jobs", order)["data"]["id"]}


def endpoint(world: World, tenant: Tenant) -> Named:
    """A webhook endpoint, and a delivery that failed."""
    world.house.tell(f"DELETE FROM webhooks WHERE tenant_id = '{tenant.id}' AND model = 'endpoint'")
    made = world.made(tenant, "POST", "/v3/user/webhooks", {"url": f"https://{tag(world, tenant)}.test/hook", "events": ["delivered"]})
    delivery_id, now = world.new("whd", tenant), int(time.time() * US)
    world.insert(
        "webhook_deliveries", id=delivery_id, tenant_id=tenant.id, webhook_id=made["id"], event_ids=json.dumps([]), status="failed", attempts=5,
        last_answer="500", created_at=now, updated_at=now,
    )
    return {"webhook_id": made["id"], "delivery_id": delivery_id}


def event_webhook(world: World, tenant: Tenant) -> Named:
    world.house.tell(f"DELETE FROM webhooks WHERE tenant_id = '{tenant.id}' AND model = 'sendgrid'")
    path = "/v3/user/webhooks/event/settings"
    made = world.made(tenant, "POST", path, {"enabled": True, "url": f"https://{tag(world, tenant)}.test/events", "bounce": True})
    world.made(tenant, "PATCH", f"{path}/signed/{made['id']}", {"enabled": True})
    return {"webhook_id": made["id"]}


def sender(world: World, tenant: Tenant) -> Named:
    """A single sender, not yet verified, and the token of its link."""
    email = address(world, tenant)
    made = world.made(tenant, "POST", "/v3/verified_senders", {"nickname": tag(world, tenant), "from_email": email, "reply_to": email})
    sender_id = elsewhere(world, tenant, "verified_senders", "id", made["id"])
    proof = Proof(tenant.id, sender_id, email)
    return {"sender_id": sender_id, "token": make_token(world.sealer.key_for("verified-sender"), proof, time.time())}


def parse_host(world: World, tenant: Tenant) -> Named:
    made = world.made(tenant, "POST", "/v3/user/webhooks/parse/settings", {
        "hostname": f"{tag(world, tenant)}.{tenant.domain}", "url": "https://example.com/x", "send_raw": False, "spam_check": False,
    })
    return {"hostname": made["hostname"]}


def opting_out(world: World, tenant: Tenant) -> Named:
    """The token of a link that leads out of a mail."""
    key_, made = world.sealer.key_for("opt-out"), message(world, tenant)
    return {"token": token(key_, GROUP, str(made["message_id"]), 0)}


def opening(world: World, tenant: Tenant) -> Named:
    key_, made = world.sealer.key_for("opt-out"), message(world, tenant)
    return {"token": token(key_, OPEN, str(made["message_id"]), 0)}


def clicking(world: World, tenant: Tenant) -> Named:
    key_, made = world.sealer.key_for("opt-out"), message(world, tenant)
    url = tracked_url("", message_key(key_, str(made["message_id"])), 0, TARGET)
    return {"token": token(key_, CLICK, str(made["message_id"]), 0) + url.partition("?")[0].rpartition("/")[2][LENGTH:]}


MAKERS: Mapping[str, Maker] = {
    "batch": batch, "stopped batch": stopped_batch, "message": message, "seen domain": seen_domain, "failed message": failed_message, "key": key, "domain": domain,
    "numbered domain": numbered_domain, "template": template, "version": version, "addressed domain": addressed_domain, "shared domain": shared_domain, "link": link, "image": image, "group": group, "opted out": opted_out,
    "partner": partner, "tenant": whole_tenant, "subuser": subuser, "user": user, "role": role, "kept mail": kept_mail, "pool": pool, "source": source,
    "bulk job": bulk_job, "endpoint": endpoint, "event webhook": event_webhook, "sender": sender, "parse host": parse_host, "opting out": opting_out,
    "opening": opening, "clicking": clicking, **{name: listed(name) for name in LISTS},
}
