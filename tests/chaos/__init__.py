"""The chaos harness: real workers on a real server under injected faults.

`python -m chaos`, in the folder `tests`, makes a run; docs/explanation/chaos.md describes it.
"""
