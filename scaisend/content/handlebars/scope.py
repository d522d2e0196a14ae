"""What closures are called with: where in the data a template stands, and what it has written so far."""

from scaisend.content.handlebars.errors import TemplateDataError

MOST_STEPS = 100_000
LARGEST_OUTPUT = 16_000_000


class Loop:
    """What `@` names: the data's top, and of an `each` the place, the number of rounds, and of an object the key."""

    __slots__ = ("index", "is_loop", "key", "last", "root", "up")

    def __init__(self, root: object, up: "Loop | None", last: int = -1) -> None:
        self.root = root
        self.up = up
        self.last = last
        self.is_loop = up is not None
        self.index = 0
        self.key: str | None = None


class Scope:
    """A context: `this`, the one that `../` means, the innermost loop, and the values of block parameters, innermost first."""

    __slots__ = ("loop", "params", "this", "up")

    def __init__(self, this: object, up: "Scope | None", loop: Loop, params: "Params") -> None:
        self.this = this
        self.up = up
        self.loop = loop
        self.params = params


Params = tuple[tuple[object, ...], "Params"] | None


class Output(list[str]):
    """Pieces of the text, and what may still be spent: a step is a node that is rendered, `room` is in characters."""

    __slots__ = ("room", "steps")

    def __init__(self, steps: int, room: int) -> None:
        super().__init__()
        self.steps = steps
        self.room = room

    def spend(self, steps: int, characters: int) -> None:
        """So much is spent.

        Raises: TemplateDataError when it is more than there was.
        """
        self.steps -= steps
        self.room -= characters
        if self.steps < 0:
            raise TemplateDataError(f"rendering takes more than {MOST_STEPS} steps")
        if self.room < 0:
            raise TemplateDataError(f"the text would be longer than {LARGEST_OUTPUT} characters")
