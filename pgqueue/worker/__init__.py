"""One child process: it claims jobs, runs them and settles them.

Started as `python -m pgqueue.worker KIND CHANNEL SCOREBOARD` by a supervisor; see `__main__`.
"""
