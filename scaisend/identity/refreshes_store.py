"""Refresh tokens that are being exchanged, by their hash: so that each is exchanged once, whoever asks for it and wherever."""

from scaisend.storage.database import Txn

# An exchange that has not ended by then was cut off.
OPEN_S = 20.0
# So long the same token gets the same answer: of two tabs that ask at once, or of a browser that never saw the first answer.
SAME_ANSWER_S = 60.0
KEPT_S = 600.0


def begin_exchange_across_tenants(txn: Txn, token_hash: str, *, now_s: float) -> bytes | bool:
    """True: the caller exchanges the token. False: somebody else is at it. Else the sealed answer that was got for it just now."""
    now = int(now_s * 1_000_000)
    txn.execute("DELETE FROM refresh_exchanges WHERE begun_at < :old", {"old": now - int(KEPT_S * 1_000_000)})
    if txn.insert("refresh_exchanges", ("token_hash", "answer", "begun_at"), [(token_hash, None, now)], ignore=True):
        return True
    row = txn.row("SELECT answer, begun_at FROM refresh_exchanges WHERE token_hash = :token_hash", {"token_hash": token_hash})
    if row is None:
        return False  # it ended just now
    answer, begun_at = row
    age_s = now_s - begun_at / 1_000_000
    if answer is None and age_s < OPEN_S:
        return False
    if answer is not None and age_s < SAME_ANSWER_S:
        return bytes(answer)
    taken = txn.execute(
        "UPDATE refresh_exchanges SET begun_at = :now, answer = NULL WHERE token_hash = :token_hash AND begun_at = :begun_at",
        {"now": now, "token_hash": token_hash, "begun_at": begun_at},
    )
    return taken > 0


def end_exchange_across_tenants(txn: Txn, token_hash: str, answer: bytes | None) -> None:
    """The sealed answer is there for others who ask; without one they may try themselves."""
    if answer is None:
        txn.execute("DELETE FROM refresh_exchanges WHERE token_hash = :token_hash", {"token_hash": token_hash})
    else:
        txn.execute("UPDATE refresh_exchanges SET answer = :answer WHERE token_hash = :token_hash", {"answer": answer, "token_hash": token_hash})
