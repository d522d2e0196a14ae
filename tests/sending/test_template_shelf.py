from scaisend.content.templates_store import ActiveVersion
from scaisend.sending.template_shelf import TemplateShelf
from tests.base import PlainTestCase


def version(number: int, stamp: int = 1, size: int = 10) -> ActiveVersion:
    return ActiveVersion("tnt_a", f"d-{number}", f"v{number}", stamp, "", "x" * size, "", True)


class Shelf(PlainTestCase):
    def test_held_by_state(self) -> None:
        """A version is held until it changes, and picked by its owner."""
        shelf = TemplateShelf()
        self.assertTrue(shelf.lacks(("v1", 1)))
        first = shelf.pick({("tnt_a", "d-1"): ("v1", 1)}, [version(1)])
        self.assertFalse(shelf.lacks(("v1", 1)))
        self.assertTrue(shelf.lacks(("v1", 2)))
        again = shelf.pick({("tnt_a", "d-1"): ("v1", 1)}, [])
        self.assertIs(again["tnt_a", "d-1"], first["tnt_a", "d-1"])

    def test_least_recently_used_go(self) -> None:
        """What is over the bound goes, oldest use first; the last one stays whatever its size."""
        shelf = TemplateShelf(most_characters=25)
        shelf.pick({}, [version(1), version(2)])
        shelf.pick({("tnt_a", "d-1"): ("v1", 1)}, [])
        shelf.pick({}, [version(3)])
        self.assertEqual([shelf.lacks((f"v{number}", 1)) for number in (1, 2, 3)], [False, True, False])
        shelf.pick({}, [version(4, size=1000)])
        self.assertEqual([shelf.lacks((f"v{number}", 1)) for number in (1, 3, 4)], [True, True, False])
        shelf.pick({}, [version(5)])
        self.assertEqual([shelf.lacks((f"v{number}", 1)) for number in (4, 5)], [True, False])
