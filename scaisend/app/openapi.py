"""The OpenAPI 3.1 document, written from the table of routes."""

import re
from collections.abc import Iterable

from scaisend.app.openapi_parameters import PARAMETERS
from scaisend.app.openapi_schemas import KNOWN, SCHEMAS, Json
from scaisend.app.unsupported_api import is_unsupported
from scaisend.http.route import Route

WITH_BODY = ("POST", "PUT", "PATCH")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_NAMES = re.compile(r"[^a-z0-9]+")
# Bodies that are not JSON.
_OTHER_BODIES = {
    ("POST", "/t/u/{token}"): "application/x-www-form-urlencoded", ("POST", "/verify-sender/{token}"): "application/x-www-form-urlencoded",
    ("POST", "/v3/images"): "multipart/form-data",
}
_REFUSALS = {
    "400": "What is wrong with the request, all of it.", "401": "No credential, or not a good one.", "403": "The credential may not do this.",
    "429": "Too many requests; Retry-After says when to come again.", "default": "Any other refusal.",
}


def document(routes: Iterable[Route], *, version: str) -> dict[str, Json]:
    """The document of these routes, JSON-able. What is not offered is left out."""
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        if not is_unsupported(route):
            paths.setdefault(path_template(route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ScaiSend", "version": version,
            "description": "Transactional mail. Paths below /v3 have the shapes of SendGrid's v3 API where SendGrid has them.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of the identity provider."}},
            "schemas": SCHEMAS,
            "responses": {
                "Refusal": {"description": "A refusal, with all its faults.", "content": {"application/json": {"schema": _ref("Error")}}},
            },
        },
    }


def path_template(path: str) -> str:
    """A route's path as OpenAPI has it: `/v3/api_keys/{key_id}`."""
    return _PARAMETER.sub(r"{\1}", path)


def permissions_of_route(route: Route) -> tuple[str, ...]:
    """The permissions of which any one opens the route; none where a credential suffices, or not even that is asked."""
    if route.public or route.permission is None:
        return ()
    return (route.permission,) if isinstance(route.permission, str) else route.permission


def group_of(path: str) -> str:
    """Under which heading a path stands: its first two segments."""
    parts = [part for part in path.split("/") if part and not part.startswith(("<", "{"))]
    if parts[:2] == ["v3", "user"] and len(parts) > 2:
        return f"/v3/user/{parts[2]}"
    return "/" + "/".join(parts[:3] if parts[:1] == ["api"] else parts[:2] if parts[:1] == ["v3"] else parts[:1])


def _operation(route: Route) -> dict[str, Json]:
    path = path_template(route.path)
    request, status, answer = KNOWN.get((route.method, path), ("Anything", "2XX", "Anything"))
    found: dict[str, Json] = {
        "operationId": _NAMES.sub("_", f"{route.method.lower()}_{path.lower()}").strip("_"),
        "summary": route.summary, "tags": [group_of(path)],
        "responses": {
            status: {"description": "Done.", "content": {"application/json": {"schema": _ref(answer)}}},
            **{code: {"$ref": "#/components/responses/Refusal", "description": text} for code, text in _REFUSALS.items()},
        },
    }
    permissions = permissions_of_route(route)
    if route.public:
        found["security"] = []
    if permissions:
        found["x-permissions"] = list(permissions)
        found["description"] = "Needs " + " or ".join(f"`{each}`" for each in permissions) + "."
    if parameters := [_parameter(name) for name in _PARAMETER.findall(route.path)] + [dict(each) for each in PARAMETERS.get((route.method, path), ())]:
        found["parameters"] = parameters
    if route.method in WITH_BODY:
        kind = _OTHER_BODIES.get((route.method, path), "application/json")
        found["requestBody"] = {"required": request not in ("", "Anything"), "content": {kind: {"schema": _ref(request or "Anything")}}}
    return found


def _parameter(name: str) -> dict[str, Json]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{name}"}
