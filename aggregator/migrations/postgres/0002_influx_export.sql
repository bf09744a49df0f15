-- The export to InfluxDB.

-- One row where it is switched on, by whichever aggregator; none where it is not.
CREATE TABLE influx_export (
    id            BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1), -- there is one
    since_us      BIGINT  NOT NULL,            -- when it was switched on
    holder        BYTEA,                       -- who writes at the moment, 16 random bytes; NULL: nobody
    held_until_us BIGINT  NOT NULL,            -- until when, at the longest
    scored_s      BIGINT                       -- the time of the newest scores that were written; NULL: none yet
);

-- What has changed and is not written yet: a window has been added that starts there. Noted in the
-- transaction that adds the window, taken away when InfluxDB has what was read after the note.
CREATE TABLE influx_notes (
    number   BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- never used again: who takes a note away knows which
    vantage  BIGINT  NOT NULL,                 -- vantages.number
    start    BIGINT  NOT NULL,                 -- start of the window
    noted_us BIGINT  NOT NULL                  -- when the report with the window was received
);
