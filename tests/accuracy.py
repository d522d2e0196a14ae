"""How well mails that came back are read: `python -m tests.accuracy` writes docs/bounce-accuracy.md.

Reads the folder of judged mails that is given, ../shared/corpus/bounces when it is there, or the fixtures.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from scaisend.inbound.read import read
from scaisend.inbound.reading import ARF, BOUNCE, DELAY, KINDS, SUCCESS, Reading

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures" / "bounces"
CORPUS = ROOT.parent / "shared" / "corpus" / "bounces"
PAGE = ROOT / "docs" / "bounce-accuracy.md"
TIERS = {
    1: "a machine-readable part, or nothing to find", 2: "words or malformed reports of named mail systems", 3: "exotic, contested, or without an address",
}


@dataclass
class Result:
    """The sums: right and all by tier, read kinds by true kind, what was wrong, and false alarms."""

    right: Counter = field(default_factory=Counter)  # type: ignore[type-arg]
    all: Counter = field(default_factory=Counter)  # type: ignore[type-arg]
    confusion: Counter = field(default_factory=Counter)  # type: ignore[type-arg]
    wrong: list = field(default_factory=list)  # type: ignore[type-arg]
    false_alarms: list = field(default_factory=list)  # type: ignore[type-arg]

    def share(self, tier: int) -> float:
        """The share of right readings in the tier, 0 to 1."""
        return self.right[tier] / self.all[tier] if self.all[tier] else 1.0


def measure(folder: Path) -> Result:
    """Every judged mail of the folder is read and compared."""
    result = Result()
    for entry in json.loads((folder / "expected.json").read_text(encoding="utf-8")):
        reading = read((folder / entry["file"]).read_bytes())
        tier = entry["tier"]
        result.all[tier] += 1
        result.confusion[entry["kind"], reading.kind] += 1
        wrong = faults(entry, reading)
        if wrong:
            result.wrong.append((tier, entry["file"], "; ".join(wrong)))
        else:
            result.right[tier] += 1
        if reading.kind in (BOUNCE, DELAY, ARF) and reading.kind not in entry["kind_any"] and entry["kind"] in ("other", "autoreply"):
            result.false_alarms.append(entry["file"])
    return result


def faults(entry: dict, reading: Reading) -> list[str]:  # type: ignore[type-arg]
    """What of the reading is not as it was judged: the kind, a recipient that is missing or too many, an action, a status."""
    if reading.kind not in entry["kind_any"]:
        return [f"read as {reading.kind}, is {entry['kind']}"]
    if reading.kind == ARF and entry["kind"] == ARF and reading.feedback_type != entry["feedback_type"]:
        return [f"feedback type {reading.feedback_type}, is {entry['feedback_type']}"]
    if entry["kind"] not in (BOUNCE, DELAY, SUCCESS) or reading.kind != entry["kind"]:
        return []
    read_of = {each.recipient.lower(): each for each in reading.recipients}
    found, wrong = set(), []
    for told in entry["deliveries"]:
        names = {told["recipient"].lower(), *(each.lower() for each in told["alt"])}
        each = next((read_of[name] for name in names if name in read_of), None)
        if each is None:
            wrong.append(f"{told['recipient']} is not named")
            continue
        found.add(each.recipient.lower())
        if each.action != told["action"]:
            wrong.append(f"action {each.action}, is {told['action']}")
        if told["status_any"] and each.status not in told["status_any"]:
            wrong.append(f"status {each.status}, is {' or '.join(told['status_any'])}")
    return wrong + [f"{name} is too many" for name in read_of if name not in found]


def page(result: Result, name: str) -> str:
    """The page: shares by tier, the confusion table, and every mail that is read wrongly."""
    lines = [
        "# How well mails that came back are read", "",
        f"Written by `make bounce-accuracy` from {sum(result.all.values())} judged mails ({name}). A mail is read rightly when its kind is right, every recipient",
        "is named and no other, with the stated action and status.", "",
        "| tier | mails | read rightly | share |", "|---|---|---|---|",
        *(f"| {tier}: {TIERS[tier]} | {result.all[tier]} | {result.right[tier]} | {100 * result.share(tier):.1f} % |" for tier in sorted(result.all)), "",
        f"Automatic replies and ordinary mails taken for bounces, delays or complaints: **{len(result.false_alarms)}**.", "",
        "## What is read as what", "", "| is \\ read as | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|",
        *("| " + " | ".join([kind, *(str(result.confusion[kind, other] or "·") for other in KINDS)]) + " |" for kind in KINDS), "",
        "Where honest readers differ several kinds are right, so not every count beside the diagonal is a mistake.", "", "## What is read wrongly", "",
    ]
    lines += [f"- tier {tier}, `{file}`: {what}" for tier, file, what in sorted(result.wrong)] or ["Nothing."]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the page and prints its tables; 1 when a share is below what is promised."""
    folder = Path(arguments[0]).resolve() if arguments else CORPUS if CORPUS.exists() else FIXTURES
    result = measure(folder)
    text = page(result, "the fixtures" if folder == FIXTURES else "the whole corpus, of which the fixtures are a part")
    if folder in (CORPUS, FIXTURES):
        PAGE.write_text(text.encode("utf-8", "replace").decode(), encoding="utf-8")
    print(text)
    return 0 if result.share(1) >= 0.99 and result.share(2) >= 0.85 and not result.false_alarms else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
