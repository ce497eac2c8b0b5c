-- The tables of DockerOps 0.0.x, as it made them.
CREATE TABLE images (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    reference_count INTEGER NOT NULL DEFAULT 0);
CREATE TABLE stacks (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, repository_url TEXT NOT NULL,
    compose_path TEXT NOT NULL, hash TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'stopped',
    UNIQUE(name, repository_url));
CREATE TABLE repository_cache (id INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE,
    last_watch TEXT NOT NULL);
