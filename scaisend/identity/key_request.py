"""What /v3/api_keys is asked for, in SendGrid's terms."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scaisend.caller import Caller
from scaisend.faults import Fault, Forbidden, Invalid
from scaisend.identity.permissions import OURS, scopes_beyond, unknown_scopes
from scaisend.shape import wrong_type

MOST_KEYS = 100
MOST_SCOPES = 500
NAME_LENGTH = 255
NAME_EXPECTED = "expected JSON request body with 'name' property"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made. `shows_terms` tells that the request named test or expires_at, so the answer does too."""

    name: str
    scopes: tuple[str, ...]
    is_test: bool
    expires_at: float | None
    shows_terms: bool


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key's new name, and its new scopes where they are given."""

    name: str
    scopes: tuple[str, ...] | None


def read_new_key(body: object, caller: Caller, now_s: float) -> NewKey:
    """The key asked for, no mightier than its maker; names that SendGrid's examples send, such as `sample`, are passed over.

    Raises: Invalid with every fault; Forbidden when it would be mightier than the caller.
    """
    given: Mapping[str, object] = body if isinstance(body, dict) else {}
    faults: list[Fault] = []
    name = _name(given, faults, "missing required argument")
    scopes = _scopes(given, faults)
    is_test = given.get("test")
    if is_test is not None and not isinstance(is_test, bool):
        faults.append(Fault(wrong_type("boolean", is_test), "test"))
    expires_at = _expiry(given, faults, now_s)
    if faults:
        raise Invalid(faults)
    if caller.is_test and is_test is False:
        raise Forbidden("access forbidden: a test key makes test keys only", "test", "leave `test` out, or use a live key")
    scopes = scopes if scopes is not None else own_scopes(caller)
    _refuse_beyond(scopes, caller)
    return NewKey(name, scopes, caller.is_test or bool(is_test), expires_at, "test" in given or expires_at is not None)


def read_key_change(body: object, caller: Caller, *, with_scopes: bool) -> KeyChange:
    """The change asked for; `with_scopes` is PUT, which may name scopes, and PATCH may not.

    Raises: Invalid with every fault; Forbidden when the key would become mightier than the caller.
    """
    if not isinstance(body, dict) or body.get("name") is None:
        raise Invalid(NAME_EXPECTED, "name")
    faults: list[Fault] = []
    name = _name(body, faults, NAME_EXPECTED)
    scopes = _scopes(body, faults) if with_scopes else None
    if faults:
        raise Invalid(faults)
    if scopes is not None:
        _refuse_beyond(scopes, caller)
    return KeyChange(name, scopes)


def own_scopes(caller: Caller) -> tuple[str, ...]:
    """The scopes that stand for all a caller may do."""
    return caller.scopes or tuple(name for name in OURS if caller.may(name))


def _name(given: Mapping[str, object], faults: list[Fault], missing: str) -> str:
    name = given.get("name")
    if name is None or name == "":
        faults.append(Fault(missing, "name"))
    elif not isinstance(name, str):
        faults.append(Fault(wrong_type("string", name), "name"))
    elif len(name) > NAME_LENGTH or not name.isprintable():
        faults.append(Fault(f"name must be at most {NAME_LENGTH} printable characters", "name"))
    else:
        return name
    return ""


def _scopes(given: Mapping[str, object], faults: list[Fault]) -> tuple[str, ...] | None:
    """The scopes given, each once, or None when there are none; an empty list is a fault, for it would say neither all nor nothing."""
    scopes = given.get("scopes")
    if scopes is None:
        return None
    if not isinstance(scopes, list):
        faults.append(Fault(wrong_type("array", scopes), "scopes"))
    elif wrong := [(at, scope) for at, scope in enumerate(scopes) if not isinstance(scope, str)]:
        faults.extend(Fault(wrong_type("string", scope), f"scopes.{at}") for at, scope in wrong[:MOST_SCOPES])
    elif not scopes:
        faults.append(Fault("scopes must not be empty", "scopes", "leave `scopes` out for all that the calling key may do"))
    elif len(scopes) > MOST_SCOPES:
        faults.append(Fault(f"scopes must be at most {MOST_SCOPES} names", "scopes"))
    elif unknown := unknown_scopes(scopes):
        faults.append(Fault(f"one or more of given scopes are invalid: {_listed(unknown)}", "scopes", "GET /v3/scopes lists the names"))
    else:
        return tuple(dict.fromkeys(scopes))
    return None


def _expiry(given: Mapping[str, object], faults: list[Fault], now_s: float) -> float | None:
    expires_at = given.get("expires_at")
    if expires_at is None:
        return None
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float) or not math.isfinite(expires_at):
        faults.append(Fault(wrong_type("number", expires_at), "expires_at", "seconds since 1970, UTC"))
    elif not now_s < expires_at < 1e11:
        faults.append(Fault("expires_at must be a moment in the future, in seconds since 1970", "expires_at"))
    else:
        return float(expires_at)
    return None


def _refuse_beyond(scopes: tuple[str, ...], caller: Caller) -> None:
    beyond = scopes_beyond(scopes, caller.permissions)
    if beyond:
        raise Forbidden(
            f"access forbidden: the calling key may not grant what it does not have: {_listed(beyond)}", "scopes",
            "leave these scopes out, or use a key that has them",
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:100] for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown
