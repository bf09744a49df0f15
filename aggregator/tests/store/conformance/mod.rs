//! The cases. Each gets an empty database.

pub mod append;
pub mod check;
pub mod enrolment;
pub mod influx;
pub mod retention;
pub mod rollups;
