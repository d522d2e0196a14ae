"""Where ScaiSend keeps things: the database, the queues, the limits, the objects. Every room above may use it; it knows none.

Four seams, each with an embedded adapter that needs no server and one that does:

    Database   database.py   pool.py: SQLite file, or MySQL and MariaDB          tests/storage/contract_database.py
    Queue      queue.py      memory_queue.py, redis_queue.py
    Limiter    limiter.py    memory_limiter.py, redis_limiter.py
    Objects    objects.py    disk_objects.py, s3_objects.py

The database is the truth. A store writes plain SQL in functions `f(txn, tenant_id, …)`, and a coroutine awaits
`database.run(f, …)` for the result and its commit, or `database.read(f, …)` where nothing is written. Laws for such a function:

- It may run again, after a deadlock or a lost connection, and after a commit whose answer was lost: it has no effect but SQL,
  inserts carry ids made by the caller, updates a guard on the state.
- It never awaits, and does not wait for anything but the database: the pool has few threads.
- Work is done in batches; a thread is asked once a batch. `group_commit.py` makes batches of what arrives one by one.
- What SQLite and MySQL say differently is `insert(…, ignore=True)`, `upsert`, list parameters, and the fragments of
  `txn.dialect`. Moments are BIGINT microseconds; JSON is text; a flag comes back as 0 or 1.

Tables are made by `migrations/` alone (docs/schema.md describes them). `url.py` reads DATABASE_URL.
"""
