"""How fast pgqueue is, each figure as a ratio of two measurements that take turns in one run."""
