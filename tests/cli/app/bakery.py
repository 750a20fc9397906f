"""Tasks that the tests of the command line run and enqueue."""

import datetime

from pgqueue import current_job, task


@task
def bake(loaves: int, flour: str = "rye") -> dict[str, object]:
    """Bake loaves of bread."""
    return {"loaves": loaves, "flour": flour}


@task
def burn() -> None:
    """Fail."""
    raise RuntimeError("the oven is too hot")


@task
def report() -> list[object]:
    """Use the running job."""
    job = current_job()
    job.log.info("kneading")
    job.progress(0.5, "risen")
    return [job.task, job.attempt, job.should_stop()]


@task
async def wait() -> str:
    """Be a coroutine."""
    return "waited"


@task(queue="secrets", redact=["card.number"])
def pay(card: dict[str, str], day: datetime.date) -> str:
    """Take a secret and a date."""
    return day.isoformat()


@task
def order() -> None:
    """Enqueue another job."""
    bake.enqueue(1)


@task
def translate(word: str) -> dict[str, str]:
    """Print, log and return a word of any language: 烤 ü."""
    print(word)
    current_job().log.info("translating %s", word)
    current_job().progress(0.5, word)
    return {word: word}
