//! The protobuf messages, field by field as in the appendix of `wire/FORMAT.md`.
//!
//! Nothing but bytes in a shape: every value is checked on its way to and from the types of
//! [`super::model`]. Enumerations are plain numbers here, because a number from a newer writer
//! must survive until it is decided what becomes of it. A test compares this file with the
//! appendix, line by line, so fields are declared in the form `#[prost(type, tag = "n")]`.

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Envelope {
    #[prost(uint32, tag = "1")]
    pub(super) version: u32,
    #[prost(string, tag = "2")]
    pub(super) vantage: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) body: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Report {
    #[prost(string, tag = "1")]
    pub(super) vantage: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) boot_id: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(super) sequence: u64,
    #[prost(string, tag = "4")]
    pub(super) software: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) probes: Vec<ProbeKey>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(super) addresses: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "7")]
    pub(super) windows: Vec<Window>,
    #[prost(message, optional, tag = "8")]
    pub(super) health: Option<Health>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct KeptWindows {
    #[prost(message, repeated, tag = "5")]
    pub(super) probes: Vec<ProbeKey>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(super) addresses: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "7")]
    pub(super) windows: Vec<Window>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProbeKey {
    #[prost(string, tag = "1")]
    pub(super) target: String,
    #[prost(string, tag = "2")]
    pub(super) probe: String,
    #[prost(uint32, tag = "3")]
    pub(super) kind: u32,
    #[prost(uint32, tag = "4")]
    pub(super) family: u32,
    #[prost(bool, tag = "5")]
    pub(super) warm: bool,
    #[prost(uint64, tag = "6")]
    pub(super) interval_us: u64,
    #[prost(uint64, tag = "7")]
    pub(super) timeout_us: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Window {
    #[prost(int64, tag = "1")]
    pub(super) start_unix_s: i64,
    #[prost(uint32, tag = "2")]
    pub(super) length_s: u32,
    #[prost(message, optional, tag = "3")]
    pub(super) clock: Option<ClockOffset>,
    #[prost(message, repeated, tag = "4")]
    pub(super) tallies: Vec<Tally>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ClockOffset {
    #[prost(sint64, tag = "1")]
    pub(super) offset_us: i64,
    #[prost(uint64, tag = "2")]
    pub(super) bound_us: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tally {
    #[prost(uint32, tag = "1")]
    pub(super) probe_index: u32,
    #[prost(uint64, tag = "2")]
    pub(super) ok: u64,
    #[prost(uint64, tag = "3")]
    pub(super) degraded: u64,
    #[prost(message, repeated, tag = "4")]
    pub(super) failures: Vec<FailureCount>,
    #[prost(message, repeated, tag = "5")]
    pub(super) phases: Vec<PhaseHistogram>,
    #[prost(uint32, repeated, tag = "6")]
    pub(super) address_indices: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FailureCount {
    #[prost(uint32, tag = "1")]
    pub(super) code: u32,
    #[prost(uint32, tag = "2")]
    pub(super) phase: u32,
    #[prost(uint64, tag = "3")]
    pub(super) count: u64,
    #[prost(string, tag = "4")]
    pub(super) last_detail: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PhaseHistogram {
    #[prost(uint32, tag = "1")]
    pub(super) phase: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) histogram: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Health {
    #[prost(uint64, optional, tag = "1")]
    pub(super) event_loop_lag_p99_us: Option<u64>,
    #[prost(uint32, optional, tag = "2")]
    pub(super) cpu_steal_permille: Option<u32>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) open_files: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) open_files_limit: Option<u64>,
    #[prost(uint64, optional, tag = "5")]
    pub(super) resident_bytes: Option<u64>,
    #[prost(uint64, optional, tag = "6")]
    pub(super) spool_bytes: Option<u64>,
    #[prost(uint64, optional, tag = "7")]
    pub(super) spool_windows: Option<u64>,
    #[prost(uint32, optional, tag = "8")]
    pub(super) anchors_reachable: Option<u32>,
    #[prost(uint32, optional, tag = "9")]
    pub(super) anchors_total: Option<u32>,
}
