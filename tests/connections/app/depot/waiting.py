"""A task that runs on an event loop."""

from chaos.tasks.effect import effect

from pgqueue import task


@task
async def aquick(key: str) -> None:
    with effect(key):
        pass
