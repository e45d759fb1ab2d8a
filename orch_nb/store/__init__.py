"""What is remembered: answers, calls, what was spent and what was learnt of models.

Of all sessions on disk (the cache, the recording beside a notebook, three SQLite files in the
user's folder), of this one in memory; and the sums, reports and rows that are made of it.
"""
