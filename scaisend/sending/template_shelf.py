"""The compiled templates that a process keeps: by version and stamp, the least recently used go first."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from scaisend.content.templates_store import ActiveVersion
from scaisend.sending.templated import MailTemplate, prepared

Key = tuple[str, int]
Owner = tuple[str, str]


class TemplateShelf:
    """Holds templates of at most `most_characters` of source together, and at least the last one."""

    def __init__(self, *, most_characters: int = 16_000_000) -> None:
        self._most = most_characters
        self._held: OrderedDict[Key, MailTemplate] = OrderedDict()
        self._characters = 0

    def lacks(self, key: Key) -> bool:
        """Whether the version, in this state, would have to be read."""
        return key not in self._held

    def pick(self, stamps: Mapping[Owner, Key], fresh: Iterable[ActiveVersion]) -> dict[Owner, MailTemplate]:
        """The templates of these (tenant id, template id); `fresh` are those that were lacking, and are held from now on."""
        picked = {}
        for owner, key in stamps.items():
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                picked[owner] = held
        for version in fresh:
            template = prepared(version)
            picked[version.tenant_id, version.template_id] = template
            self._add((version.version_id, version.stamp), template)
        return picked

    def _add(self, key: Key, template: MailTemplate) -> None:
        if key in self._held:
            return
        self._held[key] = template
        self._characters += template.size
        while self._characters > self._most and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            self._characters -= oldest.size
