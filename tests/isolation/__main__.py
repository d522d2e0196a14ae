"""Writes docs/isolation.md."""

from tests.isolation.page import PAGE, page, walk_all
from tests.isolation.world import World

if __name__ == "__main__":
    world = World()
    try:
        outcomes = walk_all(world)
    finally:
        world.close()
    PAGE.write_text(page(outcomes), encoding="utf-8")
    for each in outcomes:
        for fault in each.faults:
            print(f"{each.route.method} {each.route.path} {each.row.note}: {fault}")
