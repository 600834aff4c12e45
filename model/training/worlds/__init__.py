"""Generated worlds: invented log systems, ticket queues and runbooks with their facts. See README.md."""

from .world import World


def stream(seed, first=0, step=1):
    """Endless training text: the sources of one world after another, each as one bytes object.

    Processes share the work by (first, step): process i of n takes stream(seed, i, n) and none sees what another does.
    """
    number = first
    while True:
        world_seed = seed * 1_000_003 + number
        size = 1 << (16 + world_seed * 2654435761 % 6)  # 64 KiB to 2 MiB
        for source in World(world_seed, size).run():
            yield source.text().encode()
        number += step
