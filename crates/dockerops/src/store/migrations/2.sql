-- The earlier tool wrote a hash before it deployed. Here one says that a deploy succeeded.
UPDATE stacks SET hash = '' WHERE status NOT IN ('deployed', 'error');

-- What became of each run, per stack: only runs that changed or failed something.
-- An identical repeated failure counts up its row. `stack` is empty for what failed of
-- the repository as a whole.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    revision TEXT,
    author TEXT,
    subject TEXT,
    -- What asked for it: watch, reconcile, retry, rollback, deploy, stop, unwatch.
    trigger TEXT NOT NULL,
    -- changed, removed, failed, rolled-back, held; unchanged when it got well without a change.
    outcome TEXT NOT NULL,
    -- The problem's message; empty without one. Never a secret.
    reason TEXT NOT NULL,
    -- 1 when the stack was well at the end: what a rollback may return to.
    healthy INTEGER NOT NULL,
    -- The keyed hash of all that decided what runs.
    hash TEXT NOT NULL,
    -- JSON: image text -> what it stood for.
    pins TEXT NOT NULL,
    -- JSON: id of a secret -> keyed fingerprint of its value then.
    secrets TEXT NOT NULL,
    -- JSON: the stack's report, as `-o json` shows it.
    report TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    -- How often the same failure came again, and when last.
    repeated INTEGER NOT NULL DEFAULT 0,
    repeated_at TEXT
) STRICT;
CREATE INDEX runs_of_stack ON runs (repository, stack, id);

-- Stacks that are not tried again until what is asked for changes.
CREATE TABLE holds (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    -- The revision that is held, and the keyed hash of what it asks for.
    revision TEXT NOT NULL,
    hash TEXT NOT NULL,
    -- Why: the problem's message.
    reason TEXT NOT NULL,
    -- returning (a rollback has begun), returned, left (nothing was taken back), removed, by-hand.
    state TEXT NOT NULL,
    -- What it returned to.
    target TEXT,
    since TEXT NOT NULL,
    PRIMARY KEY (repository, stack)
) STRICT, WITHOUT ROWID;

-- Deploys that have begun to write and have not ended: what one that was killed leaves behind.
CREATE TABLE rollouts (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    revision TEXT NOT NULL,
    started_at TEXT NOT NULL,
    -- 1 when anything of the stack ran before.
    ran INTEGER NOT NULL,
    PRIMARY KEY (repository, stack)
) STRICT, WITHOUT ROWID;

-- What was suspended by hand; `stack` is empty for a whole repository.
CREATE TABLE suspensions (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (repository, stack)
) STRICT, WITHOUT ROWID;

-- The registry credentials that services were last sent with: a keyed fingerprint, never a value.
CREATE TABLE credentials (
    service TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    -- When they end, where that is known.
    expires_at TEXT
) STRICT, WITHOUT ROWID;

-- What each stack depended on when it was deployed last, names with commas between: a removal
-- goes the other way round.
CREATE TABLE orders (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    PRIMARY KEY (repository, stack)
) STRICT, WITHOUT ROWID;
