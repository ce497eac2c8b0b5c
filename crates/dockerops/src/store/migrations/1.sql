-- The documented tables, as dockerops 0.0.x made them.
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    reference_count INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS stacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    repository_url TEXT NOT NULL,
    compose_path TEXT NOT NULL,
    hash TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'stopped',
    UNIQUE(name, repository_url)
);
CREATE TABLE IF NOT EXISTS repository_cache (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL UNIQUE,
    last_watch TEXT NOT NULL
);

-- Ours. `repository` is the normalised URL.

-- The revision that each stack was last deployed from, successfully.
CREATE TABLE deployments (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    revision TEXT NOT NULL,
    deployed_at TEXT NOT NULL,
    PRIMARY KEY (repository, stack)
) STRICT, WITHOUT ROWID;

-- What Swarm rolled back: not tried again until the hash of what is asked for changes.
CREATE TABLE attempts (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    service TEXT NOT NULL,
    hash TEXT NOT NULL,
    reason TEXT NOT NULL,
    failed_at TEXT NOT NULL,
    PRIMARY KEY (repository, stack, service)
) STRICT, WITHOUT ROWID;

-- How many services of a stack name an image: `images.reference_count` is the sum.
CREATE TABLE image_uses (
    repository TEXT NOT NULL,
    stack TEXT NOT NULL,
    image TEXT NOT NULL,
    services INTEGER NOT NULL,
    PRIMARY KEY (repository, stack, image)
) STRICT, WITHOUT ROWID;
