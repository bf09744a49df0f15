-- Times are integers: names ending in _us count microseconds, in _s seconds, since the Unix epoch, UTC.
-- A `start` is in seconds as well; it is part of most keys, so it goes by the shorter name.

-- Markets, as far as the store must know them: to cut days.
CREATE TABLE markets (
    id        TEXT NOT NULL PRIMARY KEY,       -- name of the market
    time_zone TEXT NOT NULL                    -- IANA name of the zone whose local days its day roll-ups are
);

-- Who may report, and what was last heard.
CREATE TABLE vantages (
    number              BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- short key used by the other tables, never reused
    id                  TEXT    NOT NULL UNIQUE,     -- name of the vantage point
    market              TEXT    NOT NULL REFERENCES markets (id), -- the market it measures from
    public_key          BYTEA  NOT NULL UNIQUE,     -- Ed25519 key that signs its reports, 32 bytes
    enrolled_us         BIGINT  NOT NULL,            -- when this key was registered
    revoked_us          BIGINT,                      -- since when its reports are refused; NULL: they are not
    last_seen_us        BIGINT,                      -- when the newest report was received; NULL: none yet
    newest_window_end_s BIGINT,                      -- end of the newest window received; NULL: none yet
    software            TEXT    NOT NULL,            -- name and version of the agent, as it last said
    health              TEXT,                        -- the agent's state as it last said, JSON; NULL: never said
    clock_offset_us     BIGINT,                      -- last correction of the agent's clock; NULL: not estimated
    clock_bound_us      BIGINT                       -- how far that correction may be off, either way
);

-- One-time tokens. Only the hash is kept: who reads the database cannot enrol with it.
CREATE TABLE enrolment_tokens (
    hash       BYTEA  NOT NULL PRIMARY KEY,   -- SHA-256 of the token, 32 bytes
    vantage    TEXT    NOT NULL,               -- name of the vantage point it enrols
    market     TEXT    NOT NULL,               -- market of that vantage point
    created_us BIGINT  NOT NULL,               -- when it was made
    expires_us BIGINT  NOT NULL,               -- from when on it is refused
    used_us    BIGINT,                         -- when it was used; NULL: not yet
    used_by    BYTEA                           -- public key it was used by, 32 bytes; NULL: not yet
);

-- Which reports have been stored, for good: what makes a report that comes twice count once.
CREATE TABLE progress (
    vantage  BIGINT  NOT NULL,                 -- vantages.number
    boot     BYTEA  NOT NULL,                 -- run of the agent, 16 bytes
    received BYTEA  NOT NULL,                 -- sequence numbers stored, as ranges (store/sequence_set.rs)
    PRIMARY KEY (vantage, boot)
);

-- What was measured, as it came; only ever added and, when old, deleted. The finest level.
CREATE TABLE windows (
    vantage  BIGINT  NOT NULL,                 -- vantages.number
    start    BIGINT  NOT NULL,                 -- start of the window
    length   BIGINT  NOT NULL,                 -- length of the window in seconds
    boot     BYTEA  NOT NULL,                 -- run of the agent that reported it, 16 bytes
    sequence BIGINT  NOT NULL,                 -- number of the report within that run (u64, its bits as i64)
    part     BIGINT  NOT NULL,                 -- place of the window within that report, from 0
    tallies  BYTEA  NOT NULL,                 -- the one window, as vantage_wire::report::encode_windows writes it
    PRIMARY KEY (vantage, start, length, boot, sequence, part)
);

-- Every hour and local day of a vantage point that has data, and whether its roll-up is up to date.
-- Rows stay for good, so that a generation never counts from 1 again.
CREATE TABLE spans (
    level      BIGINT  NOT NULL,               -- 1 hour, 2 local day
    vantage    BIGINT  NOT NULL,               -- vantages.number
    start      BIGINT  NOT NULL,               -- start of the hour or day
    generation BIGINT  NOT NULL,               -- raised by every change of the level below
    rolled     BIGINT  NOT NULL,               -- the generation that the roll-up shows; less than `generation`: dirty
    sealed     BIGINT  NOT NULL,               -- 1: the level below has been deleted, late arrivals are added to the roll-up
    fault      TEXT,                           -- why the level below does not add up; NULL: it does
    PRIMARY KEY (level, vantage, start)
);
CREATE INDEX spans_dirty ON spans (level, start, vantage) WHERE rolled < generation;
CREATE INDEX spans_unsealed ON spans (level, start, vantage) WHERE sealed = 0;

-- Probes that roll-ups refer to.
CREATE TABLE probes (
    number      BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- short key used by the roll-ups, never reused
    target      TEXT    NOT NULL,              -- name of the target
    probe       TEXT    NOT NULL,              -- name of the probe within its target
    kind        BIGINT  NOT NULL,              -- number of vantage_wire::report::ProbeKind
    family      BIGINT  NOT NULL,              -- number of vantage_wire::report::Family
    warm        BIGINT  NOT NULL,              -- 1: used connections that were already open
    interval_us BIGINT  NOT NULL,              -- time between the starts of attempts
    timeout_us  BIGINT  NOT NULL,              -- how long an attempt may take
    UNIQUE (target, probe, kind, family, warm, interval_us, timeout_us)
);

-- Hours and days of a probe: counts. Time last in the key: analysis reads long ranges of one probe.
CREATE TABLE rollups (
    level           BIGINT  NOT NULL,          -- 1 hour, 2 local day
    vantage         BIGINT  NOT NULL,          -- vantages.number
    probe           BIGINT  NOT NULL,          -- probes.number
    start           BIGINT  NOT NULL,          -- start of the hour or day
    ok              BIGINT  NOT NULL,          -- attempts that succeeded
    degraded        BIGINT  NOT NULL,          -- attempts made while the agent judged itself to be at fault
    covered_s       BIGINT  NOT NULL,          -- seconds covered by windows of this probe
    longest_s       BIGINT  NOT NULL,          -- length of the longest of those windows
    clock_uncertain BIGINT  NOT NULL,          -- 1: some window had no clock estimate, or one worse than half its length
    failures        TEXT    NOT NULL,          -- JSON: [[code, phase, count, last detail], …] in the order of code and phase
    addresses       BYTEA  NOT NULL,          -- addresses probed, ascending: a byte 4 or 6, then 4 or 16 bytes, each
    PRIMARY KEY (level, vantage, probe, start)
);
CREATE INDEX rollups_by_start ON rollups (level, vantage, start);

-- Hours and days of a probe: how long each phase took.
CREATE TABLE rollup_phases (
    level     BIGINT  NOT NULL,                -- 1 hour, 2 local day
    vantage   BIGINT  NOT NULL,                -- vantages.number
    probe     BIGINT  NOT NULL,                -- probes.number
    phase     BIGINT  NOT NULL,                -- number of vantage_wire::Phase
    start     BIGINT  NOT NULL,                -- start of the hour or day
    histogram BYTEA  NOT NULL,                -- HdrHistogram V2
    PRIMARY KEY (level, vantage, probe, phase, start)
);
