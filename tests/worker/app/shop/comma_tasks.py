"""A task whose queue has a comma in its name."""

from pgqueue import task


@task(queue="mail,slow")
def send() -> str:
    return "sent"
