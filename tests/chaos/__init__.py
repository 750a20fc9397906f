"""The chaos harness: real workers on a real server under every fault we can cause.

`python -m chaos`, in the folder `tests`, makes a run; docs/explanation/chaos.md tells what it is.
"""
