"""Lookups answered from a table, for what is told by DNS and needs no socket."""

from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName, Record


class DnsTable:
    """`records` maps (name, kind) to records; names in `trouble` have servers that fail. `asked` lists the lookups."""

    def __init__(self, records: dict[tuple[str, str], list[Record]]) -> None:
        self.records = records
        self.trouble: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, name: str, kind: str) -> Answer:
        name = name.lower()
        self.asked.append((name, kind))
        if name in self.trouble:
            raise DnsTrouble(f"{name} fails")
        found = self.records.get((name, kind))
        if found:
            return Answer(tuple(found), 300.0)
        if any(each == name for each, _ in self.records):
            raise NoRecords(name)
        raise NoSuchName(name)
